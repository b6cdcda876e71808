//! What waits to be written to one TCP connection.
//!
//! A viewer whose connection takes less than it is sent gets ever later pictures, where UDP
//! would lose some. So the queue has an end, in bytes and in time: when it is full all of it
//! is dropped, and the viewer goes on with the next key frame.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use crate::framing::write_frame;

/// Bytes that may wait: two seconds of 8 Mbit/s, or the cached pictures of a newcomer.
const MOST: usize = 2 << 20;
/// Nothing waits longer than this.
const OLDEST: Duration = Duration::from_secs(2);

/// Frames in the order of sending.
#[derive(Debug, Default)]
pub(super) struct Queue {
    bytes: BytesMut,
    /// When what waits was put here, and how many bytes that were.
    runs: VecDeque<(Instant, usize)>,
}

impl Queue {
    /// Appends datagrams that lie behind each other, all but the last `segment` bytes long.
    /// False if the queue is full: it is empty then.
    pub(super) fn push(&mut self, now: Instant, contents: &[u8], segment: usize) -> bool {
        let late = |(since, _): &(Instant, usize)| now.saturating_duration_since(*since) > OLDEST;
        if self.bytes.len() + contents.len() > MOST || self.runs.front().is_some_and(late) {
            self.bytes = BytesMut::new();
            self.runs.clear();
            return false;
        }
        let before = self.bytes.len();
        for datagram in contents.chunks(segment.max(1)) {
            write_frame(&mut self.bytes, datagram);
        }
        self.runs.push_back((now, self.bytes.len() - before));
        true
    }

    /// Takes about so many bytes of whole frames; none if nothing waits.
    pub(super) fn take(&mut self, about: usize) -> Option<BytesMut> {
        let mut length = 0;
        while let Some((_, run)) = self.runs.front()
            && (length == 0 || length + run <= about)
        {
            length += run;
            self.runs.pop_front();
        }
        let taken = (length > 0).then(|| self.bytes.split_to(length));
        if self.bytes.is_empty() {
            // Room for a burst is not kept for every connection.
            self.bytes = BytesMut::new();
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::frames;

    #[test]
    fn runs_are_framed_and_taken_whole() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert!(queue.push(now, &[1, 1, 2, 2, 3], 2));
        assert!(queue.push(now, &[4; 1_000], 1_000));
        let first = queue.take(500).unwrap();
        assert_eq!(frames(&first).collect::<Vec<_>>(), [&[1, 1][..], &[2, 2], &[3]]);
        let second = queue.take(500).unwrap();
        assert_eq!(frames(&second).collect::<Vec<_>>(), [&[4; 1_000][..]]);
        assert!(queue.take(500).is_none());
    }

    #[test]
    fn a_full_queue_is_emptied_and_begins_anew() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let run = vec![0; 60_000];
        let taken = (0..100).take_while(|_| queue.push(now, &run, 1_200)).count();
        assert_eq!(taken, MOST / 60_100);
        assert!(queue.take(1).is_none(), "what is late is of no use");
        assert!(queue.push(now, &run, 1_200));
    }

    #[test]
    fn what_waits_too_long_makes_it_full() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert!(queue.push(now, &[1], 1));
        assert!(queue.push(now + OLDEST, &[2], 1));
        queue.take(1).unwrap();
        assert!(queue.push(now + OLDEST * 2, &[3], 1), "the oldest is gone");
        assert!(!queue.push(now + OLDEST * 2 + Duration::from_millis(1), &[4], 1));
        assert!(queue.take(1).is_none());
    }
}
