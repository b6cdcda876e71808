//! Who mutes whom, who may change it, and what stays so.

use super::*;

#[test]
fn what_a_muted_member_sends_goes_nowhere() {
    let mut world = World::new(OPEN, &[HOST, ANNA, BEN]);
    world.meeting.mute(world.now, ANNA, ANNA).unwrap();
    assert!(world.say(ANNA, 0).is_empty());
    world.meeting.unmute(world.now, ANNA).unwrap();
    assert_eq!(world.say(ANNA, 0), [HOST, BEN]);
}

#[test]
fn hosts_alone_mute_and_ask_others() {
    let mut world = World::new(OPEN, &[HOST, ANNA, BEN]);
    let now = world.now;
    let meeting = &mut world.meeting;
    assert_eq!(meeting.mute(now, ANNA, BEN), Err(MeetingError::HostsOnly));
    assert_eq!(meeting.mute_all(now, ANNA), Err(MeetingError::HostsOnly));
    assert_eq!(meeting.ask_to_unmute(now, ANNA, BEN), Err(MeetingError::HostsOnly));
    meeting.mute_all(now, HOST).unwrap();
    assert!(world.say(ANNA, 0).is_empty() && world.say(BEN, 0).is_empty());
    assert_eq!(world.say(HOST, 0), [ANNA, BEN], "a host goes on talking");
}

#[test]
fn where_people_may_not_unmute_a_host_has_to_ask_first() {
    let mut world = World::new(STRICT, &[HOST, ANNA]);
    let now = world.now;
    assert!(world.attending(ANNA).muted && !world.attending(ANNA).may_unmute);
    assert_eq!(world.meeting.unmute(now, ANNA), Err(MeetingError::MayNotUnmute));
    world.meeting.unmute(now, HOST).unwrap();
    world.notices();
    world.meeting.ask_to_unmute(now, HOST, ANNA).unwrap();
    assert!(world.notices().contains(&(To::One(ANNA), Notice::Asked { by: HOST })));
    assert!(world.say(ANNA, 0).is_empty(), "nobody else opens her microphone");
    world.meeting.unmute(now, ANNA).unwrap();
    assert_eq!(world.say(ANNA, 0), [HOST]);
    // She may cough in silence; what a host closes stays closed.
    world.meeting.mute(now, ANNA, ANNA).unwrap();
    world.meeting.unmute(now, ANNA).unwrap();
    world.meeting.mute(now, HOST, ANNA).unwrap();
    assert_eq!(world.meeting.unmute(now, ANNA), Err(MeetingError::MayNotUnmute));
}

#[test]
fn who_returns_finds_what_was_ruled() {
    for away in [1_000, 120_000] {
        let mut world = World::new(Rules { mute_on_entry: false, ..STRICT }, &[HOST, ANNA, BEN]);
        let now = world.now;
        world.meeting.mute(now, HOST, ANNA).unwrap();
        world.meeting.leave(now, ANNA);
        world.meeting.leave(now, BEN);
        world.wait(away);
        world.join(ANNA);
        world.join(BEN);
        let now = world.now;
        assert_eq!(world.meeting.unmute(now, ANNA), Err(MeetingError::MayNotUnmute));
        assert!(world.say(ANNA, 0).is_empty());
        assert_eq!(world.say(BEN, 0), [HOST, ANNA], "nobody muted him");
    }
}

#[test]
fn who_is_away_when_all_are_muted_comes_back_muted() {
    let mut world = World::new(Rules { mute_on_entry: false, ..STRICT }, &[HOST, ANNA]);
    world.meeting.leave(world.now, ANNA);
    world.meeting.mute_all(world.now, HOST).unwrap();
    world.join(ANNA);
    assert!(world.attending(ANNA).muted && !world.attending(ANNA).may_unmute);
}

#[test]
fn rules_that_become_strict_leave_those_who_talk_talking() {
    let mut world = World::new(OPEN, &[HOST, ANNA, BEN]);
    let now = world.now;
    world.meeting.mute(now, BEN, BEN).unwrap();
    world.meeting.set_rules(now, STRICT);
    assert!(world.attending(ANNA).may_unmute && !world.attending(ANNA).muted);
    assert!(!world.attending(BEN).may_unmute);
    world.meeting.set_hosts(now, &[BEN]);
    assert!(world.attending(BEN).may_unmute && !world.attending(HOST).is_host);
}
