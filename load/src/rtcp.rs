//! The few RTCP packets that are sent and read (RFC 3550, 6; RFC 4585, 6).

/// Seconds from 1900 (NTP) to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// Writes a receiver report of `ssrc` with these report blocks.
pub(crate) fn receiver_report(out: &mut Vec<u8>, ssrc: u32, blocks: &[[u8; 24]]) {
    header(out, blocks.len() as u8, 201, 1 + 6 * blocks.len());
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend(blocks.iter().flatten());
}

/// Writes a sender report: `nanos` since 1970 is `timestamp` on the media clock.
pub(crate) fn sender_report(
    out: &mut Vec<u8>,
    ssrc: u32,
    nanos: u64,
    timestamp: u32,
    packets: u32,
    bytes: u32,
) {
    header(out, 0, 200, 6);
    let seconds = (nanos / 1_000_000_000 + NTP_EPOCH) as u32;
    let fraction = ((nanos % 1_000_000_000) << 32) / 1_000_000_000;
    for word in [ssrc, seconds, fraction as u32, timestamp, packets, bytes] {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// Writes a source description with the name that both sources share.
pub(crate) fn description(out: &mut Vec<u8>, ssrc: u32) {
    header(out, 1, 202, 3);
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(b"\x01\x04load\0\0");
}

/// Writes a request for a key frame of `media`.
pub(crate) fn picture_loss(out: &mut Vec<u8>, ssrc: u32, media: u32) {
    header(out, 1, 206, 2);
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&media.to_be_bytes());
}

fn header(out: &mut Vec<u8>, count: u8, kind: u8, words: usize) {
    out.extend_from_slice(&[0x80 | count, kind]);
    out.extend_from_slice(&(words as u16).to_be_bytes());
}

/// What is read from a compound packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A sender report: of whom, and the middle 32 bits of its time.
    SenderReport { ssrc: u32, middle: u32 },
    /// Somebody wants a key frame.
    KeyFrame,
    /// These sequence numbers of a source are missing.
    Missing { ssrc: u32, sequences: Vec<u16> },
    /// The source will send no more.
    Bye,
}

/// Reads a compound packet; what is not known is passed over.
pub(crate) fn read(mut packet: &[u8], mut heard: impl FnMut(Heard)) {
    while let Some(&[first, kind, high, low]) = packet.first_chunk() {
        let len = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        let Some((this, rest)) = packet.split_at_checked(len) else { return };
        packet = rest;
        let word = |at: usize| {
            let bytes = this.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(bytes))
        };
        match (kind, first & 0x1f) {
            (200, _) => {
                if let (Some(ssrc), Some(high), Some(low)) = (word(4), word(8), word(12)) {
                    heard(Heard::SenderReport { ssrc, middle: high << 16 | low >> 16 });
                }
            }
            (203, _) => heard(Heard::Bye),
            (205, 1) => {
                let sequences = this[12.min(len)..].chunks_exact(4).flat_map(missing).collect();
                if let Some(ssrc) = word(8) {
                    heard(Heard::Missing { ssrc, sequences });
                }
            }
            (206, 1 | 4) => heard(Heard::KeyFrame),
            _ => {}
        }
    }
}

/// One entry of a NACK: a sequence number and a bit for each of the 16 after it.
fn missing(entry: &[u8]) -> impl Iterator<Item = u16> + use<> {
    let first = u16::from_be_bytes([entry[0], entry[1]]);
    let bits = u16::from_be_bytes([entry[2], entry[3]]);
    let more = (0..16u16).filter(move |bit| bits >> bit & 1 == 1);
    std::iter::once(first).chain(more.map(move |bit| first.wrapping_add(bit + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(packet: &[u8]) -> Vec<Heard> {
        let mut all = Vec::new();
        read(packet, |one| all.push(one));
        all
    }

    #[test]
    fn what_is_written_is_read() {
        let mut packet = Vec::new();
        // 1.5 s after 1970.
        sender_report(&mut packet, 7, 1_500_000_000, 90, 3, 4);
        description(&mut packet, 7);
        receiver_report(&mut packet, 8, &[[1; 24]]);
        picture_loss(&mut packet, 8, 7);
        assert_eq!(packet.len() % 4, 0);
        let middle = ((NTP_EPOCH as u32).wrapping_add(1) << 16) | 0x8000;
        assert_eq!(heard(&packet), [Heard::SenderReport { ssrc: 7, middle }, Heard::KeyFrame]);
    }

    #[test]
    fn a_nack_names_what_is_missing() {
        let packet = [0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0x80, 0x01, 0, 9, 0, 0];
        let sequences = vec![0xffff, 0, 15, 9];
        assert_eq!(heard(&packet), [Heard::Missing { ssrc: 7, sequences }]);
    }

    #[test]
    fn broken_packets_are_passed_over() {
        assert_eq!(heard(&[0x80, 200, 0, 6, 0, 0]), []);
        assert_eq!(heard(&[0x81, 205, 0, 1, 0, 0, 0, 1]), []);
        assert_eq!(heard(&[0x80]), []);
    }
}
