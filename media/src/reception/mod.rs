//! The reception of one publisher's packets: which are new, what they belong to, which are
//! missing, and what its sender is told of it.
//!
//! A pure core: packets and the time are arguments, and what it has to say is polled as plain
//! RTCP. Packets are handed on in the order in which they come; who is late is told by its number.

mod arrivals;
mod clock;
pub(crate) mod header;
mod missing;
mod plan;
mod source;
mod statistics;
#[cfg(test)]
mod tests;
mod window;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ahead::{Ahead, ahead};
use crate::rtcp::{
    Feedback, ReceptionReport, parse, write_bye, write_fir, write_nack, write_pli,
    write_receiver_report, write_transport_feedback,
};
use crate::srtp::Opener;
use crate::stream::{Payload, Payloads};

use arrivals::Arrivals;
pub(crate) use clock::{Reported, Reports, SenderClock};
use header::{Header, extensions, unpadded};
use missing::RoundTrip;
pub(crate) use plan::{ExtensionIds, Format, TrackPlan, Wish};
use source::{Layer, Role, Source};

/// Sources that one session may have in all: a sound, four layers, each with retransmissions, and
/// several times what comes in their place.
const SOURCES: usize = 64;
/// After so long the lower bits of a number may have begun anew.
const SILENT: Duration = Duration::from_secs(1);
/// Between two reports.
const REPORTS: Duration = Duration::from_secs(1);
/// Before the first one: clients leave out what names their layers only once they heard of it.
const FIRST_REPORT: Duration = Duration::from_millis(200);
/// Entries of all requests for missing packets in one datagram.
const ENTRIES: usize = 200;

/// A packet that is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// The place of its track in the plan.
    pub(crate) track: usize,
    pub(crate) layer: usize,
    /// The place of its payload type in the plan of the track.
    pub(crate) format: usize,
    /// Extended sequence number of its source.
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Payload,
    /// It is the first of a source that takes another one's place.
    pub(crate) replaces: bool,
    /// The last sender report of its source.
    pub(crate) reported: Option<Reported>,
}

/// What came of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It proves nothing: forged, a replay, or none of what was agreed on.
    Refused,
    /// It is the publisher's, and has nothing to hand on.
    Proven,
    Packet(Arrived),
}

/// What a payload type stands for.
#[derive(Debug, Clone, Copy)]
struct Type {
    track: u8,
    format: u8,
    repair: bool,
}

#[derive(Debug)]
struct Track {
    plan: TrackPlan,
    layers: Vec<Layer>,
}

/// All that is received of one publisher.
#[derive(Debug)]
pub(crate) struct Reception {
    types: Box<[Option<Type>; 128]>,
    tracks: Vec<Track>,
    sources: Vec<Source>,
    ids: ExtensionIds,
    arrivals: Arrivals,
    trip: RoundTrip,
    /// Ours.
    ssrc: u32,
    cname: String,
    reports_at: Option<Instant>,
    /// When a key frame was wished for last, if its publisher was not asked yet.
    wished_at: Option<Instant>,
    /// Requests that go alone.
    alone: VecDeque<Vec<u8>>,
    payloads: Payloads,
}

impl Reception {
    /// `ssrc` and `cname` are what the publisher is to know this end by.
    pub(crate) fn new(plans: Vec<TrackPlan>, ids: ExtensionIds, ssrc: u32, cname: String) -> Self {
        let mut types = Box::new([None; 128]);
        for (track, plan) in plans.iter().enumerate() {
            for (format, Format { pt, rtx, .. }) in plan.formats.iter().enumerate() {
                for (pt, repair) in [(Some(*pt), false), (*rtx, true)] {
                    if let Some(entry) = pt.and_then(|pt| types.get_mut(usize::from(pt))) {
                        *entry = Some(Type { track: track as u8, format: format as u8, repair });
                    }
                }
            }
        }
        let track = |plan: TrackPlan| {
            let layer = |name| Layer::new(name, plan.kind.clock());
            let mut layers: Vec<Layer> = plan.layers.iter().cloned().map(Some).map(layer).collect();
            if layers.is_empty() {
                layers.push(layer(None));
            }
            Track { plan, layers }
        };
        Self {
            types,
            tracks: plans.into_iter().map(track).collect(),
            sources: Vec::new(),
            ids,
            arrivals: Arrivals::default(),
            trip: RoundTrip::default(),
            ssrc,
            cname,
            reports_at: None,
            wished_at: None,
            alone: VecDeque::new(),
            payloads: Payloads::default(),
        }
    }

    /// Takes an SRTP packet.
    pub(crate) fn packet(&mut self, now: Instant, opener: &Opener, data: &[u8]) -> Taken {
        let Some(header) = Header::parse(data) else { return Taken::Refused };
        let Some(kind) = self.types[usize::from(header.pt)] else { return Taken::Refused };
        let known = self.sources.iter().position(|source| source.ssrc == header.ssrc);
        let Some((number, length, body)) = self.open(now, opener, data, header, known) else {
            return Taken::Refused;
        };
        // Neither an extension nor that there is padding is encrypted.
        let head = &data[..length];
        let Some((place, replaces)) = self.source(now, header, kind, known, head) else {
            // Nothing of it is remembered, so that it could be said again by anybody.
            return Taken::Refused;
        };
        self.note_arrival(now, head);
        let source = &mut self.sources[place];
        let before = source.window.top();
        source.window.take(number);
        source.heard = now;
        let carried = unpadded(head, &body).map(|length| body.until(length));
        if source.role == Role::Repair {
            return carried
                .and_then(|carried| self.repaired(now, place, kind, header, carried))
                .map_or(Taken::Proven, Taken::Packet);
        }
        let (track, layer) = (source.track, source.layer);
        let state = &mut self.tracks[track];
        let asks = state.plan.formats[usize::from(kind.format)].nack;
        let layer_state = &mut state.layers[layer];
        layer_state.statistics.packet(now, number, header.timestamp);
        let of = (number, header.timestamp);
        if let Some(answer) = layer_state.packet(now, of, before, asks, self.trip) {
            self.trip.answered(answer);
        }
        let Some(payload) = carried else { return Taken::Proven };
        Taken::Packet(Arrived {
            track,
            layer,
            format: kind.format.into(),
            seq: number,
            timestamp: header.timestamp,
            marker: header.marker,
            payload,
            replaces,
            reported: layer_state.reports.believed(),
        })
    }

    /// Decrypts a packet that surely did not come before, to where its payload is kept. Gives back
    /// its extended number, the length of its header and what follows that.
    fn open(
        &mut self,
        now: Instant,
        opener: &Opener,
        data: &[u8],
        header: Header,
        known: Option<usize>,
    ) -> Option<(u64, usize, Payload)> {
        let source = known.map(|place| &self.sources[place]);
        if source.is_some_and(|source| source.role == Role::Replaced) {
            return None;
        }
        let likely = match source {
            Some(source) => source.window.extend(header.seq)?,
            None => header.seq.into(),
        };
        // So much may have been lost that the lower bits began anew: after a silence, or before
        // the first packet that came.
        let anew = match source {
            Some(source) => now.saturating_duration_since(source.heard) > SILENT,
            None => header.seq < 1 << 15,
        };
        let fresh = |number: &u64| source.is_none_or(|source| source.window.is_new(*number));
        let numbers = [Some(likely), anew.then_some(likely + (1 << 16))];
        let body = opener.body(data).ok()?;
        numbers.into_iter().flatten().filter(fresh).find_map(|number| {
            let open = self
                .payloads
                .make(body.len(), |plain| opener.open_body(data, number, &body, plain));
            Some((number, body.start, open.ok()?))
        })
    }

    fn note_arrival(&mut self, now: Instant, head: &[u8]) {
        let Some(id) = self.ids.transport else { return };
        let found = extensions(head, head.len()).find(|(found, _)| *found == id);
        if let Some((_, [high, low])) = found {
            self.arrivals.note(now, u16::from_be_bytes([*high, *low]));
        }
    }

    /// The place of the packet's source, and whether it is new and takes another one's. None if it
    /// is of nothing that was agreed on.
    fn source(
        &mut self,
        now: Instant,
        header: Header,
        kind: Type,
        known: Option<usize>,
        head: &[u8],
    ) -> Option<(usize, bool)> {
        let track = usize::from(kind.track);
        if let Some(place) = known {
            let Source { track: of, role, .. } = self.sources[place];
            let fits = of == track && (role == Role::Repair) == kind.repair;
            return fits.then_some((place, false));
        }
        if self.sources.len() >= SOURCES {
            return None;
        }
        let layer = self.layer(header.ssrc, kind, head)?;
        let place = self.sources.len();
        let role = if kind.repair { Role::Repair } else { Role::Main };
        let mut replaces = false;
        if role == Role::Main {
            let Track { plan, layers } = &mut self.tracks[track];
            if let Some(before) = layers[layer].main {
                self.sources[before].role = Role::Replaced;
                replaces = true;
            }
            layers[layer].begin(place, plan.kind.clock());
            self.reports_at.get_or_insert(now + FIRST_REPORT);
        }
        let (ssrc, window) = (header.ssrc, Default::default());
        self.sources.push(Source { ssrc, track, layer, role, window, heard: now });
        Some((place, replaces))
    }

    /// The layer of a source that is not known yet: by its name, or as the only one.
    fn layer(&self, ssrc: u32, kind: Type, head: &[u8]) -> Option<usize> {
        let Track { plan, layers } = &self.tracks[usize::from(kind.track)];
        if layers.len() == 1 {
            return Some(0);
        }
        let main = plan.pairs.iter().find(|(_, repair)| kind.repair && *repair == ssrc);
        let paired = main.and_then(|(main, _)| self.sources.iter().find(|s| s.ssrc == *main));
        if let Some(source) = paired {
            return Some(source.layer);
        }
        let id = if kind.repair { self.ids.repaired } else { self.ids.layer };
        let found = extensions(head, head.len()).find(|(found, _)| Some(*found) == id);
        let (_, name) = found?;
        layers
            .iter()
            .position(|layer| layer.name.as_ref().is_some_and(|wanted| wanted.as_bytes() == name))
    }

    /// What is in a retransmission (RFC 4588, 4): none if it is nothing new. Without a number it
    /// only looks whether the network bears it.
    fn repaired(
        &mut self,
        now: Instant,
        place: usize,
        kind: Type,
        header: Header,
        carried: Payload,
    ) -> Option<Arrived> {
        let Source { track, layer, .. } = self.sources[place];
        let Track { plan, layers } = &mut self.tracks[track];
        let layer_state = &mut layers[layer];
        let original = u16::from_be_bytes(*carried.first_chunk()?);
        let window = &mut self.sources[layer_state.main?].window;
        let number = window.extend(original).filter(|number| window.is_new(*number))?;
        let before = window.top();
        window.take(number);
        let asks = plan.formats[usize::from(kind.format)].nack;
        let of = (number, header.timestamp);
        if let Some(answer) = layer_state.packet(now, of, before, asks, self.trip) {
            self.trip.answered(answer);
        }
        Some(Arrived {
            track,
            layer,
            format: kind.format.into(),
            seq: number,
            timestamp: header.timestamp,
            marker: header.marker,
            payload: carried.after(2),
            replaces: false,
            reported: layer_state.reports.believed(),
        })
    }

    /// Takes RTCP that was decrypted.
    pub(crate) fn control(&mut self, now: Instant, plain: &[u8]) {
        parse(plain, |said| {
            let Feedback::Sent { ssrc, ntp, rtp } = said else { return };
            let sends = |source: &&Source| source.ssrc == ssrc && source.role == Role::Main;
            let Some(source) = self.sources.iter().find(sends) else { return };
            let layer = &mut self.tracks[source.track].layers[source.layer];
            layer.statistics.sender_report(now, ntp);
            layer.reports.heard(Reported { ntp, rtp });
        });
    }

    /// The frame of this timestamp needs nothing before it: what is missing there is not asked for
    /// any more.
    pub(crate) fn key_frame(&mut self, track: usize, layer: usize, timestamp: u32) {
        if let Some(layer) = self.tracks.get_mut(track).and_then(|t| t.layers.get_mut(layer)) {
            layer.key_frame(timestamp, self.trip);
        }
    }

    /// The next report is to ask for a key frame of a layer.
    pub(crate) fn want_key_frame(&mut self, now: Instant, track: usize, layer: usize) {
        let Some(Track { plan, layers }) = self.tracks.get_mut(track) else { return };
        if let Some(layer) = layers.get_mut(layer).filter(|layer| layer.main.is_some())
            && plan.wish.is_some()
        {
            layer.wish = true;
            self.wished_at = Some(now);
        }
    }

    /// A layer, by its track, of which packets will never come: a key frame makes up for them.
    pub(crate) fn take_lost(&mut self) -> Option<(usize, usize)> {
        let mut layers = self.tracks.iter_mut().enumerate().flat_map(|(track, state)| {
            let layers = state.layers.iter_mut().enumerate();
            layers.map(move |(layer, state)| (track, layer, state))
        });
        layers.find_map(|(track, layer, state)| state.missing.take_lost().then_some((track, layer)))
    }

    /// When [`Reception::write`] has something to say; in the past where it already has.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let layers = self.tracks.iter().flat_map(|track| &track.layers);
        let missing = layers.filter_map(|layer| layer.missing.deadline());
        missing.chain(self.arrivals.deadline()).chain(self.reports_at).chain(self.wished_at).min()
    }

    /// Appends the next datagram that is due. Says whether there was one.
    pub(crate) fn write(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool {
        if self.alone.is_empty() {
            if self.deadline().is_none_or(|at| at > now) {
                return false;
            }
            let feedback = self.requests(now);
            let reports = self.due_reports(now);
            if !feedback.is_empty() || !reports.is_empty() {
                write_receiver_report(buf, self.ssrc, &reports, &self.cname);
                buf.extend_from_slice(&feedback);
                return true;
            }
        }
        if let Some(request) = self.alone.pop_front() {
            buf.extend_from_slice(&request);
            return true;
        }
        // What came in time goes without requests: it may be long.
        let Some(told) = self.arrivals.report(now) else { return false };
        let main = self.sources.iter().find(|source| source.role == Role::Main);
        if main.is_none_or(|source| !self.tracks[source.track].plan.reduced) {
            write_receiver_report(buf, self.ssrc, &[], &self.cname);
        }
        write_transport_feedback(buf, self.ssrc, main.map_or(0, |source| source.ssrc), &told);
        true
    }

    fn due_reports(&mut self, now: Instant) -> Vec<ReceptionReport> {
        if self.reports_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.reports_at = Some(now + REPORTS);
        let layers = self.tracks.iter_mut().flat_map(|track| &mut track.layers);
        let sources = &self.sources;
        layers.filter_map(|l| l.statistics.report(now, sources[l.main?].ssrc)).collect()
    }

    /// What is asked of the publisher now, but for what goes alone.
    fn requests(&mut self, now: Instant) -> Vec<u8> {
        let mut with_report = Vec::new();
        self.wished_at = None;
        let mut left = ENTRIES;
        for Track { plan, layers } in &mut self.tracks {
            for layer in layers {
                let Some(main) = layer.main else { continue };
                let ssrc = self.sources[main].ssrc;
                let mut requests = [Vec::new(), Vec::new()];
                let gaps = layer.missing.ask(now, left, self.trip);
                if !gaps.is_empty() {
                    left -= gaps.len();
                    write_nack(&mut requests[0], self.ssrc, ssrc, &gaps);
                }
                match plan.wish.filter(|_| std::mem::take(&mut layer.wish)) {
                    Some(Wish::Pli) => write_pli(&mut requests[1], self.ssrc, ssrc),
                    Some(Wish::Fir) => {
                        layer.commands = layer.commands.wrapping_add(1);
                        write_fir(&mut requests[1], self.ssrc, ssrc, layer.commands);
                    }
                    None => {}
                }
                for request in requests.into_iter().filter(|request| !request.is_empty()) {
                    match plan.reduced {
                        true => self.alone.push_back(request),
                        false => with_report.extend_from_slice(&request),
                    }
                }
            }
        }
        with_report
    }

    /// Appends a goodbye.
    pub(crate) fn write_bye(&self, buf: &mut Vec<u8>) {
        write_receiver_report(buf, self.ssrc, &[], &self.cname);
        write_bye(buf, &[self.ssrc]);
    }
}

impl Ahead for Reception {
    fn ahead(&self, depth: u8) {
        match depth {
            1 => {
                ahead(&*self.types);
                ahead(&self.tracks[..]);
                ahead(&self.sources[..]);
                self.payloads.ahead(1);
            }
            2 => {
                self.tracks.iter().for_each(|track| ahead(&track.layers[..]));
                self.sources.iter().for_each(|source| source.window.ahead());
            }
            _ => {}
        }
    }
}
