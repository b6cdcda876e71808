//! The first and the last frames of a file, which may be shown beside frames that are not in it.

use super::scan::Run;

/// Encoders show no more frames than these before one that they send first. Where more are missing
/// the source was away, and what came after that is its own picture.
const AHEAD: i64 = 16;

/// Leaves out what is decoded after the first key frame and shown before it: some of it needs frames
/// that are not in the file (leading pictures, ITU-T H.265, 3.75).
pub(super) fn leave_leading_out(pictures: &mut Vec<Run>) {
    let Some(first) = pictures.iter().flatten().next().map(|place| place.at) else { return };
    for run in pictures.iter_mut() {
        run.retain(|place| place.at >= first);
    }
    pictures.retain(|run| !run.is_empty());
}

/// Leaves out everything from a frame on, counted in the order of decoding.
pub(super) fn leave_out_from(pictures: &mut Vec<Run>, from: usize) {
    let mut left = from;
    for run in pictures.iter_mut() {
        run.truncate(left);
        left -= run.len();
    }
    pictures.retain(|run| !run.is_empty());
}

/// Where, in the order of decoding, the last group begins that an encoder sends in another order than
/// it is shown in: what is shown later than all before it is sent after all of them. None where nothing
/// is sent before it is shown.
///
/// `shown` is when each frame is shown, in the order of decoding.
pub(super) fn last_group(shown: &[i64]) -> Option<usize> {
    let mut latest = *shown.first()?;
    let (mut group, mut reordered) = (None, false);
    for (number, at) in shown.iter().enumerate().skip(1) {
        if *at > latest {
            (group, latest) = (Some(number), *at);
        } else {
            // At the same moment is one of VP9 that is not shown by itself.
            reordered |= *at < latest;
        }
    }
    group.filter(|_| reordered)
}

/// Whether the group that begins there is torn: its frames that are sent last never came, and are
/// shown before one that did. All of it is then of no use: its frames that are shown before the hole
/// refer to the one that is sent first and shown last, and are not decoded without it.
///
/// `shown` is as above, by a clock that counts `frame` for each.
pub(super) fn is_torn(shown: &[i64], first: usize, frame: i64) -> bool {
    let place = |at: &i64| at.div_euclid(frame);
    let (earlier, group) = shown.split_at(first);
    let Some(before) = earlier.iter().map(place).max() else { return false };
    let mut places: Vec<i64> = group.iter().map(place).filter(|at| *at > before).collect();
    places.push(before);
    places.sort_unstable();
    let is_ahead = places.last().is_some_and(|last| last - before <= AHEAD + 1);
    is_ahead && places.windows(2).any(|pair| pair[1] - pair[0] > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An encoder's groups, each of a frame and the three that are shown before it.
    fn groups(count: i64, rest: &[i64]) -> Vec<i64> {
        let group = |n: i64| [4, 2, 1, 3].map(|at| (n * 4 + at) * 1000);
        let groups = (0..count).flat_map(group);
        [0].into_iter().chain(groups).chain(rest.iter().map(|at| at * 1000)).collect()
    }

    fn torn_from(shown: &[i64], frame: i64) -> Option<usize> {
        last_group(shown).filter(|first| is_torn(shown, *first, frame))
    }

    #[test]
    fn a_group_is_left_out_until_its_last_frame_is_there() {
        let sent = [12, 10, 9, 11, 16];
        let torn: Vec<Option<usize>> =
            (0..=sent.len()).map(|count| torn_from(&groups(2, &sent[..count]), 1000)).collect();
        assert_eq!(torn, [None, Some(9), Some(9), Some(9), None, Some(13)]);
    }

    #[test]
    fn what_is_missing_elsewhere_leaves_nothing_out() {
        // Within the file, and where the source was away for longer than encoders look ahead.
        assert_eq!(torn_from(&groups(2, &[13, 14, 15]), 1000), None);
        assert_eq!(torn_from(&groups(2, &[30]), 1000), None);
        assert_eq!(torn_from(&groups(2, &[25]), 1000), Some(9));
        // Nothing is sent before it is shown: a frame was left out, and that is all.
        assert_eq!(torn_from(&[0, 1000, 2000, 4000], 1000), None);
        assert_eq!(torn_from(&[0, 1000, 1000, 3000], 1000), None);
        assert_eq!(torn_from(&[], 1000), None);
        assert_eq!(torn_from(&[0], 1000), None);
    }

    #[test]
    fn a_frame_too_many_is_no_hole_and_hides_none() {
        // It shares its place with the one before (see the grid).
        let mut shown = groups(2, &[10]);
        shown.push(9_500);
        shown.push(9_000);
        assert_eq!(torn_from(&shown, 1000), None);
        shown.truncate(9);
        shown.extend([11_000, 9_500, 9_000]);
        assert_eq!(torn_from(&shown, 1000), Some(9));
    }
}
