//! The timecode of a recording: the time of day (UTC) at which its first picture was captured, by
//! its own frame rate.

use rushes_media::recording::FrameRate;

use crate::time::Millis;

const DAY_MS: i64 = 86_400_000;

/// The timecodes of the first and of the last of so many frames. At 29.97 and 59.94 frames a second
/// numbers are dropped (`HH:MM:SS;FF`), as SMPTE ST 12-1 has it, so that they keep to the clock.
pub(super) fn timecodes(start_ms: i64, rate: FrameRate, frames: u64) -> (String, String) {
    let (num, den) = (i64::from(rate.num), i64::from(rate.den));
    let of_day = start_ms.rem_euclid(DAY_MS);
    let nominal = ((num + den / 2) / den).max(1);
    let drop = if den == 1001 && nominal % 30 == 0 { nominal / 30 * 2 } else { 0 };
    let first = if drop > 0 {
        of_day * num / (1000 * den)
    } else {
        // The second of the clock, and the frame within it.
        of_day / 1000 * nominal + (of_day % 1000 * num / (1000 * den)).min(nominal - 1)
    };
    let last = first + i64::try_from(frames).unwrap_or(i64::MAX / 2).max(1) - 1;
    (label(first, nominal, drop), label(last, nominal, drop))
}

fn label(counted: i64, nominal: i64, drop: i64) -> String {
    let number = if drop > 0 { with_dropped(counted, nominal, drop) } else { counted };
    let (frame, seconds) = (number % nominal, number / nominal);
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    let mark = if drop > 0 { ';' } else { ':' };
    format!("{hours:02}:{minutes:02}:{:02}{mark}{frame:02}", seconds % 60)
}

/// The number of a counted frame where each minute but every tenth leaves out its first ones.
fn with_dropped(counted: i64, nominal: i64, drop: i64) -> i64 {
    let minute = nominal * 60 - drop;
    let ten = minute * 10 + drop;
    let (tens, rest) = (counted / ten, counted % ten);
    let minutes = if rest < drop { 0 } else { (rest - drop) / minute };
    counted + drop * (9 * tens + minutes)
}

/// What a recording is called: its source, and when it begins.
pub(super) fn named(source: &str, replay: bool, start: Millis) -> String {
    let text = start.to_string();
    let when = text.get(..19).unwrap_or_default().replace('T', " ");
    let kind = if replay { "replay " } else { "" };
    format!("{source} {kind}{when}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 20_000 * DAY_MS + DAY_MS / 2;

    fn first(start_ms: i64, num: u32, den: u32) -> String {
        timecodes(start_ms, FrameRate { num, den }, 1).0
    }

    #[test]
    fn it_is_the_time_of_day() {
        assert_eq!(first(NOON + 999, 25, 1), "12:00:00:24");
        assert_eq!(first(NOON + 61_500, 24, 1), "12:01:01:12");
        assert_eq!(first(NOON + 3_600_040, 24_000, 1001), "13:00:00:00");
        assert_eq!(first(NOON + 999, 24_000, 1001), "12:00:00:23");
        assert_eq!(first(NOON, 17_500, 1000), "12:00:00:00");
    }

    #[test]
    fn dropped_numbers_keep_to_the_clock() {
        for hour in 0..24i64 {
            let at = 20_000 * DAY_MS + hour * 3_600_000;
            let label = first(at, 30_000, 1001);
            // A tenth of a second in a whole day is what remains.
            let (whole, frame) = label.split_once(';').unwrap();
            let exact = whole == format!("{hour:02}:00:00") && frame.parse::<u32>().unwrap() < 4;
            let before = whole == format!("{:02}:59:59", (hour + 23) % 24);
            assert!(exact || before, "{label}");
        }
        let rate = FrameRate { num: 30_000, den: 1001 };
        let (_, last) = timecodes(20_000 * DAY_MS, rate, 1_801);
        assert_eq!(last, "00:01:00;02", "the first two numbers of the minute are left out");
    }

    #[test]
    fn the_last_frame_has_one_too() {
        let rate = FrameRate { num: 25, den: 1 };
        let codes = timecodes(NOON, rate, 26);
        assert_eq!(codes, ("12:00:00:00".to_owned(), "12:00:01:00".to_owned()));
        assert_eq!(timecodes(NOON - 40 + DAY_MS / 2, rate, 2).1, "00:00:00:00", "midnight");
    }

    #[test]
    fn names_say_when() {
        let start = Millis(1_769_847_300_042);
        assert_eq!(named("A cam", false, start), "A cam 2026-01-31 08:15:00");
        assert_eq!(named("A cam", true, start), "A cam replay 2026-01-31 08:15:00");
    }
}
