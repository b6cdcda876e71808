//! The listener and a sender at the two ends of a network, in virtual time.

mod attacks;
pub(crate) mod sender;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::seq::Seq;
use super::*;
use sender::{Config, Sender, State};

/// A step of the clock, where a test has no other.
const STEP: Duration = Duration::from_millis(1);

/// How bad the way is, each way.
#[derive(Debug, Clone, Copy)]
struct Way {
    loss: f64,
    twice: f64,
    delay: Duration,
    /// Up to this much more, drawn for each datagram: they overtake each other.
    jitter: Duration,
}

impl Default for Way {
    fn default() -> Self {
        let delay = Duration::from_millis(20);
        Self { loss: 0.0, twice: 0.0, delay, jitter: Duration::ZERO }
    }
}

struct World {
    now: Instant,
    grain: Duration,
    way: Way,
    random: StdRng,
    listener: Listener,
    sender: Sender,
    address: SocketAddr,
    /// Datagrams under way, by when they arrive: to the listener, or to the sender.
    flying: BTreeMap<(Instant, u64), (bool, Vec<u8>)>,
    count: u64,
    decide: fn(&Call) -> Result<Option<Keys>, Rejection>,
    link: Option<LinkId>,
    /// What was handed on, and when.
    got: Vec<(Instant, Vec<u8>)>,
    closed: Option<(Closed, SrtStatus)>,
}

fn all(_: &Call) -> Result<Option<Keys>, Rejection> {
    Ok(None)
}

const SECRET: &str = "correct horse battery";

/// As the server does: with the passphrase of the stream.
fn with_secret(call: &Call) -> Result<Option<Keys>, Rejection> {
    let keys = call.keys.as_ref().ok_or(Rejection::Unsecure)?;
    Keys::unwrap(SECRET, keys).map(Some).ok_or(Rejection::BadSecret)
}

impl World {
    fn new(config: Config, way: Way, seed: u64) -> Self {
        let now = Instant::now() + Duration::from_secs(10_000);
        Self {
            now,
            grain: STEP,
            way,
            random: StdRng::seed_from_u64(seed),
            listener: Listener::new(now, Limits::default()),
            sender: Sender::new(now, config),
            address: "192.0.2.7:40000".parse().unwrap(),
            flying: BTreeMap::new(),
            count: 0,
            decide: all,
            link: None,
            got: Vec::new(),
            closed: None,
        }
    }

    fn fly(&mut self, to_listener: bool, bytes: Vec<u8>) {
        if self.random.random::<f64>() < self.way.loss {
            return;
        }
        let copies = if self.random.random::<f64>() < self.way.twice { 2 } else { 1 };
        for _ in 0..copies {
            let jitter = self.way.jitter.mul_f64(self.random.random::<f64>());
            self.count += 1;
            let at = (self.now + self.way.delay + jitter, self.count);
            self.flying.insert(at, (to_listener, bytes.clone()));
        }
    }

    fn listen(&mut self) {
        while let Some(output) = self.listener.poll() {
            match output {
                Output::Send(to, bytes) => {
                    assert_eq!(to, self.address);
                    self.fly(false, bytes);
                }
                Output::Call(call) => {
                    let decision = (self.decide)(&call);
                    if let Some(link) = self.listener.answer(self.now, call.id, decision) {
                        self.link = Some(link);
                    }
                }
                Output::Data(link, payload) => {
                    assert_eq!(Some(link), self.link);
                    self.got.push((self.now, payload));
                }
                Output::Closed(link, why, status) => {
                    assert_eq!(Some(link), self.link);
                    self.closed = Some((why, status));
                }
            }
        }
    }

    fn step(&mut self, by: Duration) {
        self.now += by;
        while let Some(next) = self.flying.first_entry() {
            if next.key().0 > self.now {
                break;
            }
            let (to_listener, bytes) = next.remove();
            if to_listener {
                self.listener.datagram(self.now, self.address, &bytes);
                self.listen();
            } else {
                self.sender.receive(self.now, &bytes);
            }
        }
        self.sender.tick(self.now);
        if self.listener.deadline().is_some_and(|at| at <= self.now) {
            self.listener.tick(self.now);
        }
        self.listen();
        for bytes in std::mem::take(&mut self.sender.out) {
            self.fly(true, bytes);
        }
    }

    fn connect(&mut self) {
        for _ in 0..10_000 {
            if self.sender.state != State::Calling {
                return;
            }
            self.step(STEP);
        }
        panic!("not connected in ten seconds");
    }

    /// Sends so many packets of 1316 bytes, `every` apart.
    fn stream(&mut self, packets: u32, every: Duration) -> Vec<(Instant, Vec<u8>)> {
        let mut sent = Vec::new();
        for number in 0..packets {
            let mut payload = vec![number as u8; 1316];
            payload[..4].copy_from_slice(&number.to_be_bytes());
            self.sender.send(self.now, &payload);
            sent.push((self.now, payload));
            let end = self.now + every;
            while self.now < end {
                self.step(self.grain.min(end - self.now));
            }
        }
        sent
    }

    /// A connected sender on a bad way, with a latency that has room for several tries.
    fn bad(seed: u64, first: u32, timestamp: u32, way: Way, secret: Option<usize>) -> Self {
        let config = Config {
            first,
            timestamp,
            latency_ms: 600,
            secret: secret.map(|length| (SECRET, length)),
            refresh: Some(500),
            ..Config::default()
        };
        let mut world = Self::new(config, way, seed);
        world.decide = if secret.is_some() { with_secret } else { all };
        world.connect();
        world
    }

    /// One more packet, which is not lost. A receiver cannot know of a loss before something comes
    /// after it, and libsrt's senders of live streams send nothing again unasked: whatever is lost
    /// last stays lost.
    fn last_word(&mut self) -> (Instant, Vec<u8>) {
        self.way.loss = 0.0;
        self.stream(1, STEP).remove(0)
    }

    fn settle(&mut self) {
        for _ in 0..1500 {
            self.step(STEP);
        }
    }

    fn status(&self) -> SrtStatus {
        self.listener.status(self.link.unwrap()).unwrap()
    }
}

fn payloads(of: &[(Instant, Vec<u8>)]) -> Vec<&[u8]> {
    of.iter().map(|(_, payload)| payload.as_slice()).collect()
}

#[test]
fn a_clean_way_delivers_everything_at_the_latency() {
    let mut world = World::new(Config::default(), Way::default(), 1);
    world.connect();
    let sent = world.stream(500, Duration::from_millis(2));
    world.settle();
    assert!(payloads(&sent) == payloads(&world.got));
    let due = Duration::from_millis(20 + 250);
    for ((at, _), (got, _)) in sent.iter().zip(&world.got) {
        let took = got.duration_since(*at);
        assert!(took >= due && took <= due + 2 * STEP, "{took:?}");
    }
    let status = world.status();
    assert_eq!((status.packets, status.lost, status.dropped), (500, 0, 0));
    assert_eq!(status.latency, 250);
    assert!((status.rtt - 40.0).abs() < 3.0, "{}", status.rtt);
    assert_eq!(status.version, "1.5.1");
    world.sender.close(world.now);
    world.settle();
    assert_eq!(world.closed.as_ref().map(|closed| closed.0), Some(Closed::ByCaller));
}

#[test]
fn what_is_lost_comes_again_with_little_overhead() {
    for (percent, overhead) in [(2u32, 1.05), (5, 1.10)] {
        let way = Way { loss: f64::from(percent) / 100.0, ..Way::default() };
        let mut world = World::new(Config::default(), way, percent.into());
        world.connect();
        // 10 Mbit/s for 20 seconds.
        let sent = world.stream(20_000, Duration::from_millis(1));
        world.settle();
        assert!(payloads(&sent) == payloads(&world.got), "{percent} %: every byte in order");
        let wire = world.sender.packets.0 as f64 / sent.len() as f64;
        println!("{percent} % loss: {wire:.3} packets on the wire for one of payload");
        assert!(wire <= overhead, "{percent} %: {wire}");
        assert!(world.status().retransmitted > 0 && world.status().dropped == 0);
    }
}

#[test]
fn encrypted_streams_change_their_keys() {
    for length in [16, 24, 32] {
        let config =
            Config { secret: Some((SECRET, length)), refresh: Some(400), ..Config::default() };
        let way = Way { loss: 0.03, ..Way::default() };
        let mut world = World::new(config, way, 5);
        world.decide = with_secret;
        world.connect();
        let sent = world.stream(3000, Duration::from_millis(2));
        world.settle();
        assert!(payloads(&sent) == payloads(&world.got), "AES-{}", length * 8);
        assert!(world.sender.key_answers.len() >= 7);
        assert!(world.sender.key_answers.iter().all(|a| a.len() == 32 + 2 * length + 8));
        assert_eq!(world.status().undecrypted, 0);
        assert_eq!(world.status().encryption, Some(length * 8));
    }
}

#[test]
fn who_may_not_come_is_told_why() {
    let refused = |config: Config, decide: fn(&Call) -> _| {
        let mut world = World::new(config, Way::default(), 1);
        world.decide = decide;
        world.connect();
        assert!(world.link.is_none());
        match world.sender.state {
            State::Refused(code) => code,
            ref other => panic!("{other:?}"),
        }
    };
    let wrong = Config { secret: Some(("another passphrase", 16)), ..Config::default() };
    assert_eq!(refused(wrong, with_secret), 10);
    assert_eq!(refused(Config::default(), with_secret), 11);
    assert_eq!(refused(Config::default(), |_| Err(Rejection::NotFound)), 1404);
    assert_eq!(refused(Config::default(), |_| Err(Rejection::Conflict)), 1409);
}

/// 80 minutes, so that the timestamps wrap, with a sender whose clock is fast by 100 in a million:
/// without following it, it would be half a second off in the end.
#[test]
fn the_delay_stays_through_the_wrap_and_with_a_clock_that_drifts() {
    let config = Config { timestamp: 3_500_000_000, fast: 100, ..Config::default() };
    let mut world = World::new(config, Way::default(), 9);
    world.connect();
    world.grain = Duration::from_millis(2);
    let sent = world.stream(80 * 60 * 5, Duration::from_millis(200));
    world.settle();
    assert!(payloads(&sent) == payloads(&world.got));
    let expected = Duration::from_millis(270);
    for ((at, _), (got, _)) in sent.iter().zip(&world.got) {
        let off = got.duration_since(*at).abs_diff(expected);
        assert!(off <= Duration::from_millis(6), "{off:?}");
    }
}

#[test]
fn an_outage_costs_what_was_sent_in_it_and_no_more() {
    let mut world = World::new(Config::default(), Way::default(), 3);
    world.connect();
    world.stream(1000, Duration::from_millis(1));
    world.way.loss = 1.0;
    world.stream(2000, Duration::from_millis(1));
    world.way.loss = 0.0;
    world.stream(1000, Duration::from_millis(1));
    world.settle();
    let status = world.status();
    assert_eq!(world.got.len() as u64 + status.dropped, 4000);
    assert!(status.dropped > 500, "much of it was too late: {}", status.dropped);
    assert!(world.closed.is_none());
    let last = world.got.last().unwrap();
    assert_eq!(last.1[..4], 999u32.to_be_bytes());
}

#[test]
fn a_silent_caller_is_given_up() {
    let mut world = World::new(Config::default(), Way::default(), 3);
    world.connect();
    world.stream(10, Duration::from_millis(1));
    world.way.loss = 1.0;
    for _ in 0..5_100 {
        world.now += STEP;
        world.listener.tick(world.now);
        world.listen();
    }
    assert_eq!(world.closed.as_ref().map(|closed| closed.0), Some(Closed::Silent));
}

#[test]
fn an_idle_caller_is_kept() {
    let mut world = World::new(Config::default(), Way::default(), 3);
    world.connect();
    world.stream(10, Duration::from_millis(1));
    let socket = world.listener.socket_of(world.link.unwrap());
    for _ in 0..120 {
        // libsrt's sender does so once a second; ours asserts that it hears of the receiver.
        let alive = packet::write_control(packet::Kind::KeepAlive, 0, 0, socket, &[]);
        world.sender.out.push(alive);
        for _ in 0..20 {
            world.step(Duration::from_millis(50));
        }
    }
    assert!(world.closed.is_none());
}

/// The dice of this way lose the last packet.
#[test]
fn what_is_lost_last_is_missed_as_soon_as_something_follows() {
    let (loss, twice) = (0.026_060_059_274_541_476, 0.017_501_182_429_247_805);
    let (delay, jitter) = (Duration::from_millis(10), Duration::from_millis(5));
    let way = Way { loss, twice, delay, jitter };
    let mut world = World::bad(3_704_432_135_023_519_310, 0, 327_577_683, way, None);
    let mut sent = world.stream(800, Duration::from_millis(2));
    world.settle();
    let (all, got) = (payloads(&sent).len(), world.got.len());
    assert!(got < all && payloads(&sent)[..got] == payloads(&world.got), "{got} of {all}");
    assert_eq!(world.status().dropped, 0, "nobody knows of it yet");
    // By now its sender has given up what nobody has asked for.
    sent.push(world.last_word());
    world.settle();
    assert_eq!(world.got.len() as u64 + world.status().dropped, 801);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the way does within what the latency has room for: all comes, in order, once.
    #[test]
    fn everything_comes_in_order(
        seed in any::<u64>(),
        first in prop_oneof![any::<u32>(), Seq::MASK - 1000..=Seq::MASK],
        timestamp in prop_oneof![any::<u32>(), u32::MAX - 2_000_000..=u32::MAX],
        loss in 0.0..0.03,
        twice in 0.0..0.1,
        delay in 0..20u64,
        jitter in 0..10u64,
        secret in prop_oneof![Just(None), Just(Some(16)), Just(Some(24)), Just(Some(32))],
    ) {
        let delay = Duration::from_millis(delay);
        let way = Way { loss, twice, delay, jitter: Duration::from_millis(jitter) };
        let mut world = World::bad(seed, first & Seq::MASK, timestamp, way, secret);
        let mut sent = world.stream(1100, Duration::from_millis(2));
        sent.push(world.last_word());
        world.settle();
        prop_assert!(payloads(&sent) == payloads(&world.got), "{:?}", world.status());
        prop_assert_eq!(world.status().dropped, 0);
    }

    /// However bad it is, what is handed on is in order and what the sender sent.
    #[test]
    fn nothing_is_made_up(seed in any::<u64>(), loss in 0.0..0.6, twice in 0.0..0.5) {
        let way = Way { loss, twice, jitter: Duration::from_millis(60), ..Way::default() };
        let mut world = World::new(Config::default(), Way::default(), seed);
        world.connect();
        world.way = way;
        let sent = world.stream(500, Duration::from_millis(2));
        world.settle();
        let numbers: Vec<u32> = world.got.iter()
            .map(|(_, p)| u32::from_be_bytes(p[..4].try_into().unwrap()))
            .collect();
        prop_assert!(numbers.is_sorted_by(|a, b| a < b));
        for (number, (_, payload)) in numbers.iter().zip(&world.got) {
            prop_assert!(&sent[*number as usize].1 == payload);
        }
    }
}
