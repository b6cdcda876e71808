//! The last changes of a room, for those who come back after a while.

use std::collections::VecDeque;

use super::message::RoomEvent;

/// Changes that are kept.
const CHANGES: usize = 64;
/// A client's own text in a change that is kept. A longer one makes whoever missed it take the
/// snapshot, so that a room stays small.
const TEXT: usize = 4 * 1024;

/// The last changes, without a gap, up to the state now.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<RoomEvent>);

impl Recent {
    pub(super) fn push(&mut self, event: &RoomEvent) {
        let RoomEvent::State { state, .. } = event else { return };
        if state.asset_state.as_ref().is_some_and(|text| text.len() > TEXT) {
            self.0.clear();
            return;
        }
        if self.0.len() == CHANGES {
            self.0.pop_front();
        }
        self.0.push_back(event.clone());
    }

    /// The changes after `since`, in a room that is at `now`; nothing where one is not kept.
    pub(super) fn after(&self, since: u64, now: u64) -> Option<Vec<RoomEvent>> {
        let missed = usize::try_from(now.checked_sub(since)?).ok()?;
        let first = self.0.len().checked_sub(missed)?;
        Some(self.0.range(first..).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Millis, State};

    fn change(rev: u64, text: usize) -> RoomEvent {
        let asset_state = Some("x".repeat(text));
        let state = Box::new(State { rev, asset_state, ..State::new(Millis(0.0)) });
        RoomEvent::State { state, with_text: true, server_ms: Millis(0.0), cmd_id: None, by: None }
    }

    fn revs(missed: Option<Vec<RoomEvent>>) -> Option<Vec<u64>> {
        let rev = |event| match event {
            RoomEvent::State { state, .. } => state.rev,
            _ => 0,
        };
        missed.map(|events| events.into_iter().map(rev).collect())
    }

    #[test]
    fn what_was_missed_comes_whole_or_not_at_all() {
        let mut recent = Recent::default();
        assert_eq!(revs(recent.after(7, 7)), Some(vec![]));
        assert_eq!(revs(recent.after(6, 7)), None, "from before the room came into memory");
        assert_eq!(revs(recent.after(8, 7)), None, "of another past");
        for rev in 8..=100 {
            recent.push(&change(rev, 1));
            recent.push(&RoomEvent::Strokes(Vec::new()));
        }
        assert_eq!(revs(recent.after(97, 100)), Some(vec![98, 99, 100]));
        assert_eq!(revs(recent.after(36, 100)).map(|revs| revs.len()), Some(CHANGES));
        assert_eq!(revs(recent.after(35, 100)), None);
        recent.push(&change(101, TEXT + 1));
        assert_eq!(revs(recent.after(100, 101)), None);
        recent.push(&change(102, TEXT));
        assert_eq!(revs(recent.after(101, 102)), Some(vec![102]));
    }
}
