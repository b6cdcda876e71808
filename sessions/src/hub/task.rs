//! The task that owns a room.

mod drawing;
mod people;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::message::{Broadcast, Message, Reply, RoomEvent, Snapshot};
use super::recent::Recent;
use super::subscription::{Closed, Subscriber, Subscription};
use super::{Hub, HubError, Record, Stored};
use crate::{
    Ack, AssetState, Attendee, ChatMessage, Command, ConnectionId, DrawingChange, Effects,
    LogEntry, LogEvent, Phase, Refusal, Room, RoomId, Said, SyncMode, UserId,
};
use people::PeopleDue;

/// Messages that are taken at once, and journaled by one commit.
const TURN: usize = 64;
/// How long the log of who comes and goes waits for a commit that there is anyway.
const LOG_WAITS: Duration = Duration::from_secs(1);

/// What is sent when the state has been journaled.
enum Out {
    Ack(Reply<Ack>, Result<Ack, HubError>),
    /// Any other answer, which is a failure instead when the journal failed.
    Answer(Box<dyn FnOnce(Option<HubError>) + Send>),
    Subscribed(Reply<(Snapshot, Subscription)>, Box<(Snapshot, Subscription)>),
    Denied(Reply<(Snapshot, Subscription)>, HubError),
    Snapshot(Reply<Snapshot>, Box<Snapshot>),
    /// An event, its number, and who is told of it.
    Event(u64, RoomEvent, Audience),
}

/// Who is told of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    Everyone,
    Hosts,
}

pub(super) struct RoomTask {
    hub: Hub,
    id: RoomId,
    room: Room,
    mailbox: mpsc::WeakSender<Message>,
    subscribers: HashMap<ConnectionId, Subscriber>,
    out: Vec<Out>,
    /// How many events there were.
    events: u64,
    recent: Recent,
    log: Vec<LogEntry>,
    chat: Vec<ChatMessage>,
    drawing: Vec<DrawingChange>,
    log_due: Option<Instant>,
    changed: bool,
    closing: bool,
    /// Held until the room is done, by whoever ends the hub.
    end: Option<mpsc::Sender<Infallible>>,
    people_due: PeopleDue,
    drawing_due: Option<Instant>,
    drawing_told: Option<Instant>,
}

impl RoomTask {
    /// Starts the task of a room, which reads it from the journal first.
    pub(super) fn start(hub: Hub, id: RoomId) -> mpsc::Sender<Message> {
        let (sender, receiver) = mpsc::channel(hub.0.config.mailbox);
        let mailbox = sender.downgrade();
        tokio::spawn(async move {
            let outcome = run(&hub, id, receiver, mailbox).await;
            tracing::debug!(room = %id, outcome, "a room left memory");
        });
        sender
    }

    fn new(hub: Hub, id: RoomId, stored: Stored, mailbox: mpsc::WeakSender<Message>) -> RoomTask {
        let mut room = match stored.state {
            Some(state) => Room::restore(hub.now(), state, stored.phase, stored.hosts),
            None => Room::new(hub.now(), stored.phase, stored.hosts),
        };
        room.restore_chat(stored.said);
        room.restore_drawing(stored.strokes);
        let restored = LogEntry { at: hub.now(), by: None, what: LogEvent::Restored };
        // The epoch of a restored room is journaled before anyone hears of it, so that the next
        // one is another again.
        RoomTask {
            hub,
            id,
            room,
            mailbox,
            subscribers: HashMap::new(),
            out: Vec::new(),
            events: 0,
            recent: Recent::default(),
            log: vec![restored],
            chat: Vec::new(),
            drawing: Vec::new(),
            log_due: None,
            changed: true,
            closing: false,
            end: None,
            people_due: PeopleDue::default(),
            drawing_due: None,
            drawing_told: None,
        }
    }

    async fn serve(&mut self, mailbox: &mut mpsc::Receiver<Message>) -> &'static str {
        let idle = self.hub.0.config.idle;
        let mut quiet_since = Instant::now();
        loop {
            let far = quiet_since + idle;
            let people_due = self.people_due.next();
            let log_due = self.log_due.unwrap_or(far);
            let drawing_due = self.drawing_due.unwrap_or(far);
            tokio::select! {
                message = mailbox.recv() => {
                    let Some(message) = message else { return "nobody can reach it" };
                    self.handle(message);
                    for _ in 1..TURN {
                        let Ok(message) = mailbox.try_recv() else { break };
                        self.handle(message);
                    }
                    quiet_since = Instant::now();
                }
                () = sleep_until(people_due.unwrap_or(far)), if people_due.is_some() => {
                    self.tell_people();
                }
                () = sleep_until(drawing_due), if self.drawing_due.is_some() => {
                    self.tell_drawing();
                }
                () = sleep_until(log_due), if self.log_due.is_some() => self.changed = true,
                () = sleep_until(far), if self.subscribers.is_empty() => return "it was idle",
            }
            if std::mem::take(&mut self.changed) {
                self.log_due = None;
                let log = std::mem::take(&mut self.log);
                let (room, state) = (self.id, self.room.state().clone());
                let chat = std::mem::take(&mut self.chat);
                let drawing = std::mem::take(&mut self.drawing);
                let record = Record { room, state, log, chat, drawing };
                if !self.hub.0.committer.commit(record).await {
                    self.fail();
                    return "its state could not be written";
                }
            }
            self.release();
            if self.closing {
                return "it was closed";
            }
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Subscribe { who, connection, since, reply } => {
                self.subscribe(who, connection, since, reply);
            }
            Message::Leave { connection } => self.leave(connection),
            Message::Command { connection, command, reply } => {
                self.command(connection, &command, reply);
            }
            Message::Say { connection, cmd_id, text, reply } => {
                self.say(connection, &cmd_id, &text, reply);
            }
            Message::Draw { connection, draw, reply } => self.draw(connection, &draw, reply),
            Message::Point { connection, pointer } => self.point(connection, pointer),
            Message::Erase { connection, which, reply } => self.erase(connection, &which, reply),
            Message::Strokes { reply } => {
                let strokes = self.room.strokes().to_vec();
                self.answer(reply, Ok(strokes));
            }
            Message::Kept { by, comment, ids, reply } => self.kept(by, comment, &ids, reply),
            Message::SetState { user, sync_mode, asset_state, reply } => {
                self.set_state(user, sync_mode, asset_state, reply);
            }
            Message::Snapshot { reply } => {
                let snapshot = Box::new(self.snapshot());
                self.out.push(Out::Snapshot(reply, snapshot));
            }
            Message::Report { connection, report } => {
                if self.room.report(self.hub.now(), connection, report) {
                    self.reported();
                }
            }
            Message::People { connection, after, limit, reply } => {
                self.page(connection, after, limit, reply);
            }
            Message::SetHosts { hosts } => {
                self.note(None, LogEvent::Hosts(hosts.clone()));
                let changed = self.room.set_hosts(hosts);
                if changed {
                    self.state_changed(false, None, None);
                }
                self.users_changed();
            }
            Message::SetPhase { phase } => self.set_phase(phase),
            Message::Expel { user } => self.expel(user),
            Message::Close => {
                self.closing = true;
                let all = self.subscribers.drain();
                all.for_each(|(_, subscriber)| subscriber.close(Closed::Deleted));
            }
            Message::End { _done: done } => {
                self.closing = true;
                self.changed |= !self.log.is_empty();
                self.end = Some(done);
            }
        }
    }

    fn subscribe(
        &mut self,
        who: Attendee,
        connection: ConnectionId,
        since: Option<u64>,
        reply: Reply<(Snapshot, Subscription)>,
    ) {
        // Whoever sent this holds a sender, so that one can be had.
        let Some(mailbox) = self.mailbox.upgrade() else { return };
        let (user, was_there) = (who.user, self.room.is_online(who.user));
        let joined = LogEvent::Joined { name: who.name.clone(), guest: who.guest };
        match self.room.join(self.hub.now(), who, connection) {
            Ok(None) => {}
            Ok(Some(silent)) => {
                if let Some(subscriber) = self.subscribers.remove(&silent) {
                    subscriber.close(Closed::Replaced);
                }
            }
            Err(reason) => {
                self.out.push(Out::Denied(reply, HubError::Denied(reason)));
                return;
            }
        }
        if !was_there {
            self.note(Some(user), joined);
        }
        let size = self.hub.0.config.queue;
        let (subscription, subscriber) =
            Subscription::new(self.id, (user, connection), size, self.events, mailbox);
        self.subscribers.insert(connection, subscriber);
        self.users_changed();
        let mut snapshot = self.snapshot();
        snapshot.strokes = self.room.strokes().to_vec();
        snapshot.missed = since.and_then(|since| self.recent.after(since, snapshot.state.rev));
        self.out.push(Out::Subscribed(reply, Box::new((snapshot, subscription))));
    }

    fn leave(&mut self, connection: ConnectionId) {
        // A connection that subscribed again has left its former subscription, not the room.
        let still = |s: &Subscriber| !s.queue.is_closed();
        if self.subscribers.get(&connection).is_some_and(still) {
            return;
        }
        self.subscribers.remove(&connection);
        self.gone(connection);
    }

    /// A connection ended, and with it perhaps its person's time here.
    fn gone(&mut self, connection: ConnectionId) {
        let user = self.room.user_of(connection);
        if self.room.leave(connection) {
            self.note(user, LogEvent::Left);
            self.users_changed();
            user.into_iter().for_each(|user| self.stops_drawing(user));
        }
    }

    /// Writes down what happened. It is kept with the next commit.
    fn note(&mut self, by: Option<UserId>, what: LogEvent) {
        self.log.push(LogEntry { at: self.hub.now(), by, what });
        self.log_due.get_or_insert_with(|| Instant::now() + LOG_WAITS);
    }

    fn command(&mut self, connection: ConnectionId, command: &Command, reply: Reply<Ack>) {
        let result = self.room.apply(self.hub.now(), connection, command);
        let by = self.room.user_of(connection);
        if result.as_ref().is_ok_and(|effects| effects.changed) {
            let (cmd_id, op) = (command.cmd_id.clone(), command.op);
            let state = Box::new(self.room.state().clone());
            self.note(by, LogEvent::Command { cmd_id, op, state });
        }
        self.carried_out(result, by, Some(&command.cmd_id), reply);
    }

    fn say(&mut self, connection: ConnectionId, cmd_id: &str, text: &str, reply: Reply<Said>) {
        let result = self.room.say(self.hub.now(), connection, cmd_id, text);
        let answer = result.map_err(HubError::Denied).map(|(said, message)| {
            if let Some(message) = message {
                self.changed = true;
                self.note(Some(said.user), LogEvent::Said(said.seq));
                self.event(RoomEvent::Chat(message.clone()));
                self.chat.push(message);
            }
            said
        });
        self.answer(reply, answer);
    }

    fn set_state(
        &mut self,
        user: UserId,
        sync_mode: SyncMode,
        asset_state: Option<AssetState>,
        reply: Reply<Ack>,
    ) {
        let result = self.room.set_state(self.hub.now(), user, sync_mode, asset_state);
        if result.as_ref().is_ok_and(|effects| effects.changed) {
            let state = Box::new(self.room.state().clone());
            self.note(Some(user), LogEvent::StateSet(state));
        }
        self.carried_out(result, Some(user), None, reply);
    }

    fn carried_out(
        &mut self,
        result: Result<Effects, Refusal>,
        by: Option<UserId>,
        cmd_id: Option<&str>,
        reply: Reply<Ack>,
    ) {
        if let Ok(effects) = &result {
            if effects.changed {
                self.state_changed(effects.new_text, cmd_id, by);
            }
            if effects.users_changed {
                self.users_changed();
            }
        }
        let answer = result.map(|effects| effects.ack).map_err(HubError::from);
        self.out.push(Out::Ack(reply, answer));
    }

    fn set_phase(&mut self, phase: Phase) {
        self.note(None, LogEvent::Phase(phase));
        let changed = self.room.set_phase(self.hub.now(), phase);
        if changed {
            self.state_changed(false, None, None);
        }
        self.users_changed();
    }

    fn expel(&mut self, user: UserId) {
        if self.room.is_online(user) {
            self.note(Some(user), LogEvent::Left);
        }
        self.stops_drawing(user);
        for connection in self.room.expel(user) {
            if let Some(subscriber) = self.subscribers.remove(&connection) {
                subscriber.close(Closed::Removed);
            }
        }
        self.users_changed();
    }

    fn state_changed(&mut self, with_text: bool, cmd_id: Option<&str>, by: Option<UserId>) {
        self.changed = true;
        let state = self.room.state();
        let state = if with_text { state.clone() } else { state.without_text() };
        let event = RoomEvent::State {
            state: Box::new(state),
            with_text,
            server_ms: self.hub.now(),
            cmd_id: cmd_id.map(str::to_owned),
            by,
        };
        self.recent.push(&event);
        self.event(event);
    }

    /// An answer that waits for the journal, as all do.
    fn answer<T: Send + 'static>(&mut self, reply: Reply<T>, result: Result<T, HubError>) {
        // Nobody misses an answer whose asker is gone.
        let send = move |failed: Option<HubError>| drop(reply.send(failed.map_or(result, Err)));
        self.out.push(Out::Answer(Box::new(send)));
    }

    fn event(&mut self, event: RoomEvent) {
        self.tell(event, Audience::Everyone);
    }

    fn tell(&mut self, event: RoomEvent, to: Audience) {
        self.out.push(Out::Event(self.events, event, to));
        self.events += 1;
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.room.state().clone(),
            server_ms: self.hub.now(),
            phase: self.room.phase(),
            people: self.room.people(),
            live_delay_ms: self.room.live_delay_ms(),
            hosts: self.room.hosts().collect(),
            missed: None,
            last_message: self.room.last_message(),
            strokes: Vec::new(),
        }
    }

    /// Sends what waited for the journal. Answers come before the events of the same turn only
    /// where they were asked for before: the order is that of the room.
    fn release(&mut self) {
        for out in std::mem::take(&mut self.out) {
            // Nobody misses an answer whose asker is gone.
            match out {
                Out::Ack(reply, result) => drop(reply.send(result)),
                Out::Answer(answer) => answer(None),
                Out::Subscribed(reply, subscribed) => drop(reply.send(Ok(*subscribed))),
                Out::Denied(reply, error) => drop(reply.send(Err(error))),
                Out::Snapshot(reply, snapshot) => drop(reply.send(Ok(*snapshot))),
                Out::Event(nth, event, to) => self.broadcast(nth, event, to),
            }
        }
    }

    /// Gives an event to all subscribers who do not know of it from their snapshot. One whose queue is full is cut off: it finds
    /// [`super::Delivery::Resync`] behind what it has not read yet.
    fn broadcast(&mut self, nth: u64, event: RoomEvent, to: Audience) {
        let broadcast = Broadcast::new(self.id, event);
        let mut gone = Vec::new();
        let lossy = matches!(broadcast.event, RoomEvent::Pointers(_));
        for (connection, subscriber) in &self.subscribers {
            let spared = lossy && subscriber.is_behind();
            let meant = to == Audience::Everyone || self.room.is_host(subscriber.user);
            if spared || !meant || subscriber.from > nth {
                continue;
            }
            if subscriber.queue.try_send(Arc::clone(&broadcast)).is_err() {
                gone.push(*connection);
            }
        }
        for connection in gone {
            self.subscribers.remove(&connection);
            self.gone(connection);
        }
    }

    /// The state in memory is ahead of the journal: nobody is told, and the room begins anew.
    fn fail(&mut self) {
        for out in std::mem::take(&mut self.out) {
            match out {
                Out::Ack(reply, _) => drop(reply.send(Err(HubError::Journal))),
                Out::Answer(answer) => answer(Some(HubError::Journal)),
                Out::Subscribed(reply, _) => drop(reply.send(Err(HubError::Journal))),
                Out::Denied(reply, error) => drop(reply.send(Err(error))),
                Out::Snapshot(reply, _) => drop(reply.send(Err(HubError::Journal))),
                Out::Event(..) => {}
            }
        }
    }
}

async fn run(
    hub: &Hub,
    id: RoomId,
    mut receiver: mpsc::Receiver<Message>,
    mailbox: mpsc::WeakSender<Message>,
) -> &'static str {
    let stored = match hub.0.journal.load(id).await {
        Ok(Some(stored)) => stored,
        missing => {
            if let Err(error) = &missing {
                tracing::error!(room = %id, %error, "a room could not be read");
            }
            leave_memory(hub, id, &mut receiver);
            while let Some(message) = receiver.recv().await {
                message.fail(|| match &missing {
                    Ok(_) => HubError::NoRoom,
                    Err(_) => HubError::Journal,
                });
            }
            return "it could not be read";
        }
    };
    let mut task = RoomTask::new(hub.clone(), id, stored, mailbox);
    let outcome = task.serve(&mut receiver).await;
    // What waits in the mailbox is dropped with it, and asked again of the next task.
    leave_memory(hub, id, &mut receiver);
    outcome
}

fn leave_memory(hub: &Hub, id: RoomId, receiver: &mut mpsc::Receiver<Message>) {
    receiver.close();
    hub.forget_closed(id);
}
