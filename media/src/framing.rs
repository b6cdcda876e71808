//! Datagrams over a byte stream: each behind its length in 16 bits (RFC 4571, 2), which
//! is what ICE over TCP carries (RFC 6544, 10.1).

use bytes::BytesMut;
use thiserror::Error;

/// Bytes of the length.
const HEADER: usize = 2;
/// The longest datagram that is taken, in bytes. Peers make theirs to fit a path of 1,500
/// bytes; what claims to be longer is no peer's.
pub(crate) const MAX_FRAME: usize = 4_096;

/// A length that no datagram has; nothing that follows it can be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a frame of {0} bytes is longer than {MAX_FRAME}")]
pub(crate) struct Oversize(pub(crate) usize);

/// Appends a datagram as a frame. False, and nothing appended, for one that a frame cannot
/// hold or that is empty.
pub(crate) fn write_frame(out: &mut BytesMut, datagram: &[u8]) -> bool {
    match u16::try_from(datagram.len()) {
        Ok(length @ 1..) => {
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(datagram);
            true
        }
        _ => false,
    }
}

/// Finds the ends of frames in what arrives in pieces. Holds less than one frame.
#[derive(Debug, Default)]
pub(crate) struct Deframer {
    partial: Vec<u8>,
}

impl Deframer {
    /// Takes what was read, and gives back the frames that are whole by now, for [`frames`].
    ///
    /// # Errors
    /// If a frame claims to be longer than [`MAX_FRAME`]: the stream is of no further use.
    pub(crate) fn push(&mut self, read: &[u8]) -> Result<Vec<u8>, Oversize> {
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend_from_slice(read);
        let mut end = 0;
        while let Some(length) = length_at(&whole, end) {
            if length > MAX_FRAME {
                return Err(Oversize(length));
            }
            if whole.len() - end < HEADER + length {
                break;
            }
            end += HEADER + length;
        }
        self.partial = whole.split_off(end);
        Ok(whole)
    }

    /// The bytes of the frame that has begun.
    #[cfg(test)]
    fn pending(&self) -> usize {
        self.partial.len()
    }
}

/// The datagrams in whole frames. One of no bytes means nothing (RFC 4571, 2) and is left out.
pub(crate) fn frames(whole: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let length = length_at(whole, at)?;
        let frame = whole.get(at + HEADER..at + HEADER + length)?;
        at += HEADER + length;
        Some(frame)
    })
    .filter(|frame| !frame.is_empty())
}

fn length_at(data: &[u8], at: usize) -> Option<usize> {
    let header = data.get(at..at + HEADER)?;
    Some(usize::from(u16::from_be_bytes([header[0], header[1]])))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn framed(datagrams: &[Vec<u8>]) -> BytesMut {
        let mut out = BytesMut::new();
        for datagram in datagrams {
            write_frame(&mut out, datagram);
        }
        out
    }

    fn push(deframer: &mut Deframer, read: &[u8]) -> Vec<Vec<u8>> {
        frames(&deframer.push(read).unwrap()).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn a_frame_is_a_length_and_a_datagram() {
        assert_eq!(framed(&[vec![7, 8, 9]])[..], [0, 3, 7, 8, 9]);
        let mut out = BytesMut::new();
        assert!(!write_frame(&mut out, &[]));
        assert!(!write_frame(&mut out, &vec![0; 65_536]));
        assert!(out.is_empty());
        assert!(write_frame(&mut out, &vec![0; 65_535]));
    }

    #[test]
    fn reads_are_split_and_joined_anyhow() {
        let mut deframer = Deframer::default();
        assert!(push(&mut deframer, &[0]).is_empty());
        assert!(push(&mut deframer, &[2, 5]).is_empty());
        assert_eq!(push(&mut deframer, &[6, 0, 1, 7, 0]), [vec![5, 6], vec![7]]);
        assert_eq!(push(&mut deframer, &[1, 9]), [vec![9]]);
        assert_eq!(deframer.pending(), 0);
    }

    #[test]
    fn an_empty_frame_means_nothing() {
        let mut deframer = Deframer::default();
        assert_eq!(push(&mut deframer, &[0, 0, 0, 0, 0, 1, 3, 0, 0]), [vec![3]]);
        assert_eq!(deframer.pending(), 0);
    }

    #[test]
    fn what_is_too_long_is_refused_before_it_has_come() {
        for first in [b"GET / HTTP/1.1\r\n".as_slice(), &[0x16, 0x03, 0x01, 2, 0], &[0x10, 0x01]] {
            assert!(Deframer::default().push(first).is_err(), "{first:?}");
        }
        let mut deframer = Deframer::default();
        assert_eq!(push(&mut deframer, &[0x10, 0x00]), Vec::<Vec<u8>>::new());
        assert_eq!(push(&mut deframer, &[1; MAX_FRAME]), [vec![1; MAX_FRAME]]);
        let behind = [&[0, 1, 4][..], &[0xff, 0xff]].concat();
        assert_eq!(Deframer::default().push(&behind), Err(Oversize(0xffff)));
    }

    proptest! {
        #[test]
        fn what_was_framed_comes_out_whatever_the_pieces(
            datagrams in vec(vec(any::<u8>(), 0..300), 0..20),
            cuts in vec(1usize..400, 1..60),
        ) {
            let stream = framed(&datagrams);
            let mut deframer = Deframer::default();
            let mut found = Vec::new();
            let (mut rest, mut cuts) = (&stream[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(cuts.next().unwrap().min(&rest.len()).to_owned());
                found.extend(push(&mut deframer, piece));
                rest = later;
            }
            let sent: Vec<Vec<u8>> = datagrams.into_iter().filter(|d| !d.is_empty()).collect();
            prop_assert_eq!(found, sent);
            prop_assert_eq!(deframer.pending(), 0);
        }

        #[test]
        fn garbage_is_held_to_a_frame_at_most(reads in vec(vec(any::<u8>(), 0..5_000), 0..20)) {
            let mut deframer = Deframer::default();
            for read in reads {
                match deframer.push(&read) {
                    Ok(whole) => prop_assert!(frames(&whole).all(|f| f.len() <= MAX_FRAME)),
                    Err(Oversize(length)) => {
                        prop_assert!(length > MAX_FRAME);
                        break;
                    }
                }
                prop_assert!(deframer.pending() < HEADER + MAX_FRAME);
            }
        }
    }
}
