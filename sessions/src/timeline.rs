//! The law of position: which frame is shown at which moment.
//!
//! The browser computes the same (`web/src/lib/sync/timeline.ts`), operation for operation, so
//! that both arrive at the same double; `tests/vectors.json` is read by the tests of both.

use crate::{Frame, FrameRate, Loop, Millis, Rate};

/// The part of a room's state that decides the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timeline {
    /// When `frame` is shown; until then it is held.
    pub effective_ms: Millis,
    /// The frame shown at `effective_ms`.
    pub frame: Frame,
    /// How many frames the clip has; nothing where that is unknown.
    pub frames: Option<i64>,
    /// Nothing for a live source, which has no position.
    pub fps: Option<FrameRate>,
    /// Whether the position moves after `effective_ms`.
    pub playing: bool,
    /// How fast it moves.
    pub rate: Rate,
    /// Where it turns back.
    pub looping: Loop,
}

impl Timeline {
    /// The position in frames with its fraction. Before `effective_ms`, and while paused, it is
    /// `frame`. It wraps in the loop, and stops at the start of the last frame without one.
    pub fn position_at(&self, at: Millis) -> f64 {
        let start = self.frame.0 as f64;
        let Some(fps) = self.fps else { return start };
        if !self.playing || at <= self.effective_ms {
            return self.clamp(start);
        }
        let per_second = f64::from(fps.num()) * self.rate.get();
        let moved = ((at - self.effective_ms) * per_second) / (1000.0 * f64::from(fps.den()));
        let position = start + moved;
        match self.region() {
            Some((_, end)) if position < end => position,
            Some((begin, end)) => begin + (position - begin) % (end - begin),
            None => self.clamp(position),
        }
    }

    /// The frame that is shown.
    pub fn frame_at(&self, at: Millis) -> Frame {
        let frame = self.position_at(at).floor();
        let last = match self.region() {
            // The remainder may round up to the first position after the loop.
            Some((_, end)) if self.playing => frame.min(end - 1.0),
            _ => frame,
        };
        Frame(last as i64)
    }

    /// Whether the clip has been played to its last frame, which now stands there.
    pub fn ended_at(&self, at: Millis) -> bool {
        match self.frames {
            Some(frames) if self.playing && self.fps.is_some() && self.region().is_none() => {
                self.position_at(at) >= (frames - 1) as f64
            }
            _ => false,
        }
    }

    /// Whether the position moves: it plays, and has not come to the end.
    pub fn moves_at(&self, at: Millis) -> bool {
        self.playing && self.fps.is_some() && !self.ended_at(at)
    }

    /// How long one frame stands while it plays, in milliseconds; nothing for a live source.
    pub fn frame_ms(&self) -> Option<f64> {
        let fps = self.fps?;
        Some(1000.0 * f64::from(fps.den()) / (f64::from(fps.num()) * self.rate.get()))
    }

    /// The next frame boundary at or after `at`, and the moment when it is passed. A change of
    /// speed starts there, so that it makes no jump although anchors are whole frames.
    pub fn boundary_after(&self, at: Millis) -> (Frame, Millis) {
        if at <= self.effective_ms && self.playing {
            return (self.frame, self.effective_ms);
        }
        let Some(fps) = self.fps.filter(|_| self.moves_at(at)) else {
            return (self.frame_at(at), at);
        };
        let position = self.position_at(at);
        let next = position.ceil();
        let per_ms = f64::from(fps.num()) * self.rate.get() / (1000.0 * f64::from(fps.den()));
        let when = at + (next - position) / per_ms;
        let frame = match self.region() {
            Some((begin, end)) if next >= end => begin,
            _ => self.clamp(next),
        };
        (Frame(frame as i64), when)
    }

    /// A frame brought into the clip.
    pub fn clamp_frame(&self, frame: Frame) -> Frame {
        Frame(self.clamp(frame.0 as f64) as i64)
    }

    /// The loop that applies, as the first position in it and the first after it. A start behind
    /// the loop is not drawn into it.
    pub fn region(&self) -> Option<(f64, f64)> {
        let (begin, end) = self.looping.region(self.frames)?;
        (self.frame.0 < end).then_some((begin as f64, end as f64))
    }

    fn clamp(&self, position: f64) -> f64 {
        match self.frames {
            Some(frames) => position.min((frames - 1) as f64).max(0.0),
            None => position.max(0.0),
        }
    }
}
