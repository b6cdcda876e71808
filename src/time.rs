//! Wall-clock time: milliseconds of the Unix epoch inside, ISO 8601 UTC on the wire.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{
    Date, OffsetDateTime, PrimitiveDateTime, UtcOffset, format_description::well_known::Iso8601,
    macros::format_description,
};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
///
/// JSON: `"2026-01-31T08:15:00.000Z"`. Reading also takes other offsets, a time without one
/// (meaning UTC), and a bare date (meaning its midnight).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub i64);

/// A text that is not an ISO 8601 date, or one outside the years 0 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 8601 date")]
pub struct InvalidDate;

/// The first and last milliseconds that the text form can express with four digits of year.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

impl Millis {
    /// The present, by the machine's clock.
    #[must_use]
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // A clock before 1970 is a broken clock; the epoch is as good as any other answer.
        Self(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This time, later by `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ms))
    }

    /// The end of its day (UTC), which is the beginning of the next.
    #[must_use]
    pub fn end_of_day(self) -> Self {
        const DAY: i64 = 86_400_000;
        Self(self.0.div_euclid(DAY).saturating_add(1).saturating_mul(DAY))
    }

    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let ms = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clamped = self.0.clamp(*RANGE.start(), *RANGE.end());
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(clamped) * 1_000_000)
            .map_err(|_| fmt::Error)?;
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        f.write_str(&time.format(&format).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Millis {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let time = OffsetDateTime::parse(text, &Iso8601::PARSING)
            .or_else(|_| {
                PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc)
            })
            .or_else(|_| {
                Date::parse(text, &Iso8601::PARSING).map(|date| date.midnight().assume_utc())
            })
            .map_err(|_| InvalidDate)?;
        let ms = time.to_offset(UtcOffset::UTC).unix_timestamp_nanos().div_euclid(1_000_000);
        let ms = i64::try_from(ms).map_err(|_| InvalidDate)?;
        RANGE.contains(&ms).then_some(Self(ms)).ok_or(InvalidDate)
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_clients_send() {
        let expected = Ok(Millis(1_769_847_300_000));
        for text in [
            "2026-01-31T08:15:00.000Z",
            "2026-01-31T08:15:00Z",
            "2026-01-31T08:15:00",
            "2026-01-31T10:15:00+02:00",
            "2026-01-31T08:15:00.000000Z",
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        assert_eq!("2026-01-31".parse(), Ok(Millis(1_769_817_600_000)));
        for text in ["", "yesterday", "2026-13-01", "1769847300000", "2026-01-31T25:00:00Z"] {
            assert_eq!(text.parse::<Millis>(), Err(InvalidDate), "{text}");
        }
    }

    #[test]
    fn writes_utc_with_milliseconds() {
        assert_eq!(Millis(1_769_847_300_042).to_string(), "2026-01-31T08:15:00.042Z");
        assert_eq!(Millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn differences_never_go_below_zero() {
        assert_eq!(Millis(5).since(Millis(9)), Duration::ZERO);
        assert_eq!(Millis(9).since(Millis(5)), Duration::from_millis(4));
        assert_eq!(Millis(i64::MAX).plus(Duration::from_secs(1)), Millis(i64::MAX));
    }

    proptest! {
        #[test]
        fn text_round_trips(ms in RANGE) {
            prop_assert_eq!(Millis(ms).to_string().parse(), Ok(Millis(ms)));
        }
    }
}
