use super::*;
use crate::{AssetId, FrameRate, MAX_ASSET_STATE};

const HOST: UserId = UserId(1);
const OTHER_HOST: UserId = UserId(2);
const GUEST: UserId = UserId(3);

/// A room with two hosts and a guest in it, and a clip of 100 frames at 25 fps on show.
struct Stage {
    room: Room,
    now: Millis,
    next: u32,
}

fn clip() -> Asset {
    Asset::clip(AssetId(7), FrameRate::new(25, 1).unwrap(), Some(100))
}

impl Stage {
    fn empty() -> Stage {
        let now = Millis(1_000_000.0);
        let mut room = Room::new(now, Phase::Started, [HOST, OTHER_HOST]);
        for user in [HOST, OTHER_HOST, GUEST] {
            let who = Attendee { user, name: String::new(), guest: user == GUEST };
            room.join(now, who, connection(user)).unwrap();
        }
        Stage { room, now, next: 0 }
    }

    fn new() -> Stage {
        let mut stage = Stage::empty();
        stage.does(HOST, Op::Load { asset: clip(), frame: None }).unwrap();
        stage
    }

    fn command(&mut self, op: Op) -> Command {
        self.next += 1;
        let (epoch, base_rev) = self.room.state().version();
        Command { cmd_id: self.next.to_string(), epoch, base_rev, op }
    }

    fn does(&mut self, user: UserId, op: Op) -> Result<Effects, Refusal> {
        let command = self.command(op);
        self.sends(user, &command)
    }

    fn sends(&mut self, user: UserId, command: &Command) -> Result<Effects, Refusal> {
        self.now = self.now + 100.0;
        self.room.apply(self.now, connection(user), command)
    }

    fn frame(&self) -> i64 {
        self.room.state().frame_at(self.now).0
    }
}

fn connection(user: UserId) -> ConnectionId {
    ConnectionId(user.0 as u64)
}

fn reason(result: Result<Effects, Refusal>) -> Reason {
    result.unwrap_err().reason
}

#[test]
fn play_starts_later_and_pause_is_exact() {
    let mut stage = Stage::new();
    let played = stage.does(HOST, Op::Play { frame: None }).unwrap();
    assert_eq!(played.ack.effective_ms, stage.now + MIN_LEAD_MS);
    stage.now = stage.now + MIN_LEAD_MS + 1000.0;
    assert_eq!(stage.frame(), 25);
    stage.does(HOST, Op::Pause { frame: Frame(27) }).unwrap();
    assert_eq!(stage.frame(), 27);
    stage.now = stage.now + 10_000.0;
    assert_eq!(stage.frame(), 27);
}

#[test]
fn the_lead_follows_the_round_trips() {
    for (rtt_ms, lead) in [(10.0, 100.0), (120.0, 240.0), (900.0, 500.0)] {
        let mut stage = Stage::new();
        let report = Report {
            asset: None,
            frame: None,
            error_ms: 0.0,
            error_frames: 0.0,
            rtt_ms,
            buffering: false,
            following: true,
            live_ms: None,
        };
        assert!(stage.room.report(stage.now, connection(GUEST), report));
        let played = stage.does(HOST, Op::Play { frame: None }).unwrap();
        assert_eq!(played.ack.effective_ms - stage.now, lead);
    }
}

#[test]
fn play_at_the_end_starts_again() {
    let mut stage = Stage::new();
    stage.does(HOST, Op::Seek { frame: Frame(1000) }).unwrap();
    assert_eq!(stage.frame(), 99, "a seek stays within the clip");
    stage.does(HOST, Op::Play { frame: None }).unwrap();
    assert_eq!(stage.frame(), 0);
    stage.now = stage.now + 60_000.0;
    assert_eq!(stage.frame(), 99, "it stands on its last frame");
    stage.does(HOST, Op::Seek { frame: Frame(10) }).unwrap();
    assert!(!stage.room.state().playing, "a clip that has ended does not run off after a seek");
    stage.does(HOST, Op::Seek { frame: Frame(99) }).unwrap();
    stage.does(HOST, Op::Play { frame: Some(Frame(99)) }).unwrap();
    assert_eq!(stage.frame(), 0);
}

#[test]
fn a_seek_while_it_plays_plays_on() {
    let mut stage = Stage::new();
    stage.does(HOST, Op::Play { frame: None }).unwrap();
    stage.now = stage.now + 500.0;
    stage.does(HOST, Op::Seek { frame: Frame(50) }).unwrap();
    assert_eq!(stage.frame(), 50);
    stage.now = stage.now + MIN_LEAD_MS + 400.0;
    assert_eq!(stage.frame(), 60);
}

#[test]
fn a_change_of_rate_makes_no_jump() {
    let mut stage = Stage::new();
    stage.does(HOST, Op::Play { frame: None }).unwrap();
    stage.now = stage.now + 1113.0;
    let at = stage.now + 100.0;
    let before = stage.room.state().timeline().position_at(at);
    stage.does(HOST, Op::Rate { rate: Rate::new(0.5).unwrap() }).unwrap();
    let after = stage.room.state().timeline().position_at(at);
    assert!((after - before).abs() <= 1.0, "{before} -> {after}");
    let later = stage.room.state().effective_ms + 1000.0;
    let start = stage.room.state().frame.0 as f64;
    assert_eq!(stage.room.state().timeline().position_at(later), start + 12.5);
}

#[test]
fn a_loop_turns_back_and_draws_in_what_is_behind_it() {
    let mut stage = Stage::new();
    stage.does(HOST, Op::Play { frame: Some(Frame(80)) }).unwrap();
    stage.now = stage.now + MIN_LEAD_MS + 200.0;
    let range = Loop::Range { first: Frame(10), last: Frame(19) };
    stage.does(HOST, Op::Loop { looping: range }).unwrap();
    assert_eq!(stage.frame(), 10);
    stage.now = stage.now + MIN_LEAD_MS + 25.0 * 40.0;
    assert_eq!(stage.frame(), 15);
    let nothing = Loop::Range { first: Frame(500), last: Frame(600) };
    assert!(matches!(reason(stage.does(HOST, Op::Loop { looping: nothing })), Reason::Bad(_)));
}

#[test]
fn only_hosts_drive_a_host_room() {
    let mut stage = Stage::new();
    let before = stage.room.state().clone();
    for op in [
        Op::Load { asset: clip(), frame: None },
        Op::Play { frame: None },
        Op::Seek { frame: Frame(3) },
        Op::Mode { sync_mode: SyncMode::Everyone },
        Op::LiveCeiling { ms: 0 },
    ] {
        assert_eq!(reason(stage.does(GUEST, op)), Reason::NotHost);
    }
    let by_text = stage.room.set_state(stage.now, GUEST, SyncMode::Host, Some("{}".into()));
    assert_eq!(reason(by_text), Reason::NotHost);
    assert_eq!(*stage.room.state(), before);
}

#[test]
fn another_host_takes_over_and_the_first_must_look_again() {
    let mut stage = Stage::new();
    let late = stage.command(Op::Pause { frame: Frame(5) });
    let epoch = stage.room.state().epoch;
    stage.does(OTHER_HOST, Op::Play { frame: None }).unwrap();
    assert_eq!(stage.room.state().driver, Some(OTHER_HOST));
    assert_eq!(stage.room.state().epoch, epoch + 1);
    let refusal = stage.sends(HOST, &late).unwrap_err();
    assert_eq!(refusal.reason, Reason::StaleEpoch);
    assert_eq!(*refusal.snapshot, *stage.room.state());
}

#[test]
fn everyone_drives_in_order_of_arrival_and_hosts_come_first() {
    let mut stage = Stage::new();
    let mut other = UserId(4);
    let who = Attendee { user: other, name: String::new(), guest: true };
    stage.room.join(stage.now, who, connection(other)).unwrap();
    stage.does(HOST, Op::Mode { sync_mode: SyncMode::Everyone }).unwrap();
    assert_eq!(stage.room.state().driver, None);

    let late_seek = stage.command(Op::Seek { frame: Frame(20) });
    let late_play = stage.command(Op::Play { frame: None });
    stage.does(GUEST, Op::Seek { frame: Frame(10) }).unwrap();
    assert_eq!(reason(stage.sends(other, &late_play)), Reason::StaleRevision);
    stage.sends(other, &late_seek).unwrap();
    assert_eq!(stage.frame(), 20);

    let mut late = stage.command(Op::Seek { frame: Frame(30) });
    stage.does(HOST, Op::Pause { frame: Frame(40) }).unwrap();
    assert_eq!(reason(stage.sends(GUEST, &late)), Reason::StaleRevision);
    assert_eq!(stage.frame(), 40);
    other = OTHER_HOST;
    late.cmd_id = "host".into();
    stage.sends(other, &late).unwrap();
    assert_eq!(stage.frame(), 30);
}

#[test]
fn nobody_drives_an_unsynced_room_but_a_host_ends_it() {
    let mut stage = Stage::new();
    stage.does(HOST, Op::Mode { sync_mode: SyncMode::Unsynced }).unwrap();
    assert_eq!(reason(stage.does(HOST, Op::Seek { frame: Frame(1) })), Reason::Unsynced);
    assert_eq!(reason(stage.does(GUEST, Op::Mode { sync_mode: SyncMode::Host })), Reason::NotHost);
    stage.does(OTHER_HOST, Op::Mode { sync_mode: SyncMode::Host }).unwrap();
    assert_eq!(stage.room.state().driver, Some(OTHER_HOST));
}

#[test]
fn a_sender_may_be_ahead_of_the_answers() {
    let mut stage = Stage::new();
    let pause = stage.command(Op::Pause { frame: Frame(4) });
    let step = stage.command(Op::Step { frame: Frame(5) });
    let play = stage.command(Op::Play { frame: None });
    stage.sends(HOST, &pause).unwrap();
    stage.sends(HOST, &step).unwrap();
    stage.sends(HOST, &play).unwrap();
    assert!(stage.room.state().playing);
    assert_eq!(stage.frame(), 5);
}

#[test]
fn a_command_sent_again_gets_its_answer_again() {
    let mut stage = Stage::new();
    let play = stage.command(Op::Play { frame: None });
    let first = stage.sends(HOST, &play).unwrap();
    stage.does(HOST, Op::Pause { frame: Frame(9) }).unwrap();
    let state = stage.room.state().clone();
    let again = stage.sends(HOST, &play).unwrap();
    assert_eq!(again.ack, first.ack);
    assert!(!again.changed);
    assert_eq!(*stage.room.state(), state);
}

#[test]
fn too_many_commands_are_refused() {
    let mut stage = Stage::new();
    let mut refused = 0;
    for i in 0..60 {
        let mut command = stage.command(Op::Seek { frame: Frame(i) });
        command.cmd_id = format!("burst {i}");
        let result = stage.room.apply(stage.now, connection(HOST), &command);
        refused += usize::from(result.is_err_and(|refusal| refusal.reason == Reason::TooFast));
    }
    assert!((20..=21).contains(&refused), "{refused}");
}

#[test]
fn a_room_that_does_not_run_does_not_move() {
    let mut stage = Stage::new();
    stage.does(HOST, Op::Play { frame: None }).unwrap();
    stage.now = stage.now + MIN_LEAD_MS + 400.0;
    assert!(stage.room.set_phase(stage.now, Phase::Complete));
    assert_eq!(stage.frame(), 10);
    assert_eq!(reason(stage.does(HOST, Op::Play { frame: None })), Reason::Complete);
    stage.room.set_phase(stage.now, Phase::Waiting);
    assert_eq!(reason(stage.does(HOST, Op::Play { frame: None })), Reason::NotStarted);
    let text = stage.room.set_state(stage.now, HOST, SyncMode::Host, None);
    assert_eq!(reason(text), Reason::NotStarted);
}

#[test]
fn a_live_source_has_no_position() {
    let mut stage = Stage::empty();
    assert!(matches!(reason(stage.does(HOST, Op::Play { frame: None })), Reason::Bad(_)));
    stage.does(HOST, Op::Load { asset: Asset::live(AssetId(9)), frame: None }).unwrap();
    assert!(stage.room.state().playing);
    assert!(matches!(reason(stage.does(HOST, Op::Seek { frame: Frame(1) })), Reason::Bad(_)));
    stage.does(HOST, Op::Pause { frame: Frame(0) }).unwrap();
    assert!(!stage.room.state().playing);
}

#[test]
fn the_asset_state_is_kept_byte_for_byte() {
    let mut stage = Stage::new();
    let text = "{\"a\" : 1.0,\n\t\"ü\":\"\\u00e9\"} ".to_owned();
    stage.room.set_state(stage.now, HOST, SyncMode::Host, Some(text.clone().into())).unwrap();
    assert_eq!(stage.room.state().asset_state.as_ref(), Some(&text));
    let kept = stage.room.set_state(stage.now, HOST, SyncMode::Everyone, None).unwrap();
    assert!(kept.changed && kept.users_changed);
    assert_eq!(stage.room.state().asset_state.as_ref(), Some(&text));
    stage.room.set_state(stage.now, GUEST, SyncMode::Everyone, Some("mine".into())).unwrap();
    let mode = stage.room.set_state(stage.now, GUEST, SyncMode::Host, None);
    assert_eq!(reason(mode), Reason::NotHost);
    let long = "x".repeat(MAX_ASSET_STATE + 1);
    let long = stage.room.set_state(stage.now, HOST, SyncMode::Everyone, Some(long.into()));
    assert!(matches!(reason(long), Reason::Bad(_)));
}

#[test]
fn a_driver_who_is_no_host_any_more_loses_the_wheel() {
    let mut stage = Stage::new();
    assert_eq!(stage.room.state().driver, Some(HOST));
    let epoch = stage.room.state().epoch;
    assert!(!stage.room.set_hosts([HOST]), "the driver stays one");
    assert!(stage.room.set_hosts([OTHER_HOST]));
    assert_eq!((stage.room.state().driver, stage.room.state().epoch), (None, epoch + 1));
    assert_eq!(reason(stage.does(HOST, Op::Seek { frame: Frame(1) })), Reason::NotHost);
}

#[test]
fn strangers_do_not_command() {
    let mut stage = Stage::new();
    let command = stage.command(Op::Play { frame: None });
    let result = stage.room.apply(stage.now, ConnectionId(99), &command);
    assert_eq!(reason(result), Reason::NotPresent);
    assert_eq!(stage.room.expel(HOST), vec![connection(HOST)]);
    assert_eq!(reason(stage.sends(HOST, &command)), Reason::NotPresent);
}

#[test]
fn nonsense_is_refused() {
    let mut stage = Stage::new();
    for op in [Op::Seek { frame: Frame(-1) }, Op::Pause { frame: Frame(i64::MAX) }] {
        assert!(matches!(reason(stage.does(HOST, op)), Reason::Bad(_)), "{op:?}");
    }
    let mut command = stage.command(Op::Play { frame: None });
    command.cmd_id = String::new();
    assert!(matches!(reason(stage.sends(HOST, &command)), Reason::Bad(_)));
    command.cmd_id = "x".repeat(MAX_CMD_ID + 1);
    assert!(matches!(reason(stage.sends(HOST, &command)), Reason::Bad(_)));
    command.cmd_id = "ahead".into();
    command.base_rev += 1;
    assert!(matches!(reason(stage.sends(HOST, &command)), Reason::Bad(_)));
}

#[test]
fn the_wheel_is_handed_over_while_it_plays_and_nothing_jumps() {
    let mut stage = Stage::new();
    stage.does(HOST, Op::Rate { rate: Rate::new(1.5).unwrap() }).unwrap();
    stage.does(HOST, Op::Play { frame: Some(Frame(3)) }).unwrap();
    stage.now = stage.now + 700.0;
    let before = stage.room.state().clone();
    let taken = stage.does(OTHER_HOST, Op::Drive { to: None }).unwrap();
    assert!(taken.changed);
    let after = stage.room.state().clone();
    assert_eq!((after.driver, after.epoch), (Some(OTHER_HOST), before.epoch + 1));
    for ms in [0.0, 10.0, 1_000.0, 60_000.0] {
        let at = stage.now + ms;
        let [a, b] = [&before, &after].map(|state| state.timeline().position_at(at));
        assert_eq!(a.to_bits(), b.to_bits());
    }
    assert!(!stage.does(OTHER_HOST, Op::Drive { to: None }).unwrap().changed);
    stage.does(OTHER_HOST, Op::Drive { to: Some(HOST) }).unwrap();
    assert_eq!(stage.room.state().driver, Some(HOST));
    assert_eq!(reason(stage.does(GUEST, Op::Drive { to: None })), Reason::NotHost);
    let to_guest = stage.does(HOST, Op::Drive { to: Some(GUEST) });
    assert!(matches!(reason(to_guest), Reason::Bad(_)));
    stage.does(HOST, Op::Mode { sync_mode: SyncMode::Everyone }).unwrap();
    let nobody = stage.does(HOST, Op::Drive { to: None });
    assert!(matches!(reason(nobody), Reason::Bad(_)));
}

#[test]
fn a_second_clip_is_shown_until_something_else_is() {
    let mut stage = Stage::new();
    let asset = Asset::clip(AssetId(8), FrameRate::new(50, 1).unwrap(), Some(100));
    let compare = crate::Compare { asset, layout: crate::Layout::Wipe, split: 5_000, offset: 2 };
    let with = |compare| Op::Compare { compare: Some(compare) };
    stage.does(HOST, with(compare)).unwrap();
    stage.does(HOST, Op::Seek { frame: Frame(10) }).unwrap();
    assert_eq!(stage.room.state().compare_frame_at(stage.now), Some(Frame(22)));
    assert!(!stage.does(HOST, with(compare)).unwrap().changed);
    let moved = crate::Compare { split: 100, ..compare };
    stage.does(HOST, with(moved)).unwrap();
    assert_eq!(reason(stage.does(GUEST, with(compare))), Reason::NotHost);
    for wrong in [
        crate::Compare { split: 10_001, ..compare },
        crate::Compare { offset: i64::MIN, ..compare },
        crate::Compare { asset: Asset::live(AssetId(9)), ..compare },
    ] {
        assert!(matches!(reason(stage.does(HOST, with(wrong))), Reason::Bad(_)), "{wrong:?}");
    }
    stage.does(HOST, Op::Compare { compare: None }).unwrap();
    assert_eq!(stage.room.state().compare, None);
    stage.does(HOST, with(compare)).unwrap();
    stage.does(HOST, Op::Load { asset: Asset::live(AssetId(9)), frame: None }).unwrap();
    assert_eq!(stage.room.state().compare, None);
    assert!(matches!(reason(stage.does(HOST, with(compare))), Reason::Bad(_)));
}

#[test]
fn the_room_goes_where_a_clients_own_text_means() {
    let mut stage = Stage::new();
    let says = |stage: &mut Stage, user, mode, meant: Meant| {
        stage.now = stage.now + 100.0;
        stage.next += 1;
        let text = AssetState { text: stage.next.to_string(), meant };
        stage.room.set_state(stage.now, user, mode, Some(text))
    };
    let at = |frame, playing| Meant { asset: None, frame: Some(Frame(frame)), playing };
    says(&mut stage, HOST, SyncMode::Host, at(40, None)).unwrap();
    assert_eq!((stage.frame(), stage.room.state().playing), (40, false));
    let played = says(&mut stage, HOST, SyncMode::Host, at(50, Some(true))).unwrap();
    assert_eq!(played.ack.effective_ms, stage.now + MIN_LEAD_MS, "as it starts for everybody");
    stage.now = stage.now + MIN_LEAD_MS + 300.0;
    // They say where they are, a little late: nobody is moved for that.
    let effective_ms = stage.room.state().effective_ms;
    says(&mut stage, HOST, SyncMode::Host, at(56, Some(true))).unwrap();
    says(&mut stage, HOST, SyncMode::Host, at(56, None)).unwrap();
    assert_eq!(stage.room.state().effective_ms, effective_ms);
    says(&mut stage, HOST, SyncMode::Host, at(20, Some(true))).unwrap();
    assert_eq!(stage.room.state().frame, Frame(20));
    let stops = Meant { playing: Some(false), ..Meant::default() };
    says(&mut stage, HOST, SyncMode::Host, stops).unwrap();
    assert!(!stage.room.state().playing);
    // Another asset begins anew; what cannot be done is left.
    let live = Meant { asset: Some(Asset::live(AssetId(9))), frame: Some(Frame(7)), playing: None };
    let loaded = says(&mut stage, HOST, SyncMode::Host, live).unwrap();
    assert!(loaded.changed && stage.room.state().playing);
    assert!(says(&mut stage, HOST, SyncMode::Host, at(-1, None)).unwrap().changed, "a new text");
    assert_eq!(stage.room.state().asset.map(|asset| asset.id), Some(AssetId(9)));
}

#[test]
fn a_text_moves_nothing_that_its_sender_may_not() {
    let mut stage = Stage::new();
    let text = |frame| {
        let meant = Meant { frame: Some(Frame(frame)), ..Meant::default() };
        Some(AssetState { text: frame.to_string(), meant })
    };
    let guest = stage.room.set_state(stage.now, GUEST, SyncMode::Host, text(40));
    assert_eq!((reason(guest), stage.frame()), (Reason::NotHost, 0));
    stage.room.set_state(stage.now, HOST, SyncMode::Unsynced, text(50)).unwrap();
    assert_eq!(stage.frame(), 0, "everybody is somewhere else");
    stage.room.set_state(stage.now, HOST, SyncMode::Everyone, text(60)).unwrap();
    assert_eq!(stage.frame(), 60);
    stage.does(HOST, Op::Seek { frame: Frame(5) }).unwrap();
    stage.room.set_state(stage.now, HOST, SyncMode::Everyone, text(60)).unwrap();
    assert_eq!(stage.frame(), 5, "the same text says nothing new");
    stage.room.set_state(stage.now, GUEST, SyncMode::Everyone, text(70)).unwrap();
    assert_eq!(stage.frame(), 5, "hosts come first, and this may be from before");
    assert_eq!(stage.room.state().asset_state.as_deref(), Some("70"));
}

#[test]
fn a_late_text_moves_nobody_across_a_loops_seam_or_behind_a_clips_end() {
    for looping in [Loop::Range { first: Frame(50), last: Frame(99) }, Loop::Off] {
        let mut stage = Stage::new();
        stage.does(HOST, Op::Loop { looping }).unwrap();
        stage.does(HOST, Op::Play { frame: Some(Frame(95)) }).unwrap();
        stage.now = stage.now + MIN_LEAD_MS + 300.0;
        let (before, frame) = (stage.room.state().clone(), Some(Frame(97)));
        let meant = Meant { frame, playing: Some(true), ..Meant::default() };
        let text = Some(AssetState { text: "late".into(), meant });
        stage.room.set_state(stage.now, HOST, SyncMode::Host, text).unwrap();
        let after = stage.room.state();
        assert_eq!((after.frame, after.effective_ms), (before.frame, before.effective_ms));
    }
}
