//! Puts the pictures of the sources together.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::ids::StreamId;
use crate::picture::{Colour, Crop, Place, Planes, Refused, Scaler, Seen, contained};
use crate::rtp::{Codec, PictureSize};
use crate::transcode::TranscodeRefusal;

use super::layout::{Cell, Fit, Layout};
use super::text::{Letters, plate, words};

/// A picture is shown this long after it was captured: what is captured at one moment is then
/// shown at one moment, whichever way it came.
pub const DELAY: Duration = Duration::from_millis(150);
/// A source that sent no picture for this long is away.
pub const SILENT: Duration = Duration::from_secs(2);
/// Pictures of a source that wait to be shown. Beyond, the oldest goes.
const WAITING: usize = 12;

/// What a source has sent.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Seen>,
    shown: Option<Shot>,
    /// When the last picture came.
    heard: Option<Instant>,
    unseen: Option<Unseen>,
}

/// A picture that is shown.
#[derive(Debug, Clone)]
struct Shot {
    /// Grows with each, so that it is scaled once.
    number: u64,
    planes: Rc<Planes>,
}

/// Why the picture that a source sends is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// It is not decoded here.
    Refused(Refused),
    /// Nor is it, which is of this codec, by ffmpeg.
    Outside(Codec, TranscodeRefusal),
}

impl Unseen {
    /// What is to be said of it besides, to who can do something about it.
    #[must_use]
    pub fn problem(self) -> Option<String> {
        match self {
            Self::Refused(_) => None,
            Self::Outside(codec, refusal) => {
                Some(format!("The {} of a source is not shown: {refusal}.", codec.title()))
            }
        }
    }

    /// In few words: a cell may be small.
    fn text(self) -> String {
        let (codec, refusal) = match self {
            Self::Refused(Refused::Codec(codec)) => {
                return format!("{} is not shown", codec.name());
            }
            Self::Refused(Refused::TooLarge(size))
            | Self::Outside(_, TranscodeRefusal::Size(size)) => {
                return format!("{} x {} is too large", size.width, size.height);
            }
            Self::Outside(codec, refusal) => (codec.name(), refusal),
        };
        match refusal {
            TranscodeRefusal::TooLarge { .. } => format!("{codec} is too large"),
            TranscodeRefusal::Full(_) => format!("{codec}: no room for it"),
            TranscodeRefusal::NoFfmpeg => format!("{codec} needs ffmpeg"),
            TranscodeRefusal::Ffmpeg(_) => format!("{codec}: ffmpeg failed"),
            _ => format!("{codec} is not shown"),
        }
    }
}

/// Why there is no picture in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Away {
    Silent,
    Unseen(Unseen),
}

impl Away {
    fn text(self) -> String {
        match self {
            Self::Silent => "no picture".to_owned(),
            Self::Unseen(unseen) => unseen.text(),
        }
    }
}

/// What was painted into a cell last.
#[derive(Debug, Default)]
struct Painted {
    of: Option<What>,
    planes: Option<Rc<Planes>>,
    label: Option<Planes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Shot(u64),
    Slate(Away),
}

/// Paints a composite. Time is an argument.
#[derive(Debug)]
pub struct Composer {
    layout: Layout,
    lanes: HashMap<StreamId, Lane>,
    painted: Vec<Painted>,
    canvas: Planes,
    scaler: Scaler,
    shots: u64,
}

impl Composer {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let canvas = Planes::filled(layout.canvas().size(), layout.canvas().background());
        let mut composer = Self {
            layout,
            lanes: HashMap::new(),
            painted: Vec::new(),
            canvas,
            scaler: Scaler::default(),
            shots: 0,
        };
        composer.begin();
        composer
    }

    /// Another layout. The sources that are in both go on.
    pub fn update(&mut self, layout: Layout) {
        self.layout = layout;
        self.canvas =
            Planes::filled(self.layout.canvas().size(), self.layout.canvas().background());
        self.begin();
    }

    fn begin(&mut self) {
        let sources = self.layout.sources();
        self.lanes.retain(|source, _| sources.contains(source));
        for source in sources {
            self.lanes.entry(source).or_default();
        }
        self.painted = self.layout.cells().iter().map(|_| Painted::default()).collect();
    }

    /// What it shows, and where.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// A picture of a source has come.
    pub fn seen(&mut self, now: Instant, source: StreamId, seen: Seen) {
        let Some(lane) = self.lanes.get_mut(&source) else { return };
        lane.heard = Some(now);
        lane.unseen = None;
        if lane.waiting.len() >= WAITING {
            lane.waiting.pop_front();
        }
        let at = lane.waiting.partition_point(|other| other.captured <= seen.captured);
        lane.waiting.insert(at, seen);
    }

    /// What a source sends is not shown.
    pub fn unseen(&mut self, source: StreamId, unseen: Option<Unseen>) {
        if let Some(lane) = self.lanes.get_mut(&source) {
            lane.unseen = unseen;
        }
    }

    /// The sources whose pictures are shown.
    pub fn shown(&self, now: Instant) -> impl Iterator<Item = StreamId> {
        let is_shown = move |lane: &Lane| lane.shown.is_some() && lane.away(now).is_none();
        self.lanes.iter().filter(move |(_, lane)| is_shown(lane)).map(|(source, _)| *source)
    }

    /// Paints the picture of a tick that was due at `at`: of each source the last one captured
    /// [`DELAY`] before or earlier.
    pub fn paint(&mut self, at: Instant) -> &Planes {
        let due = at.checked_sub(DELAY).unwrap_or(at);
        for lane in self.lanes.values_mut() {
            lane.advance(due, &mut self.shots);
        }
        let background = self.layout.canvas().background();
        let size = self.layout.canvas().size();
        let whole = Place { x: 0, y: 0, width: size.width, height: size.height };
        self.canvas.fill(whole, background);
        for (number, cell) in self.layout.cells().iter().enumerate() {
            let Some(lane) = self.lanes.get(&cell.source) else { continue };
            let painted = &mut self.painted[number];
            let what = match &lane.shown {
                Some(shot) if lane.away(at).is_none() => What::Shot(shot.number),
                _ => What::Slate(lane.away(at).unwrap_or(Away::Silent)),
            };
            if painted.of != Some(what) {
                painted.planes = match (&lane.shown, what) {
                    (Some(shot), What::Shot(_)) => {
                        fitted(&mut self.scaler, &shot.planes, cell).map(Rc::new)
                    }
                    (_, What::Slate(away)) if self.layout.slate() => {
                        Some(Rc::new(slate(cell, away)))
                    }
                    _ => None,
                };
                painted.of = Some(what);
            }
            let Some(planes) = &painted.planes else { continue };
            paint_cell(&mut self.canvas, cell, planes);
            if matches!(what, What::Shot(_)) && !cell.label.is_empty() {
                let label = painted.label.get_or_insert_with(|| label(cell));
                let bottom = cell.place.height.saturating_sub(label.size().height) as i32;
                self.canvas.put((cell.place.x, cell.place.y + bottom), label);
            }
        }
        &self.canvas
    }
}

impl Lane {
    /// Shows the last picture that was captured by then.
    fn advance(&mut self, due: Instant, shots: &mut u64) {
        while self.waiting.front().is_some_and(|seen| seen.captured <= due) {
            let Some(seen) = self.waiting.pop_front() else { return };
            *shots += 1;
            self.shown = Some(Shot { number: *shots, planes: Rc::new(seen.planes) });
        }
    }

    fn away(&self, now: Instant) -> Option<Away> {
        if let Some(unseen) = self.unseen {
            return Some(Away::Unseen(unseen));
        }
        let heard = self.heard.is_some_and(|at| now.saturating_duration_since(at) < SILENT);
        (!heard).then_some(Away::Silent)
    }
}

fn size_of(place: Place) -> PictureSize {
    PictureSize { width: place.width, height: place.height }
}

/// A picture as it fills a cell.
fn fitted(scaler: &mut Scaler, picture: &Planes, cell: &Cell) -> Option<Planes> {
    let (from, into) = (picture.size(), size_of(cell.place));
    match cell.fit {
        Fit::Contain => scaler.scale(picture, Crop::whole(from), contained(from, into)),
        Fit::Cover => scaler.scale(picture, Crop::covering(from, into), into),
        Fit::Stretch => scaler.scale(picture, Crop::whole(from), into),
    }
}

/// Puts a picture into the middle of its cell, with bars where it does not reach.
fn paint_cell(canvas: &mut Planes, cell: &Cell, planes: &Planes) {
    let (size, place) = (planes.size(), cell.place);
    if size != size_of(place) {
        canvas.fill(place, Colour::BLACK);
    }
    let beside = |room: u32, used: u32| (room.saturating_sub(used) / 2) as i32 & !1;
    let left = place.x + beside(place.width, size.width);
    let top = place.y + beside(place.height, size.height);
    canvas.put((left, top), planes);
}

fn label(cell: &Cell) -> Planes {
    plate(&cell.label, Letters::of(cell.place.height), cell.place.width, Colour::BLACK)
}

/// What stands where there is no picture: whose, and why.
fn slate(cell: &Cell, away: Away) -> Planes {
    words(size_of(cell.place), &[&cell.label, &away.text()])
}
