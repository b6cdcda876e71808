//! What an RTP header says in the clear, and what one source's packets add up
//! to: loss by gaps, jitter (RFC 3550, A.3 and A.8).

use crate::sdp::Codec;

/// The fields of a header that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

impl Header {
    /// Reads the fixed header, which SRTP leaves in the clear.
    pub(crate) fn read(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; 12] = packet.first_chunk()?;
        let long = |at: usize| {
            u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
        };
        Some(Self {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: long(4),
            ssrc: long(8),
        })
    }
}

/// What a datagram on the shared port is (RFC 7983, 7; RFC 5761, 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    Unknown,
}

impl Kind {
    pub(crate) fn of(datagram: &[u8]) -> Self {
        match datagram {
            [0..=3, ..] => Self::Stun,
            [20..=63, ..] => Self::Dtls,
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, _, ..] => Self::Rtp,
            _ => Self::Unknown,
        }
    }
}

/// What has been counted up to some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) expected: u64,
    pub(crate) received: u64,
}

impl Count {
    pub(crate) fn lost(self) -> u64 {
        self.expected.saturating_sub(self.received)
    }

    /// What came after `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            expected: self.expected - earlier.expected,
            received: self.received - earlier.received,
        }
    }
}

/// One source (SSRC) as a viewer sees it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) ssrc: u32,
    pub(crate) codec: Codec,
    first: u64,
    /// Extended: rollovers in the upper bits, as the SRTP index has them.
    highest: u64,
    received: u64,
    /// In clock ticks.
    jitter: f64,
    /// Arrival less timestamp of the packet before, in clock ticks.
    transit: Option<f64>,
    /// The middle 32 bits of the last sender report's time, and its arrival in
    /// nanoseconds.
    pub(crate) last_report: Option<(u32, u64)>,
    /// What the last receiver report told.
    reported: Count,
    /// When the measurement began.
    window: Count,
}

impl Source {
    pub(crate) fn new(header: &Header, codec: Codec) -> Self {
        let first = u64::from(header.sequence);
        Self {
            ssrc: header.ssrc,
            codec,
            first,
            highest: first,
            received: 0,
            jitter: 0.0,
            transit: None,
            last_report: None,
            reported: Count::default(),
            window: Count::default(),
        }
    }

    /// The packet index that `sequence` most likely stands for (RFC 3711, 3.3.1).
    pub(crate) fn index(&self, sequence: u16) -> u64 {
        let delta = sequence.wrapping_sub(self.highest as u16) as i16;
        self.highest.checked_add_signed(i64::from(delta)).unwrap_or(u64::from(sequence))
    }

    /// Counts a packet that arrived at `nanos`, and returns its index.
    pub(crate) fn take(&mut self, header: &Header, nanos: u64) -> u64 {
        let index = self.index(header.sequence);
        self.highest = self.highest.max(index);
        self.first = self.first.min(index);
        self.received += 1;
        let arrival = nanos as f64 * f64::from(self.codec.clock()) / 1e9;
        let transit = arrival - f64::from(header.timestamp);
        if let Some(before) = self.transit {
            let difference = (transit - before).abs();
            // The timestamp's wrap-around is no jitter.
            if difference < f64::from(u32::MAX) / 2.0 {
                self.jitter += (difference - self.jitter) / 16.0;
            }
        }
        self.transit = Some(transit);
        index
    }

    pub(crate) fn count(&self) -> Count {
        let expected = if self.received == 0 { 0 } else { self.highest - self.first + 1 };
        Count { expected, received: self.received }
    }

    /// From here on [`Self::in_window`] counts.
    pub(crate) fn open_window(&mut self) {
        self.window = self.count();
    }

    /// What was counted in the measurement itself.
    pub(crate) fn in_window(&self) -> Count {
        self.count().since(self.window)
    }

    /// The interarrival jitter, in milliseconds.
    pub(crate) fn jitter_ms(&self) -> f64 {
        self.jitter / f64::from(self.codec.clock()) * 1e3
    }

    /// A report block for this source (RFC 3550, 6.4.1).
    pub(crate) fn report_block(&mut self, nanos: u64) -> [u8; 24] {
        let count = self.count();
        let interval = count.since(self.reported);
        self.reported = count;
        let fraction = match interval.expected {
            0 => 0,
            expected => (interval.lost() * 256 / expected).min(255) as u8,
        };
        let lost = count.lost().min(0x7f_ffff) as u32;
        let (last, delay) = match self.last_report {
            Some((middle, at)) => {
                let delay = u128::from(nanos.saturating_sub(at)) * 65_536 / 1_000_000_000;
                (middle, u32::try_from(delay).unwrap_or(u32::MAX))
            }
            None => (0, 0),
        };
        let words = [
            self.ssrc,
            u32::from(fraction) << 24 | lost,
            self.highest as u32,
            self.jitter as u32,
            last,
            delay,
        ];
        let mut block = [0; 24];
        for (bytes, word) in block.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 102, sequence, timestamp, ssrc: 9 }
    }

    #[test]
    fn a_header_is_read() {
        let packet = [0x90, 0x80 | 102, 0x12, 0x34, 0, 0, 0, 5, 0, 0, 0, 9, 0xff];
        let header = Header::read(&packet).unwrap();
        assert_eq!(
            header,
            Header { marker: true, payload_type: 102, sequence: 0x1234, timestamp: 5, ssrc: 9 }
        );
        assert_eq!(Header::read(&packet[..11]), None);
    }

    #[test]
    fn datagrams_are_told_apart() {
        assert_eq!(Kind::of(&[0, 1]), Kind::Stun);
        assert_eq!(Kind::of(&[22, 254]), Kind::Dtls);
        assert_eq!(Kind::of(&[0x80, 102]), Kind::Rtp);
        assert_eq!(Kind::of(&[0x80, 0xff]), Kind::Rtp);
        assert_eq!(Kind::of(&[0x81, 201]), Kind::Rtcp);
        assert_eq!(Kind::of(&[]), Kind::Unknown);
    }

    #[test]
    fn gaps_are_loss_and_reordering_is_not() {
        let mut source = Source::new(&header(65_533, 0), Codec::H264);
        for sequence in [65_533, 65_535, 65_534, 1, 2] {
            source.take(&header(sequence, 0), 0);
        }
        assert_eq!(source.count(), Count { expected: 6, received: 5 });
        assert_eq!(source.count().lost(), 1, "sequence number 0 is missing");
        assert_eq!(source.index(3), 65_536 + 3);
        source.open_window();
        source.take(&header(5, 0), 0);
        assert_eq!(source.in_window(), Count { expected: 3, received: 1 });
    }

    #[test]
    fn an_even_stream_has_no_jitter() {
        let mut source = Source::new(&header(0, 0), Codec::Opus);
        for n in 0..100u16 {
            source.take(&header(n, u32::from(n) * 960), u64::from(n) * 20_000_000);
        }
        assert!(source.jitter_ms() < 0.001, "{}", source.jitter_ms());
        // Every second packet 10 ms late: differences of 10 ms, which the filter comes near to.
        for n in 100..400u16 {
            let late = if n % 2 == 0 { 10_000_000 } else { 0 };
            source.take(&header(n, u32::from(n) * 960), u64::from(n) * 20_000_000 + late);
        }
        assert!((9.9..10.1).contains(&source.jitter_ms()), "{}", source.jitter_ms());
    }

    #[test]
    fn a_report_block_tells_loss_and_delay() {
        let mut source = Source::new(&header(0, 0), Codec::H264);
        for sequence in [0, 1, 3] {
            source.take(&header(sequence, 0), 0);
        }
        source.last_report = Some((0xabcd, 1_000_000_000));
        let block = source.report_block(1_500_000_000);
        assert_eq!(block[..4], 9u32.to_be_bytes());
        assert_eq!(block[4], 64, "a quarter");
        assert_eq!(block[5..8], [0, 0, 1]);
        assert_eq!(block[8..12], 3u32.to_be_bytes());
        assert_eq!(block[16..20], 0xabcdu32.to_be_bytes());
        assert_eq!(block[20..], 32_768u32.to_be_bytes(), "half a second");
        assert_eq!(source.report_block(0)[4], 0, "nothing lost since");
    }
}
