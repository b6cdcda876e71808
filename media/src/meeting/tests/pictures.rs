//! Who sees whom, and in which layer.

use super::*;

#[test]
fn a_picture_begins_with_a_key_frame_that_was_asked_for() {
    let mut world = World::new(OPEN, &[HOST, ANNA, BEN]);
    assert!(world.show(ANNA, 0, true).is_empty(), "the camera is off");
    world.meeting.camera(world.now, ANNA, true).unwrap();
    world.slots();
    world.wait(200);
    assert!(world.show(ANNA, 0, false).is_empty());
    assert_eq!(world.meeting.poll_keyframes(world.now), [(ANNA, 0)]);
    assert!(world.meeting.poll_keyframes(world.now).is_empty(), "not twice at once");
    assert_eq!(world.show(ANNA, 0, true), [HOST, BEN]);
    assert_eq!(world.show(ANNA, 0, false), [HOST, BEN]);
    world.wait(1_000);
    assert!(world.meeting.poll_keyframes(world.now).is_empty(), "it has come");
    world.meeting.lost_picture(BEN, 0);
    assert_eq!(world.meeting.poll_keyframes(world.now), [(ANNA, 0)]);
}

#[test]
fn the_large_layer_is_sent_to_whom_it_fits_and_its_numbers_go_on() {
    let mut world = World::new(OPEN, &[HOST, ANNA, BEN]);
    world.meeting.camera(world.now, ANNA, true).unwrap();
    world.slots();
    world.meeting.estimate(world.now, HOST, 3_000_000);
    world.meeting.estimate(world.now, BEN, 300_000);
    for _ in 0..5 {
        world.show(ANNA, 0, true);
        world.show(ANNA, 1, true);
        world.wait(50);
    }
    assert_eq!(world.show(ANNA, 1, true), [HOST]);
    assert_eq!(world.show(ANNA, 0, true), [BEN]);
    let large = world.send(ANNA, Kind::Video, 1, false, 0)[0];
    // The large one stops: the small one takes its place, one number on.
    world.meeting.estimate(world.now, HOST, 300_000);
    world.wait(50);
    let small = world.send(ANNA, Kind::Video, 0, true, 0);
    let small = small.iter().find(|out| out.to == HOST).unwrap();
    assert_eq!(small.seq, large.seq + 1);
    let next = |n: PictureNumbers| (n.picture.map(|p| p + 1), n.tl0.map(|t| t + 1));
    assert_eq!((small.numbers.picture, small.numbers.tl0), next(large.numbers));
}

#[test]
fn a_low_estimate_keeps_pictures_away_only_where_they_were_tried() {
    let mut world = World::new(OPEN, &[HOST, ANNA, BEN]);
    // So it is when there was nothing but a silent voice to send.
    world.meeting.estimate(world.now, HOST, 20_000);
    for who in [ANNA, BEN] {
        world.meeting.camera(world.now, who, true).unwrap();
    }
    world.slots();
    world.wait(200);
    for who in [ANNA, BEN] {
        assert!(world.show(who, 0, true).contains(&HOST), "{who} is shown");
    }
    // It stays low with pictures: voices alone, and after a while another try.
    world.meeting.estimate(world.now, HOST, 20_000);
    world.wait(200);
    assert_eq!(world.show(ANNA, 0, true), [BEN]);
    world.wait(10_000);
    assert_eq!(world.show(ANNA, 0, true), [HOST, BEN]);
    world.meeting.estimate(world.now, HOST, 30_000);
    world.wait(200);
    assert_eq!(world.show(ANNA, 0, true), [HOST, BEN], "it has time to grow");
    world.wait(5_000);
    world.meeting.estimate(world.now, HOST, 30_000);
    world.wait(200);
    assert_eq!(world.show(ANNA, 0, true), [BEN]);
}
