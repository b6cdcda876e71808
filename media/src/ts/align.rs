//! Finding transport packets in a stream of bytes: they begin with 0x47, 188 bytes apart.

/// The length of a transport packet (ISO/IEC 13818-1, 2.4.3.2).
pub(crate) const PACKET: usize = 188;
const SYNC: u8 = 0x47;

/// Cuts a stream of bytes into transport packets.
#[derive(Debug, Default)]
pub(crate) struct Aligner {
    rest: Vec<u8>,
    /// The last packet ended where the rest begins.
    locked: bool,
    /// Bytes that were no packet's.
    skipped: u64,
}

impl Aligner {
    /// Takes bytes, and gives out the packets that are whole.
    pub(crate) fn push(&mut self, bytes: &[u8], mut packet: impl FnMut(&[u8])) {
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(found) = self.rest.get(at..at + PACKET) {
            // One 0x47 proves little: until there are two, it may be anything.
            let next = self.rest.get(at + PACKET);
            let begins = found[0] == SYNC;
            match (begins, next) {
                (true, _) if self.locked => {}
                (true, None) => break,
                (true, Some(&SYNC)) => self.locked = true,
                _ => {
                    self.locked = false;
                    self.skipped += 1;
                    at += 1;
                    continue;
                }
            }
            packet(found);
            at += PACKET;
        }
        self.rest.drain(..at);
    }

    /// How many bytes belonged to no packet.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packets(count: u8) -> Vec<u8> {
        let packet = |n| {
            let mut packet = [n; PACKET];
            packet[0] = SYNC;
            packet
        };
        (0..count).flat_map(packet).collect()
    }

    fn found(chunks: &[&[u8]]) -> (Vec<u8>, u64) {
        let (mut aligner, mut found) = (Aligner::default(), Vec::new());
        for chunk in chunks {
            aligner.push(chunk, |packet| {
                assert_eq!((packet.len(), packet[0]), (PACKET, SYNC));
                found.push(packet[1]);
            });
        }
        (found, aligner.skipped())
    }

    #[test]
    fn packets_are_found_behind_what_is_none() {
        let mut bytes = vec![1, SYNC, 2, 3];
        bytes.extend(packets(4));
        bytes.extend([9; 50]);
        bytes.extend(packets(3));
        // The last one is told by what comes before it.
        assert_eq!(found(&[&bytes]), (vec![0, 1, 2, 3, 0, 1, 2], 54));
    }

    proptest! {
        #[test]
        fn how_it_is_cut_is_no_matter(cuts in proptest::collection::vec(1..300usize, 1..40)) {
            let bytes = packets(20);
            let (mut at, mut chunks) = (0, Vec::new());
            for cut in cuts {
                let end = (at + cut).min(bytes.len());
                chunks.push(&bytes[at..end]);
                at = end;
            }
            chunks.push(&bytes[at..]);
            prop_assert_eq!(found(&chunks), ((0..20).collect::<Vec<u8>>(), 0));
        }
    }
}
