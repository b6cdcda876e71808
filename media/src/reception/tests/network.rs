//! Whole conversations through networks that lose, delay, reorder and repeat.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// What a network does.
#[derive(Debug, Clone, Copy)]
struct Network {
    /// Of a hundred datagrams, each way.
    loss: u32,
    repeats: u32,
    /// One way, in milliseconds.
    delay: u32,
    jitter: u32,
    seed: u64,
}

/// A datagram on its way, by when it arrives.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Datagram {
    Up(Vec<u8>),
    Down(Vec<u8>),
}

struct Conversation {
    network: Network,
    random: StdRng,
    now: Instant,
    flying: BTreeMap<(Instant, u64), Datagram>,
    sent: u64,
    sender: Sender,
    /// RTX, or none.
    repair: bool,
    repaired: u64,
    first: u64,
    next: u64,
    reception: Reception,
    came: Vec<u64>,
    lost: bool,
}

impl Conversation {
    fn new(network: Network, repair: bool, first: u16) -> Self {
        Self {
            network,
            random: StdRng::seed_from_u64(network.seed),
            now: Instant::now(),
            flying: BTreeMap::new(),
            sent: 0,
            sender: Sender::new(),
            repair,
            repaired: 60_000,
            first: first.into(),
            next: first.into(),
            reception: reception(vec![video(&[], repair)]),
            came: Vec::new(),
            lost: false,
        }
    }

    fn send(&mut self, make: impl Fn() -> Datagram) {
        let Network { loss, repeats, delay, jitter, .. } = self.network;
        let mut percent = || self.random.random_range(0..100);
        let copies = u32::from(percent() >= loss) + u32::from(percent() < repeats);
        for _ in 0..copies {
            let late = self.random.random_range(0..=jitter);
            self.sent += 1;
            self.flying.insert((self.now + MS * (delay + late), self.sent), make());
        }
    }

    fn payload(number: u64) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    fn frame(&mut self) {
        for _ in 0..3 {
            let packet = self.sender.packet(Head::of(self.next), &Self::payload(self.next));
            self.next += 1;
            self.send(|| Datagram::Up(packet.clone()));
        }
    }

    fn again(&mut self, seq: u16) {
        // It was one of the last that were sent.
        let back = (self.next as u16).wrapping_sub(seq);
        let number = self.next - u64::from(back);
        assert!(number >= self.first, "{number} was never sent");
        let packet = if self.repair {
            self.repaired += 1;
            let head = Head { ssrc: REPAIR, pt: RTX, ..Head::of(number) };
            let mut payload = seq.to_be_bytes().to_vec();
            payload.extend(Self::payload(number));
            self.sender.packet(Head { number: self.repaired, ..head }, &payload)
        } else {
            self.sender.packet(Head::of(number), &Self::payload(number))
        };
        self.send(|| Datagram::Up(packet.clone()));
    }

    /// Goes on for so long.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let next = self.flying.first_key_value().map(|((at, _), _)| *at);
            let wake = self.reception.deadline();
            let Some(at) = next.into_iter().chain(wake).min().filter(|at| *at <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(at);
            if next == Some(at) {
                match self.flying.pop_first().unwrap().1 {
                    Datagram::Up(data) => self.up(&data),
                    Datagram::Down(data) => self.down(&data),
                }
            }
            self.listen();
        }
    }

    fn up(&mut self, data: &[u8]) {
        let taken = self.reception.packet(self.now, &self.sender.opener, data);
        if let Taken::Packet(packet) = taken {
            let expected = Self::payload(packet.seq);
            assert_eq!(packet.payload[..], expected, "its number is the one it had");
            assert_eq!(packet.timestamp, Head::of(packet.seq).timestamp);
            self.came.push(packet.seq);
        }
    }

    fn down(&mut self, data: &[u8]) {
        let mut asked = Vec::new();
        parse(data, |said| {
            if let Feedback::Nack { first, following, .. } = said {
                asked.push(first);
                let set = (0..16).filter(|bit| following >> bit & 1 == 1);
                asked.extend(set.map(|bit| first.wrapping_add(bit + 1)));
            }
        });
        for seq in asked {
            self.again(seq);
        }
    }

    fn listen(&mut self) {
        let mut said = Vec::new();
        while self.reception.write(self.now, &mut said) {
            let datagram = std::mem::take(&mut said);
            self.send(|| Datagram::Down(datagram.clone()));
        }
        assert!(self.reception.deadline().is_none_or(|at| at > self.now), "it comes to rest");
        self.lost |= self.reception.take_lost().is_some();
    }
}

fn converse(network: Network, repair: bool, first: u16) -> Conversation {
    let mut talk = Conversation::new(network, repair, first);
    for _ in 0..120 {
        talk.frame();
        talk.pass(10 * MS);
    }
    // The last are not lost: who would tell that they were sent?
    talk.network.loss = 0;
    for _ in 0..20 {
        talk.frame();
        talk.pass(10 * MS);
    }
    talk.pass(3_000 * MS);
    talk
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_packet_comes_once_or_its_loss_is_told(
        loss in 0u32..20,
        repeats in 0u32..10,
        delay in 0u32..150,
        jitter in 0u32..30,
        seed in any::<u64>(),
        repair in any::<bool>(),
        first in any::<u16>(),
    ) {
        let network = Network { loss, repeats, delay, jitter, seed };
        let talk = converse(network, repair, first);
        let came: BTreeSet<u64> = talk.came.iter().copied().collect();
        prop_assert_eq!(came.len(), talk.came.len(), "none came twice");
        // What was sent before the first that came was never missed.
        let begun = talk.came[0];
        let missing = (begun..talk.next).filter(|number| !came.contains(number)).count();
        prop_assert!(missing == 0 || talk.lost, "{} never came, and nobody said so", missing);
        prop_assert!(loss > 5 || delay > 60 || missing == 0, "{} never came", missing);
    }
}

#[test]
fn a_perfect_network_hears_no_request() {
    for jitter in [0, 4] {
        let network = Network { loss: 0, repeats: 0, delay: 20, jitter, seed: 1 };
        let talk = converse(network, true, 65_400);
        assert_eq!(talk.came.len(), 140 * 3);
        assert!(!talk.lost);
        assert!(talk.repaired < 60_000 + 60 * u64::from(jitter) + 1, "{}", talk.repaired - 60_000);
    }
}

#[test]
fn hundreds_in_a_row_come_again() {
    for repair in [true, false] {
        let network = Network { loss: 0, repeats: 0, delay: 15, jitter: 0, seed: 2 };
        let mut talk = Conversation::new(network, repair, 65_300);
        for frames in [10, 100, 10] {
            talk.network.loss = if frames == 100 { 100 } else { 0 };
            for _ in 0..frames {
                talk.frame();
                talk.pass(2 * MS);
            }
        }
        talk.pass(100 * MS);
        let came: BTreeSet<u64> = talk.came.iter().copied().collect();
        assert_eq!(came.len(), 120 * 3, "all of them, long after more than a hundred others");
        assert!(!talk.lost);
    }
}
