//! A peer that sends us a stream.

use std::sync::Arc;
use std::time::Instant;

use str0m::media::{KeyframeRequestKind, Rid};
use str0m::rtp::{RtpPacket, Ssrc};

use crate::error::OfferError;
use crate::rtp::{Codec, Kind, inspect};
use crate::stream::Packet;

use super::clock::SenderClock;
use super::negotiate::{Role, Source, Taken, TrackFormat};
use super::peer::{Answered, Peer, PeerSetup};
use super::sdp::OfferedCodec;

/// A publishing peer.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) peer: Peer,
    /// The layers of the picture, the lowest first; at least one.
    layers: Vec<Layer>,
    clock: SenderClock,
    source: Source,
    confirmed: Source,
    /// A packet that was made up, to go before the one that was given back.
    before: Option<Packet>,
}

/// One encoding of the picture.
#[derive(Debug, Default)]
struct Layer {
    /// Its name in the offer; none when it is the only one.
    rid: Option<String>,
    /// Its source, once its first packet has come.
    ssrc: Option<Ssrc>,
    /// Parameter sets have come, or were made up.
    parameters: bool,
    /// Numbers from here on are one higher, to make room for a packet.
    shifted: Option<u64>,
}

impl Publisher {
    /// Answers a publisher's offer.
    pub(crate) fn answer(
        setup: &Arc<PeerSetup>,
        now: Instant,
        offer: &str,
    ) -> Result<(Self, String), OfferError> {
        let Answered { peer, sdp } =
            Peer::answer(setup, now, offer, Role::Publisher, &Source::default())?;
        let track = |kind: Kind| peer.taken().iter().find(|t| t.kind == kind);
        let first = |taken: &Taken| taken.codecs.first().map(format_of);
        let source = Source {
            video: track(Kind::Video).and_then(first),
            audio: track(Kind::Audio).and_then(first),
            single: track(Kind::Video).is_none_or(|taken| taken.layers.is_empty()),
        };
        let named = track(Kind::Video).map_or(&[][..], |taken| &taken.layers);
        let named = named.iter().map(|rid| Layer { rid: Some(rid.clone()), ..Layer::default() });
        let mut layers: Vec<Layer> = named.collect();
        if layers.is_empty() {
            layers.push(Layer::default());
        }
        let publisher = Self {
            peer,
            layers,
            clock: SenderClock::default(),
            source,
            confirmed: Source::default(),
            before: None,
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

    /// The names of the layers of video that it sends, the smallest first; none
    /// where there is only one.
    pub(crate) fn rids(&self) -> Vec<String> {
        self.layers.iter().filter_map(|layer| layer.rid.clone()).collect()
    }

    /// Takes what str0m received; none if it is nothing that was agreed on.
    /// Says with it whether the encoding is new, or known only now.
    pub(crate) fn packet(&mut self, packet: RtpPacket) -> Option<(Packet, bool)> {
        let pt = *packet.header.payload_type;
        let mut codecs = self.peer.taken().iter().flat_map(|t| &t.codecs);
        let offered = codecs.find(|c| c.pt == pt)?;
        let (codec, format, nack) = (offered.codec, format_of(offered), offered.nack);
        let parameters = offered.parameters.clone();
        let kind = codec.kind();
        let layer = match kind {
            Kind::Audio => 0,
            Kind::Video => self.layer_of(packet.header.ssrc, nack)?,
        };
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
        let mut packet = Packet {
            codec,
            layer,
            seq: *packet.seq_no,
            timestamp,
            marker: packet.header.marker,
            inspection: inspect(codec, &packet.payload),
            payload: packet.payload,
            captured,
        };
        if codec == Codec::H264 && !self.number(&mut packet, parameters) {
            return None;
        }
        Some((packet, changed))
    }

    /// What to hand on before the packet that was given back last: parameter sets
    /// of the offer, when the publisher begins without any.
    pub(crate) fn before(&mut self) -> Option<Packet> {
        self.before.take()
    }

    /// Makes room for the offer's parameter sets before the first key frame that
    /// comes without any. False for a packet that came too late to have a number.
    fn number(&mut self, packet: &mut Packet, parameters: Option<Arc<[u8]>>) -> bool {
        let layer = &mut self.layers[usize::from(packet.layer)];
        if let Some(from) = layer.shifted {
            packet.seq += 1;
            return packet.seq > from;
        }
        // Which of several layers the offer's are for is not said.
        let only = layer.rid.is_none() && !layer.parameters;
        let Some(payload) = parameters.filter(|_| only) else { return true };
        let found = packet.inspection;
        layer.parameters = found.parameters || found.key;
        if found.key && !found.parameters {
            let inspection = inspect(packet.codec, &payload);
            self.before = Some(Packet { payload, inspection, marker: false, ..packet.clone() });
            layer.shifted = Some(packet.seq);
            packet.seq += 1;
        }
        true
    }

    /// The layer that a source is of; none if it is no layer that was agreed on.
    ///
    /// str0m does not ask for retransmissions where no RTX was offered; OBS does
    /// retransmit, without it.
    fn layer_of(&mut self, ssrc: Ssrc, nack: bool) -> Option<u8> {
        if let Some(known) = self.layers.iter().position(|layer| layer.ssrc == Some(ssrc)) {
            return Some(known as u8);
        }
        let mut direct = self.peer.rtc.direct_api();
        let stream = direct.stream_rx(&ssrc)?;
        let rid = stream.rid();
        let found = self.layers.iter().position(|layer| match &layer.rid {
            Some(name) => rid == Some(Rid::from(name.as_str())),
            None => true,
        })?;
        stream.suppress_nack(!nack);
        self.layers[found].ssrc = Some(ssrc);
        Some(found as u8)
    }

    /// Asks the client for a key frame of a layer.
    pub(crate) fn request_keyframe(&mut self, layer: u8) {
        let Some(ssrc) = self.layers.get(usize::from(layer)).and_then(|l| l.ssrc) else { return };
        if let Some(stream) = self.peer.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }
}

fn format_of(offered: &OfferedCodec) -> TrackFormat {
    TrackFormat { codec: offered.codec, format: offered.format }
}
