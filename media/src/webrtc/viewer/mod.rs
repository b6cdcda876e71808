//! A peer that we send a stream to: ICE-lite, DTLS and RTCP of one viewer. What
//! it is sent goes past this, through [`crate::egress`].

mod answer;
mod reception;
mod requests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::egress::{EgressSetup, Format, TrackSetup};
use crate::error::OfferError;
use crate::rtcp::{self, Feedback, WallClock};
use crate::rtp::Kind;
use crate::srtp::{MasterKey, Opener};

use super::answer::Terms;
use super::ice::{Checked, Pair};
use super::link::Link;
use super::negotiate::{MID_EXTENSION, Plan, Role, SEND_TIME_EXTENSION, Source, Taken, plan};
use super::peer::PeerSetup;
use super::sdp::Offer;

pub(crate) use reception::Reception;
use requests::Allowance;

/// A client whose handshake ended needs a moment until it can decrypt. As the
/// side that begins it is the last to be done, and needs a round trip.
const SETTLED: Duration = Duration::from_millis(10);
const SETTLED_LAST: Duration = Duration::from_millis(60);

/// What a viewer's session has to say.
#[derive(Debug)]
pub(crate) enum Output {
    /// A datagram for the client, to go where [`Viewer::pair`] says.
    Transmit(Vec<u8>),
    /// The client has proven to be the one of the offer: it can be sent to.
    Connected,
    /// Packets of the picture are missing: `first`, and those of the 16 after it
    /// whose bit is set.
    Missing { first: u16, following: u16 },
    /// A key frame of the picture is needed.
    KeyFrame,
}

/// A viewing peer.
#[derive(Debug)]
pub(crate) struct Viewer {
    setup: Arc<PeerSetup>,
    pub(crate) link: Link,
    opener: Option<Opener>,
    sealing: Option<MasterKey>,
    cname: String,
    video: Option<Track>,
    audio: Option<Track>,
    pub(crate) reception: Reception,
    requests: Allowance,
    outputs: VecDeque<Output>,
    plain: Vec<u8>,
    left: bool,
}

#[derive(Debug)]
struct Track {
    taken: Taken,
    setup: TrackSetup,
}

impl Viewer {
    /// Answers a viewer's offer with what suits `source`.
    pub(crate) fn answer(
        setup: &Arc<PeerSetup>,
        now: Instant,
        offer: &str,
        source: &Source,
    ) -> Result<(Self, String), OfferError> {
        let offer = Offer::parse(offer)?;
        let plan = plan(&offer, Role::Viewer, source)?;
        // Who begins the handshake is done with it last: the client shall not get
        // packets before it has the keys for them.
        let active = offer.setup != "active";
        let link = Link::new(setup, now, &offer, active)?;
        let cname = format!("{:016x}", rand::random::<u64>());
        let tracks = tracks(&plan);
        let setups: Vec<&TrackSetup> = tracks.iter().map(|track| &track.setup).collect();
        let terms = Terms { setup, ice: link.ice.local(), active };
        let sdp = answer::write(&offer, &plan, &terms, &cname, &setups);
        let mut viewer = Self {
            setup: setup.clone(),
            link,
            opener: None,
            sealing: None,
            cname,
            video: None,
            audio: None,
            reception: Reception::default(),
            requests: Allowance::default(),
            outputs: VecDeque::new(),
            plain: Vec::new(),
            left: false,
        };
        for track in tracks {
            match track.taken.kind {
                Kind::Audio => viewer.audio = Some(track),
                Kind::Video => viewer.video = Some(track),
            }
        }
        Ok((viewer, sdp))
    }

    /// Chooses payload types for a publisher's encoding; none if this session
    /// cannot carry one of the publisher's tracks that it carries at all.
    pub(crate) fn formats(&self, source: &Source) -> Option<(Option<Format>, Option<Format>)> {
        let choose = |track: &Option<Track>, format: Option<super::negotiate::TrackFormat>| {
            let (Some(track), Some(format)) = (track, format) else { return Some(None) };
            let chosen = format.choose(&track.taken.codecs)?;
            Some(Some(Format { codec: chosen.codec, pt: chosen.pt, rtx: chosen.rtx }))
        };
        // All channels where it takes them; the two are for whoever does not.
        let all = source.all_channels().and_then(|six| choose(&self.audio, Some(six)).flatten());
        let audio = all.map_or_else(|| choose(&self.audio, source.audio), |all| Some(Some(all)));
        Some((choose(&self.video, source.video)?, audio?))
    }

    /// Answers a check of the client's.
    pub(crate) fn stun(&mut self, now: Instant, pair: Pair, data: &[u8]) -> Option<Checked> {
        let checked = self.link.stun(now, pair, data)?;
        self.look();
        Some(checked)
    }

    /// Takes a datagram from a proven address. Says whether it proves to be the client's: clients
    /// that send reports all the time may check their way no more.
    pub(crate) fn datagram(&mut self, now: Instant, wall: &WallClock, data: &[u8]) -> bool {
        // RFC 7983, 7.
        match data.first() {
            Some(20..=63) => {
                self.link.record(now, data);
                self.look();
                false
            }
            Some(128..=191) if rtcp::is_rtcp(data) => self.control(now, wall, data),
            _ => false,
        }
    }

    fn control(&mut self, now: Instant, wall: &WallClock, data: &[u8]) -> bool {
        let Some(opener) = &mut self.opener else { return false };
        if opener.open_rtcp(data, &mut self.plain).is_err() {
            return false;
        }
        let Self { plain, reception, requests, outputs, video, audio, left, .. } = self;
        let ssrc_of = |track: &Option<Track>| track.as_ref().map(|track| track.setup.ssrc);
        let (video, audio) = (ssrc_of(video), ssrc_of(audio));
        let mut key_frame = false;
        rtcp::parse(plain, |feedback| match feedback {
            Feedback::Report(report) if Some(report.ssrc) == video => {
                reception.report(Kind::Video, wall.middle(now), &report);
            }
            Feedback::Report(report) if Some(report.ssrc) == audio => {
                reception.report(Kind::Audio, wall.middle(now), &report);
            }
            Feedback::Nack { ssrc, first, following } if Some(ssrc) == video => {
                reception.nacks += 1;
                if requests.allow(now, 1 + following.count_ones()) {
                    outputs.push_back(Output::Missing { first, following });
                }
            }
            Feedback::KeyFrame { ssrc } if Some(ssrc) == video => {
                reception.plis += 1;
                key_frame = true;
            }
            Feedback::Bandwidth { bits } => reception.bandwidth(now, bits),
            Feedback::Bye => *left = true,
            _ => {}
        });
        // However often it is said in one datagram.
        outputs.extend(key_frame.then_some(Output::KeyFrame));
        true
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.link.tick(now) {
            self.look();
        }
    }

    /// When the session wants to be woken.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.link.deadline()
    }

    /// What came of the handshake.
    fn look(&mut self) {
        while let Some(datagram) = self.link.poll() {
            self.outputs.push_back(Output::Transmit(datagram));
        }
        let Some(keys) = self.link.take_keys() else { return };
        match Opener::new(&keys.theirs) {
            Ok(opener) => {
                self.opener = Some(opener);
                self.sealing = Some(keys.ours);
                self.outputs.push_back(Output::Connected);
            }
            Err(error) => {
                tracing::debug!(%error, "the keys are of no use");
                self.left = true;
            }
        }
    }

    /// What is needed to send; once, after [`Output::Connected`].
    pub(crate) fn take_egress(&mut self) -> Option<EgressSetup> {
        let setup = |track: &Option<Track>| track.as_ref().map(|track| track.setup.clone());
        Some(EgressSetup {
            key: self.sealing.take()?,
            cname: self.cname.clone(),
            video: setup(&self.video),
            audio: setup(&self.audio),
        })
    }

    /// How long after [`Output::Connected`] the client can surely decrypt.
    pub(crate) fn settles_in(&self) -> Duration {
        if self.link.is_active() { SETTLED } else { SETTLED_LAST }
    }

    /// Where datagrams go.
    pub(crate) fn pair(&self) -> Option<Pair> {
        self.link.pair()
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes new credentials of the client's (RFC 9725, 4.3.3); gives back the
    /// answer as a fragment (RFC 8840).
    pub(crate) fn restart(&mut self, remote_ufrag: String) -> String {
        let first = self.video.iter().chain(&self.audio).min_by_key(|track| track.taken.index);
        self.link.restart(&self.setup, remote_ufrag, first.map(|track| &track.taken))
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.left && self.link.is_alive()
    }

    /// Begins to say goodbye: what it says is to be polled.
    pub(crate) fn close(&mut self) {
        self.link.close();
        while let Some(datagram) = self.link.poll() {
            self.outputs.push_back(Output::Transmit(datagram));
        }
        self.left = true;
    }
}

fn tracks(plan: &Plan) -> Vec<Track> {
    let track = |taken: &Taken| {
        let id = |uri| taken.extensions.iter().find(|(_, u)| *u == uri).map(|(id, _)| *id);
        Track {
            setup: TrackSetup {
                kind: taken.kind,
                ssrc: rand::random_range(1..=u32::MAX),
                rtx_ssrc: rand::random_range(1..=u32::MAX),
                mid: id(MID_EXTENSION).map(|id| (id, taken.mid.clone())),
                // Who gets packets again under their own number must get them as
                // they were, and this extension changes.
                send_time: id(SEND_TIME_EXTENSION)
                    .filter(|_| taken.codecs.iter().all(|codec| codec.rtx.is_some())),
            },
            taken: taken.clone(),
        }
    };
    plan.taken.iter().map(track).collect()
}
