//! A peer in a meeting: it sends a voice and a camera, and is sent those of others.
//!
//! It is the server that offers (RFC 8829), again whenever a member needs more
//! slots, so that two offers never cross.

use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::bwe::Bitrate;
use str0m::change::{SdpAnswer, SdpApi, SdpPendingOffer};
use str0m::format::{Codec as Str0mCodec, CodecConfig, CodecSpec, FormatParams, PayloadParams};
use str0m::media::{
    Direction, Frequency, KeyframeRequestKind, MediaKind, Mid, Rid, Simulcast, SimulcastLayer,
};
use str0m::rtp::{
    Extension, ExtensionMap, ExtensionValues, RtpPacket, RtpWrite, Ssrc, Vp8Descriptor, Vp8Patch,
};

use crate::meeting::{Incoming, LAYERS, MeetingError, Outgoing, PictureNumbers, Slots};
use crate::rtp::{Codec, Kind, inspect};

use super::peer::{Peer, PeerSetup};

/// The names of a camera's layers, the small one first.
const RIDS: [&str; LAYERS] = ["l", "h"];
/// What a network is believed to carry before anything is known of it.
const FIRST_ESTIMATE: Bitrate = Bitrate::kbps(1_000);
/// Sources that one client may send: a voice, two layers, and what comes in their place
/// when a client begins anew.
const SOURCES: usize = 16;

const OPUS: u8 = 111;
const VP8: u8 = 96;
const VP8_RTX: u8 = 97;

/// An offer of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Which one it is: its answer names it.
    pub number: u32,
    /// The SDP.
    pub sdp: String,
}

/// A slot as it was agreed on.
#[derive(Debug)]
struct Track {
    mid: Mid,
    /// None if the client refused it.
    ssrc: Option<Ssrc>,
}

/// An offer without an answer.
struct Pending {
    number: u32,
    changes: SdpPendingOffer,
    audio: Vec<Mid>,
    video: Vec<Mid>,
}

/// A member's peer connection.
pub(crate) struct Member {
    pub(crate) peer: Peer,
    microphone: Mid,
    camera: Mid,
    audio: Vec<Track>,
    video: Vec<Track>,
    pending: Option<Pending>,
    offers: u32,
    /// What is known of the client's sources.
    sources: Vec<(Ssrc, Kind, u8)>,
    bitrates: (u64, u64),
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Member {
    /// A new peer, and the first offer to it.
    pub(crate) fn offer(setup: &Arc<PeerSetup>, now: Instant, slots: Slots) -> (Self, Offered) {
        let mut peer = Peer::new(setup, rtc(setup, now));
        let mut simulcast = Simulcast::new();
        for rid in RIDS {
            simulcast.add_recv_layer(SimulcastLayer::new(rid));
        }
        let mut api = peer.rtc.sdp_api();
        let microphone = api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        let camera =
            api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, Some(simulcast));
        let (audio, video) = add_slots(&mut api, slots);
        let (offer, changes) = api.apply().expect("there are sections to agree on");
        let mut member = Self {
            peer,
            microphone,
            camera,
            audio: Vec::new(),
            video: Vec::new(),
            pending: None,
            offers: 0,
            sources: Vec::new(),
            bitrates: (0, 0),
        };
        let offered = member.offered(offer.to_sdp_string(), changes, audio, video);
        (member, offered)
    }

    /// An offer with more slots, if there are to be more; not while another one waits.
    pub(crate) fn grow(&mut self, slots: Slots) -> Option<Offered> {
        let has = self.slots();
        let more = Slots {
            audio: slots.audio.saturating_sub(has.audio),
            video: slots.video.saturating_sub(has.video),
        };
        if self.pending.is_some() || more == Slots::default() {
            return None;
        }
        let mut api = self.peer.rtc.sdp_api();
        let (audio, video) = add_slots(&mut api, more);
        let (offer, changes) = api.apply()?;
        Some(self.offered(offer.to_sdp_string(), changes, audio, video))
    }

    fn offered(
        &mut self,
        sdp: String,
        changes: SdpPendingOffer,
        audio: Vec<Mid>,
        video: Vec<Mid>,
    ) -> Offered {
        self.offers += 1;
        let number = self.offers;
        self.pending = Some(Pending { number, changes, audio, video });
        Offered { number, sdp }
    }

    /// Takes the answer to an offer. Gives back how many slots there are then.
    pub(crate) fn answered(
        &mut self,
        number: u32,
        answer: SdpAnswer,
    ) -> Result<Slots, MeetingError> {
        let pending = self.pending.take_if(|pending| pending.number == number);
        let Pending { changes, audio, video, .. } = pending.ok_or(MeetingError::NoOffer)?;
        self.peer.rtc.sdp_api().accept_answer(changes, answer).map_err(|error| {
            tracing::debug!(%error, "an answer was not taken");
            MeetingError::BadAnswer
        })?;
        let mut api = self.peer.rtc.direct_api();
        let mut track = |mid: Mid| Track {
            mid,
            ssrc: api.stream_tx_by_mid(mid, None).map(|stream| stream.ssrc()),
        };
        self.audio.extend(audio.into_iter().map(&mut track));
        self.video.extend(video.into_iter().map(&mut track));
        Ok(self.slots())
    }

    fn slots(&self) -> Slots {
        Slots { audio: self.audio.len(), video: self.video.len() }
    }

    /// The name of a slot in SDP (`a=mid`).
    pub(crate) fn mid(&self, kind: Kind, slot: usize) -> Option<String> {
        self.tracks(kind).get(slot).map(|track| track.mid.to_string())
    }

    /// The slot of pictures that goes by this name.
    pub(crate) fn picture_slot(&self, mid: Mid) -> Option<usize> {
        self.video.iter().position(|track| track.mid == mid)
    }

    fn tracks(&self, kind: Kind) -> &[Track] {
        match kind {
            Kind::Audio => &self.audio,
            Kind::Video => &self.video,
        }
    }

    /// What there is to know of a packet that came; none if it is nothing that was
    /// agreed on.
    pub(crate) fn incoming(&mut self, packet: &RtpPacket) -> Option<Incoming> {
        let (kind, layer) = self.source(packet.header.ssrc)?;
        let expected = if kind == Kind::Audio { OPUS } else { VP8 };
        if *packet.header.payload_type != expected {
            return None;
        }
        let audio = kind == Kind::Audio;
        let level = packet.header.ext_vals.audio_level.filter(|_| audio);
        Some(Incoming {
            kind,
            layer,
            seq: *packet.seq_no,
            timestamp: packet.header.timestamp,
            level: level.map(i8::unsigned_abs),
            key: !audio && inspect(Codec::Vp8, &packet.payload).key,
            numbers: if audio { PictureNumbers::default() } else { numbers(&packet.payload) },
            size: packet.payload.len(),
        })
    }

    /// What a source is: the microphone, or a layer of the camera.
    fn source(&mut self, ssrc: Ssrc) -> Option<(Kind, u8)> {
        if let Some((_, kind, layer)) = self.sources.iter().find(|(known, ..)| *known == ssrc) {
            return Some((*kind, *layer));
        }
        let mut api = self.peer.rtc.direct_api();
        let stream = api.stream_rx(&ssrc)?;
        let (mid, rid) = (stream.mid(), stream.rid());
        let (kind, layer) = if mid == self.microphone {
            (Kind::Audio, 0)
        } else if mid == self.camera {
            // A client without simulcast sends one layer without a name.
            let layer = match rid {
                Some(rid) => RIDS.iter().position(|name| rid == Rid::from(*name))?,
                None => 0,
            };
            (Kind::Video, layer as u8)
        } else {
            return None;
        };
        if self.sources.len() >= SOURCES {
            self.sources.remove(0);
        }
        self.sources.push((ssrc, kind, layer));
        Some((kind, layer))
    }

    /// Sends a packet of another member.
    pub(crate) fn write(&mut self, now: Instant, kind: Kind, packet: &RtpPacket, out: &Outgoing) {
        let Some(ssrc) = self.tracks(kind).get(out.slot).and_then(|track| track.ssrc) else {
            return;
        };
        let mut api = self.peer.rtc.direct_api();
        let Some(stream) = api.stream_tx(&ssrc) else { return };
        let (pt, marker) = match kind {
            // The beginning of a talk spurt (RFC 3551, 4.1).
            Kind::Audio => (OPUS, packet.header.marker || out.first),
            Kind::Video => (VP8, packet.header.marker),
        };
        let came = &packet.header.ext_vals;
        let ext_vals = ExtensionValues {
            audio_level: came.audio_level,
            voice_activity: came.voice_activity,
            video_orientation: came.video_orientation,
            ..ExtensionValues::default()
        };
        let mut write =
            RtpWrite::new(pt.into(), out.seq.into(), out.timestamp, now, packet.payload.clone())
                .marker(marker)
                .ext_vals(ext_vals)
                .nackable(kind == Kind::Video);
        if let Some(patch) = patch(&packet.payload, out.numbers).filter(|_| kind == Kind::Video) {
            write = write.vp8_patch(patch);
        }
        stream.write_rtp(write);
    }

    /// Asks the client for a key frame of a layer of its camera.
    pub(crate) fn request_keyframe(&mut self, layer: u8) {
        let is = |(_, kind, of): &&(Ssrc, Kind, u8)| *kind == Kind::Video && *of == layer;
        let sources: Vec<Ssrc> = self.sources.iter().filter(is).map(|(ssrc, ..)| *ssrc).collect();
        let mut api = self.peer.rtc.direct_api();
        for ssrc in sources {
            if let Some(stream) = api.stream_rx(&ssrc) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        }
    }

    /// Says what the network is to carry next, and in the end, in bits a second: so much
    /// is looked for.
    pub(crate) fn set_bitrates(&mut self, bitrates: (u64, u64)) {
        if self.bitrates != bitrates {
            self.bitrates = bitrates;
            let (next, wanted) = bitrates;
            self.peer.rtc.bwe().set_bitrate(Bitrate::from(next), Bitrate::from(wanted));
        }
    }
}

/// Adds sections that send to the client.
fn add_slots(api: &mut SdpApi<'_>, slots: Slots) -> (Vec<Mid>, Vec<Mid>) {
    let mut add = |kind, count| -> Vec<Mid> {
        (0..count).map(|_| api.add_media(kind, Direction::SendOnly, None, None, None)).collect()
    };
    (add(MediaKind::Audio, slots.audio), add(MediaKind::Video, slots.video))
}

fn rtc(setup: &PeerSetup, now: Instant) -> Rtc {
    let mut extensions = ExtensionMap::empty();
    extensions.set(1, Extension::RtpMid);
    extensions.set(2, Extension::TransportSequenceNumber);
    extensions.set(3, Extension::AbsoluteSendTime);
    extensions.set(4, Extension::RtpStreamId);
    extensions.set(5, Extension::RepairedRtpStreamId);
    extensions.set(6, Extension::AudioLevel);
    extensions.set(7, Extension::VideoOrientation);
    // Browsers sign with ECDSA: no need for the DTLS that publishers get.
    let mut config = Rtc::builder()
        .set_crypto_provider(setup.crypto.clone())
        .set_dtls_cert(setup.certificate.clone())
        .set_ice_lite(true)
        .set_rtp_mode(true)
        .set_extension_map(extensions)
        .enable_bwe(Some(FIRST_ESTIMATE));
    *config.codec_config() = CodecConfig::new_from_payload_params(payloads());
    config.build(now)
}

/// Opus and VP8: what every browser sends and plays.
fn payloads() -> Vec<PayloadParams> {
    let mut opus = PayloadParams::new(
        OPUS.into(),
        None,
        CodecSpec {
            codec: Str0mCodec::Opus,
            clock_rate: Frequency::FORTY_EIGHT_KHZ,
            channels: Some(2),
            format: FormatParams {
                min_p_time: Some(10),
                use_inband_fec: Some(true),
                ..FormatParams::default()
            },
        },
    );
    opus.set_fb_transport_cc(true);
    let mut vp8 = PayloadParams::new(
        VP8.into(),
        Some(VP8_RTX.into()),
        CodecSpec {
            codec: Str0mCodec::Vp8,
            clock_rate: Frequency::NINETY_KHZ,
            channels: None,
            format: FormatParams::default(),
        },
    );
    vp8.set_fb_transport_cc(true);
    vp8.set_fb_nack(true);
    vp8.set_fb_pli(true);
    vp8.set_fb_fir(true);
    vp8.set_fb_remb(false);
    vec![opus, vp8]
}

fn numbers(payload: &[u8]) -> PictureNumbers {
    let Ok(descriptor) = Vp8Descriptor::parse(payload) else { return PictureNumbers::default() };
    PictureNumbers { picture: descriptor.picture_id(), tl0: descriptor.tl0_pic_idx() }
}

/// Puts other numbers into a VP8 descriptor; none if it has no room for them.
fn patch(payload: &[u8], numbers: PictureNumbers) -> Option<Vp8Patch> {
    let mut patch = Vp8Descriptor::parse(payload).ok()?.patch();
    if let Some(picture) = numbers.picture {
        patch = patch.picture_id(picture);
    }
    if let Some(tl0) = numbers.tl0 {
        patch = patch.tl0_pic_idx(tl0);
    }
    patch.build().ok()
}
