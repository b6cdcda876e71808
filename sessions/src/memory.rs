//! What a room remembers of the past: who changed it last, and what it answered.

use std::collections::{HashMap, VecDeque};

use crate::{Ack, UserId};

/// Changes that are remembered. Whoever saw none of the last 128 asks for a snapshot.
const CHANGES: usize = 128;
/// Answers that are remembered, over all who sent commands: at 20 a second from each of five
/// people this is five seconds, and a repeated command comes within one or two.
const ANSWERS: usize = 512;

#[derive(Clone, Copy, Debug)]
struct Change {
    rev: u64,
    by: Option<UserId>,
    by_host: bool,
}

/// What happened since the revision that a sender saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unseen {
    /// Somebody else changed the room.
    pub(crate) foreign: bool,
    /// A host who is not the sender did.
    pub(crate) by_host: bool,
}

/// The last changes of a room.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(VecDeque<Change>);

impl History {
    pub(crate) fn push(&mut self, rev: u64, by: Option<UserId>, by_host: bool) {
        if self.0.len() == CHANGES {
            self.0.pop_front();
        }
        self.0.push_back(Change { rev, by, by_host });
    }

    /// What `user`, who saw `base_rev` of now `rev`, did not see. A past that is not remembered
    /// counts as changed by a host.
    pub(crate) fn since(&self, base_rev: u64, rev: u64, user: UserId) -> Unseen {
        if base_rev >= rev {
            return Unseen::default();
        }
        match self.0.front() {
            Some(oldest) if oldest.rev <= base_rev + 1 => {}
            _ => return Unseen { foreign: true, by_host: true },
        }
        let mut unseen = Unseen::default();
        for change in self.0.iter().rev().take_while(|change| change.rev > base_rev) {
            if change.by != Some(user) {
                unseen.foreign = true;
                unseen.by_host |= change.by_host;
            }
        }
        unseen
    }
}

/// The last answers of a room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    acks: HashMap<(UserId, String), Ack>,
    order: VecDeque<(UserId, String)>,
}

impl Answers {
    pub(crate) fn get(&self, user: UserId, cmd_id: &str) -> Option<&Ack> {
        // The key's owned form is small, and this runs at most 20 times a second for each sender.
        self.acks.get(&(user, cmd_id.to_owned()))
    }

    pub(crate) fn push(&mut self, user: UserId, ack: Ack) {
        if self.order.len() == ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.acks.remove(&oldest);
        }
        let key = (user, ack.cmd_id.clone());
        if self.acks.insert(key.clone(), ack).is_none() {
            self.order.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_changes_are_no_surprise() {
        let (me, host) = (UserId(1), UserId(2));
        let mut history = History::default();
        history.push(1, Some(me), false);
        history.push(2, Some(me), false);
        assert_eq!(history.since(0, 2, me), Unseen::default());
        history.push(3, Some(UserId(3)), false);
        assert_eq!(history.since(0, 3, me), Unseen { foreign: true, by_host: false });
        history.push(4, Some(host), true);
        assert_eq!(history.since(2, 4, me), Unseen { foreign: true, by_host: true });
        assert_eq!(history.since(4, 4, me), Unseen::default());
    }

    #[test]
    fn a_forgotten_past_counts_as_a_hosts() {
        let mut history = History::default();
        for rev in 1..=CHANGES as u64 + 1 {
            history.push(rev, Some(UserId(1)), false);
        }
        let rev = CHANGES as u64 + 1;
        assert_eq!(history.since(1, rev, UserId(1)), Unseen::default());
        assert_eq!(history.since(0, rev, UserId(1)), Unseen { foreign: true, by_host: true });
    }

    #[test]
    fn answers_are_bounded() {
        let mut answers = Answers::default();
        for i in 0..2 * ANSWERS {
            let ack =
                Ack { cmd_id: i.to_string(), epoch: 1, rev: 1, effective_ms: crate::Millis(0.0) };
            answers.push(UserId(1), ack);
        }
        assert_eq!(answers.acks.len(), ANSWERS);
        assert!(answers.get(UserId(1), "0").is_none());
        assert!(answers.get(UserId(1), &(2 * ANSWERS - 1).to_string()).is_some());
        assert!(answers.get(UserId(2), &(2 * ANSWERS - 1).to_string()).is_none());
    }
}
