//! Frames into RTP packets, with timestamps of the caller's choice, and packets back into
//! their order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::rtp::codec::h264::H264Payloader;
use rtc::rtp::codec::opus::OpusPayloader;
use rtc::rtp::header::Header;
use rtc::rtp::packet::Packet;
use rtc::rtp::packetizer::Payloader;

use super::Error;

/// The largest payload: what fits into every network with SRTP's and RTX's own bytes.
const MAX_PAYLOAD: usize = 1_150;

/// Packetises one track.
pub(crate) struct Packetizer {
    payloader: Box<dyn Payloader>,
    ssrc: u32,
    payload_type: u8,
    sequence: u16,
}

impl Packetizer {
    /// For H.264 access units in Annex B form (RFC 6184, packetization mode 1).
    pub(crate) fn h264(ssrc: u32, payload_type: u8) -> Self {
        Self::new(Box::<H264Payloader>::default(), ssrc, payload_type)
    }

    /// For Opus packets (RFC 7587).
    pub(crate) fn opus(ssrc: u32, payload_type: u8) -> Self {
        Self::new(Box::<OpusPayloader>::default(), ssrc, payload_type)
    }

    fn new(payloader: Box<dyn Payloader>, ssrc: u32, payload_type: u8) -> Self {
        Self { payloader, ssrc, payload_type, sequence: rand::random() }
    }

    /// The packets of one frame; the last one carries the marker.
    pub(crate) fn packets(&mut self, frame: Vec<u8>, timestamp: u32) -> Result<Vec<Packet>, Error> {
        let payloads = self.payloader.payload(MAX_PAYLOAD, &Bytes::from(frame))?;
        let count = payloads.len();
        let packets = payloads.into_iter().enumerate().map(|(index, payload)| {
            let header = Header {
                version: 2,
                marker: index + 1 == count,
                payload_type: self.payload_type,
                sequence_number: self.sequence,
                timestamp,
                ssrc: self.ssrc,
                ..Header::default()
            };
            self.sequence = self.sequence.wrapping_add(1);
            Packet { header, payload }
        });
        Ok(packets.collect())
    }
}

/// How long a packet is waited for that may be sent again.
const PATIENCE: Duration = Duration::from_millis(400);

/// Puts packets into the order of their sequence numbers and waits a while for those that are missing.
#[derive(Default)]
pub(crate) struct Reorder {
    /// By the sequence number that does not wrap.
    waiting: BTreeMap<i64, (Instant, Packet)>,
    /// The number that comes next.
    next: Option<i64>,
}

impl Reorder {
    /// Takes a packet as it arrives. Says whether it is one that was missing until now.
    pub(crate) fn push(&mut self, now: Instant, packet: Packet) -> bool {
        let sequence = packet.header.sequence_number;
        let near = self.next.unwrap_or_else(|| sequence.into());
        // The number with these low bits that is nearest to the one expected.
        let number = near + i64::from(sequence.wrapping_sub(near as u16) as i16);
        self.next.get_or_insert(number);
        if number < near || self.waiting.contains_key(&number) {
            return false;
        }
        let late = self.waiting.last_key_value().is_some_and(|(last, _)| number < *last);
        self.waiting.insert(number, (now, packet));
        late
    }

    /// The next packet, and how many before it are given up.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Packet, u64)> {
        let next = self.next?;
        let first = self.waiting.first_entry()?;
        let missing = first.key() - next;
        // Who waits longest says how long the missing one was waited for.
        if missing > 0 && now.saturating_duration_since(first.get().0) < PATIENCE {
            return None;
        }
        self.next = Some(first.key() + 1);
        let (_, packet) = first.remove();
        Some((packet, u64::try_from(missing).unwrap_or(0)))
    }
}
