use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

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
fn everyone_hears_the_others_and_nobody_themselves() {
    let mut world = World::new(OPEN, &[HOST, ANNA, BEN]);
    assert_eq!(world.say(HOST, 30), [ANNA, BEN]);
    assert_eq!(world.say(BEN, 30), [HOST, ANNA]);
}

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

#[derive(Debug, Clone)]
enum Step {
    Join(u128),
    Leave(u128),
    Mute(u128, u128),
    MuteAll(u128),
    Unmute(u128),
    Ask(u128, u128),
    Camera(u128, bool),
    Watch(u128, u128),
    Hosts(u128),
    Rules(bool, bool),
    Estimate(u128, u64),
    Say(u128, u8),
    Show(u128, u8, bool),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 1..8u128;
    prop_oneof![
        3 => who().prop_map(Step::Join),
        1 => who().prop_map(Step::Leave),
        2 => (who(), who()).prop_map(|(by, whom)| Step::Mute(by, whom)),
        1 => who().prop_map(Step::MuteAll),
        3 => who().prop_map(Step::Unmute),
        1 => (who(), who()).prop_map(|(by, whom)| Step::Ask(by, whom)),
        2 => (who(), any::<bool>()).prop_map(|(who, on)| Step::Camera(who, on)),
        1 => (who(), who()).prop_map(|(who, whom)| Step::Watch(who, whom)),
        1 => who().prop_map(Step::Hosts),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(entry, own)| Step::Rules(entry, own)),
        1 => (who(), 0..4_000_000u64).prop_map(|(who, bits)| Step::Estimate(who, bits)),
        8 => (who(), 0..128u8).prop_map(|(who, level)| Step::Say(who, level)),
        8 => (who(), 0..3u8, any::<bool>()).prop_map(|(who, layer, key)| Step::Show(who, layer, key)),
        3 => (0..3_000u64).prop_map(Step::Wait),
    ]
}

/// What anybody could keep on paper: who is muted, and may change it.
#[derive(Debug, Default)]
struct Paper {
    here: HashMap<u128, (bool, bool)>,
    away: HashMap<u128, (bool, bool, Instant)>,
    hosts: HashSet<u128>,
    cameras: HashSet<u128>,
}

impl World {
    fn step(&mut self, paper: &mut Paper, rules: &mut Rules, step: &Step) {
        let (now, id) = (self.now, AttendeeId);
        let host =
            |paper: &Paper, by: &u128| paper.hosts.contains(by) && paper.here.contains_key(by);
        match step {
            Step::Join(who) if !paper.here.contains_key(who) => {
                let joining = Joining {
                    who: id(*who),
                    name: String::new(),
                    is_host: paper.hosts.contains(who),
                };
                self.meeting.join(now, joining).unwrap();
                self.slots();
                let entry = rules.mute_on_entry;
                let state = match paper.away.remove(who) {
                    None => (entry, !entry),
                    Some((muted, granted, left)) => {
                        let long = now - left > Duration::from_secs(60);
                        (muted || (long && entry), granted)
                    }
                };
                paper.here.insert(*who, state);
            }
            Step::Leave(who) => {
                self.meeting.leave(now, id(*who));
                if let Some((muted, granted)) = paper.here.remove(who) {
                    paper.away.insert(*who, (muted, granted, now));
                    paper.cameras.remove(who);
                }
            }
            Step::Mute(by, whom) => {
                let done = self.meeting.mute(now, id(*by), id(*whom)).is_ok();
                let may = paper.here.contains_key(whom) && (by == whom || host(paper, by));
                assert_eq!(done, may);
                if let (true, Some(state)) = (may, paper.here.get_mut(whom)) {
                    *state = (true, state.1 && by == whom);
                }
            }
            Step::MuteAll(by) => {
                let done = self.meeting.mute_all(now, id(*by)).is_ok();
                assert_eq!(done, host(paper, by));
                if done {
                    let hosts = paper.hosts.clone();
                    let others = paper.here.iter_mut().filter(|(who, _)| !hosts.contains(who));
                    others.for_each(|(_, state)| *state = (true, false));
                    paper.away.values_mut().for_each(|state| (state.0, state.1) = (true, false));
                }
            }
            Step::Unmute(who) => {
                let done = self.meeting.unmute(now, id(*who)).is_ok();
                let is_host = paper.hosts.contains(who);
                let state = paper.here.get_mut(who);
                let may = |s: &(bool, bool)| !s.0 || is_host || rules.unmute_self || s.1;
                assert_eq!(done, state.as_deref().is_some_and(may));
                if let (true, Some(state)) = (done, state) {
                    state.0 = false;
                }
            }
            Step::Ask(by, whom) => {
                let done = self.meeting.ask_to_unmute(now, id(*by), id(*whom)).is_ok();
                assert_eq!(done, host(paper, by) && paper.here.contains_key(whom));
                if let (true, Some(state)) = (done, paper.here.get_mut(whom)) {
                    state.1 = true;
                }
            }
            Step::Camera(who, on) => {
                if self.meeting.camera(now, id(*who), *on).is_ok() {
                    if *on {
                        paper.cameras.insert(*who)
                    } else {
                        paper.cameras.remove(who)
                    };
                    self.slots();
                }
            }
            Step::Watch(who, whom) => {
                let _ = self.meeting.watch(now, id(*who), Some(id(*whom)));
            }
            Step::Hosts(host) => {
                self.meeting.set_hosts(now, &[id(*host)]);
                paper.hosts = HashSet::from([*host]);
            }
            Step::Rules(mute_on_entry, unmute_self) => {
                let new = Rules { mute_on_entry: *mute_on_entry, unmute_self: *unmute_self };
                if rules.unmute_self && !new.unmute_self {
                    paper.here.values_mut().for_each(|state| state.1 = !state.0);
                }
                *rules = new;
                self.meeting.set_rules(now, new);
            }
            Step::Estimate(who, bits) => self.meeting.estimate(self.now, id(*who), *bits),
            Step::Wait(ms) => self.wait(*ms),
            Step::Join(_) | Step::Say(..) | Step::Show(..) => {}
        }
    }

    /// Sends a packet if the step is one, and looks at where it goes.
    fn check(
        &mut self,
        paper: &Paper,
        sent: &mut HashMap<(AttendeeId, bool, usize), u64>,
        step: &Step,
    ) {
        let (from, out) = match step {
            Step::Say(who, level) => {
                (who, self.send(AttendeeId(*who), Kind::Audio, 0, false, *level))
            }
            Step::Show(who, layer, key) => {
                (who, self.send(AttendeeId(*who), Kind::Video, *layer, *key, 0))
            }
            _ => return,
        };
        let voice = matches!(step, Step::Say(..));
        if !out.is_empty() && voice {
            assert_eq!(paper.here.get(from).map(|state| state.0), Some(false), "muted, yet heard");
        }
        if !out.is_empty() && !voice {
            assert!(paper.cameras.contains(from), "a camera that is off is seen");
        }
        let mut told = HashSet::new();
        for out in out {
            assert_ne!(out.to.0, *from, "an echo");
            assert!(paper.here.contains_key(&out.to.0), "sent to one who is not there");
            assert!(told.insert(out.to), "sent twice");
            let last = sent.insert((out.to, voice, out.slot), out.seq);
            assert!(last.is_none_or(|last| out.seq > last), "a number was used again");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_nobody_hears_a_muted_one_or_themselves(
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut rules = OPEN;
        let mut world = World::new(rules, &[]);
        let mut paper = Paper::default();
        let mut sent = HashMap::new();
        for step in &steps {
            world.step(&mut paper, &mut rules, step);
            // Who comes back has a new connection, whose numbers begin anew.
            if let Step::Join(who) = step {
                sent.retain(|(to, _, _), _| *to != AttendeeId(*who) || paper.here.is_empty());
            }
            world.check(&paper, &mut sent, step);
            for (who, state) in &paper.here {
                let told = world.attending(AttendeeId(*who));
                prop_assert_eq!(told.muted, state.0);
                let may = paper.hosts.contains(who) || rules.unmute_self || state.1;
                prop_assert_eq!(told.may_unmute, may);
            }
        }
    }
}
