//! The moving test pattern: colour bars, a grey ramp, safe-area frames, a
//! title, a frame counter, a clock, a sweeping dial, a flash on every full second, and
//! the [machine-readable frame number](super::strip).
//!
//! The parts that never change are drawn once; a frame copies them and draws
//! the rest. Most of the picture therefore stands still, which keeps the encoder cheap.

use std::f32::consts::TAU;

use super::picture::{Colour, Picture, Size};
use super::strip::{self, Reading, Source};
use super::text::Face;

/// How a pattern looks and counts.
#[derive(Debug, Clone)]
pub struct PatternConfig {
    /// Picture size in pixels.
    pub size: Size,
    /// Frames a second.
    pub fps: u32,
    /// The line at the top; printable ASCII.
    pub title: String,
    /// Colour of the title, the dial and the flash.
    pub accent: Colour,
    /// What the frame strip says about where the picture comes from.
    pub source: Source,
}

/// What the pattern's clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Time of day in milliseconds since midnight UTC.
    TimeOfDay(u64),
    /// Time since the start of the clip, from the frame number.
    Elapsed,
}

/// The pattern, ready to be drawn frame by frame.
#[derive(Debug)]
pub struct Pattern {
    config: PatternConfig,
    background: Picture,
    small: Face,
    large: Face,
}

impl Pattern {
    /// Draws the parts that stand still.
    #[must_use]
    pub fn new(config: PatternConfig) -> Self {
        let height = config.size.height();
        let small = Face::new(height / 22);
        let large = Face::new(height / 9);
        let background = background(&config, &small);
        Self { config, background, small, large }
    }

    /// The configuration that this pattern was made with.
    #[must_use]
    pub fn config(&self) -> &PatternConfig {
        &self.config
    }

    /// A picture that [`Pattern::draw`] can draw into.
    #[must_use]
    pub fn canvas(&self) -> Picture {
        self.background.clone()
    }

    /// Draws frame number `frame` into `picture`.
    ///
    /// # Panics
    /// When `picture` has another size than the pattern.
    pub fn draw(&self, picture: &mut Picture, frame: u64, clock: Clock) {
        picture.copy_from(&self.background);
        let place = Layout::of(self.config.size);
        self.draw_counter(picture, frame, clock, &place);
        self.draw_dial(picture, frame, &place);
        self.draw_runner(picture, frame, &place);
        let frame = (frame % u64::from(strip::FRAME_MODULUS)) as u32;
        strip::draw(picture, Reading { source: self.config.source, frame });
    }

    fn draw_counter(&self, picture: &mut Picture, frame: u64, clock: Clock, place: &Layout) {
        let counter = format!("{frame:06}");
        self.large.draw(picture, (place.text_x, place.counter_y), &counter, Colour::WHITE);
        let time = match clock {
            Clock::TimeOfDay(ms) => format!("{} UTC", clock_text(ms)),
            Clock::Elapsed => clock_text(frame * 1000 / u64::from(self.config.fps)),
        };
        let y = place.counter_y + self.large.height();
        self.small.draw(picture, (place.text_x, y), &time, Colour::grey(200));
    }

    /// A hand that turns once a second, and the disc that lights up with the beep.
    fn draw_dial(&self, picture: &mut Picture, frame: u64, place: &Layout) {
        let fps = u64::from(self.config.fps);
        let within = (frame % fps) as f32 / fps as f32;
        let (sin, cos) = (within * TAU).sin_cos();
        let (cx, cy) = place.dial;
        let reach = place.dial_radius * 0.78;
        for step in 0..=12 {
            let along = reach * step as f32 / 12.0;
            let centre = (cx + sin * along, cy - cos * along);
            picture.disc(centre, place.dial_radius * 0.07, self.config.accent);
        }
        // Lit for the first 80 ms of a second, which is how long the beep's attack is seen.
        if frame % fps * 1000 < 80 * fps {
            picture.disc(place.flash, place.dial_radius * 0.5, Colour::WHITE);
        }
    }

    /// A block that runs along the ramp, once in four seconds.
    fn draw_runner(&self, picture: &mut Picture, frame: u64, place: &Layout) {
        let width = self.config.size.width();
        let period = u64::from(self.config.fps) * 4;
        let side = place.runner_y.len();
        let left = (frame % period) as usize * (width - side) / period as usize;
        picture.fill(left..left + side, place.runner_y.clone(), self.config.accent);
    }
}

/// `HH:MM:SS.mmm` of a number of milliseconds, modulo a day.
fn clock_text(ms: u64) -> String {
    let seconds = ms / 1000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        ms % 1000
    )
}

/// Where the parts lie, in pixels.
struct Layout {
    text_x: usize,
    title_y: usize,
    bars_y: std::ops::Range<usize>,
    ramp_y: std::ops::Range<usize>,
    runner_y: std::ops::Range<usize>,
    counter_y: usize,
    dial: (f32, f32),
    dial_radius: f32,
    flash: (f32, f32),
}

impl Layout {
    fn of(size: Size) -> Self {
        let (width, height) = (size.width(), size.height());
        let row = |part: usize| height * part / 180;
        let (w, h) = (width as f32, height as f32);
        Self {
            text_x: width / 10,
            title_y: row(13),
            bars_y: row(26)..row(88),
            ramp_y: row(88)..row(100),
            runner_y: row(103)..row(111),
            counter_y: row(118),
            dial: (w * 0.82, h * 0.745),
            dial_radius: h * 0.09,
            flash: (w * 0.68, h * 0.745),
        }
    }
}

/// Colour bars at 75 %, in the order of falling luma.
const BARS: [(u8, u8, u8); 7] = [
    (191, 191, 191),
    (191, 191, 0),
    (0, 191, 191),
    (0, 191, 0),
    (191, 0, 191),
    (191, 0, 0),
    (0, 0, 191),
];

fn background(config: &PatternConfig, small: &Face) -> Picture {
    let size = config.size;
    let (width, height) = (size.width(), size.height());
    let place = Layout::of(size);
    let mut picture = Picture::new(size, Colour::rgb(24, 27, 34));
    for (index, (r, g, b)) in BARS.into_iter().enumerate() {
        let x = index * width / BARS.len()..(index + 1) * width / BARS.len();
        picture.fill(x, place.bars_y.clone(), Colour::rgb(r, g, b));
    }
    for x in 0..width {
        let level = 16 + 219 * x / (width - 1);
        picture.fill(x..x + 1, place.ramp_y.clone(), Colour::grey(level as u8));
    }
    draw_dial_face(&mut picture, &place);
    draw_safe_areas(&mut picture);
    let (bed_x, bed_y) = strip::bed(size);
    picture.fill(bed_x, bed_y, Colour::BLACK);
    small.draw(&mut picture, (place.text_x, place.title_y), &config.title, config.accent);
    let format = format!("{size} @ {} fps", config.fps);
    let right = width - place.text_x - format.len() * small.advance();
    if right > place.text_x + (config.title.len() + 1) * small.advance() {
        small.draw(&mut picture, (right, place.title_y), &format, Colour::grey(150));
    }
    debug_assert!(height >= place.counter_y);
    picture
}

fn draw_dial_face(picture: &mut Picture, place: &Layout) {
    picture.disc(place.dial, place.dial_radius, Colour::grey(90));
    picture.disc(place.dial, place.dial_radius * 0.93, Colour::grey(34));
    picture.disc(place.flash, place.dial_radius * 0.56, Colour::grey(90));
    picture.disc(place.flash, place.dial_radius * 0.5, Colour::grey(34));
}

/// Action-safe (93 %) and title-safe (90 %) frames, after EBU R 95.
fn draw_safe_areas(picture: &mut Picture) {
    let (width, height) = (picture.size().width(), picture.size().height());
    let line = (height / 360).max(1);
    for (permille, luma) in [(35, 120), (50, 80)] {
        let (dx, dy) = (width * permille / 1000, height * permille / 1000);
        picture.frame(dx..width - dx, dy..height - dy, line, Colour::grey(luma));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(width: usize, height: usize) -> Pattern {
        Pattern::new(PatternConfig {
            size: Size::new(width, height).unwrap(),
            fps: 25,
            title: "RUSHES TEST PATTERN".into(),
            accent: Colour::rgb(255, 170, 60),
            source: Source::Live,
        })
    }

    #[test]
    fn every_frame_carries_its_number_at_every_size() {
        for (width, height) in [(160, 90), (320, 180), (640, 360), (960, 540), (1280, 720)] {
            let pattern = pattern(width, height);
            let mut picture = pattern.canvas();
            for frame in [0, 1, 24, 25, 99, 4095, 987_654] {
                pattern.draw(&mut picture, frame, Clock::Elapsed);
                let reading = strip::read(picture.luma(), width, pattern.config().size);
                let expected = Reading { source: Source::Live, frame: frame as u32 };
                assert_eq!(reading, Some(expected), "{width}x{height} frame {frame}");
            }
        }
    }

    #[test]
    fn nothing_of_a_frame_remains_in_the_next() {
        let pattern = pattern(640, 360);
        let (mut used, mut fresh) = (pattern.canvas(), pattern.canvas());
        pattern.draw(&mut used, 888_888, Clock::TimeOfDay(83_888_888));
        pattern.draw(&mut used, 3, Clock::Elapsed);
        pattern.draw(&mut fresh, 3, Clock::Elapsed);
        assert_eq!(used.luma(), fresh.luma());
    }

    #[test]
    fn the_clock_reads_hours_to_milliseconds() {
        assert_eq!(clock_text(0), "00:00:00.000");
        assert_eq!(clock_text(45_296_007), "12:34:56.007");
        assert_eq!(clock_text(86_400_000), "00:00:00.000");
    }
}
