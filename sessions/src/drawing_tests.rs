use super::*;
use crate::{Asset, Attendee, Command, FrameRate, Op};

const HOST: UserId = UserId(1);
const GUEST: UserId = UserId(2);
const OTHER: UserId = UserId(3);
const ASSET: AssetId = AssetId(7);
const HERE: Place = Place { asset: ASSET, frame: Some(Frame(5)) };

fn connection(user: UserId) -> ConnectionId {
    ConnectionId(user.0 as u64)
}

fn room() -> Room {
    let mut room = Room::new(Millis(0.0), Phase::Started, [HOST]);
    for user in [HOST, GUEST, OTHER] {
        let who = Attendee { user, name: String::new(), guest: user != HOST };
        room.join(Millis(0.0), who, connection(user)).unwrap();
    }
    let asset = Asset::clip(ASSET, FrameRate::new(25, 1).unwrap(), Some(100));
    let op = Op::Load { asset, frame: None };
    let load = Command { cmd_id: "load".into(), epoch: 1, base_rev: 0, op };
    room.apply(Millis(0.0), connection(HOST), &load).unwrap();
    room
}

fn part(id: &str, from: usize, points: &[u16], done: bool) -> Draw {
    let points = points.iter().map(|x| Point(*x, *x)).collect();
    let pen = Pen::new(0xff_00_00, 40).unwrap();
    Draw { id: id.into(), on: HERE, pen, from, points, done }
}

fn draws(room: &mut Room, user: UserId, draw: &Draw) -> Result<Drawn, Reason> {
    room.draw(Millis(0.0), connection(user), draw)
}

fn ids(room: &Room) -> Vec<&str> {
    room.strokes().iter().map(|stroke| stroke.id.as_str()).collect()
}

#[test]
fn a_stroke_is_told_while_it_is_drawn_and_each_point_once() {
    let mut room = room();
    assert_eq!(
        draws(&mut room, GUEST, &part("a", 0, &[1, 2], false)),
        Ok(Drawn { points: 2, finished: false })
    );
    // One that comes twice, or overlaps, adds what is new.
    draws(&mut room, GUEST, &part("a", 0, &[1, 2], false)).unwrap();
    draws(&mut room, GUEST, &part("a", 1, &[2, 3], false)).unwrap();
    let (parts, _) = room.take_drawing();
    assert_eq!(parts.len(), 1);
    assert_eq!((parts[0].from, parts[0].stroke.points.len()), (0, 3));
    assert_eq!(room.take_drawing().0, []);

    let gap = draws(&mut room, GUEST, &part("a", 4, &[5], false));
    assert!(matches!(gap, Err(Reason::Bad(_))));
    let end = part("a", 3, &[4], true);
    assert_eq!(draws(&mut room, GUEST, &end), Ok(Drawn { points: 4, finished: true }));
    assert_eq!(draws(&mut room, GUEST, &end), Ok(Drawn { points: 4, finished: false }));
    let (parts, _) = room.take_drawing();
    assert_eq!((parts.len(), parts[0].from, parts[0].stroke.done), (1, 3, true));
    assert!(matches!(draws(&mut room, GUEST, &part("a", 4, &[5], true)), Err(Reason::Bad(_))));
    assert_eq!(room.strokes()[0].points, [1, 2, 3, 4].map(|x| Point(x, x)));
}

#[test]
fn a_stroke_belongs_to_its_person_and_to_a_frame_that_is_shown() {
    let mut room = room();
    draws(&mut room, GUEST, &part("a", 0, &[1], false)).unwrap();
    assert!(matches!(draws(&mut room, OTHER, &part("a", 1, &[2], true)), Err(Reason::Bad(_))));
    let absent = Place { asset: AssetId(8), frame: Some(Frame(1)) };
    let behind = Place { asset: ASSET, frame: Some(Frame(100)) };
    let live = Place { asset: ASSET, frame: None };
    for on in [absent, behind, live] {
        let draw = Draw { on, ..part("b", 0, &[1], true) };
        assert!(matches!(draws(&mut room, GUEST, &draw), Err(Reason::Bad(_))), "{on:?}");
    }
    // One that was begun is finished though the room went on to something else.
    let op = Op::Load { asset: Asset::live(AssetId(9)), frame: None };
    let (epoch, base_rev) = room.state().version();
    let load = Command { cmd_id: "live".into(), epoch, base_rev, op };
    room.apply(Millis(0.0), connection(HOST), &load).unwrap();
    draws(&mut room, GUEST, &part("a", 1, &[2], true)).unwrap();
    let on = Place { asset: AssetId(9), frame: None };
    draws(&mut room, GUEST, &Draw { on, ..part("c", 0, &[1], true) }).unwrap();
    assert_eq!(ids(&room), ["a", "c"]);
}

#[test]
fn what_is_none_is_refused() {
    let mut room = room();
    let outside = Draw { points: vec![Point(0, SCALE + 1)], ..part("a", 0, &[], true) };
    let many = Draw { points: vec![Point(0, 0); MAX_PART_POINTS + 1], ..outside.clone() };
    let unnamed = part("", 0, &[1], true);
    let long = part(&"x".repeat(MAX_STROKE_ID + 1), 0, &[1], true);
    for draw in [outside, many, unnamed, long, part("late", 3, &[1], true)] {
        assert!(matches!(draws(&mut room, GUEST, &draw), Err(Reason::Bad(_))), "{}", draw.id);
    }
    assert_eq!(
        room.draw(Millis(0.0), ConnectionId(99), &part("a", 0, &[1], true)),
        Err(Reason::NotPresent)
    );
    room.set_phase(Millis(0.0), Phase::Complete);
    assert_eq!(draws(&mut room, GUEST, &part("a", 0, &[1], true)), Err(Reason::Complete));
    assert_eq!(ids(&room), [""; 0]);
    assert_eq!(Pen::new(1 << 24, 40), None);
    assert_eq!([Pen::new(0, 9), Pen::new(0, 1001)], [None, None]);
}

#[test]
fn a_room_is_full_at_some_point_and_has_room_again_when_it_is_cleared() {
    let mut room = room();
    let mut now = Millis(0.0);
    let points = vec![Point(1, 1); MAX_PART_POINTS];
    let mut full = None;
    for i in 0..=MAX_POINTS / MAX_PART_POINTS {
        now = now + 1000.0;
        let draw = Draw { points: points.clone(), ..part(&i.to_string(), 0, &[], true) };
        full = room.draw(now, connection(GUEST), &draw).err();
    }
    assert!(matches!(full, Some(Reason::Bad(_))));
    assert_eq!(room.erase(connection(GUEST), &Erase::All(None)), Err(Reason::NotHost));
    let gone = room.erase(connection(HOST), &Erase::All(Some(HERE))).unwrap();
    assert_eq!(gone.len(), MAX_POINTS / MAX_PART_POINTS);
    assert!(room.draw(now, connection(GUEST), &part("new", 0, &[1], true)).is_ok());
    assert_eq!(room.board.points, 1);
}

#[test]
fn one_erases_what_is_ones_own_and_a_host_all() {
    let mut room = room();
    for (user, id) in [(HOST, "h"), (GUEST, "g1"), (GUEST, "g2"), (OTHER, "o")] {
        draws(&mut room, user, &part(id, 0, &[1], true)).unwrap();
    }
    let named = |id: &str| Erase::Named(vec![id.into()]);
    assert_eq!(room.erase(connection(GUEST), &named("h")), Err(Reason::NotHost));
    assert_eq!(room.erase(connection(GUEST), &named("g1")), Ok(vec!["g1".into()]));
    assert_eq!(room.erase(connection(GUEST), &named("g1")), Ok(vec![]));
    assert_eq!(room.erase(connection(HOST), &named("o")), Ok(vec!["o".into()]));
    let elsewhere = Erase::Own(Some(Place { frame: Some(Frame(6)), ..HERE }));
    assert_eq!(room.erase(connection(GUEST), &elsewhere), Ok(vec![]));
    // Of what nobody was told yet, nothing is told any more.
    assert_eq!(room.erase(connection(GUEST), &Erase::Own(None)), Ok(vec!["g2".into()]));
    let told: Vec<_> = room.take_drawing().0.into_iter().map(|part| part.stroke.id).collect();
    assert_eq!(told, ["h"]);
    assert_eq!(ids(&room), ["h"]);
}

#[test]
fn who_leaves_leaves_finished_strokes() {
    let mut room = room();
    draws(&mut room, GUEST, &part("a", 0, &[1, 2], false)).unwrap();
    draws(&mut room, GUEST, &part("b", 0, &[1], true)).unwrap();
    room.take_drawing();
    let finished = room.finish_strokes(GUEST);
    assert_eq!(finished.iter().map(|stroke| stroke.id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(finished[0].done && finished[0].points.len() == 2);
    let (parts, _) = room.take_drawing();
    assert_eq!((parts[0].from, parts[0].stroke.points.len(), parts[0].stroke.done), (2, 0, true));
}

#[test]
fn strokes_are_kept_once() {
    let mut room = room();
    draws(&mut room, GUEST, &part("a", 0, &[1], true)).unwrap();
    let ids = ["a".to_owned(), "gone".to_owned()];
    assert_eq!(room.keep_strokes(&ids), ["a"]);
    assert_eq!(room.keep_strokes(&ids), [""; 0]);
}

#[test]
fn the_latest_pointer_of_each_counts() {
    let mut room = room();
    let at = |x| Pointer { asset: ASSET, at: Some(Point(x, 1)) };
    assert!(room.point(Millis(0.0), connection(GUEST), at(1)));
    assert!(room.point(Millis(0.0), connection(HOST), at(2)));
    assert!(room.point(Millis(0.0), connection(GUEST), at(3)));
    assert_eq!(room.take_drawing().1, [(HOST, at(2)), (GUEST, at(3))]);
    assert!(!room.point(Millis(0.0), connection(GUEST), at(SCALE + 1)));
    let other = Pointer { asset: AssetId(8), at: None };
    assert!(!room.point(Millis(0.0), connection(GUEST), other));
    assert!(!room.point(Millis(0.0), ConnectionId(99), at(1)));
    assert_eq!(room.take_drawing().1, []);
}

#[test]
fn nobody_draws_faster_than_a_hand() {
    let mut room = room();
    let mut taken = 0;
    for i in 0..200 {
        taken += usize::from(draws(&mut room, GUEST, &part("a", i, &[1], false)).is_ok());
        if taken <= i {
            break;
        }
    }
    assert_eq!(taken, 80);
    // Pointing is counted by itself, and commands too.
    assert!(room.point(Millis(0.0), connection(GUEST), Pointer { asset: ASSET, at: None }));
    assert!(room.say(Millis(0.0), connection(GUEST), "c", "text").is_ok());
}
