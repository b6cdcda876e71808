//! How often the media thread looks at what has come.

use std::time::Duration;

/// Rounds of receiving begin at least so far apart. Of a few sources nothing waits for that. Of
/// hundreds what came meanwhile is taken, made, and sent together, instead of waking one thread
/// after the other for each picture.
const APART: Duration = Duration::from_micros(500);
/// For each so many publishers they are as far apart once more: what a round costs by itself counts
/// the more the less it has to do for each of them.
const PUBLISHERS: usize = 25;
/// But no farther: viewers wait for it.
const FARTHEST: u32 = 4;

/// How far rounds begin apart with so many publishers.
pub(super) fn apart(publishers: usize) -> Duration {
    APART * u32::try_from(publishers / PUBLISHERS).unwrap_or(FARTHEST).clamp(1, FARTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_as_short_as_can_be_unless_there_are_many_publishers() {
        for (publishers, micros) in
            [(0, 500), (49, 500), (50, 1_000), (99, 1_500), (100, 2_000), (9_999, 2_000)]
        {
            assert_eq!(apart(publishers), Duration::from_micros(micros), "{publishers}");
        }
    }
}
