//! Who hears whom, and who speaks.

use super::*;

#[test]
fn everyone_hears_the_others_and_nobody_themselves() {
    let mut world = World::new(OPEN, &[HOST, ANNA, BEN]);
    assert_eq!(world.say(HOST, 30), [ANNA, BEN]);
    assert_eq!(world.say(BEN, 30), [HOST, ANNA]);
}

#[test]
fn the_loudest_become_the_speaker_and_keep_the_word_for_a_while() {
    let mut world = World::new(OPEN, &[HOST, ANNA, BEN]);
    world.talk(ANNA, 20, 500);
    assert_eq!(world.meeting.speakers.speaker, Some(ANNA));
    // A door slams.
    world.say(BEN, 5);
    world.talk(ANNA, 20, 500);
    assert_eq!(world.meeting.speakers.speaker, Some(ANNA));
    // He goes on, louder than she.
    for _ in 0..40 {
        world.say(ANNA, 40);
        world.say(BEN, 10);
        world.wait(50);
    }
    assert_eq!(world.meeting.speakers.speaker, Some(BEN));
    // She answers when he is silent; nobody speaking leaves her in view.
    world.wait(3_000);
    world.talk(ANNA, 30, 500);
    assert_eq!(world.meeting.speakers.speaker, Some(ANNA));
    world.wait(20_000);
    assert_eq!(world.meeting.speakers.speaker, Some(ANNA));
    world.meeting.mute(world.now, ANNA, ANNA).unwrap();
    assert_eq!(world.meeting.speakers.speaker, None);
}

#[test]
fn who_comes_late_learns_who_speaks() {
    let mut world = World::new(OPEN, &[HOST, ANNA]);
    world.talk(ANNA, 20, 500);
    world.notices();
    world.join(BEN);
    let speaker = Notice::Speaker { speaker: Some(ANNA), talking: vec![ANNA] };
    assert!(world.notices().contains(&(To::One(BEN), speaker)));
}

#[test]
fn of_many_voices_the_loudest_are_sent() {
    let people: Vec<AttendeeId> = (1..=12).map(AttendeeId).collect();
    let mut world = World::new(OPEN, &people);
    for _ in 0..20 {
        for (at, who) in people.iter().enumerate() {
            world.say(*who, 20 + 5 * at as u8);
        }
        world.wait(50);
    }
    let listener = *people.last().unwrap();
    let heard: Vec<bool> =
        people.iter().map(|who| world.say(*who, 60).contains(&listener)).collect();
    assert_eq!(heard.iter().filter(|heard| **heard).count(), VOICES);
    assert!(heard[..VOICES].iter().all(|heard| *heard), "{heard:?}");
}

#[test]
fn a_slot_goes_on_without_a_break_when_another_talks_in_it() {
    let mut world = World::new(OPEN, &[HOST, ANNA]);
    let first = world.send(ANNA, Kind::Audio, 0, false, 30)[0];
    assert!(first.first);
    let second = world.send(ANNA, Kind::Audio, 0, false, 30)[0];
    assert_eq!((second.seq, second.first), (first.seq + 1, false));
    world.wait(100);
    world.meeting.leave(world.now, ANNA);
    world.seq = 77_000;
    world.join(BEN);
    let third = world.send(BEN, Kind::Audio, 0, false, 30)[0];
    assert_eq!((third.slot, third.seq, third.first), (second.slot, second.seq + 1, true));
    let ahead = third.timestamp.wrapping_sub(second.timestamp);
    assert_eq!(ahead, 4_800, "100 ms at 48 kHz");
}
