//! The header of an RTP packet (RFC 3550, 5.1) and its extensions (RFC 8285).

/// The fixed part in bytes.
const FIXED: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) pt: u8,
    pub(crate) marker: bool,
    pub(crate) seq: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

impl Header {
    /// Reads the fixed part, which is the same before and after decryption.
    pub(crate) fn parse(packet: &[u8]) -> Option<Self> {
        let head = packet.first_chunk::<FIXED>()?;
        if head[0] >> 6 != 2 {
            return None;
        }
        let word =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        Some(Self {
            pt: head[1] & 0x7f,
            marker: head[1] & 0x80 != 0,
            seq: u16::from_be_bytes([head[2], head[3]]),
            timestamp: word(4),
            ssrc: word(8),
        })
    }
}

/// What follows the header of a decrypted packet, without its padding; none if the padding
/// cannot be.
pub(crate) fn payload(packet: &[u8], header: usize) -> Option<&[u8]> {
    let body = packet.get(header..)?;
    unpadded(packet, body).map(|length| &body[..length])
}

/// How much of `body`, which was decrypted and follows the header of `packet`, is no padding; none
/// if the padding cannot be.
pub(super) fn unpadded(packet: &[u8], body: &[u8]) -> Option<usize> {
    if packet.first()? & 0x20 == 0 {
        return Some(body.len());
    }
    let padding = usize::from(*body.last()?);
    body.len().checked_sub(padding).filter(|_| padding > 0)
}

/// The header extensions of a packet whose header is so long, each with its identifier. What is
/// cut short ends them.
pub(super) fn extensions(packet: &[u8], header: usize) -> impl Iterator<Item = (u8, &[u8])> {
    let (mut rest, two_bytes) = block(packet, header).unwrap_or((&[], false));
    std::iter::from_fn(move || {
        // A zero is padding.
        while let Some((0, more)) = rest.split_first() {
            rest = more;
        }
        let (id, length, head) = match (two_bytes, rest) {
            (true, [id, length, ..]) => (*id, usize::from(*length), 2),
            // RFC 8285, 4.2: 15 ends the list.
            (false, [first, ..]) if first >> 4 != 15 => {
                (first >> 4, usize::from(first & 0x0f) + 1, 1)
            }
            _ => return None,
        };
        let value = rest.get(head..head + length)?;
        rest = &rest[head + length..];
        Some((id, value))
    })
}

/// The block of extensions, and whether its elements have headers of two bytes.
fn block(packet: &[u8], header: usize) -> Option<(&[u8], bool)> {
    let first = *packet.first()?;
    if first & 0x10 == 0 {
        return None;
    }
    let at = FIXED + 4 * usize::from(first & 0x0f);
    let two_bytes = match packet.get(at..at + 2)? {
        [0xbe, 0xde] => false,
        [0x10, low] if low >> 4 == 0 => true,
        _ => return None,
    };
    Some((packet.get(at + 4..header)?, two_bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(packet: &[u8]) -> Vec<(u8, Vec<u8>)> {
        extensions(packet, packet.len()).map(|(id, value)| (id, value.to_vec())).collect()
    }

    #[test]
    fn extensions_of_both_forms_are_read() {
        let mut packet = vec![0x91, 0xe0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5, 1, 1, 1, 1];
        assert_eq!(
            Header::parse(&packet),
            Some(Header { pt: 96, marker: true, seq: 7, timestamp: 9, ssrc: 5 })
        );
        let fixed = packet.len();
        packet.extend_from_slice(&[0xbe, 0xde, 0, 2, 0x10, b'a', 0, 0x31, 1, 2, 0xf0, 9]);
        assert_eq!(read(&packet), [(1, vec![b'a']), (3, vec![1, 2])]);
        packet.truncate(fixed);
        packet.extend_from_slice(&[0x10, 0, 0, 2, 20, 0, 0, 3, 2, 8, 9, 0]);
        assert_eq!(read(&packet), [(20, vec![]), (3, vec![8, 9])]);
        packet[0] = 0x81;
        assert_eq!(read(&packet), []);
    }

    #[test]
    fn padding_is_no_payload() {
        let mut packet = vec![0xa0; 12];
        packet.extend_from_slice(&[1, 2, 3, 0, 2]);
        assert_eq!(payload(&packet, 12), Some(&[1, 2, 3][..]));
        packet[16] = 5;
        assert_eq!(payload(&packet, 12), Some(&[][..]));
        for wrong in [0, 6] {
            packet[16] = wrong;
            assert_eq!(payload(&packet, 12), None);
        }
        packet[0] = 0x80;
        assert_eq!(payload(&packet, 12).map(<[u8]>::len), Some(5));
    }

    proptest! {
        #[test]
        fn no_packet_is_too_strange(
            packet in proptest::collection::vec(any::<u8>(), 0..60),
            header in 0..80usize,
        ) {
            let _ = (Header::parse(&packet), payload(&packet, header));
            prop_assert!(extensions(&packet, header).count() <= packet.len());
        }
    }
}
