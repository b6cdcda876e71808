//! What each connection has in each room, for as long as it lives.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{events::ConnectionId, ids::RoomId};

/// A `T` for each connection and room.
#[derive(Debug)]
pub struct Places<T> {
    // Held for a look-up or a change of the map, never across an await point.
    by_connection: Mutex<HashMap<ConnectionId, HashMap<RoomId, T>>>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { by_connection: Mutex::default() }
    }
}

impl<T> Places<T> {
    fn all(&self) -> MutexGuard<'_, HashMap<ConnectionId, HashMap<RoomId, T>>> {
        // Every statement leaves the map whole.
        self.by_connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a connection its place in a room. Gives back the one before.
    pub fn take(&self, connection: ConnectionId, room: RoomId, place: T) -> Option<T> {
        self.all().entry(connection).or_default().insert(room, place)
    }

    /// Ends a connection's place in a room.
    pub fn leave(&self, connection: ConnectionId, room: RoomId) -> Option<T> {
        self.all().get_mut(&connection)?.remove(&room)
    }

    /// Ends all places of a connection.
    pub fn leave_all(&self, connection: ConnectionId) -> impl Iterator<Item = T> + use<T> {
        self.all().remove(&connection).unwrap_or_default().into_values()
    }

    /// Whether a connection has a place in a room that is not over.
    pub fn has(
        &self,
        connection: ConnectionId,
        room: RoomId,
        is_over: impl Fn(&T) -> bool,
    ) -> bool {
        let all = self.all();
        let place = all.get(&connection).and_then(|rooms| rooms.get(&room));
        place.is_some_and(|place| !is_over(place))
    }

    /// How many places a connection has in rooms other than this one, once those are forgotten
    /// that are over.
    pub fn elsewhere(
        &self,
        connection: ConnectionId,
        room: RoomId,
        is_over: impl Fn(&T) -> bool,
    ) -> usize {
        let mut all = self.all();
        let Some(rooms) = all.get_mut(&connection) else { return 0 };
        rooms.retain(|_, place| !is_over(place));
        rooms.keys().filter(|other| **other != room).count()
    }
}

impl<T: Copy> Places<T> {
    /// A connection's place in a room.
    pub fn of(&self, connection: ConnectionId, room: RoomId) -> Option<T> {
        self.all().get(&connection)?.get(&room).copied()
    }
}
