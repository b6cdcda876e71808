//! Everyone on the same frame: the laws of the protocol between a room and its clients, in
//! virtual time, over any commands, delays, losses, reconnects, crashes and clocks.
//!
//! The server is the real [`rushes_sessions::Room`] in a model of its task; the clients are a
//! model of the browser's.

mod client;
mod net;
mod server;
mod world;

use proptest::prelude::*;
use rushes_sessions::{
    Asset, AssetId, Compare, Frame, FrameRate, Layout, Millis, Op, Rate, Room, State, SyncMode,
    UserId,
};

use client::{Wish, other_ops};
use net::Way;
use world::{Happening, NOTICES_MS, World};

fn asset(which: u8) -> Asset {
    let rate = |num, den| FrameRate::new(num, den).expect("a frame rate");
    match which {
        0 => Asset::clip(AssetId(1), rate(25, 1), Some(500)),
        1 => Asset::clip(AssetId(2), rate(24_000, 1_001), Some(90)),
        _ => Asset::live(AssetId(3)),
    }
}

/// What may be shown beside the picture, and what may not: a live source.
fn any_compare() -> impl Strategy<Value = Op> {
    let beside = (0u8..3, any::<bool>(), 0u16..=10_000, -600i64..600);
    let beside = beside.prop_map(|(which, side, split, offset)| Compare {
        asset: asset(which),
        layout: if side { Layout::Side } else { Layout::Wipe },
        split,
        offset,
    });
    proptest::option::weighted(0.8, beside).prop_map(|compare| Op::Compare { compare })
}

/// To oneself, to the hosts, and to one who is none.
fn any_drive() -> impl Strategy<Value = Op> {
    proptest::option::of((0u128..3).prop_map(UserId)).prop_map(|to| Op::Drive { to })
}

fn any_wish() -> impl Strategy<Value = Wish> {
    let load = (0u8..3).prop_map(|which| Op::Load { asset: asset(which), frame: None });
    let rate = (0.25f64..=4.0).prop_map(|r| Op::Rate { rate: Rate::new(r).expect("in bounds") });
    prop_oneof![
        4 => Just(Wish::Play),
        3 => Just(Wish::Pause),
        2 => (-5i64..6).prop_map(Wish::Step),
        4 => (0i64..600).prop_map(|f| Wish::Other(Op::Seek { frame: Frame(f) })),
        2 => load.prop_map(Wish::Other),
        1 => rate.prop_map(Wish::Other),
        2 => any_compare().prop_map(Wish::Other),
        2 => any_drive().prop_map(Wish::Other),
        2 => proptest::sample::select(other_ops()).prop_map(Wish::Other),
    ]
}

fn any_mode() -> impl Strategy<Value = SyncMode> {
    prop_oneof![Just(SyncMode::Host), Just(SyncMode::Everyone), Just(SyncMode::Unsynced)]
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let cut = (0usize..8, any::<bool>(), 0.0..NOTICES_MS);
    prop_oneof![
        30 => (0usize..8, any_wish()).prop_map(|(client, wish)| Happening::Wishes { client, wish }),
        3 => cut.prop_map(|(client, arrives, notices_ms)| Happening::Cut {
            client, arrives, notices_ms
        }),
        1 => (0.0f64..2500.0, -5000.0f64..5000.0)
            .prop_map(|(down_ms, clock_ms)| Happening::Crash { down_ms, clock_ms }),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(a, b)| Happening::Hosts(a, b)),
        1 => any::<bool>().prop_map(Happening::Complete),
        1 => (0usize..8, any_mode())
            .prop_map(|(client, sync_mode)| Happening::SetState { client, sync_mode }),
    ]
}

/// Gaps are short, so that things happen while others are under way.
fn any_script() -> impl Strategy<Value = Vec<(f64, Happening)>> {
    let gap = prop_oneof![4 => 0.0f64..60.0, 2 => 60.0f64..600.0, 1 => 600.0f64..4000.0];
    proptest::collection::vec((gap, any_happening()), 1..60)
}

fn any_way() -> impl Strategy<Value = Way> {
    (0.0f64..200.0, 0.0f64..200.0, 0.0f64..50.0, 0.0f64..0.2)
        .prop_map(|(up_ms, down_ms, jitter_ms, loss)| Way { up_ms, down_ms, jitter_ms, loss })
}

/// The way, the clock's offset and its drift, of 2 to 8 people.
fn any_people(way: impl Strategy<Value = Way>) -> impl Strategy<Value = Vec<(Way, f64, f64)>> {
    proptest::collection::vec((way, -5000.0f64..5000.0, -100e-6f64..100e-6), 2..=8)
}

/// The first clip is on show, and everyone is in.
fn with_start(script: Vec<(f64, Happening)>) -> Vec<(f64, Happening)> {
    let load = Op::Load { asset: asset(0), frame: None };
    let load = Happening::Wishes { client: 0, wish: Wish::Other(load) };
    [(0.0, load)].into_iter().chain(script).collect()
}

/// What every client shows is what the room shows, as far as its clock can tell.
fn all_show_the_same(world: &World) -> Result<State, TestCaseError> {
    let room = world.server.room.as_ref().map(|room| room.state().clone());
    let room = room.expect("people are in it");
    let now = world.server_now();
    for (i, client) in world.clients.iter().enumerate() {
        prop_assert_eq!(client.state.as_ref(), Some(&room), "client {}", i);
        prop_assert!(client.predicted.is_none(), "client {} still waits for an answer", i);
        let (believed, doubt) = world.believed(i);
        let off = (believed - now).abs();
        prop_assert!(off <= doubt + 0.01, "client {} is off by {} and not {}", i, off, doubt);
        let stands = |at| !room.timeline().moves_at(at);
        if stands(now) && stands(believed) {
            prop_assert_eq!(room.frame_at(believed), room.frame_at(now));
        }
    }
    Ok(room)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_after_the_last_command_all_show_the_same(
        seed in any::<u64>(), people in any_people(any_way()), script in any_script()
    ) {
        let mut world = World::new(seed, people, with_start(script));
        world.settle();
        let state = all_show_the_same(&world)?;
        for ms in [40.0, 999.0, 20_000.0] {
            world.run(world.now + ms);
            prop_assert_eq!(&all_show_the_same(&world)?, &state);
        }
        // The dead connections have been noticed by now, and the people are who is there.
        let room = world.server.room.as_ref().expect("people are in it");
        prop_assert_eq!(room.connections(), world.clients.len());
        for connection in world.connected() {
            prop_assert!(room.user_of(connection).is_some());
        }
        prop_assert!(room.people().listed.iter().all(|user| user.online));
    }

    /// Where the way is as long in both directions, the clocks agree within what the issue allows
    /// for the picture, however far they are off and whatever the distance.
    #[test]
    fn on_an_even_way_all_are_within_a_few_milliseconds(
        seed in any::<u64>(),
        people in any_people((0.0f64..300.0, 0.0f64..10.0).prop_map(|(ms, jitter_ms)| Way {
            up_ms: ms, down_ms: ms, jitter_ms, loss: 0.02,
        })),
        cut in 0usize..8,
    ) {
        let script = vec![
            (0.0, Happening::Wishes { client: 0, wish: Wish::Play }),
            (500.0, Happening::Cut { client: cut, arrives: true, notices_ms: 0.0 }),
            (9000.0, Happening::Wishes { client: 1, wish: Wish::Play }),
        ];
        let mut world = World::new(seed, people, with_start(script));
        world.settle();
        let frame_ms = 1000.0 / 25.0;
        for _ in 0..40 {
            world.run(world.now + 97.0);
            let (now, state) = (world.server_now(), all_show_the_same(&world)?);
            for i in 0..world.clients.len() {
                let (believed, _) = world.believed(i);
                prop_assert!((believed - now).abs() <= 8.0, "{} ms", believed - now);
                let line = state.timeline();
                let frames = line.position_at(believed) - line.position_at(now);
                prop_assert!(frames.abs() * frame_ms <= 8.0 + 1e-6);
            }
        }
    }

    #[test]
    fn a_room_that_comes_back_under_a_clock_set_back_does_not_stand_still(
        back_ms in 0.0f64..3_600_000.0, lead_ms in 0.0f64..500.0
    ) {
        let now = Millis(1_800_000_000_000.0);
        let mut state = State::new(now);
        state.asset = Some(asset(0));
        (state.playing, state.effective_ms) = (true, now + lead_ms);
        let now = Millis(now.0 - back_ms);
        let room = Room::restore(now, state, rushes_sessions::Phase::Started, []);
        let waits = room.state().effective_ms - now;
        prop_assert!(waits <= 540.0, "it waits for {} ms", waits);
    }
}
