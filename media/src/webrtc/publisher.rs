//! A peer that sends us a stream.

use std::sync::Arc;
use std::time::Instant;

use str0m::media::KeyframeRequestKind;
use str0m::rtp::{RtpPacket, Ssrc};

use crate::error::OfferError;
use crate::rtp::{Kind, inspect};
use crate::stream::Packet;

use super::clock::SenderClock;
use super::negotiate::{Role, Source, Taken, TrackFormat};
use super::peer::{Answered, Peer, PeerSetup};
use super::sdp::OfferedCodec;

/// A publishing peer.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) peer: Peer,
    tracks: Vec<Taken>,
    /// The source of the picture, once its first packet has come.
    video: Option<Ssrc>,
    clock: SenderClock,
    source: Source,
    confirmed: Source,
}

impl Publisher {
    /// Answers a publisher's offer.
    pub(crate) fn answer(
        setup: &Arc<PeerSetup>,
        now: Instant,
        offer: &str,
    ) -> Result<(Self, String), OfferError> {
        let Answered { peer, plan, sdp } =
            Peer::answer(setup, now, offer, Role::Publisher, &Source::default())?;
        let first = |kind: Kind| {
            let taken = plan.taken.iter().find(|t| t.kind == kind)?;
            taken.codecs.first().map(format_of)
        };
        let source = Source { video: first(Kind::Video), audio: first(Kind::Audio) };
        let publisher = Self {
            peer,
            tracks: plan.taken,
            video: None,
            clock: SenderClock::default(),
            source,
            confirmed: Source::default(),
        };
        Ok((publisher, sdp))
    }

    /// How the tracks are encoded: as the packets say, and before the first one
    /// as the client most likely will.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// How those tracks are encoded of which packets have come.
    pub(crate) fn confirmed(&self) -> &Source {
        &self.confirmed
    }

    /// Takes what str0m received; none if it is nothing that was agreed on.
    /// Says with it whether the encoding is new, or known only now.
    pub(crate) fn packet(&mut self, packet: RtpPacket) -> Option<(Packet, bool)> {
        let pt = *packet.header.payload_type;
        let codecs = || self.tracks.iter().flat_map(|t| &t.codecs);
        let offered = codecs().find(|c| c.pt == pt)?.clone();
        let kind = offered.codec.kind();
        if kind == Kind::Video {
            self.note_video(packet.header.ssrc, &offered);
        }
        let format = format_of(&offered);
        let (track, confirmed) = match kind {
            Kind::Audio => (&mut self.source.audio, &mut self.confirmed.audio),
            Kind::Video => (&mut self.source.video, &mut self.confirmed.video),
        };
        let changed = *confirmed != Some(format);
        *track = Some(format);
        *confirmed = Some(format);
        let timestamp = packet.header.timestamp;
        let captured = self.clock.captured(
            packet.timestamp,
            timestamp,
            kind.clock(),
            packet.last_sender_info.as_ref(),
        );
        let packet = Packet {
            codec: offered.codec,
            layer: 0,
            seq: *packet.seq_no,
            timestamp,
            marker: packet.header.marker,
            inspection: inspect(offered.codec, &packet.payload),
            payload: packet.payload,
            captured,
        };
        Some((packet, changed))
    }

    /// str0m does not ask for retransmissions where no RTX was offered; OBS does
    /// retransmit, without it.
    fn note_video(&mut self, ssrc: Ssrc, offered: &OfferedCodec) {
        if self.video == Some(ssrc) {
            return;
        }
        self.video = Some(ssrc);
        if let Some(stream) = self.peer.rtc.direct_api().stream_rx(&ssrc) {
            stream.suppress_nack(!offered.nack);
        }
    }

    /// The names of the layers of video that it sends, the smallest first; none
    /// where there is only one.
    pub(crate) fn rids(&self) -> Vec<String> {
        Vec::new()
    }

    /// Asks the client for a key frame of a layer.
    pub(crate) fn request_keyframe(&mut self, _layer: u8) {
        let Some(ssrc) = self.video else { return };
        if let Some(stream) = self.peer.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }
}

fn format_of(offered: &OfferedCodec) -> TrackFormat {
    TrackFormat { codec: offered.codec, format: offered.format }
}
