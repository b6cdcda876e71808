//! What a room's task does about drawing: it gathers what is drawn and pointed at, and tells it
//! thirty times a second at most, however many draw.

use std::time::Duration;

use tokio::time::Instant;

use super::super::HubError;
use super::super::message::{Reply, RoomEvent};
use super::RoomTask;
use crate::{ConnectionId, Draw, DrawingChange, Drawn, Erase, LogEvent, Pointer, Stroke, UserId};

/// The least time between two events about drawing.
const DRAWING_INTERVAL: Duration = Duration::from_millis(33);

impl RoomTask {
    pub(super) fn draw(&mut self, connection: ConnectionId, draw: &Draw, reply: Reply<Drawn>) {
        let result = self.room.draw(self.hub.now(), connection, draw).map_err(HubError::Denied);
        if let Ok(drawn) = &result {
            self.drawing_changed();
            if drawn.finished {
                let stroke = self.room.strokes().iter().rfind(|stroke| stroke.id == draw.id);
                self.finished(stroke.cloned());
            }
        }
        self.answer(reply, result);
    }

    pub(super) fn point(&mut self, connection: ConnectionId, pointer: Pointer) {
        if self.room.point(self.hub.now(), connection, pointer) {
            self.drawing_changed();
        }
    }

    pub(super) fn erase(
        &mut self,
        connection: ConnectionId,
        which: &Erase,
        reply: Reply<Vec<String>>,
    ) {
        let by = self.room.user_of(connection);
        let result = self.room.erase(connection, which).map_err(HubError::Denied);
        if let Ok(ids) = &result
            && !ids.is_empty()
        {
            let ids = ids.clone();
            self.note(by, LogEvent::Erased(ids.clone()));
            self.keep_change(DrawingChange::Erased(ids.clone()));
            self.event(RoomEvent::Erased { ids, by });
        }
        self.answer(reply, result);
    }

    /// Strokes were kept as a comment by somebody.
    pub(super) fn kept(&mut self, by: UserId, comment: String, ids: &[String], reply: Reply<()>) {
        let ids = self.room.keep_strokes(ids);
        if !ids.is_empty() {
            self.note(Some(by), LogEvent::Kept { comment: comment.clone(), strokes: ids.clone() });
            self.keep_change(DrawingChange::Kept(ids.clone()));
            self.event(RoomEvent::Kept { comment, ids, by });
        }
        self.answer(reply, Ok(()));
    }

    /// Whoever is gone does not finish what they were drawing.
    pub(super) fn stops_drawing(&mut self, user: UserId) {
        for stroke in self.room.finish_strokes(user) {
            self.finished(Some(stroke));
            self.drawing_changed();
        }
    }

    pub(super) fn tell_drawing(&mut self) {
        self.drawing_due = None;
        self.drawing_told = Some(Instant::now());
        let (parts, pointers) = self.room.take_drawing();
        if !parts.is_empty() {
            self.event(RoomEvent::Strokes(parts));
        }
        if !pointers.is_empty() {
            self.event(RoomEvent::Pointers(pointers));
        }
    }

    fn drawing_changed(&mut self) {
        let now = Instant::now();
        let due = self.drawing_told.map_or(now, |told| now.max(told + DRAWING_INTERVAL));
        self.drawing_due.get_or_insert(due);
    }

    fn finished(&mut self, stroke: Option<Stroke>) {
        let Some(stroke) = stroke else { return };
        let drew = LogEvent::Drew { stroke: stroke.id.clone(), on: stroke.on };
        self.note(Some(stroke.by), drew);
        self.keep_change(DrawingChange::Put(stroke));
    }

    fn keep_change(&mut self, change: DrawingChange) {
        self.changed = true;
        self.drawing.push(change);
    }
}
