//! Any steps in any order, beside what anybody could keep on paper.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

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
