//! What a packet carries, shared by all who keep it.

use std::fmt;
use std::ops::Deref;

use bytes::{Buf, Bytes, BytesMut};

/// Payloads of one source lie one behind the other in pieces of so many bytes: some fifty packets
/// of the picture. The last of them that is kept keeps the whole piece.
const PIECE: usize = 1 << 16;

/// What follows the header of an RTP packet. A clone shares the bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    /// The same bytes in memory of their own: for what is kept long after its neighbours.
    #[must_use]
    pub(crate) fn alone(&self) -> Self {
        self[..].into()
    }

    /// What is left of it behind so many bytes, which are there.
    #[must_use]
    pub(crate) fn after(mut self, bytes: usize) -> Self {
        self.0.advance(bytes);
        self
    }

    /// A part of its bytes.
    #[must_use]
    pub(crate) fn part(&self, bytes: &[u8]) -> Self {
        Self(self.0.slice_ref(bytes))
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// Where a source's payloads are put, so that a packet costs no allocation of its own.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    piece: BytesMut,
}

impl Payloads {
    /// Keeps a payload.
    pub(crate) fn put(&mut self, payload: &[u8]) -> Payload {
        if self.piece.capacity() < payload.len() {
            // Not `reserve`: that would first look whether all of the piece has come free, which
            // it has not while anybody watches.
            self.piece = BytesMut::with_capacity(PIECE.max(payload.len()));
        }
        self.piece.extend_from_slice(payload);
        Payload(self.piece.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_stay_what_they_are() {
        let mut payloads = Payloads::default();
        let lengths = (0..2_000usize).map(|n| n * 37 % 1_201).chain([PIECE, PIECE + 1, 0, 3]);
        let lengths: Vec<usize> = lengths.collect();
        let kept: Vec<Payload> = lengths
            .iter()
            .enumerate()
            .map(|(index, length)| payloads.put(&vec![index as u8; *length]))
            .collect();
        for (index, (payload, length)) in kept.iter().zip(&lengths).enumerate() {
            assert!(payload.len() == *length && payload.iter().all(|byte| *byte == index as u8));
        }
    }

    #[test]
    fn neighbours_share_memory_until_one_is_to_be_alone() {
        let mut payloads = Payloads::default();
        let (first, second) = (payloads.put(&[1; 10]), payloads.put(&[2; 10]));
        assert_eq!(first.as_ptr().wrapping_add(10), second.as_ptr());
        let alone = second.alone();
        assert!(alone == second && alone.as_ptr() != second.as_ptr());
    }
}
