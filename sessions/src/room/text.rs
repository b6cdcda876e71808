//! A client's own text about the playback, and what is understood of it.

use super::{Change, Room};
use crate::{
    Asset, Effects, Frame, MAX_ASSET_STATE, Millis, Op, Reason, Refusal, SyncMode, UserId,
};

/// Who says that the room plays at a frame so near to the one it plays means where it is: the text
/// was under way.
const NEAR_MS: f64 = 500.0;

/// A client's own text, which is kept byte for byte.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AssetState {
    /// The text, of at most [`MAX_ASSET_STATE`] bytes.
    pub text: String,
    /// What it means.
    pub meant: Meant,
}

impl<T: Into<String>> From<T> for AssetState {
    /// A text that nobody understands.
    fn from(text: T) -> Self {
        Self { text: text.into(), meant: Meant::default() }
    }
}

/// Where a text wants the room to be, as far as it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meant {
    /// What to show.
    pub asset: Option<Asset>,
    /// Where in it.
    pub frame: Option<Frame>,
    /// Whether it plays.
    pub playing: Option<bool>,
}

impl Room {
    /// Sets the mode and, if there is one, the client's own text: what the contract's
    /// `set/review_session/state` does. The text alone may be set by whoever may drive. Where it is
    /// a host's and another than before, the room goes where it means, as far as it can: such a text
    /// does not name what its sender saw, so that nobody else's undoes what a host did.
    ///
    /// # Errors
    /// Why that may not be done.
    pub fn set_state(
        &mut self,
        now: Millis,
        user: UserId,
        sync_mode: SyncMode,
        asset_state: Option<AssetState>,
    ) -> Result<Effects, Refusal> {
        self.runs().map_err(|reason| self.refusal(reason))?;
        let host = self.is_host(user);
        let allowed = if host { Ok(()) } else { self.may_drive(user) };
        allowed.map_err(|reason| self.refusal(reason))?;
        if sync_mode != self.state.sync_mode && !host {
            return Err(self.refusal(Reason::NotHost));
        }
        if asset_state.as_ref().is_some_and(|state| state.text.len() > MAX_ASSET_STATE) {
            return Err(self.refusal(Reason::Bad("the asset state is longer than 64 KiB")));
        }
        let mut change = self.set_mode(sync_mode, user);
        let before = self.state.asset_state.as_ref();
        let other = asset_state.filter(|given| before != Some(&given.text));
        let new_text = other.is_some();
        if let Some(AssetState { text, meant }) = other {
            self.state.asset_state = Some(text);
            change = change.max(Change::Within).max(self.go(now, user, meant));
        }
        let users_changed = change == Change::Epoch;
        let effects = self.record(change, Some(user), host, "");
        Ok(Effects { users_changed, new_text, ..effects })
    }

    /// Goes where a text means. What the room cannot do of it is left: the text is not ours.
    fn go(&mut self, now: Millis, user: UserId, meant: Meant) -> Change {
        if !self.is_host(user) || self.may_drive(user).is_err() {
            return Change::Nothing;
        }
        let mut done = Change::Nothing;
        let shown = self.state.asset.map(|asset| asset.id);
        let other = meant.asset.filter(|asset| shown != Some(asset.id));
        if let Some(asset) = other {
            let load = Op::Load { asset, frame: meant.frame };
            match self.execute(now, load, user) {
                Ok(change) => done = change,
                Err(_) => return Change::Nothing,
            }
        }
        let frame =
            meant.frame.filter(|frame| other.is_none() && !self.is_near(now, *frame, meant));
        let op = match (meant.playing, frame) {
            // A clip that has come to its end plays, as far as anybody said: it does not begin anew.
            (Some(true), None) if self.state.playing => None,
            (Some(true), frame) => Some(Op::Play { frame }),
            (Some(false), Some(frame)) => Some(Op::Pause { frame }),
            (Some(false), None) if self.state.playing => {
                Some(Op::Pause { frame: self.state.frame_at(now) })
            }
            (None, Some(frame)) => Some(Op::Seek { frame }),
            (Some(false) | None, None) => None,
        };
        let then = op.and_then(|op| self.execute(now, op, user).ok());
        done.max(then.unwrap_or(Change::Nothing))
    }

    fn is_near(&self, now: Millis, frame: Frame, meant: Meant) -> bool {
        let line = self.state.timeline();
        // A clip that has come to its end still plays, as far as anybody said.
        let (here, plays) = (line.frame_at(now), self.state.playing);
        if !plays || meant.playing == Some(false) {
            return frame == here && plays == meant.playing.unwrap_or(plays);
        }
        let mut apart = frame.0.abs_diff(here.0);
        let frames = self.state.asset.and_then(|asset| asset.frames);
        if let Some((begin, end)) = self.state.looping.region(frames)
            && [frame, here].iter().all(|frame| (begin..end).contains(&frame.0))
        {
            // Across the seam of the loop.
            apart = apart.min(end.abs_diff(begin) - apart);
        }
        line.frame_ms().is_some_and(|frame_ms| apart as f64 * frame_ms <= NEAR_MS)
    }
}
