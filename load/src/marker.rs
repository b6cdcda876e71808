//! Finds out how long a packet was under way: the publisher writes a number into
//! each payload and keeps when it sent it, a viewer that decrypts finds it again.
//!
//! The mark is searched for rather than expected in a place, so that it is also
//! found when a server has packed the frames anew. None of its bytes is below
//! 0x40, so that it looks like no start code inside of a NAL unit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Length of a mark in bytes.
pub(crate) const LEN: usize = 12;
const MAGIC: [u8; 4] = *b"RLtm";
/// A mark stands near the front of a payload.
const SEARCHED: usize = 96;
/// How many packets of a stream are remembered, some 12 s of them.
const SLOTS: usize = 4096;

/// Nanoseconds since 1970, the clock of the kernel's receive timestamps.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The mark of packet `number`, which counts to 2^48.
pub(crate) fn write(number: u64) -> [u8; LEN] {
    let mut mark = [0; LEN];
    mark[..4].copy_from_slice(&MAGIC);
    for (at, byte) in mark[4..].iter_mut().enumerate() {
        *byte = 0x80 | (number >> (6 * at) & 0x3f) as u8;
    }
    mark
}

/// The number in a payload's mark, if it has one.
pub(crate) fn read(payload: &[u8]) -> Option<u64> {
    let front = &payload[..payload.len().min(SEARCHED)];
    let at = front.windows(LEN).position(|window| window.starts_with(&MAGIC))?;
    let digits = &front[at + 4..at + LEN];
    Some(digits.iter().rev().fold(0, |number, byte| number << 6 | u64::from(byte & 0x3f)))
}

/// When the last packets of one stream were sent; shared by its publisher and
/// all its viewers.
#[derive(Debug)]
pub(crate) struct Sent(Box<[(AtomicU64, AtomicU64)]>);

impl Sent {
    pub(crate) fn new() -> Self {
        Self((0..SLOTS).map(|_| (AtomicU64::new(u64::MAX), AtomicU64::new(0))).collect())
    }

    /// Packet `number` leaves at `nanos`.
    pub(crate) fn set(&self, number: u64, nanos: u64) {
        let (name, time) = &self.0[number as usize % SLOTS];
        time.store(nanos, Ordering::Relaxed);
        // Whoever sees the number sees its time as well.
        name.store(number, Ordering::Release);
    }

    /// When packet `number` left, in nanoseconds; nothing when that is too long ago.
    pub(crate) fn get(&self, number: u64) -> Option<u64> {
        let (name, time) = &self.0[number as usize % SLOTS];
        (name.load(Ordering::Acquire) == number).then(|| time.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_wherever_it_stands() {
        for number in [0, 1, 63, 64, 1 << 30, (1 << 48) - 1] {
            let mark = write(number);
            assert!(mark.iter().all(|byte| *byte >= 0x40));
            let mut payload = vec![0x5c; 7];
            payload.extend_from_slice(&mark);
            payload.extend_from_slice(&[1; 200]);
            assert_eq!(read(&payload), Some(number));
            assert_eq!(read(&mark), Some(number));
        }
    }

    #[test]
    fn a_payload_without_a_mark_has_no_number() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[0x5c; 500]), None);
        assert_eq!(read(&write(5)[..LEN - 1]), None);
    }

    #[test]
    fn times_are_kept_for_the_last_packets() {
        let sent = Sent::new();
        assert_eq!(sent.get(0), None);
        sent.set(3, 1000);
        assert_eq!(sent.get(3), Some(1000));
        sent.set(3 + SLOTS as u64, 2000);
        assert_eq!(sent.get(3), None);
    }
}
