//! A connected caller: what it sends is put in order, asked for where it is missing, and
//! handed on in time (draft-sharabayko-srt-01, 4.5 to 4.8).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::clock::SenderClock;
use super::keys::{KeyMessage, KeyState, Keys};
use super::packet::{Body, Control, Data, Kind, Packet, write_control, write_ranges};
use super::seq::Seq;
use super::spare::Spare;
use super::stats::{Rate, Rtt, SrtStatus};
use super::window::{Inserted, Window};

/// Between full acknowledgements (4.8.1).
const ACK_INTERVAL: Duration = Duration::from_millis(10);
/// A light acknowledgement after so many packets (4.8.1).
const LIGHT_ACK: u32 = 64;
/// Missing packets are looked for this often.
const NAK_LOOK: Duration = Duration::from_millis(10);
/// They are not asked for again sooner than this: libsrt's senders count on it.
const NAK_LEAST: Duration = Duration::from_millis(20);
/// A sign of life when there is nothing else to send.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// A caller that is not heard of for this long is gone (libsrt: SRTO_PEERIDLETIMEO).
const SILENCE: Duration = Duration::from_secs(5);
/// Full acknowledgements whose answer is waited for.
const OPEN_ACKS: usize = 128;
/// A new wrapping key is made at most this often: it costs half a millisecond.
const COSTLY_KEYS: Duration = Duration::from_secs(1);

/// Why a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The caller closed it.
    ByCaller,
    /// The caller was not heard of for five seconds.
    Silent,
    /// This end closed it.
    Here,
    /// A defect ended it.
    Defect,
}

/// What a connection begins with.
#[derive(Debug)]
pub(crate) struct Begin {
    /// The caller's socket.
    pub(crate) peer: u32,
    /// The number of its first packet.
    pub(crate) first: Seq,
    /// The timestamp of its handshake.
    pub(crate) timestamp: u32,
    pub(crate) latency: Duration,
    pub(crate) keys: Option<Keys>,
    pub(crate) remote: String,
    pub(crate) version: u32,
}

#[derive(Debug)]
struct OpenAck {
    number: u32,
    seq: Seq,
    at: Instant,
}

#[derive(Debug)]
pub(crate) struct Link {
    peer: u32,
    begun: Instant,
    window: Window,
    clock: SenderClock,
    keys: Option<Keys>,
    costly: Option<Instant>,
    rtt: Rtt,
    rate: Rate,
    status: SrtStatus,
    open_acks: VecDeque<OpenAck>,
    ack_number: u32,
    /// The last that was acknowledged, and when.
    acked: (Seq, Instant),
    /// The sender knows of this.
    confirmed: Seq,
    unacked_packets: u32,
    next_ack: Instant,
    next_nak: Instant,
    heard: Instant,
    sent: Instant,
    /// Datagrams for the caller.
    out: Vec<Vec<u8>>,
    closed: Option<Closed>,
}

impl Link {
    pub(crate) fn new(now: Instant, begin: Begin) -> Self {
        let version = begin.version;
        let status = SrtStatus {
            remote: begin.remote,
            latency: begin.latency.as_millis() as u64,
            encryption: begin.keys.as_ref().map(Keys::bits),
            version: format!("{}.{}.{}", version >> 16 & 0xff, version >> 8 & 0xff, version & 0xff),
            ..SrtStatus::default()
        };
        Self {
            peer: begin.peer,
            begun: now,
            window: Window::new(begin.first),
            clock: SenderClock::new(now, begin.timestamp, begin.latency),
            keys: begin.keys,
            costly: None,
            rtt: Rtt::default(),
            rate: Rate::new(now),
            status,
            open_acks: VecDeque::new(),
            ack_number: 0,
            acked: (begin.first, now),
            confirmed: begin.first,
            unacked_packets: 0,
            next_ack: now + ACK_INTERVAL,
            next_nak: now + NAK_LOOK,
            heard: now,
            sent: now,
            out: Vec::new(),
            closed: None,
        }
    }

    pub(crate) fn status(&self) -> SrtStatus {
        SrtStatus {
            rtt: f64::from(self.rtt.smoothed) / 1000.0,
            bitrate: self.rate.last.1 * 8,
            drift: self.clock.drift() as f64 / 1000.0,
            ..self.status.clone()
        }
    }

    pub(crate) fn closed(&self) -> Option<Closed> {
        self.closed
    }

    /// How long the caller has been silent.
    pub(crate) fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.heard)
    }

    /// Ends the connection; the caller is told.
    pub(crate) fn close(&mut self, now: Instant, why: Closed) {
        if self.closed.is_none() {
            self.send(now, Kind::Shutdown, 0, &[]);
            self.closed = Some(why);
        }
    }

    /// Datagrams to send to the caller.
    pub(crate) fn take_out(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.out)
    }

    /// The next payload whose time has come.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        loop {
            if let Some(payload) = self.window.pop(now, &mut self.status.dropped)? {
                return Some(payload);
            }
        }
    }

    pub(crate) fn packet(&mut self, now: Instant, packet: &Packet<'_>, spare: &mut Spare) {
        self.heard = now;
        match &packet.body {
            Body::Data(data) => self.data(now, packet.timestamp, data, spare),
            Body::Control(Control::AckAck(number)) => {
                self.ack_answered(now, packet.timestamp, *number);
            }
            Body::Control(Control::Drop { first, last }) => {
                self.status.dropped += self.window.abandon(*first, *last);
            }
            Body::Control(Control::KeyRequest(message)) => self.refresh(now, message),
            Body::Control(Control::Shutdown) => self.closed = Some(Closed::ByCaller),
            // A repeated handshake is answered before it gets here. Nothing is sent that could
            // be acknowledged or asked for.
            Body::Control(
                Control::Handshake(_)
                | Control::KeepAlive
                | Control::Ack(..)
                | Control::Nak(_)
                | Control::Other,
            ) => {}
        }
    }

    fn data(&mut self, now: Instant, timestamp: u32, data: &Data<'_>, spare: &mut Spare) {
        self.status.packets += 1;
        self.status.bytes += data.payload.len() as u64;
        self.rate.count(data.payload.len());
        if data.retransmitted {
            self.status.retransmitted += 1;
        }
        self.unacked_packets += 1;
        let due = self.clock.due(now, timestamp);
        let before = self.window.len();
        let wanted = self.window.wants(data.seq);
        let payload = if wanted { self.decrypted(data, spare) } else { None };
        match self.window.insert(now, data.seq, due, payload) {
            Inserted::New => {
                if let Some((first, last)) = self.window.gap_since(before) {
                    self.status.lost += u64::from(last.after(first) as u32 + 1);
                    self.send(now, Kind::Nak, 0, &write_ranges(&[(first, last)]));
                }
            }
            Inserted::Recovered => {}
            Inserted::Duplicate | Inserted::Late => self.status.belated += 1,
            Inserted::Beyond => {
                if let Some(skipped) = self.window.give_up(data.seq) {
                    self.status.dropped += u64::from(skipped);
                }
            }
        }
        if self.unacked_packets >= LIGHT_ACK {
            self.unacked_packets = 0;
            let seq = self.window.acknowledged().value();
            self.send(now, Kind::Ack, 0, &seq.to_be_bytes());
        }
    }

    /// The payload in the clear; none where there is no key for it.
    fn decrypted(&mut self, data: &Data<'_>, spare: &mut Spare) -> Option<Vec<u8>> {
        let mut payload = spare.copy(data.payload);
        let readable = match (&self.keys, data.key) {
            (None, None) => true,
            (Some(keys), Some(slot)) => keys.decrypt(slot, data.seq, &mut payload),
            // In the clear where encryption was agreed on, it is not of the caller.
            _ => false,
        };
        if !readable {
            self.status.undecrypted += 1;
        }
        readable.then_some(payload)
    }

    fn ack_answered(&mut self, now: Instant, timestamp: u32, number: u32) {
        let Some(at) = self.open_acks.iter().position(|open| open.number == number) else { return };
        // Those before were lost, or their answers were.
        let Some(open) = self.open_acks.drain(..=at).next_back() else { return };
        self.rtt.sample(now.saturating_duration_since(open.at));
        if open.seq.after(self.confirmed) > 0 {
            self.confirmed = open.seq;
        }
        self.clock.sample(now, timestamp);
    }

    /// The sender changes its keys (6.1.6): the answer is the message itself.
    fn refresh(&mut self, now: Instant, message: &[u8]) {
        let refused = |state: KeyState| (state as u32).to_be_bytes().to_vec();
        let answer = match (&mut self.keys, KeyMessage::parse(message)) {
            (None, _) => refused(KeyState::NoSecret),
            (Some(_), None) => refused(KeyState::BadSecret),
            (Some(keys), Some(message)) => {
                if keys.is_costly(&message) {
                    let recent = |at| now.saturating_duration_since(at) < COSTLY_KEYS;
                    if self.costly.is_some_and(recent) {
                        return;
                    }
                    self.costly = Some(now);
                }
                match keys.refresh(&message) {
                    true => message.bytes().to_vec(),
                    false => refused(KeyState::BadSecret),
                }
            }
        };
        self.send(now, Kind::KeyResponse, 0, &answer);
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.closed.is_some() {
            return;
        }
        if self.silent_for(now) >= SILENCE {
            return self.close(now, Closed::Silent);
        }
        if self.next_ack <= now {
            self.next_ack = now + ACK_INTERVAL;
            self.rate.tick(now);
            self.acknowledge(now);
        }
        if self.next_nak <= now {
            self.next_nak = now + NAK_LOOK;
            let lost = self.window.overdue(now, self.nak_interval());
            if !lost.is_empty() {
                self.send(now, Kind::Nak, 0, &write_ranges(&lost));
            }
        }
        if now.saturating_duration_since(self.sent) >= KEEP_ALIVE {
            self.send(now, Kind::KeepAlive, 0, &[]);
        }
    }

    /// A missing packet is asked for again when it should have come; and in any case often
    /// enough for several tries within the latency.
    fn nak_interval(&self) -> Duration {
        let most = (self.clock.latency() / 4).max(NAK_LEAST);
        self.rtt.patience().clamp(NAK_LEAST, most)
    }

    /// When [`Link::tick`] or [`Link::pop`] has something to do.
    pub(crate) fn deadline(&self) -> Instant {
        let mut at = (self.heard + SILENCE).min(self.sent + KEEP_ALIVE);
        if self.window.acknowledged() != self.confirmed || self.rate.last.0 > 0 {
            at = at.min(self.next_ack);
        }
        if self.window.is_waiting() {
            at = at.min(self.next_nak);
        }
        self.window.deadline().map_or(at, |due| at.min(due))
    }

    /// A full acknowledgement, if there is any need for one.
    fn acknowledge(&mut self, now: Instant) {
        let seq = self.window.acknowledged();
        let known = seq == self.confirmed;
        let waits = seq == self.acked.0
            && now.saturating_duration_since(self.acked.1) < self.rtt.patience();
        if known || waits {
            return;
        }
        self.acked = (seq, now);
        self.unacked_packets = 0;
        self.ack_number = self.ack_number.wrapping_add(1);
        let (packets, bytes) = self.rate.last;
        let room = self.window.room().max(2) as u32;
        let fields = [
            seq.value(),
            self.rtt.smoothed,
            self.rtt.variation,
            room,
            packets,
            // The capacity of the way is not measured: what came through is known to fit.
            packets,
            bytes.min(u64::from(u32::MAX)) as u32,
        ];
        let body: Vec<u8> = fields.into_iter().flat_map(u32::to_be_bytes).collect();
        let number = self.ack_number;
        self.send(now, Kind::Ack, number, &body);
        if self.open_acks.len() >= OPEN_ACKS {
            self.open_acks.pop_front();
        }
        self.open_acks.push_back(OpenAck { number, seq, at: now });
    }

    fn send(&mut self, now: Instant, kind: Kind, info: u32, body: &[u8]) {
        self.sent = now;
        let timestamp = now.saturating_duration_since(self.begun).as_micros() as u32;
        self.out.push(write_control(kind, info, timestamp, self.peer, body));
    }
}
