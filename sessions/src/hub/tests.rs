//! The hub with a journal in memory: what it keeps, and whom it tells.

use std::sync::Mutex;

use super::*;
use crate::{Asset, AssetId, DrawingChange, Frame, FrameRate, Op, People, State};

const HOST: UserId = UserId(1);
const ROOM: RoomId = RoomId(100);

#[derive(Debug, Default)]
struct Memory {
    states: Mutex<std::collections::HashMap<RoomId, State>>,
    commits: Mutex<Vec<usize>>,
    log: Mutex<Vec<crate::LogEntry>>,
    said: Mutex<Vec<Said>>,
    strokes: Mutex<Vec<Stroke>>,
    broken: std::sync::atomic::AtomicBool,
    missing: bool,
}

impl Journal for Memory {
    fn load(&self, room: RoomId) -> Future<'_, Result<Option<Stored>, JournalError>> {
        let state = self.states.lock().unwrap().get(&room).cloned();
        let said = self.said.lock().unwrap().clone();
        let strokes = self.strokes.lock().unwrap().clone();
        let stored = Stored { state, phase: Phase::Started, hosts: vec![HOST], said, strokes };
        Box::pin(async move { Ok((!self.missing).then_some(stored)) })
    }

    fn commit(&self, batch: Vec<Record>) -> Future<'_, Result<(), JournalError>> {
        Box::pin(async move {
            if self.broken.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(JournalError("the disk is full".into()));
            }
            self.commits.lock().unwrap().push(batch.len());
            for record in batch {
                self.states.lock().unwrap().insert(record.room, record.state);
                self.log.lock().unwrap().extend(record.log);
                let mut strokes = self.strokes.lock().unwrap();
                for change in record.drawing {
                    match change {
                        DrawingChange::Put(stroke) => strokes.push(stroke),
                        DrawingChange::Erased(ids) => strokes.retain(|one| !ids.contains(&one.id)),
                        DrawingChange::Kept(_) => {}
                    }
                }
                self.said.lock().unwrap().extend(record.chat.iter().map(Said::from));
            }
            Ok(())
        })
    }
}

fn quick() -> HubConfig {
    HubConfig { users_interval: Duration::ZERO, ..HubConfig::default() }
}

fn hub(memory: &Arc<Memory>, config: HubConfig) -> Hub {
    let journal: Arc<dyn Journal> = Arc::<Memory>::clone(memory);
    Hub::start(journal, config)
}

fn attendee(user: UserId) -> Attendee {
    Attendee { user, name: "someone".into(), guest: false }
}

fn command(cmd_id: &str, version: (u64, u64), op: Op) -> Command {
    Command { cmd_id: cmd_id.into(), epoch: version.0, base_rev: version.1, op }
}

fn load() -> Op {
    let asset = Asset::clip(AssetId(7), FrameRate::new(25, 1).unwrap(), Some(100));
    Op::Load { asset, frame: None }
}

async fn next_state(subscription: &mut Subscription) -> (State, Option<String>) {
    loop {
        match subscription.next().await {
            Delivery::Event(broadcast) => {
                if let RoomEvent::State { state, cmd_id, .. } = &broadcast.event {
                    return ((**state).clone(), cmd_id.clone());
                }
            }
            end => panic!("the subscription ended: {end:?}"),
        }
    }
}

#[tokio::test]
async fn a_command_reaches_the_journal_and_then_everyone() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    let (first, mut a) = hub.subscribe(ROOM, attendee(HOST), ConnectionId(1), None).await.unwrap();
    let (_, mut b) = hub.subscribe(ROOM, attendee(UserId(2)), ConnectionId(2), None).await.unwrap();
    let ack =
        hub.command(ROOM, ConnectionId(1), command("one", first.state.version(), load())).await;
    let ack = ack.unwrap();
    assert_eq!(memory.states.lock().unwrap()[&ROOM].rev, ack.rev);
    for subscription in [&mut a, &mut b] {
        let (state, cmd_id) = next_state(subscription).await;
        assert_eq!((state.version(), cmd_id.as_deref()), ((ack.epoch, ack.rev), Some("one")));
    }
    let seek = command("two", (ack.epoch, ack.rev), Op::Seek { frame: Frame(3) });
    let refused = hub.command(ROOM, ConnectionId(2), seek).await.unwrap_err();
    assert!(matches!(refused, HubError::Refused(r) if r.reason == Reason::NotHost));
}

#[tokio::test]
async fn commands_of_many_rooms_share_commits() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, HubConfig { gather: Duration::from_millis(50), ..quick() });
    let mut tasks = Vec::new();
    for i in 0..100u64 {
        let hub = hub.clone();
        tasks.push(tokio::spawn(async move {
            let room = RoomId(u128::from(i));
            hub.set_state(room, HOST, SyncMode::Host, Some(i.to_string().into())).await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let commits = memory.commits.lock().unwrap();
    assert_eq!(commits.iter().sum::<usize>(), 100);
    assert!(commits.len() < 50, "{commits:?}");
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_holds_nobody_up() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, HubConfig { queue: 4, ..quick() });
    let (_, mut slow) =
        hub.subscribe(ROOM, attendee(UserId(2)), ConnectionId(2), None).await.unwrap();
    for i in 0..8 {
        hub.set_state(ROOM, HOST, SyncMode::Host, Some(i.to_string().into())).await.unwrap();
    }
    let mut events = 0;
    let end = loop {
        match slow.next().await {
            Delivery::Event(_) => events += 1,
            end => break end,
        }
    };
    assert!(matches!(end, Delivery::Resync));
    assert_eq!(events, 4);
    assert!(!hub.snapshot(ROOM).await.unwrap().people.listed[0].online);
}

#[tokio::test]
async fn people_come_and_go() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    let (_, mut a) = hub.subscribe(ROOM, attendee(HOST), ConnectionId(1), None).await.unwrap();
    let (_, b) = hub.subscribe(ROOM, attendee(UserId(2)), ConnectionId(2), None).await.unwrap();
    let mut seen = Vec::new();
    while seen.last() != Some(&vec![true, true]) {
        seen.push(online(a.next().await));
    }
    drop(b);
    while seen.last() != Some(&vec![true, false]) {
        seen.push(online(a.next().await));
    }
    let (_, _again) =
        hub.subscribe(ROOM, attendee(UserId(2)), ConnectionId(2), None).await.unwrap();
    let (_, _newer) =
        hub.subscribe(ROOM, attendee(UserId(2)), ConnectionId(2), None).await.unwrap();
    drop(_again);
    assert!(hub.snapshot(ROOM).await.unwrap().people.listed[1].online, "the newer one stays");
}

fn online(delivery: Delivery) -> Vec<bool> {
    match delivery {
        Delivery::Event(broadcast) => match &broadcast.event {
            RoomEvent::Users(people) => people.listed.iter().map(|user| user.online).collect(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_state_that_is_not_written_is_not_told() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    hub.set_state(ROOM, HOST, SyncMode::Host, Some("kept".into())).await.unwrap();
    let (_, mut a) = hub.subscribe(ROOM, attendee(HOST), ConnectionId(1), None).await.unwrap();
    memory.broken.store(true, std::sync::atomic::Ordering::Relaxed);
    let lost = hub.set_state(ROOM, HOST, SyncMode::Host, Some("lost".into())).await;
    assert!(matches!(lost, Err(HubError::Journal)));
    let end = loop {
        match a.next().await {
            Delivery::Event(broadcast) => {
                assert!(matches!(broadcast.event, RoomEvent::Users(_)), "{broadcast:?}");
            }
            end => break end,
        }
    };
    assert!(matches!(end, Delivery::Resync));
    memory.broken.store(false, std::sync::atomic::Ordering::Relaxed);
    let state = hub.snapshot(ROOM).await.unwrap().state;
    assert_eq!(state.asset_state.as_deref(), Some("kept"));
}

#[tokio::test]
async fn a_room_leaves_memory_and_comes_back_in_a_new_epoch() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, HubConfig { idle: Duration::from_millis(20), ..quick() });
    let ack = hub.set_state(ROOM, HOST, SyncMode::Everyone, Some("x".into())).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while hub.rooms() > 0 {
        assert!(Instant::now() < deadline, "the room stays in memory");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let state = hub.snapshot(ROOM).await.unwrap().state;
    assert_eq!(state.version(), (ack.epoch + 1, ack.rev));
    assert_eq!(state.sync_mode, SyncMode::Everyone);
}

#[tokio::test]
async fn a_room_that_is_not_there_is_not_kept() {
    let memory = Arc::new(Memory { missing: true, ..Memory::default() });
    let hub = hub(&memory, quick());
    assert!(matches!(hub.snapshot(ROOM).await, Err(HubError::NoRoom)));
    assert_eq!(hub.rooms(), 0);
}

#[tokio::test]
async fn who_is_expelled_is_not_asked_back() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    let (_, mut a) = hub.subscribe(ROOM, attendee(HOST), ConnectionId(1), None).await.unwrap();
    let (_, mut b) = hub.subscribe(ROOM, attendee(UserId(2)), ConnectionId(2), None).await.unwrap();
    hub.expel(ROOM, UserId(2)).await;
    while !matches!(b.next().await, Delivery::Closed(Closed::Removed)) {}
    assert_eq!(hub.snapshot(ROOM).await.unwrap().people.listed.len(), 1);
    hub.close(ROOM).await;
    while !matches!(a.next().await, Delivery::Closed(Closed::Deleted)) {}
}

#[tokio::test]
async fn an_event_is_written_once() {
    let people = People { listed: Vec::new(), online: 0, more: false };
    let broadcast = Broadcast::new(ROOM, RoomEvent::Users(people));
    let first = broadcast.text(|_, _| "one".into());
    let second = broadcast.text(|_, _| "two".into());
    assert_eq!((&*first, &*second), (&b"one"[..], &b"one"[..]));
    assert_eq!(first.as_ptr(), second.as_ptr(), "all have the same one");
}

/// The revisions of the states that are waiting for a subscriber.
async fn waiting(subscription: &mut Subscription, until: u64) -> Vec<u64> {
    let mut revs = Vec::new();
    while revs.last().is_none_or(|last| *last < until) {
        revs.push(next_state(subscription).await.0.rev);
    }
    revs
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_they_missed_and_everything_once() {
    let memory = Arc::new(Memory::default());
    // Long enough for many commands and the subscription to share a turn.
    let hub = hub(&memory, HubConfig { gather: Duration::from_millis(20), ..quick() });
    let set = |text: &str| hub.set_state(ROOM, HOST, SyncMode::Host, Some(text.into()));
    let (first, gone) =
        hub.subscribe(ROOM, attendee(UserId(2)), ConnectionId(2), Some(0)).await.unwrap();
    assert_eq!(first.missed, Some(Vec::new()));
    drop(gone);
    set("one").await.unwrap();
    let known = set("two").await.unwrap().rev;
    let back = hub.subscribe(ROOM, attendee(UserId(2)), ConnectionId(3), Some(known - 1));
    // All are polled in this order, so that the subscription stands in the midst of changes.
    let (a, b, back, c) = tokio::join!(set("three"), set("four"), back, set("five"));
    a.unwrap();
    b.unwrap();
    let last = c.unwrap().rev;
    let (snapshot, mut subscription) = back.unwrap();
    let missed = snapshot.missed.unwrap();
    let mut told: Vec<u64> = missed
        .iter()
        .map(|event| match event {
            RoomEvent::State { state, .. } => state.rev,
            _ => panic!("no change of the state"),
        })
        .collect();
    assert_eq!(told.last(), Some(&snapshot.state.rev));
    if snapshot.state.rev < last {
        told.extend(waiting(&mut subscription, last).await);
    }
    assert_eq!(told, (known..=last).collect::<Vec<_>>());
    let later = hub.subscribe(ROOM, attendee(UserId(2)), ConnectionId(4), Some(last + 9)).await;
    assert_eq!(later.unwrap().0.missed, None, "of another past");
}

#[tokio::test]
async fn the_most_silent_of_too_many_connections_is_told_so() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    let mut all = Vec::new();
    for i in 0..=crate::MAX_CONNECTIONS as u64 {
        let joined = hub.subscribe(ROOM, attendee(HOST), ConnectionId(i), None).await;
        all.push(joined.unwrap().1);
    }
    while !matches!(all[0].next().await, Delivery::Closed(Closed::Replaced)) {}
    let load = command("one", (1, 0), load());
    let refused = hub.command(ROOM, ConnectionId(0), load).await.unwrap_err();
    assert!(matches!(refused, HubError::Refused(r) if r.reason == Reason::NotPresent));
}

#[tokio::test]
async fn what_happens_is_written_down_with_the_state_that_came_of_it() {
    use crate::LogEvent;
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    let (first, a) = hub.subscribe(ROOM, attendee(HOST), ConnectionId(1), None).await.unwrap();
    let (_, _b) = hub.subscribe(ROOM, attendee(HOST), ConnectionId(2), None).await.unwrap();
    let load = command("one", first.state.version(), load());
    let ack = hub.command(ROOM, ConnectionId(1), load.clone()).await.unwrap();
    hub.command(ROOM, ConnectionId(1), load).await.unwrap();
    let stale = command("two", (1, 0), Op::Seek { frame: Frame(1) });
    hub.command(ROOM, ConnectionId(1), stale).await.unwrap_err();
    drop(a);
    hub.expel(ROOM, HOST).await;
    hub.set_phase(ROOM, Phase::Complete).await;
    // Nothing else commits it: it is written by itself after a while.
    let deadline = Instant::now() + Duration::from_secs(10);
    while memory.log.lock().unwrap().len() < 5 {
        assert!(Instant::now() < deadline, "{:?}", memory.log.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let log = memory.log.lock().unwrap();
    let joined = LogEvent::Joined { name: "someone".into(), guest: false };
    assert_eq!((&log[0].what, &log[1].what), (&LogEvent::Restored, &joined));
    let LogEvent::Command { cmd_id, state, .. } = &log[2].what else { panic!("{:?}", log[2]) };
    assert_eq!((cmd_id.as_str(), state.version()), ("one", (ack.epoch, ack.rev)));
    assert_eq!((log[3].by, &log[3].what), (Some(HOST), &LogEvent::Left));
    assert_eq!(log[4].what, LogEvent::Phase(Phase::Complete));
    assert_eq!(log.len(), 5, "what was repeated or refused did not happen");
}

#[tokio::test]
async fn a_hub_that_ends_has_written_who_left() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    let joined = hub.subscribe(ROOM, attendee(HOST), ConnectionId(1), None).await.unwrap();
    drop(joined);
    hub.end().await;
    let log = memory.log.lock().unwrap().clone();
    assert_eq!(log.last().map(|entry| &entry.what), Some(&crate::LogEvent::Left));
    assert_eq!(hub.rooms(), 0);
}

#[path = "chat_tests.rs"]
mod chat;
#[path = "crowd_tests.rs"]
mod crowd;
#[path = "drawing_tests.rs"]
mod drawing;
