//! Frames into RTP packets, with timestamps of the caller's choice.

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
