//! Which voices and pictures each member is sent.

use std::time::{Duration, Instant};

use crate::ids::AttendeeId;

use super::ears::Ears;
use super::{LAYER_RATES, Meeting, Notice, PICTURES, Slots, To, VOICES};

/// What a voice takes, with all headers, in bits a second.
const VOICE_RATE: u64 = 50_000;
/// So many small pictures are shown whatever the estimate says. While there is little to send
/// it grows hardly above what is sent, so that a low one says little before pictures are sent.
const TRIED: usize = 2;
/// Who is sent pictures, and whose network carries less than this all the same, gets voices
/// alone for a while.
const HOPELESS: u64 = 60_000;
/// How long that is, and for how long pictures then are tried again at least.
const PAUSE: Duration = Duration::from_secs(10);
const TRIAL: Duration = Duration::from_secs(5);
/// Numbers of slots that are agreed on: in steps, so that it happens rarely.
const VOICE_STEPS: [usize; 2] = [2, VOICES];
const PICTURE_STEPS: [usize; 4] = [2, 4, 8, PICTURES];

/// Who somebody would see, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
struct View {
    /// The pictures, the most important first.
    pictures: Vec<AttendeeId>,
    /// Whose is large.
    large: Option<AttendeeId>,
}

/// What fits into the network. `wanted` are the pictures, the most important first;
/// `large` is the one to be large, `was` the one that is.
fn fit(
    estimate: Option<u64>,
    voices: usize,
    mut wanted: Vec<AttendeeId>,
    large: Option<AttendeeId>,
    was: Option<AttendeeId>,
) -> View {
    let [small_rate, large_rate] = LAYER_RATES;
    wanted.truncate(PICTURES);
    let Some(estimate) = estimate else { return View { pictures: wanted, large: None } };
    let left = estimate.saturating_sub(VOICE_RATE * voices as u64);
    wanted.truncate(usize::try_from(left / small_rate).unwrap_or(usize::MAX).max(TRIED));
    let needs = small_rate * (wanted.len() as u64).saturating_sub(1) + large_rate;
    // Who is large stays so for a little less than who becomes it has to have.
    let needs = if was == large { needs * 9 / 10 } else { needs * 11 / 10 };
    let large = large.filter(|who| left >= needs && wanted.contains(who));
    View { pictures: wanted, large }
}

fn step(steps: &[usize], needed: usize) -> usize {
    if needed == 0 {
        return 0;
    }
    steps.iter().copied().find(|step| *step >= needed).unwrap_or(steps[steps.len() - 1])
}

impl Ears {
    /// A new estimate of what the network carries, in bits a second.
    pub(super) fn estimated(&mut self, now: Instant, bits: u64) {
        self.estimate = Some(bits);
        let is_shown = self.video.iter().any(|slot| slot.source.is_some() && slot.layer.is_some());
        let is_tried = self.paused_until.is_some_and(|until| now < until + TRIAL);
        if bits < HOPELESS && is_shown && !is_tried {
            self.paused_until = Some(now + PAUSE);
        }
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }
}

impl Meeting {
    /// Puts into everyone's slots what belongs there.
    pub(super) fn assign(&mut self, now: Instant) {
        let mut cameras: Vec<(u64, AttendeeId)> = self
            .members
            .iter()
            .filter(|(_, member)| member.camera)
            .map(|(who, member)| (member.joined, *who))
            .collect();
        cameras.sort_unstable();
        let cameras: Vec<AttendeeId> = cameras.into_iter().map(|(_, who)| who).collect();
        let everyone: Vec<AttendeeId> = self.members.keys().copied().collect();
        for who in everyone {
            self.assign_to(now, who, &cameras);
        }
    }

    fn assign_to(&mut self, now: Instant, who: AttendeeId, cameras: &[AttendeeId]) {
        let voices: Vec<AttendeeId> =
            self.speakers.voices.iter().copied().filter(|other| *other != who).collect();
        let Some(member) = self.members.get(&who) else { return };
        let view = if member.ears.is_paused(now) {
            View { pictures: Vec::new(), large: None }
        } else {
            self.view(who, &member.ears, voices.len(), cameras)
        };
        let sends = |source: AttendeeId, layer| {
            self.members.get(&source).is_some_and(|member| member.is_sending(now, layer))
        };
        let targets: Vec<(AttendeeId, u8)> = view
            .pictures
            .iter()
            .map(|source| {
                let large =
                    (view.large == Some(*source) || !sends(*source, 0)) && sends(*source, 1);
                (*source, u8::from(large))
            })
            .collect();
        let Some(member) = self.members.get_mut(&who) else { return };
        let ears = &mut member.ears;
        ears.large = view.large;
        Ears::fill(&mut ears.audio, &voices);
        Ears::fill(&mut ears.video, &view.pictures);
        let mut waiting = Vec::new();
        for slot in &mut ears.video {
            let target = targets.iter().find(|(source, _)| slot.source == Some(*source));
            slot.target = target.map_or(0, |(_, layer)| *layer);
            if let (true, Some(source)) = (slot.waits(), slot.source) {
                waiting.push((source, slot.target));
            }
        }
        let sources = ears.sources();
        if ears.told.as_ref() != Some(&sources) {
            ears.told = Some(sources.clone());
            let (audio, video) = sources;
            self.tell(To::One(who), Notice::Sources { audio, video });
        }
        for (source, layer) in waiting {
            if let Some(source) = self.members.get_mut(&source) {
                source.want_keyframe(layer);
            }
        }
    }

    /// Whom `who` is to see.
    fn view(&self, who: AttendeeId, ears: &Ears, voices: usize, cameras: &[AttendeeId]) -> View {
        let others: Vec<AttendeeId> =
            cameras.iter().copied().filter(|other| *other != who).collect();
        let seen = |whom: Option<AttendeeId>| whom.filter(|whom| others.contains(whom));
        let first = seen(ears.watched).or_else(|| seen(self.speakers.speaker));
        let only = others.first().copied().filter(|_| others.len() == 1);
        let large = first.or(only);
        let wanted = large.into_iter().chain(others.iter().copied().filter(|o| Some(*o) != large));
        fit(ears.estimate, voices, wanted.collect(), large, ears.large)
    }

    /// How many slots a member is to have; never fewer than they have.
    pub(crate) fn needs(&self, who: AttendeeId) -> Slots {
        let Some(member) = self.members.get(&who) else { return Slots::default() };
        let others = self.members.len() - 1;
        let cameras = self.members.iter().filter(|(o, member)| **o != who && member.camera).count();
        let has = member.ears.slots();
        Slots {
            audio: step(&VOICE_STEPS, others.min(VOICES)).max(has.audio),
            video: step(&PICTURE_STEPS, cameras.min(PICTURES)).max(has.video),
        }
    }

    /// A member has these slots.
    pub(crate) fn has_slots(&mut self, now: Instant, who: AttendeeId, slots: Slots) {
        if let Some(member) = self.members.get_mut(&who) {
            member.ears.grow(slots);
            self.settle(now);
        }
    }

    /// What a member's network is to carry, in bits a second: to be shown one more picture,
    /// which is looked for at once, and to be shown everything as large as they may see it.
    pub(crate) fn bitrates(&self, who: AttendeeId) -> (u64, u64) {
        let Some(member) = self.members.get(&who) else { return (0, 0) };
        let count = |slots: &[super::ears::Slot]| {
            slots.iter().filter(|slot| slot.source.is_some()).count() as u64
        };
        let [small, large] = LAYER_RATES;
        let voices = VOICE_RATE * count(&member.ears.audio).max(1);
        let cameras = self.members.iter().filter(|(o, member)| **o != who && member.camera).count();
        let cameras = cameras.min(PICTURES) as u64;
        let next = voices + small * (count(&member.ears.video) + 1).min(cameras);
        let wanted = if cameras == 0 { voices } else { voices + small * (cameras - 1) + 2 * large };
        (next, wanted.max(next))
    }

    /// A member lost the picture in a slot.
    pub(crate) fn lost_picture(&mut self, who: AttendeeId, slot: usize) {
        let slot = self.members.get(&who).and_then(|member| member.ears.video.get(slot));
        let Some((source, layer)) = slot.and_then(|slot| Some((slot.source?, slot.layer?))) else {
            return;
        };
        if let Some(source) = self.members.get_mut(&source) {
            source.want_keyframe(layer);
        }
    }

    /// The key frames that are to be asked for now.
    pub(crate) fn poll_keyframes(&mut self, now: Instant) -> Vec<(AttendeeId, u8)> {
        let members = self.members.iter_mut();
        members
            .flat_map(|(who, member)| member.poll_keyframes(now).map(|layer| (*who, layer)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(count: u128) -> Vec<AttendeeId> {
        (1..=count).map(AttendeeId).collect()
    }

    #[test]
    fn pictures_fit_into_the_network() {
        let first = Some(AttendeeId(1));
        let fits = |estimate, was| fit(estimate, 2, people(6), first, was);
        assert_eq!(fits(None, None), View { pictures: people(6), large: None });
        let rich = fits(Some(5_000_000), None);
        assert_eq!(rich, View { pictures: people(6), large: first });
        // Two voices take 100 kbit/s: what is left is three small pictures.
        let poor = fits(Some(470_000), None);
        assert_eq!(poor, View { pictures: people(3), large: None });
        let tried_all_the_same = fits(Some(50_000), None);
        assert_eq!(tried_all_the_same, View { pictures: people(2), large: None });
    }

    #[test]
    fn who_is_large_stays_so_for_less_than_who_becomes_it() {
        let first = Some(AttendeeId(1));
        let exact = Some(VOICE_RATE + LAYER_RATES[0] + LAYER_RATES[1]);
        assert_eq!(fit(exact, 1, people(2), first, None).large, None);
        assert_eq!(fit(exact, 1, people(2), first, first).large, first);
    }

    #[test]
    fn slots_come_in_steps() {
        let steps: Vec<usize> = (0..8).map(|needed| step(&VOICE_STEPS, needed)).collect();
        assert_eq!(steps, [0, 2, 2, 5, 5, 5, 5, 5]);
    }
}
