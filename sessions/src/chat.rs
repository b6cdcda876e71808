//! What people say to each other in a room.
//!
//! Messages count from 1 in each room, without a gap; the number is their order. A message is
//! told when it has been journaled, and a repeated one is the first one again.

use std::collections::VecDeque;

use crate::{ConnectionId, MAX_CMD_ID, Millis, Phase, Reason, Room, UserId};

/// The longest message, in characters (Unicode scalar values).
pub const MAX_MESSAGE: usize = 2_000;
/// Messages whose repetition is known, over all who speak.
pub const MESSAGES_KNOWN: usize = 256;

/// Something that was said.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatMessage {
    /// Its number in the room.
    pub seq: u64,
    /// When it was said, in whole milliseconds on the server's clock.
    pub at: Millis,
    /// Who said it.
    pub user: UserId,
    /// What they were called then.
    pub name: String,
    /// Whether they were a guest.
    pub guest: bool,
    /// Their client's own name for it.
    pub cmd_id: String,
    /// What they said.
    pub text: String,
}

/// That something was said: the answer to the one who said it.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Their client's own name for it.
    pub cmd_id: String,
    /// Its number in the room.
    pub seq: u64,
    /// When it was said.
    pub at: Millis,
    /// Who said it.
    pub user: UserId,
}

impl From<&ChatMessage> for Said {
    fn from(message: &ChatMessage) -> Said {
        let ChatMessage { cmd_id, seq, at, user, .. } = message;
        Said { cmd_id: cmd_id.clone(), seq: *seq, at: *at, user: *user }
    }
}

/// What a room remembers of its chat: enough to count, and to know a repeated message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chat(VecDeque<Said>);

impl Chat {
    /// The number of the last message; 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.0.back().map_or(0, |said| said.seq)
    }

    fn find(&self, user: UserId, cmd_id: &str) -> Option<&Said> {
        self.0.iter().rev().find(|said| said.user == user && said.cmd_id == cmd_id)
    }

    fn push(&mut self, said: Said) {
        if self.0.len() == MESSAGES_KNOWN {
            self.0.pop_front();
        }
        self.0.push_back(said);
    }
}

impl Room {
    /// What was said last before the room came into memory, in order: at most
    /// [`MESSAGES_KNOWN`] messages, up to the very last.
    pub fn restore_chat(&mut self, said: impl IntoIterator<Item = Said>) {
        said.into_iter().for_each(|said| self.chat.push(said));
    }

    /// The number of the last message; 0 before the first.
    pub fn last_message(&self) -> u64 {
        self.chat.last()
    }

    /// Somebody who attends says something: the answer, and the message if it is a new one.
    /// Everyone who is in the room may, also before it starts.
    pub fn say(
        &mut self,
        now: Millis,
        connection: ConnectionId,
        cmd_id: &str,
        text: &str,
    ) -> Result<(Said, Option<ChatMessage>), Reason> {
        let user = self.user_of(connection).ok_or(Reason::NotPresent)?;
        if cmd_id.is_empty() || cmd_id.len() > MAX_CMD_ID {
            return Err(Reason::Bad("cmd_id is empty or too long"));
        }
        if let Some(said) = self.chat.find(user, cmd_id) {
            return Ok((said.clone(), None));
        }
        if self.phase() == Phase::Complete {
            return Err(Reason::Complete);
        }
        let text = clean(text)?;
        let attendee = self.presence.speaks(now, connection).ok_or(Reason::TooFast)?;
        let message = ChatMessage {
            seq: self.chat.last() + 1,
            at: Millis(now.0.floor()),
            user,
            name: attendee.name.clone(),
            guest: attendee.guest,
            cmd_id: cmd_id.to_owned(),
            text: text.to_owned(),
        };
        let said = Said::from(&message);
        self.chat.push(said.clone());
        Ok((said, Some(message)))
    }
}

/// A message as it is kept: without white space at its ends, and of nothing that a reader's
/// terminal or page would take for more than text.
fn clean(text: &str) -> Result<&str, Reason> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Reason::Bad("the message is empty"));
    }
    if text.chars().count() > MAX_MESSAGE {
        return Err(Reason::Bad("the message is longer than 2000 characters"));
    }
    if text.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || is_direction(c)) {
        return Err(Reason::Bad("the message has control characters"));
    }
    Ok(text)
}

/// Overrides and isolates of the direction of writing (Unicode TR 9), which make a line show as
/// another than it is.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Attendee;

    const GUEST: UserId = UserId(3);
    const HERE: ConnectionId = ConnectionId(1);

    fn room(phase: Phase) -> Room {
        let mut room = Room::new(Millis(0.0), phase, [UserId(1)]);
        let who = Attendee { user: GUEST, name: "Gu Est".into(), guest: true };
        room.join(Millis(0.0), who, HERE).unwrap();
        room
    }

    #[test]
    fn messages_are_counted_and_a_repeated_one_is_the_first_again() {
        let mut room = room(Phase::Started);
        let (said, message) = room.say(Millis(7.5), HERE, "a", " Hello\nall \n").unwrap();
        let message = message.unwrap();
        assert_eq!((said.seq, said.at), (1, Millis(7.0)));
        assert_eq!((message.text.as_str(), message.name.as_str()), ("Hello\nall", "Gu Est"));
        assert!(message.guest);
        let (next, _) = room.say(Millis(8.0), HERE, "b", "2").unwrap();
        assert_eq!(next.seq, 2);
        let (again, none) = room.say(Millis(9.0), HERE, "a", "Hello").unwrap();
        assert_eq!((again, none), (said, None));
        assert_eq!(room.last_message(), 2);
    }

    #[test]
    fn a_room_that_comes_back_counts_on() {
        let mut room = room(Phase::Started);
        let said = |seq| Said { cmd_id: format!("c{seq}"), seq, at: Millis(1.0), user: GUEST };
        room.restore_chat((41..=42).map(said));
        assert_eq!(room.say(Millis(5.0), HERE, "c41", "x").unwrap(), (said(41), None));
        assert_eq!(room.say(Millis(5.0), HERE, "new", "x").unwrap().0.seq, 43);
    }

    #[test]
    fn nonsense_is_not_said() {
        let mut room = room(Phase::Started);
        let long = "ü".repeat(MAX_MESSAGE + 1);
        for text in ["", " \n ", &long, "a\u{1b}[2J", "a\u{0}", "a\u{202e}b"] {
            let refused = room.say(Millis(0.0), HERE, "a", text).unwrap_err();
            assert!(matches!(refused, Reason::Bad(_)), "{text:?}");
        }
        let id = "x".repeat(MAX_CMD_ID + 1);
        for id in ["", &id] {
            assert!(matches!(room.say(Millis(0.0), HERE, id, "a"), Err(Reason::Bad(_))));
        }
        room.say(Millis(0.0), HERE, "a", &long[..2 * MAX_MESSAGE]).unwrap();
        assert_eq!(room.last_message(), 1);
    }

    #[test]
    fn who_may_speak() {
        let mut waiting = room(Phase::Waiting);
        assert!(waiting.say(Millis(0.0), HERE, "a", "early").is_ok());
        assert_eq!(waiting.say(Millis(0.0), ConnectionId(9), "a", "x"), Err(Reason::NotPresent));
        let mut complete = room(Phase::Complete);
        assert_eq!(complete.say(Millis(0.0), HERE, "a", "late"), Err(Reason::Complete));
    }

    #[test]
    fn nobody_floods_the_room_by_many_connections() {
        let mut room = room(Phase::Started);
        let who = Attendee { user: GUEST, name: String::new(), guest: true };
        room.join(Millis(0.0), who, ConnectionId(2)).unwrap();
        let mut said = 0;
        for i in 0..40 {
            let by = ConnectionId(1 + i % 2);
            said += usize::from(room.say(Millis(0.0), by, &i.to_string(), "x").is_ok());
        }
        assert_eq!(said, 10);
        assert_eq!(room.say(Millis(100.0), HERE, "soon", "x"), Err(Reason::TooFast));
        assert!(room.say(Millis(1100.0), HERE, "later", "x").is_ok());
    }
}
