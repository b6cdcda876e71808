//! Buffers of payloads that were handed on, for those that come next.
//!
//! A payload is kept for the whole latency, and they come and go by the thousand a second: the
//! allocator would give their memory back to the kernel at one end and be given it at the other.

use super::packet::MAX_DATAGRAM;

/// Buffers that are kept: what is handed on at once, where a sender sends a key frame in one go.
const KEPT: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Vec<u8>>);

impl Spare {
    /// A buffer with a copy of these bytes.
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.0.pop().unwrap_or_else(|| Vec::with_capacity(MAX_DATAGRAM));
        buffer.extend_from_slice(bytes);
        buffer
    }

    /// Takes a buffer that nobody needs any more.
    pub(crate) fn put(&mut self, mut buffer: Vec<u8>) {
        if self.0.len() < KEPT && buffer.capacity() <= MAX_DATAGRAM {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_and_not_without_end() {
        let mut spare = Spare::default();
        let first = spare.copy(&[1, 2, 3]);
        let place = first.as_ptr();
        spare.put(first);
        let second = spare.copy(&[4]);
        assert_eq!((second.as_slice(), second.as_ptr()), (&[4][..], place));
        (0..2 * KEPT).for_each(|_| spare.put(vec![0; 10]));
        spare.put(vec![0; 2 * MAX_DATAGRAM]);
        assert_eq!(spare.0.len(), KEPT);
    }
}
