//! A peer that sends us a stream: ICE-lite, DTLS, SRTP and RTCP of one publisher, and what its
//! packets are.

mod answer;
mod numbering;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::ahead::{Ahead, ahead};
use crate::error::OfferError;
use crate::reception::{
    Arrived, ExtensionIds, Format, Reception, SenderClock, Taken as Came, TrackPlan, Wish,
};
use crate::rtcp;
use crate::rtp::{Codec, Kind, inspect};
use crate::srtp::{Opener, Sealer};
use crate::stream::Packet;

use super::answer::Terms;
use super::ice::{Checked, Pair};
use super::link::{Link, is_media};
use super::negotiate::{
    REPAIRED_RID_EXTENSION, RID_EXTENSION, Role, Source, TWCC_EXTENSION, Taken, TrackFormat, plan,
};
use super::peer::PeerSetup;
use super::sdp::{Offer, OfferedCodec};
use numbering::Numbering;

/// Datagrams of RTCP in a row; more is a defect.
const DATAGRAMS: usize = 32;

/// What a publisher's session has to say.
#[derive(Debug)]
pub(crate) enum Output {
    /// A datagram for the client, to go where [`Publisher::pair`] says.
    Transmit(Vec<u8>),
    /// The client has proven to be the one of the offer.
    Connected,
    /// Packets of this layer of the picture will never come.
    Lost(u8),
}

/// A packet of the stream.
#[derive(Debug)]
pub(crate) struct Media {
    pub(crate) packet: Packet,
    /// What goes before it: parameter sets of the offer, when the publisher begins without any.
    /// Boxed: one packet of a session has it, and all are moved.
    pub(crate) before: Option<Box<Packet>>,
    /// The encoding is new, or known only now.
    pub(crate) changed: bool,
}

/// A publishing peer.
#[derive(Debug)]
pub(crate) struct Publisher {
    setup: Arc<PeerSetup>,
    pub(crate) link: Link,
    taken: Vec<Taken>,
    reception: Reception,
    opener: Option<Opener>,
    sealer: Option<Sealer>,
    /// The layers of the picture, the lowest first; at least one.
    layers: Vec<Layer>,
    sound: Numbering,
    clock: SenderClock,
    source: Source,
    confirmed: Source,
    outputs: VecDeque<Output>,
    plain: Vec<u8>,
    left: bool,
}

/// One encoding of the picture.
#[derive(Debug, Default)]
struct Layer {
    /// Its name in the offer; none when it is the only one.
    rid: Option<String>,
    /// Parameter sets have come, or were made up.
    parameters: bool,
    numbering: Numbering,
}

impl Publisher {
    /// Answers a publisher's offer.
    pub(crate) fn answer(
        setup: &Arc<PeerSetup>,
        now: Instant,
        offer: &str,
    ) -> Result<(Self, String), OfferError> {
        let offer = Offer::parse(offer)?;
        let plan = plan(&offer, Role::Publisher, &Source::default())?;
        let active = offer.setup == "passive";
        let link = Link::new(setup, now, &offer, active)?;
        let terms = Terms { setup, ice: link.ice.local(), active };
        let sdp = answer::write(&offer, &plan, &terms);

        let track = |kind: Kind| plan.taken.iter().find(|t| t.kind == kind);
        let first = |taken: &Taken| taken.codecs.first().map(format_of);
        let source = Source {
            video: track(Kind::Video).and_then(first),
            audio: track(Kind::Audio).and_then(first),
            single: track(Kind::Video).is_none_or(|taken| taken.layers.is_empty()),
            surround: false,
        };
        let named = track(Kind::Video).map_or(&[][..], |taken| &taken.layers);
        let named = named.iter().map(|rid| Layer { rid: Some(rid.clone()), ..Layer::default() });
        let mut layers: Vec<Layer> = named.collect();
        if layers.is_empty() {
            layers.push(Layer::default());
        }
        let publisher = Self {
            setup: setup.clone(),
            link,
            reception: reception(&plan.taken),
            taken: plan.taken,
            opener: None,
            sealer: None,
            layers,
            sound: Numbering::default(),
            clock: SenderClock::default(),
            source,
            confirmed: Source::default(),
            outputs: VecDeque::new(),
            plain: Vec::new(),
            left: false,
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

    /// Answers a check of the client's.
    pub(crate) fn stun(&mut self, now: Instant, pair: Pair, data: &[u8]) -> Option<Checked> {
        let checked = self.link.stun(now, pair, data)?;
        self.look();
        Some(checked)
    }

    /// Takes datagrams that came together from a proven address, and appends what they carry. Says
    /// whether one of them proves to be the client's.
    pub(crate) fn datagrams<'a>(
        &mut self,
        now: Instant,
        datagrams: impl Iterator<Item = &'a [u8]>,
        media: &mut Vec<Media>,
    ) -> bool {
        let mut proven = false;
        for data in datagrams {
            proven |= match data.first() {
                _ if is_media(data) && rtcp::is_rtcp(data) => self.control(now, data),
                _ if is_media(data) => self.media(now, data, media),
                // RFC 7983, 7.
                Some(20..=63) => {
                    self.link.record(now, data);
                    self.look();
                    false
                }
                _ => false,
            };
        }
        self.report(now);
        proven
    }

    fn control(&mut self, now: Instant, data: &[u8]) -> bool {
        let Some(opener) = &mut self.opener else { return false };
        let proven = opener.open_rtcp(data, &mut self.plain).is_ok();
        if proven {
            // A goodbye in it says little: browsers say it of a layer that they pause.
            self.reception.control(now, &self.plain);
        }
        proven
    }

    fn media(&mut self, now: Instant, data: &[u8], media: &mut Vec<Media>) -> bool {
        let Some(opener) = &self.opener else { return false };
        match self.reception.packet(now, opener, data) {
            Came::Refused => return false,
            Came::Proven => {}
            Came::Packet(arrived) => media.extend(self.packet(now, arrived)),
        }
        true
    }

    /// Makes a packet of the stream out of one of the client.
    fn packet(&mut self, now: Instant, arrived: Arrived) -> Option<Media> {
        let offered = self.taken.get(arrived.track)?.codecs.get(arrived.format)?;
        let (codec, format) = (offered.codec, format_of(offered));
        let kind = codec.kind();
        let captured = self.clock.captured(now, arrived.timestamp, kind.clock(), arrived.reported);
        let inspection = inspect(codec, &arrived.payload);
        if inspection.key {
            self.reception.key_frame(arrived.track, arrived.layer, arrived.timestamp);
        }
        let numbering = match kind {
            Kind::Audio => &mut self.sound,
            Kind::Video => &mut self.layers.get_mut(arrived.layer)?.numbering,
        };
        if arrived.replaces {
            numbering.continued(now, arrived.seq, arrived.timestamp, kind.clock());
        }
        let (seq, timestamp) = numbering.of(now, arrived.seq, arrived.timestamp)?;
        let mut packet = Packet {
            codec,
            layer: if kind == Kind::Video { arrived.layer as u8 } else { 0 },
            seq,
            timestamp,
            marker: arrived.marker,
            payload: arrived.payload,
            captured,
            inspection,
        };
        let before = match codec {
            Codec::H264 => self.parameters(&mut packet, (arrived.track, arrived.format)),
            _ => None,
        };
        Some(Media { packet, before, changed: self.confirm(kind, format) })
    }

    /// Takes note of how a track is encoded; says whether that is news.
    fn confirm(&mut self, kind: Kind, format: TrackFormat) -> bool {
        let (track, confirmed) = match kind {
            Kind::Audio => (&mut self.source.audio, &mut self.confirmed.audio),
            Kind::Video => (&mut self.source.video, &mut self.confirmed.video),
        };
        let changed = *confirmed != Some(format);
        *track = Some(format);
        *confirmed = Some(format);
        changed
    }

    /// Makes room for the offer's parameter sets before the first key frame that
    /// comes without any, and gives them.
    fn parameters(
        &mut self,
        packet: &mut Packet,
        (track, format): (usize, usize),
    ) -> Option<Box<Packet>> {
        let payload = self.taken.get(track)?.codecs.get(format)?.parameters.as_ref()?;
        let layer = self.layers.get_mut(usize::from(packet.layer))?;
        // Which of several layers the offer's are for is not said.
        if layer.rid.is_some() || layer.parameters {
            return None;
        }
        let found = packet.inspection;
        layer.parameters = found.parameters || found.key;
        if !found.key || found.parameters {
            return None;
        }
        let inspection = inspect(packet.codec, payload);
        let payload = payload.clone();
        let before = Packet { payload, inspection, marker: false, ..packet.clone() };
        packet.seq = layer.numbering.insert_before(packet.seq);
        Some(Box::new(before))
    }

    /// Asks the client for a key frame of a layer: what it is told is to be polled.
    pub(crate) fn request_keyframe(&mut self, now: Instant, layer: u8) {
        if let Some(track) = self.taken.iter().position(|taken| taken.kind == Kind::Video) {
            self.reception.want_key_frame(now, track, layer.into());
            self.report(now);
        }
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.link.tick(now) {
            self.look();
        }
        self.report(now);
    }

    /// When the session wants to be woken.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.link.deadline().into_iter().chain(self.reception.deadline()).min()
    }

    /// Tells the client what is due to be told, and the driver what is lost for good.
    fn report(&mut self, now: Instant) {
        if self.reception.deadline().is_some_and(|at| at <= now) {
            self.tell(now);
        }
        while let Some((track, layer)) = self.reception.take_lost() {
            if self.taken.get(track).is_some_and(|taken| taken.kind == Kind::Video) {
                self.outputs.push_back(Output::Lost(layer as u8));
            }
        }
    }

    fn tell(&mut self, now: Instant) {
        let Some(sealer) = &mut self.sealer else { return };
        for _ in 0..DATAGRAMS {
            let mut datagram = Vec::with_capacity(512);
            if !self.reception.write(now, &mut datagram) {
                return;
            }
            if let Err(error) = sealer.seal_rtcp(&mut datagram, 0) {
                tracing::debug!(%error, "nothing can be told any more");
                self.left = true;
                return;
            }
            self.outputs.push_back(Output::Transmit(datagram));
        }
    }

    /// What came of the handshake.
    fn look(&mut self) {
        while let Some(datagram) = self.link.poll() {
            self.outputs.push_back(Output::Transmit(datagram));
        }
        let Some(keys) = self.link.take_keys() else { return };
        match (Opener::new(&keys.theirs), Sealer::new(&keys.ours)) {
            (Ok(opener), Ok(sealer)) => {
                self.opener = Some(opener);
                self.sealer = Some(sealer);
                self.outputs.push_back(Output::Connected);
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::debug!(%error, "the keys are of no use");
                self.left = true;
            }
        }
    }

    /// Where datagrams go.
    pub(crate) fn pair(&self) -> Option<Pair> {
        self.link.pair()
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes new credentials of the client's (RFC 9725, 4.3.3); gives back the answer as a
    /// fragment (RFC 8840).
    pub(crate) fn restart(&mut self, remote_ufrag: String) -> String {
        self.link.restart(&self.setup, remote_ufrag, self.taken.first())
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.left && self.link.is_alive()
    }

    /// Begins to say goodbye: what it says is to be polled.
    pub(crate) fn close(&mut self) {
        if let Some(sealer) = &mut self.sealer {
            let mut datagram = Vec::new();
            self.reception.write_bye(&mut datagram);
            if sealer.seal_rtcp(&mut datagram, 0).is_ok() {
                self.outputs.push_back(Output::Transmit(datagram));
            }
        }
        self.link.close();
        while let Some(datagram) = self.link.poll() {
            self.outputs.push_back(Output::Transmit(datagram));
        }
        self.left = true;
    }
}

impl Ahead for Publisher {
    fn ahead(&self, depth: u8) {
        match depth {
            0 => ahead(self),
            1 => {
                ahead(&self.taken[..]);
                ahead(&self.layers[..]);
            }
            2 => self.taken.iter().for_each(|taken| ahead(&taken.codecs[..])),
            _ => {}
        }
        if let Some(opener) = &self.opener {
            opener.ahead(depth);
        }
        self.reception.ahead(depth);
    }
}

/// The reception of what was agreed on.
fn reception(taken: &[Taken]) -> Reception {
    let codecs = || taken.iter().flat_map(|taken| &taken.codecs);
    let id = |wanted: &str| {
        let mut all = taken.iter().flat_map(|taken| &taken.extensions);
        all.find(|(_, uri)| *uri == wanted).map(|(id, _)| *id)
    };
    let ids = ExtensionIds {
        transport: id(TWCC_EXTENSION).filter(|_| codecs().any(|codec| codec.transport_cc)),
        layer: id(RID_EXTENSION),
        repaired: id(REPAIRED_RID_EXTENSION),
    };
    let track = |taken: &Taken| {
        let format =
            |codec: &OfferedCodec| Format { pt: codec.pt, rtx: codec.rtx, nack: codec.nack };
        let any = |has: fn(&OfferedCodec) -> bool| taken.codecs.iter().any(has);
        TrackPlan {
            kind: taken.kind,
            formats: taken.codecs.iter().map(format).collect(),
            layers: taken.layers.clone(),
            pairs: taken.pairs.clone(),
            reduced: taken.reduced,
            wish: match (any(|codec| codec.pli), any(|codec| codec.fir)) {
                (true, _) => Some(Wish::Pli),
                (false, true) => Some(Wish::Fir),
                (false, false) => None,
            },
        }
    };
    let cname = format!("{:016x}", rand::random::<u64>());
    let ssrc = rand::random_range(1..=u32::MAX);
    Reception::new(taken.iter().map(track).collect(), ids, ssrc, cname)
}

fn format_of(offered: &OfferedCodec) -> TrackFormat {
    TrackFormat { codec: offered.codec, format: offered.format }
}
