//! Viewers whose right has ended are sent away.

use std::{sync::Arc, time::Duration};

use rushes_signaling::whip::Viewers;

use crate::app::App;

use super::LiveAccess;

/// About how long a viewer may go on whose right has ended and nobody said so: rights end in many
/// ways, of which those of a room are told at once.
const LOOK: Duration = Duration::from_secs(15);
/// The pause after each right where it is known that one has ended, and not which.
const HURRY: Duration = Duration::from_millis(1);

/// Looks at the rights of viewers for as long as the server runs.
pub(super) async fn watch(app: Arc<App>, viewers: Viewers<LiveAccess>) {
    let end = || app.stop.cancelled();
    loop {
        tokio::select! {
            () = end() => return,
            () = look(&viewers, apart) => continue,
            () = app.rights.notified() => {}
        }
        tokio::select! {
            () = end() => return,
            () = look(&viewers, |_| HURRY) => {}
        }
    }
}

/// Looks at one right after the other, with a pause before each and after the last. A thousand of
/// them in one go take the processor for longer than a picture may be late.
async fn look(viewers: &Viewers<LiveAccess>, pause: impl Fn(usize) -> Duration) {
    let rights = viewers.rights();
    let pause = pause(rights.len());
    for right in &rights {
        tokio::time::sleep(pause).await;
        viewers.look(right).await;
    }
    tokio::time::sleep(pause).await;
}

/// The pause with which so many rights are looked at once in [`LOOK`].
fn apart(rights: usize) -> Duration {
    LOOK / u32::try_from(rights).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_spread_over_the_time_in_which_each_is_looked_at() {
        assert_eq!(apart(0), LOOK, "nobody is looked for all the time");
        assert_eq!(apart(2), Duration::from_secs(5));
        for rights in [1, 20, 1_000, usize::MAX] {
            assert!(apart(rights) * u32::try_from(rights.min(1_000) + 1).unwrap() <= LOOK);
        }
    }
}
