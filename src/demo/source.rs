//! A live source: the test pattern and its tone, encoded on demand by the
//! number of the frame or packet.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::encode::{
    AccessUnit, EncodeError, PACKET_MS, PACKET_SAMPLES, SAMPLE_RATE, Tone, ToneEncoder,
    VideoConfig, VideoEncoder,
};
use super::pattern::{Clock, Pattern, PatternConfig};
use super::picture::{Colour, Picture, Size};
use super::strip::Source;

/// What a live source shows.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Picture size in pixels.
    pub size: Size,
    /// Frames a second, 1 to 60.
    pub fps: u32,
    /// The pattern's title line.
    pub title: String,
    /// What the frame strip says.
    pub source: Source,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            size: Size::new(1280, 720).expect("even and within the bounds"),
            fps: 25,
            title: "RUSHES  LIVE".into(),
            source: Source::Live,
        }
    }
}

/// The pattern and the tone with their encoders.
#[derive(Debug)]
pub struct LiveSource {
    fps: u32,
    pattern: Pattern,
    picture: Picture,
    video: VideoEncoder,
    audio: ToneEncoder,
}

impl LiveSource {
    /// Sets up the pattern and both encoders.
    ///
    /// # Errors
    /// When an encoder cannot be set up.
    pub fn new(config: &SourceConfig) -> Result<Self, EncodeError> {
        let pattern = Pattern::new(PatternConfig {
            size: config.size,
            fps: config.fps,
            title: config.title.clone(),
            accent: Colour::rgb(255, 170, 60),
            source: config.source,
        });
        Ok(Self {
            fps: config.fps,
            picture: pattern.canvas(),
            pattern,
            video: VideoEncoder::new(VideoConfig { fps: config.fps, key_interval: config.fps })?,
            audio: ToneEncoder::new(Tone::default())?,
        })
    }

    /// Draws and encodes frame number `frame`, captured at `captured`.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn frame(
        &mut self,
        frame: u64,
        captured: SystemTime,
        force_key: bool,
    ) -> Result<AccessUnit, EncodeError> {
        let since_epoch = captured.duration_since(UNIX_EPOCH).unwrap_or_default();
        let time_of_day = (since_epoch.as_millis() % 86_400_000) as u64;
        self.pattern.draw(&mut self.picture, frame, Clock::TimeOfDay(time_of_day));
        self.video.encode(&self.picture, force_key)
    }

    /// Encodes the audio packet number `packet` (20 ms each).
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn packet(&mut self, packet: u64) -> Result<Vec<u8>, EncodeError> {
        self.audio.packet(packet)
    }

    /// Frames a second.
    #[must_use]
    pub fn fps(&self) -> u32 {
        self.fps
    }
}

/// What is due next, by absolute times since the start of a stream.
///
/// Frame n is captured at n / fps and packet n at n x 20 ms, however late the
/// caller comes; a caller that comes more than [`Pacer::MAX_LATE`] late skips
/// what it missed instead of sending it in a burst.
#[derive(Debug, Clone)]
pub struct Pacer {
    fps: u32,
    next_frame: u64,
    next_packet: u64,
}

/// One thing to send, and when it was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A picture, by its number.
    Frame(u64),
    /// An audio packet, by its number.
    Packet(u64),
}

impl Pacer {
    /// How late something may be and still be sent.
    pub const MAX_LATE: Duration = Duration::from_millis(200);

    /// A pacer whose next things are the first that are due at or after `elapsed`.
    #[must_use]
    pub fn new(fps: u32, elapsed: Duration) -> Self {
        let mut pacer = Self { fps, next_frame: 0, next_packet: 0 };
        pacer.skip_to(elapsed);
        pacer
    }

    /// When the next thing is due.
    #[must_use]
    pub fn next_at(&self) -> Duration {
        self.frame_at(self.next_frame).min(packet_at(self.next_packet))
    }

    /// When frame number `frame` is captured.
    #[must_use]
    pub fn frame_at(&self, frame: u64) -> Duration {
        Duration::from_nanos((u128::from(frame) * 1_000_000_000 / u128::from(self.fps)) as u64)
    }

    /// Takes the next thing if it is due at `elapsed`.
    pub fn take(&mut self, elapsed: Duration) -> Option<Due> {
        if elapsed.saturating_sub(self.next_at()) > Self::MAX_LATE {
            self.skip_to(elapsed);
        }
        if self.next_at() > elapsed {
            return None;
        }
        // Sound first: it is small, and a late packet is heard before a late picture is seen.
        if packet_at(self.next_packet) <= self.frame_at(self.next_frame) {
            self.next_packet += 1;
            Some(Due::Packet(self.next_packet - 1))
        } else {
            self.next_frame += 1;
            Some(Due::Frame(self.next_frame - 1))
        }
    }

    fn skip_to(&mut self, elapsed: Duration) {
        let frame = (elapsed.as_nanos() * u128::from(self.fps)).div_ceil(1_000_000_000);
        let packet = elapsed.as_nanos().div_ceil(u128::from(PACKET_MS) * 1_000_000);
        self.next_frame = self.next_frame.max(frame as u64);
        self.next_packet = self.next_packet.max(packet as u64);
    }
}

/// When audio packet number `packet` begins.
#[must_use]
pub fn packet_at(packet: u64) -> Duration {
    Duration::from_millis(packet * PACKET_MS)
}

/// RTP time (90 kHz) of frame number `frame`.
#[must_use]
pub fn frame_rtp_time(frame: u64, fps: u32) -> u64 {
    frame * 90_000 / u64::from(fps)
}

/// RTP time (48 kHz) of audio packet number `packet`.
#[must_use]
pub fn packet_rtp_time(packet: u64) -> u64 {
    const { assert!(PACKET_SAMPLES as u64 * 1000 == PACKET_MS * SAMPLE_RATE as u64) };
    packet * PACKET_SAMPLES as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn drain(pacer: &mut Pacer, elapsed: Duration) -> Vec<Due> {
        std::iter::from_fn(|| pacer.take(elapsed)).collect()
    }

    #[test]
    fn things_come_in_the_order_of_their_times() {
        let mut pacer = Pacer::new(25, Duration::ZERO);
        let due = drain(&mut pacer, ms(40));
        use Due::{Frame, Packet};
        assert_eq!(due, [Packet(0), Frame(0), Packet(1), Packet(2), Frame(1)]);
        assert_eq!(pacer.next_at(), ms(60));
    }

    #[test]
    fn who_comes_late_skips_instead_of_bursting() {
        let mut pacer = Pacer::new(25, Duration::ZERO);
        drain(&mut pacer, ms(100));
        let due = drain(&mut pacer, ms(5_000));
        assert_eq!(due, [Due::Packet(250), Due::Frame(125)]);
    }

    #[test]
    fn a_new_session_goes_on_where_the_clock_is() {
        let mut pacer = Pacer::new(30, ms(1_001));
        assert_eq!(pacer.take(ms(1_001)), None);
        assert_eq!(pacer.take(ms(1_034)), Some(Due::Packet(51)));
        assert_eq!(pacer.take(ms(1_034)), Some(Due::Frame(31)));
    }

    proptest! {
        #[test]
        fn nothing_is_early_late_or_twice(
            fps in 1..=60_u32,
            steps in prop::collection::vec(0..400_u64, 1..60),
        ) {
            let mut pacer = Pacer::new(fps, Duration::ZERO);
            let mut elapsed = Duration::ZERO;
            let (mut frame, mut packet) = (None, None);
            for step in steps {
                elapsed += ms(step);
                for due in drain(&mut pacer, elapsed) {
                    let (at, number, last) = match due {
                        Due::Frame(n) => (pacer.frame_at(n), n, &mut frame),
                        Due::Packet(n) => (packet_at(n), n, &mut packet),
                    };
                    prop_assert!(at <= elapsed);
                    prop_assert!(elapsed - at <= Pacer::MAX_LATE);
                    prop_assert!(last.is_none_or(|last| number > last));
                    *last = Some(number);
                }
                prop_assert!(pacer.next_at() > elapsed);
            }
        }
    }
}
