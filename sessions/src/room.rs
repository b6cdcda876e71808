//! The state machine of a room.

mod live;
mod text;

use std::collections::BTreeSet;

use crate::chat::Chat;
use crate::drawing::Board;
use crate::memory::{Answers, History};
use crate::presence::Presence;
use crate::{
    Ack, Asset, Attendee, Command, ConnectionId, Effects, Frame, Loop, MAX_CMD_ID, Millis, Op,
    Phase, Rate, Reason, Refusal, Report, State, SyncMode, UserId,
};

use live::LiveDelay;
pub use live::{MAX_LIVE_CEILING_MS, USUAL_LIVE_CEILING_MS};
pub use text::{AssetState, Meant};

/// The shortest time that is given to a start to reach everyone.
const MIN_LEAD_MS: f64 = 100.0;
/// The longest. Who is farther away than this catches up.
const MAX_LEAD_MS: f64 = 500.0;

/// One room: its state, who may drive it, who is there.
///
/// Rules of order: a command names the `(epoch, rev)` that its sender saw. In another epoch it is
/// refused. Within the epoch an absolute command is carried out though others acted since, in
/// order of arrival; but in [`SyncMode::Everyone`] what a host did is not undone by a command
/// whose sender had not seen it (hosts come first). A relative one is refused when somebody else
/// acted since. A sender's own earlier commands never make a command stale.
#[derive(Clone, Debug)]
pub struct Room {
    phase: Phase,
    pub(crate) hosts: BTreeSet<UserId>,
    pub(crate) state: State,
    history: History,
    answers: Answers,
    pub(crate) presence: Presence,
    pub(crate) chat: Chat,
    pub(crate) board: Board,
    live: LiveDelay,
}

/// What an operation did to the state.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Nothing: it was so already.
    Nothing,
    /// Something within the epoch.
    Within,
    /// Something that begins an epoch.
    Epoch,
}

impl Room {
    /// A room that begins.
    pub fn new(now: Millis, phase: Phase, hosts: impl IntoIterator<Item = UserId>) -> Room {
        Room::with(State::new(now), phase, hosts)
    }

    /// A room from its journaled state. Playback goes on as if it had never stopped; the epoch
    /// grows, because what was sent and not journaled is lost. A start that lies farther ahead than
    /// any does was set by a clock that has been put back since: it begins now.
    pub fn restore(
        now: Millis,
        mut state: State,
        phase: Phase,
        hosts: impl IntoIterator<Item = UserId>,
    ) -> Room {
        state.epoch += 1;
        let line = state.timeline();
        if state.effective_ms - now > MAX_LEAD_MS + line.frame_ms().unwrap_or(0.0) {
            state.effective_ms = now.to_micros();
        }
        let mut room = Room::with(state, phase, hosts);
        room.drop_driver();
        room
    }

    fn with(state: State, phase: Phase, hosts: impl IntoIterator<Item = UserId>) -> Room {
        Room {
            phase,
            hosts: hosts.into_iter().collect(),
            state,
            history: History::default(),
            answers: Answers::default(),
            presence: Presence::default(),
            chat: Chat::default(),
            board: Board::default(),
            live: LiveDelay::default(),
        }
    }

    /// The state now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How far the room has come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether somebody is a host.
    pub fn is_host(&self, user: UserId) -> bool {
        self.hosts.contains(&user)
    }

    /// The hosts, in the order of their ids.
    pub fn hosts(&self) -> impl Iterator<Item = UserId> + '_ {
        self.hosts.iter().copied()
    }

    /// Whether somebody may drive, as things are.
    pub fn can_drive(&self, user: UserId) -> bool {
        self.may_drive(user).is_ok()
    }

    /// Whose connection it is, if it attends the room.
    pub fn user_of(&self, connection: ConnectionId) -> Option<UserId> {
        self.presence.user_of(connection)
    }

    /// Whether somebody is in the room now.
    pub fn is_online(&self, user: UserId) -> bool {
        self.presence.online(user)
    }

    /// How many connections attend the room.
    pub fn connections(&self) -> usize {
        self.presence.connections()
    }

    /// Somebody attends the room by a connection. Beyond [`crate::MAX_CONNECTIONS`] of theirs the
    /// one is out, and returned, that was silent for the longest. Refused when the connection is
    /// another person's.
    pub fn join(
        &mut self,
        now: Millis,
        who: Attendee,
        connection: ConnectionId,
    ) -> Result<Option<ConnectionId>, Reason> {
        let joined = self.presence.join(now, who, connection);
        joined.map_err(|()| Reason::Bad("the connection is another person's"))
    }

    /// A connection ended. True when its person is not there any more.
    pub fn leave(&mut self, connection: ConnectionId) -> bool {
        self.presence.leave(connection)
    }

    /// A person may not be here any more. Their connections.
    pub fn expel(&mut self, user: UserId) -> Vec<ConnectionId> {
        self.presence.remove(user)
    }

    /// A client tells how well it follows. False for nonsense, or when it does not attend.
    pub fn report(&mut self, now: Millis, connection: ConnectionId, report: Report) -> bool {
        self.presence.report(now, connection, report)
    }

    /// Carries a command out that came by a connection of the room.
    pub fn apply(
        &mut self,
        now: Millis,
        connection: ConnectionId,
        command: &Command,
    ) -> Result<Effects, Refusal> {
        let user =
            self.presence.user_of(connection).ok_or_else(|| self.refusal(Reason::NotPresent))?;
        if !self.presence.take_token(now, connection) {
            return Err(self.refusal(Reason::TooFast));
        }
        if let Some(ack) = self.answers.get(user, &command.cmd_id) {
            return Ok(Effects {
                ack: ack.clone(),
                changed: false,
                users_changed: false,
                new_text: false,
            });
        }
        self.check(user, command).map_err(|reason| self.refusal(reason))?;
        let host = self.is_host(user);
        let change = self.execute(now, command.op, user).map_err(|reason| self.refusal(reason))?;
        let effects = self.record(change, Some(user), host, &command.cmd_id);
        let told = matches!(command.op, Op::Mode { .. } | Op::LiveCeiling { .. });
        let users_changed = effects.changed && told;
        self.answers.push(user, effects.ack.clone());
        Ok(Effects { users_changed, ..effects })
    }

    /// Others are hosts from now on. True when the state changed with it: when the driver is not
    /// a host any more.
    pub fn set_hosts(&mut self, hosts: impl IntoIterator<Item = UserId>) -> bool {
        self.hosts = hosts.into_iter().collect();
        if !self.drop_driver() {
            return false;
        }
        self.record(Change::Epoch, None, true, "");
        true
    }

    /// The room starts, or is over. A clip that plays stops where it is when the room is over.
    /// True when the state changed with it.
    pub fn set_phase(&mut self, now: Millis, phase: Phase) -> bool {
        self.phase = phase;
        let playing = self.state.playing && self.state.asset.is_some_and(|asset| !asset.is_live());
        if phase != Phase::Complete || !playing {
            return false;
        }
        let frame = self.state.frame_at(now);
        self.stand(now, frame);
        self.record(Change::Within, None, true, "");
        true
    }

    fn refusal(&self, reason: Reason) -> Refusal {
        Refusal { reason, snapshot: Box::new(self.state.clone()) }
    }

    fn runs(&self) -> Result<(), Reason> {
        match self.phase {
            Phase::Waiting => Err(Reason::NotStarted),
            Phase::Started => Ok(()),
            Phase::Complete => Err(Reason::Complete),
        }
    }

    fn may_drive(&self, user: UserId) -> Result<(), Reason> {
        self.runs()?;
        match self.state.sync_mode {
            SyncMode::Host if !self.is_host(user) => Err(Reason::NotHost),
            SyncMode::Host | SyncMode::Everyone => Ok(()),
            SyncMode::Unsynced => Err(Reason::Unsynced),
        }
    }

    fn check(&self, user: UserId, command: &Command) -> Result<(), Reason> {
        if command.cmd_id.is_empty() || command.cmd_id.len() > MAX_CMD_ID {
            return Err(Reason::Bad("cmd_id is empty or too long"));
        }
        match command.op {
            Op::Mode { .. } | Op::LiveCeiling { .. } => {
                self.runs()?;
                if !self.is_host(user) {
                    return Err(Reason::NotHost);
                }
            }
            _ => self.may_drive(user)?,
        }
        if command.epoch != self.state.epoch {
            return Err(Reason::StaleEpoch);
        }
        if command.base_rev > self.state.rev {
            return Err(Reason::Bad("base_rev lies in the future"));
        }
        let unseen = self.history.since(command.base_rev, self.state.rev, user);
        let pre_empted =
            self.state.sync_mode == SyncMode::Everyone && unseen.by_host && !self.is_host(user);
        if pre_empted || (unseen.foreign && command.op.is_relative()) {
            return Err(Reason::StaleRevision);
        }
        Ok(())
    }

    fn execute(&mut self, now: Millis, op: Op, user: UserId) -> Result<Change, Reason> {
        let change = match op {
            Op::Load { asset, frame } => self.load(now, asset, frame)?,
            Op::Play { frame } => self.play(now, frame)?,
            Op::Pause { frame } | Op::Step { frame } => self.pause(now, frame)?,
            Op::Seek { frame } => self.seek(now, frame)?,
            Op::Rate { rate } => self.set_rate(now, rate)?,
            Op::Loop { looping } => self.set_loop(now, looping)?,
            Op::Compare { compare } => self.compare(compare)?,
            Op::Mode { sync_mode } => return Ok(self.set_mode(sync_mode, user)),
            Op::Drive { to } => return self.hand_over(to.unwrap_or(user)),
            Op::LiveCeiling { ms } => return self.set_live_ceiling(ms),
        };
        let changed = !matches!(change, Change::Nothing);
        if changed && self.state.sync_mode == SyncMode::Host && self.state.driver != Some(user) {
            self.state.driver = Some(user);
            return Ok(Change::Epoch);
        }
        Ok(change)
    }

    fn load(&mut self, now: Millis, asset: Asset, frame: Option<Frame>) -> Result<Change, Reason> {
        if frame.is_some_and(|frame| !frame.is_valid()) {
            return Err(Reason::Bad("not a frame number"));
        }
        self.state.asset = Some(asset);
        self.state.rate = Rate::NORMAL;
        self.state.live_pts = None;
        self.state.compare = None;
        if let Loop::Range { .. } = self.state.looping {
            self.state.looping = Loop::Off;
        }
        let frame = if asset.is_live() { Frame(0) } else { frame.unwrap_or_default() };
        self.stand(now, frame);
        self.state.playing = asset.is_live();
        Ok(Change::Epoch)
    }

    fn play(&mut self, now: Millis, frame: Option<Frame>) -> Result<Change, Reason> {
        let asset = self.asset()?;
        if asset.is_live() {
            return Ok(self.run_live(now, true));
        }
        let line = self.state.timeline();
        let from = match frame {
            Some(frame) => self.within(frame)?,
            None if line.moves_at(now) => return Ok(Change::Nothing),
            None => line.frame_at(now),
        };
        self.state.frame = start_for(from, self.state.looping, asset.frames);
        self.state.playing = true;
        self.state.effective_ms = now + self.lead_ms();
        Ok(Change::Within)
    }

    fn pause(&mut self, now: Millis, frame: Frame) -> Result<Change, Reason> {
        if self.asset()?.is_live() {
            return Ok(self.run_live(now, false));
        }
        let frame = self.within(frame)?;
        self.stand(now, frame);
        Ok(Change::Within)
    }

    fn seek(&mut self, now: Millis, frame: Frame) -> Result<Change, Reason> {
        self.clip()?;
        let frame = self.within(frame)?;
        // A clip that stands at its end stays stopped, wherever one goes from there.
        let moves = self.state.timeline().moves_at(now);
        self.stand(now, frame);
        if moves {
            self.state.playing = true;
            self.state.effective_ms = now + self.lead_ms();
        }
        Ok(Change::Within)
    }

    fn set_rate(&mut self, now: Millis, rate: Rate) -> Result<Change, Reason> {
        self.clip()?;
        if rate == self.state.rate {
            return Ok(Change::Nothing);
        }
        self.anchor(now);
        self.state.rate = rate;
        Ok(Change::Within)
    }

    fn set_loop(&mut self, now: Millis, looping: Loop) -> Result<Change, Reason> {
        let asset = self.clip()?;
        if let Loop::Range { first, last } = looping {
            let sane =
                first.is_valid() && last.is_valid() && looping.region(asset.frames).is_some();
            if !sane {
                return Err(Reason::Bad("the loop holds no frame of the clip"));
            }
        }
        if looping == self.state.looping {
            return Ok(Change::Nothing);
        }
        self.anchor(now);
        self.state.looping = looping;
        let behind = looping.region(asset.frames).filter(|(_, end)| self.state.frame.0 >= *end);
        if let Some((begin, _)) = behind.filter(|_| self.state.playing) {
            self.state.frame = Frame(begin);
            self.state.effective_ms = now + self.lead_ms();
        }
        Ok(Change::Within)
    }

    fn set_mode(&mut self, sync_mode: SyncMode, user: UserId) -> Change {
        if sync_mode == self.state.sync_mode {
            return Change::Nothing;
        }
        self.state.sync_mode = sync_mode;
        self.state.driver = (sync_mode == SyncMode::Host).then_some(user);
        Change::Epoch
    }

    /// Writes a change down: its revision, and who made it.
    fn record(&mut self, change: Change, by: Option<UserId>, host: bool, cmd_id: &str) -> Effects {
        let changed = !matches!(change, Change::Nothing);
        if changed {
            self.state.rev += 1;
            self.state.effective_ms = self.state.effective_ms.to_micros();
            self.history.push(self.state.rev, by, host);
        }
        if matches!(change, Change::Epoch) {
            self.state.epoch += 1;
        }
        let ack = Ack {
            cmd_id: cmd_id.to_owned(),
            epoch: self.state.epoch,
            rev: self.state.rev,
            effective_ms: self.state.effective_ms,
        };
        Effects { ack, changed, users_changed: false, new_text: false }
    }

    fn stand(&mut self, now: Millis, frame: Frame) {
        self.state.frame = self.state.timeline().clamp_frame(frame);
        self.state.playing = false;
        self.state.effective_ms = now;
    }

    /// Moves the anchor to the next frame boundary, so that what changes from there on does not
    /// change where the room is.
    fn anchor(&mut self, now: Millis) {
        let line = self.state.timeline();
        let (frame, when) = line.boundary_after(now);
        if line.ended_at(now) {
            self.state.playing = false;
        }
        self.state.frame = frame;
        self.state.effective_ms = when;
    }

    pub(crate) fn asset(&self) -> Result<Asset, Reason> {
        self.state.asset.ok_or(Reason::Bad("the room shows nothing yet"))
    }

    fn clip(&self) -> Result<Asset, Reason> {
        match self.asset()? {
            asset if asset.is_live() => Err(Reason::Bad("a live source has no position")),
            asset => Ok(asset),
        }
    }

    fn within(&self, frame: Frame) -> Result<Frame, Reason> {
        if !frame.is_valid() {
            return Err(Reason::Bad("not a frame number"));
        }
        Ok(self.state.timeline().clamp_frame(frame))
    }

    /// How long a start waits so that it reaches everyone before it happens.
    fn lead_ms(&self) -> f64 {
        let rtt = self.presence.p90_rtt_ms().unwrap_or(0.0);
        (2.0 * rtt).clamp(MIN_LEAD_MS, MAX_LEAD_MS)
    }

    /// Takes the wheel from a driver who is not a host any more.
    fn drop_driver(&mut self) -> bool {
        let gone = self.state.driver.is_some_and(|driver| !self.hosts.contains(&driver));
        if gone {
            self.state.driver = None;
        }
        gone
    }
}

/// Where a start from `frame` begins: at the end, or behind the loop, it begins anew.
fn start_for(frame: Frame, looping: Loop, frames: Option<i64>) -> Frame {
    match looping.region(frames) {
        Some((begin, end)) if frame.0 >= end => Frame(begin),
        Some(_) => frame,
        None if frames.is_some_and(|frames| frame.0 >= frames - 1) => Frame(0),
        None => frame,
    }
}

#[cfg(test)]
#[path = "room_tests.rs"]
mod tests;
