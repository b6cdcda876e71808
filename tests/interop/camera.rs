//! The test pattern with what a camera adds: grain, so that a picture needs many packets, and a
//! distance between key frames of the encoder's own choice.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rushes::demo::encode::{Tone, ToneEncoder, VideoConfig, VideoEncoder};
use rushes::demo::pattern::{Clock, Pattern, PatternConfig};
use rushes::demo::picture::{Colour, Picture, Size};
use rushes::demo::strip::Source;

use crate::peer::Error;

/// Frames a second.
pub(crate) const FPS: u32 = 25;
/// The side of a grain in pixels.
const GRAIN: usize = 4;
/// Where the grain is: between the counter and the strip.
const ROWS: std::ops::Range<usize> = 96..288;

/// A picture and a tone with their encoders.
pub(crate) struct Camera {
    pattern: Pattern,
    picture: Picture,
    video: VideoEncoder,
    audio: ToneEncoder,
    /// What the grains are drawn from, and how many there are.
    grain: (StdRng, usize),
}

impl Camera {
    /// 640 x 360 with `grains` new grains in each picture.
    pub(crate) fn new(key_interval: u32, grains: usize) -> Result<Self, Error> {
        let pattern = Pattern::new(PatternConfig {
            size: Size::new(640, 360)?,
            fps: FPS,
            title: "INTEROP".into(),
            accent: Colour::rgb(255, 170, 60),
            source: Source::Other,
        });
        Ok(Self {
            picture: pattern.canvas(),
            pattern,
            video: VideoEncoder::new(VideoConfig { fps: FPS, key_interval })?,
            audio: ToneEncoder::new(Tone::default())?,
            grain: (StdRng::seed_from_u64(1), grains),
        })
    }

    /// Frame number `frame` as an access unit.
    pub(crate) fn frame(&mut self, frame: u64) -> Result<Vec<u8>, Error> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let time_of_day = (since_epoch.as_millis() % 86_400_000) as u64;
        self.pattern.draw(&mut self.picture, frame, Clock::TimeOfDay(time_of_day));
        let (random, grains) = &mut self.grain;
        for _ in 0..*grains {
            let x = random.random_range(0..self.picture.size().width() / GRAIN) * GRAIN;
            let y = random.random_range(ROWS.start / GRAIN..ROWS.end / GRAIN) * GRAIN;
            let colour = Colour::grey(random.random_range(60..200));
            self.picture.fill(x..x + GRAIN, y..y + GRAIN, colour);
        }
        Ok(self.video.encode(&self.picture, false)?.data)
    }

    /// The audio packet number `packet` (20 ms each).
    pub(crate) fn packet(&mut self, packet: u64) -> Result<Vec<u8>, Error> {
        Ok(self.audio.packet(packet)?)
    }
}
