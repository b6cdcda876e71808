//! What a composite shows, and where.

use thiserror::Error;

use crate::ids::StreamId;
use crate::picture::{Colour, Place};
use crate::rtp::PictureSize;

/// Cells of a layout.
pub const CELLS: usize = 9;
/// The least width and height of a canvas, in pixels.
const LEAST: u32 = 64;
/// The largest canvas, in pixels.
const LARGEST: PictureSize = PictureSize { width: 1920, height: 1080 };
/// The least width and height of a cell, in pixels.
const LEAST_CELL: u32 = 16;
/// Pictures a second.
const RATES: std::ops::RangeInclusive<u32> = 1..=60;
/// Pixels a second: 1920 x 1080 thirty times, which is what a core encodes.
const MOST_PIXELS: u64 = 1920 * 1080 * 30;
/// Characters of a label.
pub const LABEL: usize = 60;

/// Why a layout is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// The canvas is too small, too large, or odd.
    #[error(
        "canvas: width and height have to be even, from {LEAST} to {} and {}",
        LARGEST.width,
        LARGEST.height
    )]
    Canvas,
    /// The rate is none.
    #[error("canvas.fps has to be from {} to {}", RATES.start(), RATES.end())]
    Rate,
    /// It is more than is encoded in time.
    #[error("canvas: width x height x fps is more than 1920 x 1080 x 30")]
    TooMuch,
    /// There are too many cells.
    #[error("cells: there may be {CELLS}, and not {0}")]
    Cells(usize),
    /// A cell is not on the canvas.
    #[error(
        "cells[{0}]: x, y, width and height have to be even, width and height at least {LEAST_CELL}, \
         and all of it on the canvas"
    )]
    Place(usize),
    /// A label is too long, or not for showing.
    #[error("cells[{0}].label: it may have {LABEL} characters, and no control characters")]
    Label(usize),
    /// The sound is of a source that is in no cell.
    #[error("audio.source has to be the source of a cell")]
    Sound,
}

/// How a picture fills a cell of another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// All of it, with bars beside it.
    #[default]
    Contain,
    /// The whole cell, with what does not fit cut off.
    Cover,
    /// The whole cell, out of shape.
    Stretch,
}

/// Where the sound comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SoundFrom {
    /// There is none.
    #[default]
    Nothing,
    /// One of the sources.
    Source(StreamId),
    /// All of them.
    Mix,
}

/// What a composite is painted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    size: PictureSize,
    rate: u32,
    background: Colour,
}

impl Canvas {
    /// A canvas of so many pixels and so many pictures a second.
    ///
    /// # Errors
    /// When it is too small, too large, odd, or more than is encoded in time.
    pub fn new(size: PictureSize, rate: u32, background: Colour) -> Result<Self, LayoutError> {
        let is_length =
            |length: u32, most: u32| (LEAST..=most).contains(&length) && length.is_multiple_of(2);
        if !is_length(size.width, LARGEST.width) || !is_length(size.height, LARGEST.height) {
            return Err(LayoutError::Canvas);
        }
        if !RATES.contains(&rate) {
            return Err(LayoutError::Rate);
        }
        if u64::from(size.width) * u64::from(size.height) * u64::from(rate) > MOST_PIXELS {
            return Err(LayoutError::TooMuch);
        }
        Ok(Self { size, rate, background })
    }

    /// Its size.
    #[must_use]
    pub fn size(&self) -> PictureSize {
        self.size
    }

    /// Pictures a second.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// What shows where no cell is.
    #[must_use]
    pub fn background(&self) -> Colour {
        self.background
    }
}

/// A part of the canvas and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Whose picture it shows.
    pub source: StreamId,
    /// Where it is.
    pub place: Place,
    /// How the picture fills it.
    pub fit: Fit,
    /// What is written into its corner; empty: nothing.
    pub label: String,
}

/// What a composite shows, and where. The cells that come later lie above the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    canvas: Canvas,
    cells: Vec<Cell>,
    sound: SoundFrom,
    slate: bool,
}

impl Layout {
    /// A layout. Where `slate` is false, a cell whose source is away stays empty.
    ///
    /// # Errors
    /// See [`LayoutError`].
    pub fn new(
        canvas: Canvas,
        cells: Vec<Cell>,
        sound: SoundFrom,
        slate: bool,
    ) -> Result<Self, LayoutError> {
        if cells.len() > CELLS {
            return Err(LayoutError::Cells(cells.len()));
        }
        for (number, cell) in cells.iter().enumerate() {
            if !is_on(cell.place, canvas.size) {
                return Err(LayoutError::Place(number));
            }
            let length = cell.label.chars().count();
            if length > LABEL || cell.label.chars().any(char::is_control) {
                return Err(LayoutError::Label(number));
            }
        }
        if let SoundFrom::Source(source) = sound
            && !cells.iter().any(|cell| cell.source == source)
        {
            return Err(LayoutError::Sound);
        }
        Ok(Self { canvas, cells, sound, slate })
    }

    /// What it is painted on.
    #[must_use]
    pub fn canvas(&self) -> Canvas {
        self.canvas
    }

    /// Its cells, the lowest first.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Where its sound comes from.
    #[must_use]
    pub fn sound(&self) -> SoundFrom {
        self.sound
    }

    /// Whether it is said in a cell that its source is away.
    #[must_use]
    pub fn slate(&self) -> bool {
        self.slate
    }

    /// Its sources, each once.
    #[must_use]
    pub fn sources(&self) -> Vec<StreamId> {
        let mut sources = Vec::new();
        for cell in &self.cells {
            if !sources.contains(&cell.source) {
                sources.push(cell.source);
            }
        }
        sources
    }

    /// Whether the sound of a source is heard.
    #[must_use]
    pub fn hears(&self, source: StreamId) -> bool {
        match self.sound {
            SoundFrom::Nothing => false,
            SoundFrom::Source(one) => one == source,
            SoundFrom::Mix => true,
        }
    }
}

fn is_on(place: Place, canvas: PictureSize) -> bool {
    let span = |at: i32, length: u32, most: u32| {
        let end = i64::from(at) + i64::from(length);
        at >= 0
            && at % 2 == 0
            && length.is_multiple_of(2)
            && length >= LEAST_CELL
            && end <= i64::from(most)
    };
    span(place.x, place.width, canvas.width) && span(place.y, place.height, canvas.height)
}
