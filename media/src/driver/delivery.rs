//! The last step of a packet: made for a viewer, and put with those that go out together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use tokio::sync::mpsc;

use crate::ahead::{Ahead, ahead};
use crate::egress::Egress;
use crate::stream::{Outgoing, Sink, ViewerKey};

use super::jobs::Word;
use super::sessions::Slot;
use super::socket::{Outbox, Outlet, Route};

/// A viewer with all that is needed to send to it.
pub(super) struct Place {
    pub(super) slot: Slot,
    pub(super) egress: Egress,
    pub(super) route: Route,
    pub(super) broken: bool,
}

/// Where packets for viewers become datagrams.
pub(super) struct Delivery<'a> {
    pub(super) now: Instant,
    pub(super) places: &'a mut Vec<Option<Place>>,
    pub(super) outbox: &'a mut Outbox,
    pub(super) outlet: &'a Outlet,
    pub(super) words: &'a mpsc::Sender<Word>,
}

impl Sink for Delivery<'_> {
    /// Makes a viewer's packet and puts it with those that go out together. What a
    /// defect breaks is this viewer alone.
    fn send(&mut self, key: ViewerKey, out: Outgoing<'_>) {
        let Self { now, places, outbox, outlet, words } = self;
        let Some(Some(place)) = places.get_mut(key.0 as usize) else { return };
        if place.broken {
            return;
        }
        let start = outbox.begin(outlet, place.route);
        let egress = &mut place.egress;
        let buffer = outbox.buffer();
        let write = || {
            #[cfg(test)]
            super::tests::defect(place.route);
            egress.write(*now, &out, buffer)
        };
        match catch_unwind(AssertUnwindSafe(write)) {
            Ok(true) => outbox.commit(outlet, start),
            Ok(false) => {}
            Err(_) => {
                tracing::error!("a defect ended a viewer");
                outbox.abandon(start);
                place.broken = true;
                let _ = words.try_send(Word::Broken(place.slot));
            }
        }
    }

    fn soon(&mut self, key: ViewerKey, depth: u8) {
        match (depth, self.places.get(key.0 as usize)) {
            (0, Some(place)) => ahead(place),
            (_, Some(Some(place))) => place.egress.ahead(depth),
            _ => {}
        }
    }
}
