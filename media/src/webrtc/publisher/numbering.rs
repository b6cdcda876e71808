//! The numbers and timestamps under which a track is handed on: without a break, though the
//! client changes its source, and with room for what it left out.

use std::time::Instant;

/// Maps what a client counts to what is handed on.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    shift: i64,
    /// The lowest number that may still be handed on.
    floor: u64,
    top: Option<u64>,
    timestamps: u32,
    /// The latest timestamp that was handed on, and when.
    last: Option<(u32, Instant)>,
}

impl Numbering {
    /// The number and the timestamp of a packet; none if it came too late to have a number.
    pub(super) fn of(&mut self, now: Instant, seq: u64, timestamp: u32) -> Option<(u64, u32)> {
        let number = seq.checked_add_signed(self.shift).filter(|n| *n >= self.floor)?;
        self.top = Some(self.top.map_or(number, |top| top.max(number)));
        let timestamp = timestamp.wrapping_add(self.timestamps);
        let newer = self.last.is_none_or(|(last, _)| timestamp.wrapping_sub(last) < 1 << 31);
        if newer {
            self.last = Some((timestamp, now));
        }
        Some((number, timestamp))
    }

    /// The packet `seq` is the first of another source: it is the next one.
    pub(super) fn continued(&mut self, now: Instant, seq: u64, timestamp: u32, clock: u32) {
        let (Some(top), Some((last, at))) = (self.top, self.last) else { return };
        self.floor = top + 1;
        // Both are far below 63 bits.
        self.shift = self.floor as i64 - seq as i64;
        let since = now.saturating_duration_since(at).as_micros() as u64;
        let ticks = (since * u64::from(clock) / 1_000_000) as u32;
        self.timestamps = last.wrapping_add(ticks.max(clock / 30)).wrapping_sub(timestamp);
    }

    /// Makes room for a packet before the one that was given `number`, and gives that one the
    /// next.
    pub(super) fn insert_before(&mut self, number: u64) -> u64 {
        self.shift += 1;
        self.floor = number + 1;
        self.top = self.top.max(Some(number + 1));
        number + 1
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn another_source_goes_on_where_the_one_before_ended() {
        let start = Instant::now();
        let mut numbering = Numbering::default();
        numbering.continued(start, 500, 9, 90_000);
        assert_eq!(numbering.of(start, 500, 9), Some((500, 9)));
        assert_eq!(numbering.of(start, 502, 3_009), Some((502, 3_009)));
        assert_eq!(numbering.of(start, 501, 9), Some((501, 9)));
        let later = start + Duration::from_secs(2);
        numbering.continued(later, 40_000, 77, 90_000);
        assert_eq!(numbering.of(later, 40_000, 77), Some((503, 183_009)));
        assert_eq!(numbering.of(later, 39_999, 77), None, "its number is another's");
        assert_eq!(numbering.of(later, 40_002, 3_077), Some((505, 186_009)));
    }

    #[test]
    fn there_is_room_for_what_was_left_out() {
        let now = Instant::now();
        let mut numbering = Numbering::default();
        assert_eq!(numbering.of(now, 8, 0), Some((8, 0)));
        assert_eq!(numbering.insert_before(8), 9);
        assert_eq!(numbering.of(now, 9, 0), Some((10, 0)));
        assert_eq!(numbering.of(now, 7, 0), None);
    }
}
