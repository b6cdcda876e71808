//! A registered source: its senders, and what is known of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::feed::{Made, NO_PICTURE};
use crate::reception::Reported;
use crate::rtcp::{self, Feedback, is_rtcp};
use crate::srt::Rate;

use super::classify::Told;
use super::declared::{Declaration, DeclaredTrack};
use super::lane::{Lane, Works};
use super::packet::Packet;

/// Senders of a source at a time: picture and sound, and those that come after them.
const LANES: usize = 4;
/// A sender that was silent for this long gives way to another.
const GONE: Duration = Duration::from_secs(1);
/// Senders whose reports are kept before their packets come.
const REPORTS: usize = 8;
/// It is said for this long that a packet contradicted what is declared.
const SAID: Duration = Duration::from_secs(10);

/// One of a source's senders, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RtpTrack {
    /// The port that it sends from.
    pub port: u16,
    /// The payload type of its packets.
    pub payload_type: u8,
    /// What it carries, once that is told.
    pub codec: Option<&'static str>,
    /// That was declared.
    pub declared: bool,
    /// Packets received.
    pub packets: u64,
    /// Packets that never came in time.
    pub lost: u64,
    /// Packets that came out of order, and were put right.
    pub reordered: u64,
    /// Packets that came twice, or too late.
    pub belated: u64,
}

/// The figures of a source that sends RTP. Counts are since it began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RtpStatus {
    /// Packets received.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Bits per second, of the last second.
    pub bitrate: u64,
    /// Datagrams that were no RTP, or of more senders than a source may have.
    pub malformed: u64,
    /// Packets that have another payload type than is declared, and were left out.
    pub contradicting: u64,
    /// Sender reports.
    pub reports: u64,
    /// Picture and sound are in step by them; else by their arrival.
    pub synchronised: bool,
    /// The senders.
    pub tracks: Vec<RtpTrack>,
}

/// A packet has another payload type than is declared of what comes from its port.
struct Contradiction;

/// A source that sends RTP.
#[derive(Debug)]
pub struct RtpSource {
    /// The ports of its picture and its sound, and what comes from there.
    declared: Option<((u16, u16), Arc<Declaration>)>,
    /// The last packet that contradicted that: when it came, its port and its payload type.
    contradicted: Option<(Instant, u16, u8)>,
    contradicting: u64,
    lanes: Vec<Lane>,
    works: Works,
    packets: u64,
    bytes: u64,
    malformed: u64,
    reports: u64,
    rate: Rate,
}

impl RtpSource {
    /// One that nothing has come of.
    pub fn new(now: Instant) -> Self {
        Self {
            declared: None,
            contradicted: None,
            contradicting: 0,
            lanes: Vec::new(),
            works: Works::default(),
            packets: 0,
            bytes: 0,
            malformed: 0,
            reports: 0,
            rate: Rate::new(now),
        }
    }

    /// From now on this is declared of what comes from the ports of its picture and its sound, or nothing:
    /// what was told of its senders by then is told anew.
    pub fn declare(&mut self, ports: (u16, u16), declared: Option<Arc<Declaration>>) {
        let declared = declared.map(|declared| (ports, declared));
        if self.declared != declared {
            self.declared = declared;
            self.contradicted = None;
            self.lanes.clear();
            (self.works.picture, self.works.sound) = (None, None);
        }
    }

    /// Takes a datagram, RTP or RTCP, that came from a registered port.
    pub fn datagram(
        &mut self,
        now: Instant,
        port: u16,
        datagram: &[u8],
        mut made: impl FnMut(Made),
    ) {
        self.rate.tick(now);
        if is_rtcp(datagram) {
            return self.control(datagram);
        }
        let Some(packet) = Packet::parse(datagram) else {
            self.malformed += 1;
            return;
        };
        self.packets += 1;
        self.bytes += datagram.len() as u64;
        self.rate.count(datagram.len());
        let Ok(track) = self.track(port, packet.pt) else {
            self.contradicting += 1;
            self.contradicted = Some((now, port, packet.pt));
            return;
        };
        let Some(lane) = self.lane(now, port, &packet, track) else {
            self.malformed += 1;
            return;
        };
        let Some(lane) = self.lanes.get_mut(lane) else { return };
        (lane.last, lane.left, lane.pt) = (now, false, packet.pt);
        lane.packets += 1;
        lane.reorder.push(now, packet.seq, packet);
        self.drain(now, &mut made);
    }

    /// To be called when [`RtpSource::deadline`] has come.
    pub fn tick(&mut self, now: Instant, mut made: impl FnMut(Made)) {
        self.rate.tick(now);
        let is_old = |(at, ..): &mut (Instant, u16, u8)| now.saturating_duration_since(*at) >= SAID;
        self.contradicted.take_if(is_old);
        self.drain(now, &mut made);
    }

    /// When something is due, if nothing comes before.
    pub fn deadline(&self) -> Option<Instant> {
        self.lanes.iter().filter_map(|lane| lane.reorder.deadline()).min()
    }

    /// What is declared of a packet, if anything is of what comes from its port.
    fn track(&self, port: u16, pt: u8) -> Result<Option<DeclaredTrack>, Contradiction> {
        let Some(((video, audio), declared)) = &self.declared else { return Ok(None) };
        let mut open = false;
        for (its_port, track) in [(*video, &declared.video), (*audio, &declared.audio)] {
            match track.as_ref().filter(|_| its_port == port) {
                Some(track) if track.payload_type == pt => return Ok(Some(track.clone())),
                // All that comes is in it.
                Some(track) if track.terms.told == Told::TransportStream => {
                    return Err(Contradiction);
                }
                Some(_) => {}
                None => open |= its_port == port,
            }
        }
        if open { Ok(None) } else { Err(Contradiction) }
    }

    /// The lane of a packet's sender. A new one takes the place of one that is silent.
    fn lane(
        &mut self,
        now: Instant,
        port: u16,
        packet: &Packet,
        track: Option<DeclaredTrack>,
    ) -> Option<usize> {
        let ssrc = packet.ssrc;
        let same = |lane: &Lane| {
            let of = lane.ssrc == ssrc && lane.port == port;
            // What is not declared is told by its packets, whatever their numbers.
            of && lane.declared == track.is_some() && (!lane.declared || lane.pt == packet.pt)
        };
        if let Some(at) = self.lanes.iter().position(same) {
            return Some(at);
        }
        if self.lanes.len() >= LANES {
            let silent = self.lanes.iter().enumerate().min_by_key(|(_, lane)| lane.last);
            let (at, _) = silent.filter(|(_, lane)| is_gone(now, lane))?;
            self.lanes.remove(at);
        }
        let mut lane = Lane::new(now, ssrc, port, packet.pt);
        if let Some(track) = track {
            lane.declare(track.terms, &mut self.works);
        }
        self.lanes.push(lane);
        Some(self.lanes.len() - 1)
    }

    fn drain(&mut self, now: Instant, made: &mut dyn FnMut(Made)) {
        self.settle(now);
        for lane in &mut self.lanes {
            lane.drain(now, &mut self.works, made);
        }
    }

    /// Where the sender that is taken is gone, one that is there is taken in its place.
    fn settle(&mut self, now: Instant) {
        for is_picture in [true, false] {
            let taken = if is_picture { self.works.picture } else { self.works.sound };
            let Some((ssrc, told)) = taken else { continue };
            let there = |lane: &Lane| !is_gone(now, lane);
            if self.lanes.iter().any(|lane| lane.ssrc == ssrc && there(lane)) {
                continue;
            }
            let alike = |lane: &&mut Lane| {
                let same = lane.told().map(|other| std::mem::discriminant(&other));
                same == Some(std::mem::discriminant(&told)) && there(lane)
            };
            if let Some(lane) = self.lanes.iter_mut().find(alike)
                && let Some(told) = lane.told()
            {
                lane.wait();
                self.works.take(lane.ssrc, told);
            }
        }
    }

    fn control(&mut self, datagram: &[u8]) {
        let (lanes, reported) = (&mut self.lanes, &mut self.works.reported);
        let mut reports = 0;
        rtcp::parse(datagram, |said| {
            let Feedback::Sent { ssrc, ntp, rtp } = said else { return };
            reports += 1;
            let report = Reported { ntp, rtp };
            reported.retain(|(known, _)| *known != ssrc);
            if reported.len() >= REPORTS {
                reported.remove(0);
            }
            reported.push((ssrc, report));
            for lane in lanes.iter_mut().filter(|lane| lane.ssrc == ssrc) {
                lane.clock.report(report);
            }
        });
        self.reports += reports;
        rtcp::goodbyes(datagram, |ssrc| {
            for lane in self.lanes.iter_mut().filter(|lane| lane.ssrc == ssrc) {
                lane.left = true;
            }
        });
    }

    /// Whether all that sent in the last second have said goodbye (RFC 3550, 6.6): there is nothing to
    /// wait for. A sender that another has replaced is not waited for either.
    pub fn has_left(&self, now: Instant) -> bool {
        let silent = |lane: &Lane| now.saturating_duration_since(lane.last) >= GONE;
        self.lanes.iter().any(|lane| lane.left)
            && self.lanes.iter().all(|lane| lane.left || silent(lane))
    }

    /// The senders (SSRC) that it has had lately.
    pub fn senders(&self) -> Vec<u32> {
        self.lanes.iter().map(|lane| lane.ssrc).collect()
    }

    /// Whether picture and sound both stand where reports put them.
    fn is_synchronised(&self) -> bool {
        [self.works.picture, self.works.sound].into_iter().all(|taken| {
            taken.is_some_and(|(ssrc, _)| {
                self.lanes.iter().any(|lane| lane.ssrc == ssrc && lane.clock.in_step)
            })
        })
    }

    /// What is wrong with the source, in words for those who set the encoder up.
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.lanes.iter().filter_map(Lane::problem).collect();
        if let Some((_, port, pt)) = self.contradicted {
            problems.push(format!(
                "What comes from port {port} has payload type {pt}, which is not what is declared, and is left \
                 out: declare what the encoder sends now (rushes/live/declare)."
            ));
        }
        let known = !self.lanes.iter().any(Lane::may_be_picture);
        let of_feed = self.works.feed.problems().iter();
        problems.extend(of_feed.filter(|problem| known || *problem != NO_PICTURE).cloned());
        problems
    }

    /// Whether there is AAC whose channels nobody has declared: they are those of the first part of its frames.
    pub fn has_guessed_sound(&self) -> bool {
        self.lanes.iter().any(Lane::is_guessed)
    }

    /// Frames that were left out: with a hole, or after one and before the next key frame.
    pub fn lost(&self) -> u64 {
        self.works.left_out + self.works.feed.lost()
    }

    /// What is measured of it.
    pub fn status(&self) -> RtpStatus {
        let tracks = self.lanes.iter().map(|lane| RtpTrack {
            port: lane.port,
            payload_type: lane.pt,
            codec: lane.told().map(|told| told.name()),
            declared: lane.declared,
            packets: lane.packets,
            lost: lane.reorder.lost,
            reordered: lane.reorder.reordered,
            belated: lane.reorder.belated,
        });
        RtpStatus {
            packets: self.packets,
            bytes: self.bytes,
            bitrate: self.rate.last.1 * 8,
            malformed: self.malformed,
            contradicting: self.contradicting,
            reports: self.reports,
            synchronised: self.is_synchronised(),
            tracks: tracks.collect(),
        }
    }
}

fn is_gone(now: Instant, lane: &Lane) -> bool {
    lane.left || now.saturating_duration_since(lane.last) >= GONE
}
