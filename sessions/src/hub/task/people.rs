//! When a room's task tells of its people, and whom.
//!
//! In a crowd ([`Room::is_crowd`](crate::Room::is_crowd)) all clients report once a second, and
//! only hosts look at that: they alone are told then.

use std::time::Duration;

use tokio::time::Instant;

use super::super::HubError;
use super::super::message::{Reply, RoomEvent};
use super::{Audience, RoomTask};
use crate::{ConnectionId, Page, Reason, UserId};

/// What each attendee adds to the least time between two lists of people: it goes to many.
const INTERVAL_PER_ATTENDEE: Duration = Duration::from_millis(2);

/// One of the things that are told, but not too often.
#[derive(Debug, Default)]
struct Due {
    next: Option<Instant>,
    told: Option<Instant>,
}

impl Due {
    fn want(&mut self, interval: Duration) {
        let now = Instant::now();
        self.next.get_or_insert(self.told.map_or(now, |told| now.max(told + interval)));
    }

    fn done(&mut self) {
        *self = Due { next: None, told: Some(Instant::now()) };
    }
}

/// When the people are told of next.
#[derive(Debug, Default)]
pub(super) struct PeopleDue {
    everyone: Due,
    hosts: Due,
}

impl PeopleDue {
    pub(super) fn next(&self) -> Option<Instant> {
        self.everyone.next.into_iter().chain(self.hosts.next).min()
    }
}

impl RoomTask {
    /// Somebody came, went, or is a host now, or is not any more.
    pub(super) fn users_changed(&mut self) {
        let attendees = u32::try_from(self.room.connections()).unwrap_or(u32::MAX);
        let interval =
            (self.hub.0.config.users_interval).max(INTERVAL_PER_ATTENDEE.saturating_mul(attendees));
        self.people_due.everyone.want(interval);
        if self.room.is_crowd() {
            self.people_due.hosts.want(self.hub.0.config.users_interval);
        }
    }

    /// Somebody's client told how well it follows.
    pub(super) fn reported(&mut self) {
        if self.room.is_crowd() {
            self.people_due.hosts.want(self.hub.0.config.users_interval);
        } else {
            self.users_changed();
        }
    }

    /// Tells of the people, to whoever it is time for.
    pub(super) fn tell_people(&mut self) {
        let now = Instant::now();
        let everyone = self.people_due.everyone.next.is_some_and(|next| next <= now);
        if everyone {
            self.people_due.everyone.done();
        }
        self.people_due.hosts.done();
        let to = if everyone { Audience::Everyone } else { Audience::Hosts };
        self.tell(RoomEvent::Users(self.room.people()), to);
        if self.room.update_live_delay(self.hub.now())
            && let Some(ms) = self.room.live_delay_ms()
        {
            self.event(RoomEvent::LiveDelay(ms));
        }
    }

    pub(super) fn page(
        &mut self,
        connection: ConnectionId,
        after: Option<UserId>,
        limit: usize,
        reply: Reply<Page>,
    ) {
        let there = self.room.user_of(connection).ok_or(HubError::Denied(Reason::NotPresent));
        let page = there.map(|_| self.room.page(after, limit));
        self.answer(reply, page);
    }
}
