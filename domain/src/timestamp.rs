//! Points in time as AppSync writes them. One fixed width, so that timestamps sort as text; must
//! never read a clock.

use std::fmt;

/// A UTC time with millisecond precision, between 1970 and 9999.
///
/// Its text form is that of AppSync's `$util.time.nowISO8601()`: `YYYY-MM-DDTHH:MM:SS.mmmZ`, exactly
/// three fractional digits (AppSync developer guide, "Time helpers in $util.time").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    epoch_ms: i64,
}

/// The text or number is not a time between 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an RFC 3339 time between 1970 and 9999, such as 2026-11-22T20:05:38.123Z")]
pub struct InvalidTimestamp;

/// 9999-12-30T22:00:00Z, the last moment jiff knows: a day short of the year 10000.
const MAX_MS: i64 = 253_402_207_200_000;

impl Timestamp {
    /// Reads RFC 3339 with any offset; digits beyond the millisecond are cut off.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        Self::from_epoch_ms(instant.as_millisecond())
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, the unit of SQS's SentTimestamp.
    pub fn from_epoch_ms(epoch_ms: i64) -> Result<Self, InvalidTimestamp> {
        if (0..=MAX_MS).contains(&epoch_ms) { Ok(Self { epoch_ms }) } else { Err(InvalidTimestamp) }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn epoch_ms(self) -> i64 {
        self.epoch_ms
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.epoch_ms) {
            Ok(instant) => write!(f, "{instant:.3}"),
            // Not reachable: the range was checked on the way in and lies inside jiff's.
            Err(_) => Err(fmt::Error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_has_exactly_three_fractional_digits() {
        for (given, written) in [
            ("2026-11-22T20:05:38.123Z", "2026-11-22T20:05:38.123Z"),
            ("2026-11-22T20:05:38Z", "2026-11-22T20:05:38.000Z"),
            ("2026-11-22T22:05:38.1+02:00", "2026-11-22T20:05:38.100Z"),
            ("2026-11-22T20:05:38.123999Z", "2026-11-22T20:05:38.123Z"),
            ("9999-12-30T21:59:59.999Z", "9999-12-30T21:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::parse(given).unwrap().to_string(), written);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "now",
            "2026-11-22",
            "1732300000",
            "2026-11-22T20:05:38",
            "1969-12-31T23:59:59Z",
            "-009999-01-01T00:00:00Z",
        ] {
            assert!(Timestamp::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Timestamp::from_epoch_ms(-1).is_err());
        assert!(Timestamp::from_epoch_ms(MAX_MS + 1).is_err());
    }
}
