//! A sender as libsrt is one, as far as a receiver notices.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::srt::handshake::tests::{call, write_call};
use crate::srt::handshake::{CONCLUSION, Extensions, Handshake, INDUCTION};
use crate::srt::keys::sender::SenderKeys;
use crate::srt::packet::tests::{read_ranges, write_data};
use crate::srt::packet::{Body, Control, KeySlot, Kind, Packet, write_control};
use crate::srt::seq::Seq;

/// How a sender differs from another.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) first: u32,
    /// Its timestamp when it begins.
    pub(crate) timestamp: u32,
    pub(crate) latency_ms: u16,
    pub(crate) stream_id: String,
    /// The passphrase and the bytes of a key.
    pub(crate) secret: Option<(&'static str, usize)>,
    /// Keys change after so many packets.
    pub(crate) refresh: Option<u32>,
    /// By how much its clock is fast, in millionths.
    pub(crate) fast: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            first: 1000,
            timestamp: 0,
            latency_ms: 250,
            stream_id: "cam".to_owned(),
            secret: None,
            refresh: None,
            fast: 0,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    Calling,
    Connected,
    Refused(u32),
    Closed,
}

struct Sent {
    at: Instant,
    again: Option<Instant>,
    timestamp: u32,
    slot: Option<KeySlot>,
    payload: Vec<u8>,
}

pub(crate) struct Sender {
    config: Config,
    begun: Instant,
    pub(crate) state: State,
    id: u32,
    peer: u32,
    cookie: Option<u32>,
    called: Option<Instant>,
    next: u32,
    kept: BTreeMap<u32, Sent>,
    keys: Option<SenderKeys>,
    slot: KeySlot,
    key_request: Option<Instant>,
    pub(crate) key_answers: Vec<Vec<u8>>,
    rtt: Duration,
    heard: Instant,
    pub(crate) out: Vec<Vec<u8>>,
    /// Data packets on the wire, and those of them sent again.
    pub(crate) packets: (u64, u64),
}

impl Sender {
    pub(crate) fn new(now: Instant, config: Config) -> Self {
        let keys = config.secret.map(|(secret, length)| SenderKeys::new(secret, length));
        Self {
            next: config.first,
            config,
            begun: now,
            state: State::Calling,
            id: 0x1234_5678,
            peer: 0,
            cookie: None,
            called: None,
            kept: BTreeMap::new(),
            keys,
            slot: KeySlot::Even,
            key_request: None,
            key_answers: Vec::new(),
            rtt: Duration::from_millis(100),
            heard: now,
            out: Vec::new(),
            packets: (0, 0),
        }
    }

    fn timestamp(&self, now: Instant) -> u32 {
        let micros = now.duration_since(self.begun).as_micros() as i64;
        let micros = micros + micros * self.config.fast / 1_000_000;
        self.config.timestamp.wrapping_add(micros as u32)
    }

    fn control(&mut self, now: Instant, kind: u32, info: u32, body: &[u8]) {
        let timestamp = self.timestamp(now);
        let mut bytes = write_control(Kind::KeepAlive, info, timestamp, self.peer, body);
        bytes[..4].copy_from_slice(&(1 << 31 | kind).to_be_bytes());
        self.out.push(bytes);
    }

    /// Sends a payload, once there is a connection.
    pub(crate) fn send(&mut self, now: Instant, payload: &[u8]) {
        assert_eq!(self.state, State::Connected);
        let seq = Seq::new(self.next);
        self.next = seq.add(1).value();
        let slot = self.keys.is_some().then_some(self.slot);
        let mut payload = payload.to_vec();
        if let (Some(keys), Some(slot)) = (&self.keys, slot) {
            keys.encrypt(slot, seq, &mut payload);
        }
        let timestamp = self.timestamp(now);
        let sent = Sent { at: now, again: None, timestamp, slot, payload };
        self.out.push(write_data(seq, slot, false, timestamp, self.peer, &sent.payload));
        self.kept.insert(seq.value(), sent);
        self.packets.0 += 1;
        self.rotate(now);
    }

    /// A new key is told half way, and used at the end.
    fn rotate(&mut self, now: Instant) {
        let (Some(every), Some(keys)) = (self.config.refresh, &mut self.keys) else { return };
        let other = match self.slot {
            KeySlot::Even => KeySlot::Odd,
            KeySlot::Odd => KeySlot::Even,
        };
        // What is sent again does not count: it could step over a turn.
        let first_sent = self.packets.0 - self.packets.1;
        let count = (first_sent % u64::from(every)) as u32;
        if count == every / 2 {
            keys.renew(other);
            self.key_request = Some(now);
        } else if count == 0 {
            self.slot = other;
        }
    }

    pub(crate) fn receive(&mut self, now: Instant, datagram: &[u8]) {
        self.heard = now;
        let packet = Packet::parse(datagram).expect("the receiver writes well");
        let Body::Control(control) = &packet.body else { panic!("the receiver sends data") };
        match control {
            Control::Handshake(content) => self.answered(content),
            Control::Ack(number, body) => {
                let word =
                    |i: usize| u32::from_be_bytes(body[i * 4..i * 4 + 4].try_into().unwrap());
                let acked = Seq::new(word(0));
                self.kept.retain(|seq, _| Seq::new(*seq).after(acked) >= 0);
                if *number != 0 {
                    assert_eq!(body.len(), 28, "a full acknowledgement");
                    self.rtt = Duration::from_micros(u64::from(word(1)));
                    self.control(now, 6 << 16, *number, &[]);
                }
            }
            Control::Nak(body) => {
                for (first, last) in read_ranges(body) {
                    for offset in 0..=last.after(first) as u32 {
                        self.again(now, first.add(offset));
                    }
                }
            }
            Control::Shutdown => self.state = State::Closed,
            _ => {
                // KMRSP is of the user's kind, which a receiver takes no note of.
                if datagram[..4] == [0xff, 0xff, 0, 4] {
                    self.key_answers.push(datagram[16..].to_vec());
                    self.key_request = None;
                }
            }
        }
    }

    /// libsrt does not send a packet again within a round trip of having done so.
    fn again(&mut self, now: Instant, seq: Seq) {
        let (peer, rtt) = (self.peer, self.rtt);
        let Some(sent) = self.kept.get_mut(&seq.value()) else { return };
        if sent.again.is_some_and(|at| now.duration_since(at) < rtt) {
            return;
        }
        sent.again = Some(now);
        self.packets.0 += 1;
        self.packets.1 += 1;
        self.out.push(write_data(seq, sent.slot, true, sent.timestamp, peer, &sent.payload));
    }

    fn answered(&mut self, content: &[u8]) {
        let answer = Handshake::parse(content).unwrap();
        match answer.kind {
            INDUCTION => {
                assert_eq!(content[6..8], [0x4a, 0x17], "the magic");
                self.cookie = Some(answer.cookie);
                self.called = None;
            }
            CONCLUSION => {
                self.peer = answer.id;
                self.state = State::Connected;
            }
            refused => self.state = State::Refused(refused - 1000),
        }
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        let again = |at: Option<Instant>| {
            at.is_none_or(|at| now.duration_since(at) >= Duration::from_millis(250))
        };
        if self.state == State::Calling && again(self.called) {
            self.called = Some(now);
            let (kind, cookie) = self.cookie.map_or((INDUCTION, 0), |c| (CONCLUSION, c));
            let extensions = Extensions {
                request: Some((0x01_05_01, 0xbf, 120, self.config.latency_ms)),
                keys: self.keys.as_ref().map(|keys| keys.message(&[KeySlot::Even])),
                stream_id: self.config.stream_id.clone(),
            };
            let extensions = if kind == CONCLUSION { extensions } else { Extensions::default() };
            let body = write_call(&call(kind, cookie, self.id, self.config.first), &extensions);
            self.control(now, 0, 0, &body);
        }
        if self.state != State::Connected {
            return;
        }
        if self.key_request.is_some_and(|at| now >= at) {
            let message = self.keys.as_ref().unwrap().message(&[KeySlot::Even, KeySlot::Odd]);
            self.control(now, 0x7fff << 16 | 3, 0, &message);
            self.key_request = Some(now + self.rtt * 3 / 2);
        }
        // What is too late for the receiver is not kept (TLPKTDROP of the sender).
        let late = Duration::from_millis(u64::from(self.config.latency_ms).max(120) * 5 / 4 + 20);
        self.kept.retain(|_, sent| now.duration_since(sent.at) < late.max(Duration::from_secs(1)));
        assert!(now.duration_since(self.heard) < Duration::from_secs(5), "libsrt would hang up");
    }

    pub(crate) fn close(&mut self, now: Instant) {
        self.control(now, 5 << 16, 0, &[]);
        self.state = State::Closed;
    }
}
