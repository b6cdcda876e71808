//! Meetings on the media thread: members' sessions and what goes between them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use str0m::Event;
use str0m::bwe::BweKind;
use str0m::change::SdpAnswer;
use str0m::rtp::RtpPacket;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::ids::{AttendeeId, MeetingId, SessionId, StreamId};
use crate::meeting::{
    Ending, Joining, Meeting, MeetingError, MeetingEvent, Notice, Outgoing, Rules, Source, TICK, To,
};
use crate::rtp::Kind;
use crate::webrtc::{Member, Offered, Pair, PeerSetup};

use super::sessions::short;
use super::sessions::{End, Session, Slot};
use super::shard::{Shard, guarded};

/// A meeting's command.
pub(super) enum Order {
    Join(Box<Join>),
    Answer(SessionId, u32, Box<SdpAnswer>, Reply),
    Act(SessionId, Act, Reply),
    Leave(SessionId, oneshot::Sender<()>),
    Govern(MeetingId, Govern, oneshot::Sender<()>),
}

pub(super) type Reply = oneshot::Sender<Result<(), MeetingError>>;

/// Somebody who comes to a meeting.
pub(super) struct Join {
    pub(super) meeting: MeetingId,
    pub(super) rules: Rules,
    pub(super) joining: Joining,
    pub(super) setup: Arc<PeerSetup>,
    pub(super) permit: OwnedSemaphorePermit,
    pub(super) events: mpsc::Sender<MeetingEvent>,
    pub(super) reply: oneshot::Sender<Result<(SessionId, Offered), MeetingError>>,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Mutes themselves.
    Mute,
    /// Unmutes themselves.
    Unmute,
    /// Mutes another; hosts only.
    MuteOther(AttendeeId),
    /// Mutes everyone but the hosts; hosts only.
    MuteAll,
    /// Asks another to unmute, who then may; hosts only.
    AskToUnmute(AttendeeId),
    /// Turns their camera on or off.
    Camera(bool),
    /// Wants to see somebody large, or whoever speaks.
    Watch(Option<AttendeeId>),
}

/// What is decided about a meeting from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Govern {
    Rules(Rules),
    Hosts(Vec<AttendeeId>),
    Expel(AttendeeId),
    Close,
}

/// A member's part of a session.
#[derive(Debug)]
pub(super) struct Attendance {
    pub(super) member: Member,
    meeting: MeetingId,
    who: AttendeeId,
}

/// A member's place.
struct Place {
    slot: Slot,
    events: mpsc::Sender<MeetingEvent>,
}

/// A meeting with the sessions of its members.
struct Gathering {
    meeting: Meeting,
    places: HashMap<AttendeeId, Place>,
}

/// All meetings of a shard.
#[derive(Default)]
pub(super) struct Meetings {
    all: HashMap<MeetingId, Gathering>,
    tick: Option<Instant>,
    /// Sessions that have packets to send.
    stirred: HashSet<Slot>,
    /// Meetings of which something has changed.
    changed: HashSet<MeetingId>,
    /// Where the last packet goes.
    outgoing: Vec<Outgoing>,
}

impl Meetings {
    /// When to be called next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.tick
    }
}

impl Shard {
    pub(super) fn order(&mut self, now: Instant, order: Order) {
        // Whoever asked may have given up meanwhile: nobody then misses the answer.
        match order {
            Order::Join(join) => self.meet(now, *join),
            Order::Answer(session, number, answer, reply) => {
                let _ = reply.send(self.answered(now, session, number, *answer));
            }
            Order::Act(session, act, reply) => {
                let _ = reply.send(self.act(now, session, act));
            }
            Order::Leave(session, reply) => {
                if let Some(slot) = self.attending(session) {
                    self.end(now, slot, "its member left");
                }
                let _ = reply.send(());
            }
            Order::Govern(meeting, govern, reply) => {
                self.govern(now, meeting, govern);
                let _ = reply.send(());
            }
        }
    }

    fn attending(&mut self, session: SessionId) -> Option<Slot> {
        let slot = self.sessions.find(session)?;
        self.sessions.get(slot)?.attendance()?;
        Some(slot)
    }

    /// Somebody comes. Who is there already is taken over from, with what was ruled.
    fn meet(&mut self, now: Instant, join: Join) {
        let Join { meeting, rules, joining, setup, permit, events, reply } = join;
        let who = joining.who;
        self.dismiss(now, meeting, who, Ending::Replaced);
        let new = || Gathering { meeting: Meeting::new(now, rules), places: HashMap::new() };
        let gathering = self.meetings.all.entry(meeting).or_insert_with(new);
        gathering.meeting.set_rules(now, rules);
        if let Err(error) = gathering.meeting.join(now, joining) {
            let _ = reply.send(Err(error));
            return;
        }
        let (member, offered) = Member::offer(&setup, now, gathering.meeting.needs(who));
        let id = SessionId::random();
        let end = End::Member(Box::new(Attendance { member, meeting, who }));
        let session = Session::new(now, id, StreamId(meeting.0), end, permit);
        let slot = self.sessions.insert(session);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        gathering.places.insert(who, Place { slot, events });
        self.meetings.tick.get_or_insert(now + TICK);
        tracing::debug!(session = %short(id), %meeting, "somebody joined a meeting");
        self.wake(now, slot);
        if reply.send(Ok((id, offered))).is_err() {
            self.end(now, slot, "its client gave up");
        }
        self.meetings.changed.insert(meeting);
    }

    /// Ends somebody's session in a meeting, if there is one, and tells them why.
    fn dismiss(&mut self, now: Instant, meeting: MeetingId, who: AttendeeId, why: Ending) {
        let place = self.meetings.all.get(&meeting).and_then(|g| g.places.get(&who));
        let Some(Place { slot, events }) = place else { return };
        // One who does not read does not learn it.
        let _ = events.try_send(MeetingEvent::Ended(why));
        self.end(now, *slot, "it was dismissed from its meeting");
    }

    fn answered(
        &mut self,
        now: Instant,
        session: SessionId,
        number: u32,
        answer: SdpAnswer,
    ) -> Result<(), MeetingError> {
        let slot = self.attending(session).ok_or(MeetingError::NotThere)?;
        let attendance = self.sessions.get(slot).and_then(Session::attendance);
        let attendance = attendance.ok_or(MeetingError::NotThere)?;
        let (meeting, who) = (attendance.meeting, attendance.who);
        let taken = guarded(|| Ok(attendance.member.answered(number, answer)));
        let slots = match taken.unwrap_or(Err(MeetingError::BadAnswer)) {
            Ok(slots) => slots,
            Err(MeetingError::NoOffer) => return Err(MeetingError::NoOffer),
            Err(error) => {
                self.end(now, slot, "its answer cannot be used");
                return Err(error);
            }
        };
        if let Some(gathering) = self.meetings.all.get_mut(&meeting) {
            gathering.meeting.has_slots(now, who, slots);
        }
        self.wake(now, slot);
        self.meetings.changed.insert(meeting);
        Ok(())
    }

    fn act(&mut self, now: Instant, session: SessionId, act: Act) -> Result<(), MeetingError> {
        let slot = self.attending(session).ok_or(MeetingError::NotThere)?;
        let attendance = self.sessions.get(slot).and_then(Session::attendance);
        let (id, who) = attendance.map(|a| (a.meeting, a.who)).ok_or(MeetingError::NotThere)?;
        let gathering = self.meetings.all.get_mut(&id).ok_or(MeetingError::NotThere)?;
        let meeting = &mut gathering.meeting;
        let done = match act {
            Act::Mute => meeting.mute(now, who, who),
            Act::Unmute => meeting.unmute(now, who),
            Act::MuteOther(whom) => meeting.mute(now, who, whom),
            Act::MuteAll => meeting.mute_all(now, who),
            Act::AskToUnmute(whom) => meeting.ask_to_unmute(now, who, whom),
            Act::Camera(on) => meeting.camera(now, who, on),
            Act::Watch(whom) => meeting.watch(now, who, whom),
        };
        self.meetings.changed.insert(id);
        done
    }

    fn govern(&mut self, now: Instant, id: MeetingId, govern: Govern) {
        let Some(gathering) = self.meetings.all.get_mut(&id) else { return };
        match govern {
            Govern::Rules(rules) => gathering.meeting.set_rules(now, rules),
            Govern::Hosts(hosts) => gathering.meeting.set_hosts(now, &hosts),
            Govern::Expel(who) => self.dismiss(now, id, who, Ending::Removed),
            Govern::Close => {
                let all: Vec<AttendeeId> = gathering.places.keys().copied().collect();
                for who in all {
                    self.dismiss(now, id, who, Ending::Closed);
                }
                self.meetings.all.remove(&id);
            }
        }
        self.meetings.changed.insert(id);
    }

    /// A member's session is gone from the table.
    pub(super) fn leave_meeting(&mut self, now: Instant, slot: Slot, session: &Session) {
        let End::Member(attendance) = &session.end else { return };
        let (id, who) = (attendance.meeting, attendance.who);
        let Some(gathering) = self.meetings.all.get_mut(&id) else { return };
        if gathering.places.get(&who).is_some_and(|place| place.slot == slot) {
            gathering.places.remove(&who);
            gathering.meeting.leave(now, who);
            self.meetings.changed.insert(id);
        }
    }

    /// Datagrams of members: taken by str0m.
    pub(super) fn member_datagram(&mut self, now: Instant, slot: Slot, way: Pair, data: &[u8]) {
        let Some(attendance) = self.sessions.get(slot).and_then(Session::attendance) else {
            return;
        };
        match guarded(|| attendance.member.peer.datagram(now, way, data)) {
            Ok(()) => self.drain(now, slot),
            Err(reason) => self.end(now, slot, reason),
        }
    }

    /// Something that a member's session says.
    pub(super) fn member_event(&mut self, now: Instant, slot: Slot, event: Event) {
        let Some(session) = self.sessions.get(slot) else { return };
        let Some(attendance) = session.attendance() else { return };
        let (id, who) = (attendance.meeting, attendance.who);
        match event {
            Event::Connected => session.connected = true,
            Event::RtpPacket(packet) => self.relay(now, slot, &packet),
            Event::KeyframeRequest(request) => {
                let picture = attendance.member.picture_slot(request.mid);
                let gathering = self.meetings.all.get_mut(&id);
                if let (Some(gathering), Some(picture)) = (gathering, picture) {
                    gathering.meeting.lost_picture(who, picture);
                    self.meetings.changed.insert(id);
                }
            }
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                tracing::trace!(%who, %estimate, "a member's network is estimated");
                if let Some(gathering) = self.meetings.all.get_mut(&id) {
                    gathering.meeting.estimate(now, who, estimate.as_u64());
                }
            }
            _ => {}
        }
    }

    /// A member's packet goes to those who are to have it.
    fn relay(&mut self, now: Instant, slot: Slot, packet: &RtpPacket) {
        let Shard { sessions, meetings, .. } = self;
        let Some(attendance) = sessions.get(slot).and_then(Session::attendance) else { return };
        let (id, who) = (attendance.meeting, attendance.who);
        let Some(incoming) = attendance.member.incoming(packet) else { return };
        let Some(gathering) = meetings.all.get_mut(&id) else { return };
        let mut outgoing = std::mem::take(&mut meetings.outgoing);
        outgoing.clear();
        outgoing.extend_from_slice(gathering.meeting.packet(now, who, &incoming));
        for out in &outgoing {
            let Some(place) = gathering.places.get(&out.to) else { continue };
            let to = sessions.get(place.slot).and_then(Session::attendance);
            if let Some(attendance) = to {
                attendance.member.write(now, incoming.kind, packet, out);
                meetings.stirred.insert(place.slot);
            }
        }
        meetings.outgoing = outgoing;
    }

    /// Lets time pass in all meetings when it is due.
    pub(super) fn tick_meetings(&mut self, now: Instant) {
        if self.meetings.tick.is_none_or(|at| at > now) {
            return;
        }
        self.meetings.all.retain(|_, gathering| !gathering.meeting.is_over(now));
        self.meetings.tick = (!self.meetings.all.is_empty()).then_some(now + TICK);
        let all: Vec<MeetingId> = self.meetings.all.keys().copied().collect();
        for id in all {
            if let Some(gathering) = self.meetings.all.get_mut(&id) {
                gathering.meeting.tick(now);
            }
            self.meetings.changed.insert(id);
        }
    }

    /// Does what follows from changes of meetings: tells their members, offers them
    /// slots, and asks for key frames. Lets those send who were given packets.
    pub(super) fn follow_meetings(&mut self, now: Instant) {
        for id in std::mem::take(&mut self.meetings.changed) {
            self.offer_slots(now, id);
            self.tell_members(now, id);
            self.ask_pictures(now, id);
        }
        for slot in std::mem::take(&mut self.meetings.stirred) {
            self.wake(now, slot);
        }
    }

    fn offer_slots(&mut self, now: Instant, id: MeetingId) {
        let Shard { sessions, meetings, .. } = self;
        let Some(gathering) = meetings.all.get_mut(&id) else { return };
        let mut failed = Vec::new();
        for (who, place) in &gathering.places {
            let attendance = sessions.get(place.slot).and_then(Session::attendance);
            let Some(attendance) = attendance else { continue };
            attendance.member.set_bitrates(gathering.meeting.bitrates(*who));
            let needs = gathering.meeting.needs(*who);
            match guarded(|| Ok(attendance.member.grow(needs))) {
                Ok(None) => {}
                Ok(Some(offered)) => {
                    if place.events.try_send(MeetingEvent::Offer(offered)).is_err() {
                        failed.push((place.slot, "it does not take its events"));
                    }
                }
                Err(reason) => failed.push((place.slot, reason)),
            }
        }
        for (slot, reason) in failed {
            self.end(now, slot, reason);
        }
    }

    fn tell_members(&mut self, now: Instant, id: MeetingId) {
        let Shard { sessions, meetings, .. } = self;
        let Some(gathering) = meetings.all.get_mut(&id) else { return };
        let mut slow = HashSet::new();
        while let Some((to, notice)) = gathering.meeting.poll_notice() {
            let places = gathering.places.iter().filter(|(who, _)| match to {
                To::Everyone => true,
                To::One(one) => one == **who,
            });
            for (_, place) in places {
                let attendance = sessions.get(place.slot).and_then(Session::attendance);
                let Some(attendance) = attendance else { continue };
                let event = event(&attendance.member, notice.clone());
                if place.events.try_send(event).is_err() {
                    slow.insert(place.slot);
                }
            }
        }
        for slot in slow {
            self.end(now, slot, "it does not take its events");
        }
    }

    fn ask_pictures(&mut self, now: Instant, id: MeetingId) {
        let Shard { sessions, meetings, .. } = self;
        let Some(gathering) = meetings.all.get_mut(&id) else { return };
        for (who, layer) in gathering.meeting.poll_keyframes(now) {
            let Some(place) = gathering.places.get(&who) else { continue };
            let attendance = sessions.get(place.slot).and_then(Session::attendance);
            if let Some(attendance) = attendance {
                attendance.member.request_keyframe(layer);
                meetings.stirred.insert(place.slot);
            }
        }
    }
}

/// What a member is told, in the names of their own slots.
fn event(member: &Member, notice: Notice) -> MeetingEvent {
    let places = |kind: Kind, sources: Vec<Option<AttendeeId>>| -> Vec<Source> {
        let named = |(slot, who): (usize, Option<AttendeeId>)| {
            Some(Source { mid: member.mid(kind, slot)?, who: who? })
        };
        sources.into_iter().enumerate().filter_map(named).collect()
    };
    match notice {
        Notice::Roster(roster) => MeetingEvent::Roster(roster),
        Notice::Speaker { speaker, talking } => MeetingEvent::Speaker { speaker, talking },
        Notice::Sources { audio, video } => MeetingEvent::Sources {
            audio: places(Kind::Audio, audio),
            video: places(Kind::Video, video),
        },
        Notice::Asked { by } => MeetingEvent::Asked { by },
    }
}
