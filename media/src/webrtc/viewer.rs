//! A peer that we send a stream to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::{Mid, Pt};
use str0m::rtp::rtcp::Rtcp;
use str0m::rtp::{RawPacket, RtpWrite, Ssrc};

use crate::error::OfferError;
use crate::rtp::{Codec, Kind};
use crate::stream::Outgoing;

use super::negotiate::{Plan, Role, Source, Taken};
use super::peer::{Answered, Peer, PeerSetup};

/// How long a packet may be asked for again.
const RETRANSMIT_AGE: Duration = Duration::from_secs(2);
/// Packets kept for a viewer without RTX.
const PLAIN_PACKETS: usize = 400;
/// Above this share of retransmissions in what is sent, none are sent: the
/// network is full.
const RETRANSMIT_SHARE: f32 = 0.5;

/// A viewing peer.
#[derive(Debug)]
pub(crate) struct Viewer {
    pub(crate) peer: Peer,
    video: Option<Track>,
    audio: Option<Track>,
}

#[derive(Debug)]
struct Track {
    taken: Taken,
    ssrc: Ssrc,
    /// The payload type for the codec that is sent at present.
    current: Option<Current>,
    /// What was sent lately, for a client that wants packets again under their
    /// own number because it knows no RTX (RFC 4588).
    plain: Option<VecDeque<Outgoing>>,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    codec: Codec,
    pt: Pt,
    rtx: bool,
}

/// Whether a client of this offer asks for retransmissions without RTX: str0m
/// answers only those with it, and shows the others' requests in raw packets.
pub(super) fn needs_raw(plan: &Plan) -> bool {
    plan.taken.iter().any(is_plain)
}

fn is_plain(taken: &Taken) -> bool {
    taken.kind == Kind::Video && taken.codecs.iter().any(|c| c.nack && c.rtx.is_none())
}

impl Viewer {
    /// Answers a viewer's offer with what suits `source`.
    pub(crate) fn answer(
        setup: &Arc<PeerSetup>,
        now: Instant,
        offer: &str,
        source: &Source,
    ) -> Result<(Self, String), OfferError> {
        let Answered { mut peer, plan, sdp } =
            Peer::answer(setup, now, offer, Role::Viewer, source)?;
        let mut video = None;
        let mut audio = None;
        for taken in plan.taken {
            let mid = Mid::from(taken.mid.as_str());
            let mut direct = peer.rtc.direct_api();
            let Some(stream) = direct.stream_tx_by_mid(mid, None) else {
                tracing::error!(%mid, "a section was answered without a stream to send on");
                return Err(OfferError::Internal);
            };
            let ssrc = stream.ssrc();
            if taken.kind == Kind::Video {
                stream.set_rtx_cache(PLAIN_PACKETS, RETRANSMIT_AGE, Some(RETRANSMIT_SHARE));
            }
            let plain = is_plain(&taken).then(VecDeque::new);
            let track = Track { taken, ssrc, current: None, plain };
            match track.taken.kind {
                Kind::Audio => audio = Some(track),
                Kind::Video => video = Some(track),
            }
        }
        let mut viewer = Self { peer, video, audio };
        viewer.follow(source);
        Ok((viewer, sdp))
    }

    /// Chooses payload types for a publisher's encoding. Says whether this
    /// session can carry all of the publisher's tracks that it carries at all.
    pub(crate) fn follow(&mut self, source: &Source) -> bool {
        let mut carries = true;
        for (track, format) in [(&mut self.video, source.video), (&mut self.audio, source.audio)] {
            if let (Some(track), Some(format)) = (track, format) {
                let chosen = format.choose(&track.taken.codecs);
                track.current = chosen.map(|c| Current {
                    codec: c.codec,
                    pt: c.pt.into(),
                    rtx: c.rtx.is_some(),
                });
                carries &= chosen.is_some();
            }
        }
        carries
    }

    fn track(&mut self, kind: Kind) -> Option<&mut Track> {
        match kind {
            Kind::Audio => self.audio.as_mut(),
            Kind::Video => self.video.as_mut(),
        }
    }

    /// Queues a packet: [`Peer::tick`] makes it ready. Says whether it was one
    /// that this viewer takes.
    pub(crate) fn write(&mut self, packet: Outgoing) -> bool {
        let kind = packet.codec.kind();
        let Some(track) = self.track(kind) else { return false };
        let Some(Current { codec, pt, rtx }) = track.current else { return false };
        if codec != packet.codec {
            return false;
        }
        let ssrc = track.ssrc;
        if let Some(plain) = track.plain.as_mut().filter(|_| !rtx) {
            if plain.len() >= PLAIN_PACKETS {
                plain.pop_front();
            }
            plain.push_back(packet.clone());
        }
        self.write_as(ssrc, pt, packet);
        true
    }

    fn write_as(&mut self, ssrc: Ssrc, pt: Pt, packet: Outgoing) {
        let nackable = packet.codec.kind() == Kind::Video;
        let write =
            RtpWrite::new(pt, packet.seq.into(), packet.timestamp, packet.captured, packet.payload)
                .marker(packet.marker)
                .nackable(nackable);
        if let Some(stream) = self.peer.rtc.direct_api().stream_tx(&ssrc) {
            stream.write_rtp(write);
        }
    }

    /// Looks at a raw packet for requests that str0m does not answer, and
    /// answers them. Says whether anything was written.
    pub(crate) fn raw(&mut self, packet: &RawPacket) -> bool {
        let RawPacket::RtcpRx(Rtcp::Nack(nack)) = packet else { return false };
        let Some(track) = self.video.as_ref().filter(|t| t.ssrc == nack.ssrc) else { return false };
        let (Some(plain), Some(Current { pt, rtx: false, .. })) = (&track.plain, track.current)
        else {
            return false;
        };
        let Some(latest) = plain.back().map(|p| p.seq) else { return false };
        let mut again = Vec::new();
        for entry in nack.reports.iter() {
            let lost = std::iter::once(0)
                .chain((0..16).filter(|bit| entry.blp >> bit & 1 == 1).map(|bit| bit + 1));
            for offset in lost {
                let wanted = entry.pid.wrapping_add(offset);
                let found = plain.iter().rev().find(|p| p.seq as u16 == wanted);
                if let Some(packet) = found.filter(|p| latest - p.seq < 1 << 15) {
                    again.push(packet.clone());
                }
            }
        }
        let ssrc = track.ssrc;
        let any = !again.is_empty();
        for packet in again {
            self.write_as(ssrc, pt, packet);
        }
        any
    }
}
