//! The laws of a room, in virtual time, over any commands, delays, losses and restarts.

use std::collections::VecDeque;

use proptest::prelude::*;
use rushes_sessions::{
    Asset, AssetId, Attendee, Command, Compare, ConnectionId, Frame, FrameRate, Layout, Loop,
    Millis, Op, Phase, Rate, Room, State, SyncMode, UserId,
};

const CLIENTS: usize = 5;
/// Clients 0 and 1 are hosts.
const HOSTS: [UserId; 2] = [UserId(0), UserId(1)];

fn asset(which: bool) -> Asset {
    let (num, den) = if which { (25, 1) } else { (24_000, 1_001) };
    let rate = FrameRate::new(num, den).expect("a frame rate");
    Asset::clip(AssetId(u128::from(which)), rate, Some(500))
}

fn any_op() -> impl Strategy<Value = Op> {
    let frame = -5i64..600;
    prop_oneof![
        (any::<bool>(), proptest::option::of(frame.clone()))
            .prop_map(|(which, f)| Op::Load { asset: asset(which), frame: f.map(Frame) }),
        Just(Op::Load { asset: Asset::live(AssetId(9)), frame: None }),
        proptest::option::of(frame.clone()).prop_map(|f| Op::Play { frame: f.map(Frame) }),
        Just(Op::Play { frame: None }),
        frame.clone().prop_map(|f| Op::Pause { frame: Frame(f) }),
        frame.clone().prop_map(|f| Op::Step { frame: Frame(f) }),
        frame.clone().prop_map(|f| Op::Seek { frame: Frame(f) }),
        (0.25f64..=4.0).prop_map(|r| Op::Rate { rate: Rate::new(r).expect("in bounds") }),
        Just(Op::Loop { looping: Loop::Off }),
        Just(Op::Loop { looping: Loop::All }),
        (frame.clone(), frame).prop_map(|(a, b)| Op::Loop {
            looping: Loop::Range { first: Frame(a), last: Frame(b) }
        }),
        prop_oneof![Just(SyncMode::Host), Just(SyncMode::Everyone), Just(SyncMode::Unsynced)]
            .prop_map(|sync_mode| Op::Mode { sync_mode }),
        proptest::option::of(any_compare()).prop_map(|compare| Op::Compare { compare }),
        proptest::option::of(0u128..4).prop_map(|to| Op::Drive { to: to.map(UserId) }),
        (0u32..=6_000).prop_map(|ms| Op::LiveCeiling { ms }),
    ]
}

fn any_compare() -> impl Strategy<Value = Compare> {
    let layout = prop_oneof![Just(Layout::Side), Just(Layout::Wipe)];
    (any::<bool>(), layout, 0u16..10_100, -700i64..700).prop_map(
        |(which, layout, split, offset)| Compare { asset: asset(which), layout, split, offset },
    )
}

/// One thing that happens to the world.
#[derive(Clone, Debug)]
enum Happening {
    /// A client sends a command on top of what it saw.
    Send(usize, Op),
    /// The first command that is under way arrives, of one client.
    Arrive(usize),
    /// A client receives the next event that is under way to it.
    Receive(usize),
    /// A client loses its connection, what was under way both ways with it, and subscribes again.
    Reconnect(usize),
    /// The server dies and comes back from its journal; all reconnect.
    Restart,
    /// Time passes.
    Wait(f64),
    /// Who may drive changes.
    Hosts(bool, bool),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let client = 0..CLIENTS;
    prop_oneof![
        6 => (client.clone(), any_op()).prop_map(|(c, op)| Happening::Send(c, op)),
        8 => client.clone().prop_map(Happening::Arrive),
        8 => client.clone().prop_map(Happening::Receive),
        1 => client.prop_map(Happening::Reconnect),
        1 => Just(Happening::Restart),
        4 => (0.0f64..3000.0).prop_map(Happening::Wait),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(a, b)| Happening::Hosts(a, b)),
    ]
}

#[derive(Debug)]
struct Client {
    user: UserId,
    connection: ConnectionId,
    seen: State,
    inbox: VecDeque<State>,
    outbox: VecDeque<Command>,
}

#[derive(Debug)]
struct World {
    now: Millis,
    room: Room,
    journal: State,
    clients: Vec<Client>,
    sent: u64,
    connections: u64,
    /// The greatest revision that anyone was ever told.
    told: u64,
}

impl World {
    fn new() -> World {
        let now = Millis(1_800_000_000_000.0);
        let room = Room::new(now, Phase::Started, HOSTS);
        let journal = room.state().clone();
        let mut world = World {
            now,
            room,
            journal: journal.clone(),
            clients: Vec::new(),
            sent: 0,
            connections: 0,
            told: 0,
        };
        for i in 0..CLIENTS {
            world.clients.push(Client {
                user: UserId(i as u128),
                connection: ConnectionId(0),
                seen: journal.clone(),
                inbox: VecDeque::new(),
                outbox: VecDeque::new(),
            });
            world.reconnect(i);
        }
        world
    }

    fn reconnect(&mut self, i: usize) {
        self.connections += 1;
        let client = &mut self.clients[i];
        self.room.leave(client.connection);
        client.connection = ConnectionId(self.connections);
        let who = Attendee { user: client.user, name: String::new(), guest: i > 1 };
        self.room.join(self.now, who, client.connection).expect("few connections");
        client.inbox.clear();
        client.outbox.clear();
        client.seen = self.room.state().clone();
    }

    fn changed(&mut self) {
        let state = self.room.state().clone();
        assert!(state.rev > self.told, "a change without a new revision");
        assert!(state.version() > self.journal.version());
        self.told = state.rev;
        self.journal = state.clone();
        for client in &mut self.clients {
            client.inbox.push_back(state.clone());
        }
    }

    fn arrive(&mut self, i: usize) {
        let Some(command) = self.clients[i].outbox.pop_front() else { return };
        let before = self.room.state().clone();
        let host = self.room.is_host(self.clients[i].user);
        match self.room.apply(self.now, self.clients[i].connection, &command) {
            Ok(effects) => {
                let state = self.room.state();
                assert_eq!((effects.ack.epoch, effects.ack.rev), state.version());
                assert_eq!(effects.changed, *state != before);
                assert!(before.sync_mode != SyncMode::Host || host, "a guest moved a HOST room");
                let drives = !matches!(command.op, Op::Mode { .. } | Op::LiveCeiling { .. });
                assert!(before.sync_mode != SyncMode::Unsynced || !drives, "UNSYNCED was driven");
                assert_eq!(command.epoch, before.epoch, "another epoch's command");
                if let Op::Drive { .. } = command.op {
                    assert_eq!(
                        self.room.state().timeline(),
                        before.timeline(),
                        "a handover jumped"
                    );
                }
                if effects.changed {
                    self.changed();
                }
                let again = self.room.apply(self.now, self.clients[i].connection, &command);
                assert!(again.map_or(true, |again| again.ack == effects.ack && !again.changed));
            }
            Err(refusal) => {
                assert_eq!(*refusal.snapshot, before);
                assert_eq!(*self.room.state(), before, "a refusal changed the room");
            }
        }
    }

    fn restart(&mut self) {
        let hosts: Vec<UserId> = self.room.hosts().collect();
        let before = self.room.state().clone();
        assert_eq!(before, self.journal, "a change that was not journaled");
        self.room = Room::restore(self.now, self.journal.clone(), Phase::Started, hosts);
        let after = self.room.state();
        assert!(after.epoch > before.epoch);
        assert_eq!(after.rev, before.rev);
        for ms in [0.0, 13.0, 1_000.0, 100_000.0] {
            let at = self.now + ms;
            assert_eq!(
                after.timeline().position_at(at).to_bits(),
                before.timeline().position_at(at).to_bits()
            );
        }
        self.journal = after.clone();
        (0..CLIENTS).for_each(|i| self.reconnect(i));
    }

    fn step(&mut self, happening: Happening) {
        match happening {
            Happening::Send(i, op) => {
                self.sent += 1;
                let client = &mut self.clients[i];
                let (epoch, base_rev) = client.seen.version();
                let cmd_id = self.sent.to_string();
                client.outbox.push_back(Command { cmd_id, epoch, base_rev, op });
            }
            Happening::Arrive(i) => self.arrive(i),
            Happening::Receive(i) => {
                let client = &mut self.clients[i];
                if let Some(state) = client.inbox.pop_front() {
                    assert!(state.version() > client.seen.version(), "an event came out of order");
                    client.seen = state;
                }
            }
            Happening::Reconnect(i) => self.reconnect(i),
            Happening::Restart => self.restart(),
            Happening::Wait(ms) => self.now = self.now + ms,
            Happening::Hosts(a, b) => {
                let hosts =
                    HOSTS.into_iter().zip([a, b]).filter(|(_, is)| *is).map(|(user, _)| user);
                if self.room.set_hosts(hosts.collect::<Vec<_>>()) {
                    self.changed();
                }
            }
        }
        let state = self.room.state();
        let frame = state.frame_at(self.now).0;
        let last = state.asset.and_then(|asset| asset.frames).map_or(0, |frames| frames - 1);
        assert!((0..=last).contains(&frame), "frame {frame} of {last}");
        if let Some(second) = state.compare {
            let last = second.asset.frames.map_or(0, |frames| frames - 1);
            let frame = state.compare_frame_at(self.now).expect("both have frames").0;
            assert!((0..=last).contains(&frame), "second frame {frame} of {last}");
        }
    }

    fn settle(&mut self) {
        for i in 0..CLIENTS {
            while !self.clients[i].outbox.is_empty() {
                self.arrive(i);
            }
        }
        for i in 0..CLIENTS {
            while !self.clients[i].inbox.is_empty() {
                self.step(Happening::Receive(i));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everyone_ends_on_the_same_frame(
        happenings in proptest::collection::vec(any_happening(), 1..200)
    ) {
        let mut world = World::new();
        for happening in happenings {
            world.step(happening);
        }
        world.settle();
        for ms in [0.0, 40.0, 999.0, 30_000.0] {
            let at = world.now + ms;
            for client in &world.clients {
                prop_assert_eq!(client.seen.frame_at(at), world.room.state().frame_at(at));
            }
        }
    }

    #[test]
    fn a_state_survives_its_written_form(
        happenings in proptest::collection::vec(any_happening(), 1..60)
    ) {
        let mut world = World::new();
        for happening in happenings {
            world.step(happening);
        }
        let text = serde_json::to_string(world.room.state()).expect("it is written");
        let read: State = serde_json::from_str(&text).expect("it is read");
        prop_assert_eq!(&read, world.room.state());
    }

    #[test]
    fn a_new_speed_or_loop_never_jumps_by_more_than_a_frame(
        start in 0i64..400, after in 0.0f64..4000.0, from in 0.25f64..=4.0, to in 0.25f64..=4.0
    ) {
        let mut world = World::new();
        let rate = |rate| Rate::new(rate).expect("in bounds");
        let ops = [
            Op::Load { asset: asset(false), frame: None },
            Op::Rate { rate: rate(from) },
            Op::Play { frame: Some(Frame(start)) },
        ];
        for op in ops {
            world.step(Happening::Send(0, op));
            world.arrive(0);
            while !world.clients[0].inbox.is_empty() {
                world.step(Happening::Receive(0));
            }
        }
        world.now = world.now + after;
        let before = world.room.state().timeline().position_at(world.now);
        world.step(Happening::Send(0, Op::Rate { rate: rate(to) }));
        world.arrive(0);
        let jump = world.room.state().timeline().position_at(world.now) - before;
        prop_assert!((-0.001..=1.001).contains(&jump), "{}", jump);
    }
}
