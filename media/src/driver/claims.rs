//! Who has proven to be at a UDP address.
//!
//! A check proves that its sender knows the session's password, and not that it is at the address
//! that it names as its own: anybody may write a stranger's. So a further session that claims an
//! address takes it from nobody. What comes from there is offered to all that claim it, and is
//! whose keys it proves to be made with.

use super::sessions::Slot;

/// Sessions that may claim one address: a client that comes again and again from the same port,
/// before the sessions of its former lives have ended.
const CLAIMS: usize = 4;

/// The sessions that claim an address; first the one whose keys were used there last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Claims([Option<Slot>; CLAIMS]);

impl Claims {
    /// One session alone.
    pub(super) fn of(slot: Option<Slot>) -> Self {
        let mut claims = Self::default();
        claims.0[0] = slot;
        claims
    }

    /// The session's client was checked to be there. Without room the last one yields: of those
    /// that claim it, its keys were not used there for longest, if ever.
    pub(super) fn add(&mut self, slot: Slot) {
        if !self.0.contains(&Some(slot)) {
            let free = self.0.iter().position(Option::is_none);
            self.0[free.unwrap_or(CLAIMS - 1)] = Some(slot);
        }
    }

    /// The session claims it no more.
    pub(super) fn remove(&mut self, slot: Slot) {
        if let Some(place) = self.0.iter().position(|claim| *claim == Some(slot)) {
            self.0[place..].rotate_left(1);
            self.0[CLAIMS - 1] = None;
        }
    }

    /// The session's keys were used there.
    pub(super) fn used(&mut self, slot: Slot) {
        if let Some(place) = self.0.iter().position(|claim| *claim == Some(slot)) {
            self.0[..=place].rotate_right(1);
        }
    }

    /// Those that claim it, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Slot> + use<> {
        self.0.into_iter().flatten()
    }

    /// The first.
    pub(super) fn first(&self) -> Option<Slot> {
        self.0[0]
    }

    /// Whether several claim it.
    pub(super) fn is_contested(&self) -> bool {
        self.0[1].is_some()
    }
}
