//! Meetings in virtual time: how many they take, how much, and for how long.

mod mutes;
mod pictures;
mod steps;
mod voices;

use super::*;

const OPEN: Rules = Rules { mute_on_entry: false, unmute_self: true };
const STRICT: Rules = Rules { mute_on_entry: true, unmute_self: false };

const HOST: AttendeeId = AttendeeId(1);
const ANNA: AttendeeId = AttendeeId(2);
const BEN: AttendeeId = AttendeeId(3);

/// A meeting, its time, and numbers for its packets.
struct World {
    meeting: Meeting,
    now: Instant,
    seq: u64,
}

impl World {
    fn new(rules: Rules, people: &[AttendeeId]) -> Self {
        let now = Instant::now();
        let mut world = Self { meeting: Meeting::new(now, rules), now, seq: 0 };
        for who in people {
            world.join(*who);
        }
        world
    }

    fn join(&mut self, who: AttendeeId) {
        let joining = Joining { who, name: format!("{who}"), is_host: who == HOST };
        self.meeting.join(self.now, joining).unwrap();
        self.slots();
    }

    /// Everybody has the slots that they need.
    fn slots(&mut self) {
        let everyone: Vec<AttendeeId> = self.meeting.members.keys().copied().collect();
        for who in everyone {
            let needs = self.meeting.needs(who);
            self.meeting.has_slots(self.now, who, needs);
        }
    }

    fn wait(&mut self, ms: u64) {
        for _ in 0..ms / 50 {
            self.now += Duration::from_millis(50);
            self.meeting.tick(self.now);
        }
    }

    fn send(
        &mut self,
        from: AttendeeId,
        kind: Kind,
        layer: u8,
        key: bool,
        level: u8,
    ) -> Vec<Outgoing> {
        self.seq += 1;
        let packet = Incoming {
            kind,
            layer,
            seq: self.seq,
            timestamp: self.seq as u32 * 960,
            level: Some(level),
            key,
            numbers: PictureNumbers { picture: Some(self.seq as u16), tl0: Some(self.seq as u8) },
            size: 100,
        };
        self.meeting.packet(self.now, from, &packet).to_vec()
    }

    /// Says something, so loud; gives back who hears it.
    fn say(&mut self, from: AttendeeId, level: u8) -> Vec<AttendeeId> {
        self.send(from, Kind::Audio, 0, false, level).iter().map(|out| out.to).collect()
    }

    fn show(&mut self, from: AttendeeId, layer: u8, key: bool) -> Vec<AttendeeId> {
        self.send(from, Kind::Video, layer, key, 0).iter().map(|out| out.to).collect()
    }

    /// Talks for a while.
    fn talk(&mut self, from: AttendeeId, level: u8, ms: u64) {
        for _ in 0..ms / 50 {
            self.say(from, level);
            self.wait(50);
        }
    }

    fn notices(&mut self) -> Vec<(To, Notice)> {
        std::iter::from_fn(|| self.meeting.poll_notice()).collect()
    }

    fn attending(&self, who: AttendeeId) -> Attending {
        self.meeting.roster().iter().find(|attending| attending.who == who).unwrap().clone()
    }
}

#[test]
fn a_meeting_has_its_limits() {
    let mut world = World::new(OPEN, &[]);
    for who in 1..=MEMBERS as u128 {
        world.join(AttendeeId(who));
    }
    let late = Joining { who: AttendeeId(999), name: String::new(), is_host: false };
    assert_eq!(world.meeting.join(world.now, late), Err(MeetingError::Full));
    assert_eq!(world.meeting.talkers(), TALKERS);
    let silent = AttendeeId(MEMBERS as u128);
    assert_eq!(world.meeting.unmute(world.now, silent), Err(MeetingError::TooManyTalk));
    for who in 1..=CAMERAS as u128 {
        world.meeting.camera(world.now, AttendeeId(who), true).unwrap();
    }
    assert_eq!(world.meeting.camera(world.now, silent, true), Err(MeetingError::TooManyCameras));
}

#[test]
fn who_floods_is_cut_short_until_the_next_second() {
    let mut world = World::new(OPEN, &[HOST, ANNA]);
    let heard = (0..5_000).filter(|_| !world.say(ANNA, 30).is_empty()).count();
    assert_eq!(heard, 1_000);
    assert_eq!(world.say(HOST, 30), [ANNA], "nobody else is");
    world.wait(1_000);
    assert_eq!(world.say(ANNA, 30), [HOST]);
}

#[test]
fn an_empty_meeting_is_over_after_a_while() {
    let mut world = World::new(OPEN, &[HOST]);
    world.now += Duration::from_secs(3_600);
    assert!(!world.meeting.is_over(world.now));
    world.meeting.leave(world.now, HOST);
    assert!(!world.meeting.is_over(world.now + Duration::from_secs(60)));
    assert!(world.meeting.is_over(world.now + Duration::from_secs(3_600)));
}
