//! What people draw on the picture and point at.
//!
//! A stroke belongs to one frame of one asset, and is told while it is drawn: in parts, each of
//! which says where in the stroke it begins, so that one that comes twice adds nothing. Finished
//! strokes are journaled; pointers are not, the latest of each person counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Asset, AssetId, ConnectionId, Frame, Millis, Phase, Reason, Room, UserId};

/// Coordinates are in parts of so many of the picture's width and height.
pub const SCALE: u16 = 10_000;
/// Strokes of one room.
pub const MAX_STROKES: usize = 2_000;
/// Points of one stroke: nearly three minutes at 30 a second.
pub const MAX_STROKE_POINTS: usize = 5_000;
/// Points of all strokes of one room: what it holds in memory for them is below a megabyte.
pub const MAX_POINTS: usize = 100_000;
/// Points that come at once.
pub const MAX_PART_POINTS: usize = 512;
/// The longest name of a stroke, in bytes.
pub const MAX_STROKE_ID: usize = 64;
/// Strokes that are named at once.
const MAX_NAMED: usize = 256;

/// A point of the picture: from its left and from its top, in parts of [`SCALE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point(pub u16, pub u16);

impl Point {
    fn is_valid(self) -> bool {
        self.0 <= SCALE && self.1 <= SCALE
    }
}

/// The frame that is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The asset.
    pub asset: AssetId,
    /// Its frame; nothing for a live source.
    pub frame: Option<Frame>,
}

/// What is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pen {
    /// Red, green and blue, eight bits each.
    pub color: u32,
    /// The width of the line, in parts of [`SCALE`] of the picture's height.
    pub width: u16,
}

impl Pen {
    /// A pen of a colour below 2^24 that draws a line of 1/1000 to 1/10 of the picture's height.
    pub fn new(color: u32, width: u16) -> Option<Pen> {
        let sane = color < 1 << 24 && (SCALE / 1000..=SCALE / 10).contains(&width);
        sane.then_some(Pen { color, width })
    }
}

/// Something that was drawn in one go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stroke {
    /// Its name, which the client chose.
    pub id: String,
    /// Who drew it.
    pub by: UserId,
    /// Where.
    pub on: Place,
    /// With what.
    pub pen: Pen,
    /// Along which points.
    pub points: Vec<Point>,
    /// Whether it is finished.
    pub done: bool,
    /// Whether it was kept as a comment.
    pub kept: bool,
}

/// A part of a stroke, as its client sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The stroke's name.
    pub id: String,
    /// Where it is drawn.
    pub on: Place,
    /// With what.
    pub pen: Pen,
    /// How many points came before.
    pub from: usize,
    /// The next points.
    pub points: Vec<Point>,
    /// Whether these are the last.
    pub done: bool,
}

/// The answer to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// How many points of the stroke are known: the next part begins there.
    pub points: usize,
    /// Whether it was finished by this part.
    pub finished: bool,
}

/// A part of a stroke, as all others are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrokePart {
    /// How many of its points came before.
    pub from: usize,
    /// The stroke, with the points of this part alone.
    pub stroke: Stroke,
}

/// Where somebody points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The asset that they point at.
    pub asset: AssetId,
    /// Where; nothing when they stopped.
    pub at: Option<Point>,
}

/// Which strokes are taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erase {
    /// These: one's own, or anybody's by a host.
    Named(Vec<String>),
    /// All that one drew oneself, on one frame or anywhere.
    Own(Option<Place>),
    /// All of everybody, by a host.
    All(Option<Place>),
}

/// What is to be kept of a room's drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DrawingChange {
    /// A stroke was finished.
    Put(Stroke),
    /// Strokes are gone.
    Erased(Vec<String>),
    /// Strokes were kept as a comment.
    Kept(Vec<String>),
}

/// All that is drawn in a room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    strokes: Vec<Stroke>,
    points: usize,
    /// What nobody was told yet.
    parts: Vec<StrokePart>,
    pointers: BTreeMap<UserId, Pointer>,
}

impl Board {
    fn find(&self, id: &str) -> Option<usize> {
        // The stroke that is being drawn is one of the last.
        self.strokes.iter().rposition(|stroke| stroke.id == id)
    }

    /// Notes what is to be told; points that follow each other go out as one part.
    fn tell(&mut self, part: StrokePart) {
        let before = self.parts.iter_mut().find(|other| other.stroke.id == part.stroke.id);
        match before {
            Some(before) if before.from + before.stroke.points.len() == part.from => {
                before.stroke.points.extend(part.stroke.points);
                before.stroke.done = part.stroke.done;
            }
            _ => self.parts.push(part),
        }
    }

    fn begin(&mut self, by: UserId, draw: &Draw) -> Result<usize, Reason> {
        if self.strokes.len() >= MAX_STROKES {
            return Err(Reason::Bad("the room is full of strokes: clear some"));
        }
        if self.points + draw.points.len() > MAX_POINTS {
            return Err(Reason::Bad("the room is full of strokes: clear some"));
        }
        if draw.from > 0 {
            return Err(Reason::Bad("the beginning of the stroke is missing"));
        }
        let Draw { id, on, pen, .. } = draw.clone();
        let (points, done, kept) = (Vec::new(), false, false);
        self.strokes.push(Stroke { id, by, on, pen, points, done, kept });
        Ok(self.strokes.len() - 1)
    }

    fn extend(&mut self, at: usize, draw: &Draw) -> Result<Drawn, Reason> {
        let stroke = &mut self.strokes[at];
        let known = stroke.points.len();
        if draw.from > known {
            return Err(Reason::Bad("points of the stroke are missing"));
        }
        let new = draw.points.get(known - draw.from..).unwrap_or_default();
        if stroke.done {
            let again = Drawn { points: known, finished: false };
            return if new.is_empty() { Ok(again) } else { Err(Reason::Bad("it is finished")) };
        }
        if known + new.len() > MAX_STROKE_POINTS || self.points + new.len() > MAX_POINTS {
            return Err(Reason::Bad("too many points: begin another stroke, or clear some"));
        }
        stroke.points.extend_from_slice(new);
        stroke.done = draw.done;
        self.points += new.len();
        let told = Stroke { points: new.to_vec(), ..stroke.clone() };
        let drawn = Drawn { points: known + new.len(), finished: draw.done };
        if !new.is_empty() || draw.done {
            self.tell(StrokePart { from: known, stroke: told });
        }
        Ok(drawn)
    }

    fn erase(&mut self, gone: impl Fn(&Stroke) -> bool) -> Vec<String> {
        let mut ids = Vec::new();
        self.strokes.retain(|stroke| {
            let gone = gone(stroke);
            if gone {
                self.points -= stroke.points.len();
                ids.push(stroke.id.clone());
            }
            !gone
        });
        self.parts.retain(|part| !ids.contains(&part.stroke.id));
        ids
    }
}

impl Room {
    /// What was drawn before the room came into memory, in order.
    pub fn restore_drawing(&mut self, strokes: Vec<Stroke>) {
        self.board.points = strokes.iter().map(|stroke| stroke.points.len()).sum();
        self.board.strokes = strokes;
    }

    /// All strokes, in the order in which they were begun.
    pub fn strokes(&self) -> &[Stroke] {
        &self.board.strokes
    }

    /// Somebody draws, by a connection that attends. Everyone may who is in the room while it
    /// runs, on what it shows.
    pub fn draw(
        &mut self,
        now: Millis,
        connection: ConnectionId,
        draw: &Draw,
    ) -> Result<Drawn, Reason> {
        let user = self.drawer(connection)?;
        if draw.id.is_empty() || draw.id.len() > MAX_STROKE_ID {
            return Err(Reason::Bad("stroke_id is empty or too long"));
        }
        let sane = draw.points.len() <= MAX_PART_POINTS && draw.points.iter().all(|p| p.is_valid());
        if !sane {
            return Err(Reason::Bad("not the points of a stroke"));
        }
        if !self.presence.draws(now, connection) {
            return Err(Reason::TooFast);
        }
        let at = match self.board.find(&draw.id) {
            Some(at) if self.board.strokes[at].by != user => {
                return Err(Reason::Bad("the stroke is another person's"));
            }
            Some(at) => at,
            None => {
                self.shows(draw.on)?;
                self.board.begin(user, draw)?
            }
        };
        self.board.extend(at, draw)
    }

    /// Somebody points, by a connection that attends. False where that counts for nothing.
    pub fn point(&mut self, now: Millis, connection: ConnectionId, pointer: Pointer) -> bool {
        let Ok(user) = self.drawer(connection) else { return false };
        let sane = pointer.at.is_none_or(Point::is_valid);
        if !sane || !self.shows_asset(pointer.asset) || !self.presence.points(now, connection) {
            return false;
        }
        self.board.pointers.insert(user, pointer);
        true
    }

    /// Takes strokes away. Their names; nothing for those that are not there.
    pub fn erase(
        &mut self,
        connection: ConnectionId,
        which: &Erase,
    ) -> Result<Vec<String>, Reason> {
        let user = self.drawer(connection)?;
        let host = self.is_host(user);
        let there = |on: &Option<Place>, stroke: &Stroke| on.is_none_or(|on| on == stroke.on);
        match which {
            Erase::Named(ids) if ids.len() > MAX_NAMED => {
                Err(Reason::Bad("too many strokes at once"))
            }
            Erase::Named(ids) => {
                let strokes = self.board.strokes.iter();
                let mut foreign = strokes.filter(|one| one.by != user && ids.contains(&one.id));
                if !host && foreign.next().is_some() {
                    return Err(Reason::NotHost);
                }
                Ok(self.board.erase(|stroke| ids.contains(&stroke.id)))
            }
            Erase::Own(on) => Ok(self.board.erase(|stroke| stroke.by == user && there(on, stroke))),
            Erase::All(_) if !host => Err(Reason::NotHost),
            Erase::All(on) => Ok(self.board.erase(|stroke| there(on, stroke))),
        }
    }

    /// Whoever left cannot finish their strokes: these are as they will be. What is to be kept.
    pub fn finish_strokes(&mut self, user: UserId) -> Vec<Stroke> {
        let unfinished = |stroke: &Stroke| stroke.by == user && !stroke.done;
        let mut finished = Vec::new();
        for at in 0..self.board.strokes.len() {
            if unfinished(&self.board.strokes[at]) {
                let stroke = &mut self.board.strokes[at];
                stroke.done = true;
                finished.push(stroke.clone());
                let (from, points) = (stroke.points.len(), Vec::new());
                let stroke = Stroke { points, ..stroke.clone() };
                self.board.tell(StrokePart { from, stroke });
            }
        }
        finished
    }

    /// Strokes were kept as a comment. Those that are still there and were not kept before.
    pub fn keep_strokes(&mut self, ids: &[String]) -> Vec<String> {
        let mut kept = Vec::new();
        for stroke in self.board.strokes.iter_mut().filter(|stroke| ids.contains(&stroke.id)) {
            if !std::mem::replace(&mut stroke.kept, true) {
                kept.push(stroke.id.clone());
            }
        }
        kept
    }

    /// What was drawn and pointed at since this was asked last, to be told to everyone.
    pub fn take_drawing(&mut self) -> (Vec<StrokePart>, Vec<(UserId, Pointer)>) {
        let pointers = std::mem::take(&mut self.board.pointers);
        (std::mem::take(&mut self.board.parts), pointers.into_iter().collect())
    }

    fn drawer(&self, connection: ConnectionId) -> Result<UserId, Reason> {
        let user = self.user_of(connection).ok_or(Reason::NotPresent)?;
        match self.phase() {
            Phase::Waiting => Err(Reason::NotStarted),
            Phase::Complete => Err(Reason::Complete),
            Phase::Started => Ok(user),
        }
    }

    /// The asset, if it is on show: as the first or as the second picture.
    fn shown_asset(&self, asset: AssetId) -> Option<Asset> {
        let second = self.state().compare.map(|compare| compare.asset);
        self.state().asset.into_iter().chain(second).find(|shown| shown.id == asset)
    }

    fn shows_asset(&self, asset: AssetId) -> bool {
        self.shown_asset(asset).is_some()
    }

    /// Whether the room shows an asset that has such a frame.
    fn shows(&self, on: Place) -> Result<(), Reason> {
        let asset = self
            .shown_asset(on.asset)
            .ok_or(Reason::Bad("the room does not show this asset now"))?;
        let sane = match on.frame {
            None => asset.is_live(),
            Some(frame) => {
                let within = asset.frames.is_none_or(|frames| frame.0 < frames);
                !asset.is_live() && frame.is_valid() && within
            }
        };
        if sane { Ok(()) } else { Err(Reason::Bad("the asset has no such frame")) }
    }
}

#[cfg(test)]
#[path = "drawing_tests.rs"]
mod tests;
