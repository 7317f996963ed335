//! Sizes and spans with their units, as they are written in `cluster.yaml`: `512MiB`, `200ms`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why a size or a span was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No number in front.
    #[error("{0:?} doesn't start with a whole number")]
    NoNumber(String),
    /// A number, and nothing behind it.
    #[error("{0:?} has no unit: write one of {1}")]
    NoUnit(String, &'static str),
    /// A unit that does not exist here.
    #[error("{0:?} is no unit here: write one of {1}")]
    BadUnit(String, &'static str),
    /// More than fits.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

const SIZE_UNITS: &str = "KiB, MiB, GiB, TiB";
const SPAN_UNITS: &str = "ms, s, m, h";
const LONG_SPAN_UNITS: &str = "ms, s, m, h, d";

fn split<'a>(text: &'a str, units: &'static str) -> Result<(u64, &'a str), UnitError> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.is_empty() {
        return Err(UnitError::NoNumber(text.to_owned()));
    }
    if unit.is_empty() {
        return Err(UnitError::NoUnit(text.to_owned(), units));
    }
    let number = number
        .parse()
        .map_err(|_| UnitError::TooLarge(text.to_owned()))?;
    Ok((number, unit.trim()))
}

/// A number of bytes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Reads `512MiB`. Only binary units: `MB` would leave open which megabyte is meant.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split(text, SIZE_UNITS)?;
        let factor: u64 = match unit {
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            other => return Err(UnitError::BadUnit(other.to_owned(), SIZE_UNITS)),
        };
        number
            .checked_mul(factor)
            .map(Bytes)
            .ok_or_else(|| UnitError::TooLarge(text.to_owned()))
    }

    /// Whole kibibytes, rounded down: what libvirt counts memory in.
    pub fn kib(self) -> u64 {
        self.0 >> 10
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
        let fitting = units
            .iter()
            .find(|(_, shift)| self.0 != 0 && self.0.trailing_zeros() >= *shift);
        match fitting {
            Some((unit, shift)) => f.pad(&format!("{}{unit}", self.0 >> shift)),
            None => f.pad(&format!("{}B", self.0)),
        }
    }
}

/// Reads a span: `200ms`, `4s`, `5m`, `2h`, `1h30m`.
pub fn parse_span(text: &str) -> Result<Duration, UnitError> {
    parse_units(text, SPAN_UNITS)
}

/// Reads a span that may be long: also `365d`, `1d12h`.
pub fn parse_long_span(text: &str) -> Result<Duration, UnitError> {
    parse_units(text, LONG_SPAN_UNITS)
}

fn parse_units(text: &str, units: &'static str) -> Result<Duration, UnitError> {
    let too_large = || UnitError::TooLarge(text.to_owned());
    let (mut sum, mut left) = (0_u64, Some(text));
    while let Some(part) = left {
        let (number, unit) = split(part, units)?;
        let is_word = |end: &usize| unit[..*end].trim().chars().all(char::is_alphabetic);
        let end = unit.find(|c: char| c.is_ascii_digit()).filter(is_word);
        left = end.map(|end| &unit[end..]);
        let factor = match unit[..end.unwrap_or(unit.len())].trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" if units == LONG_SPAN_UNITS => 86_400_000,
            other => return Err(UnitError::BadUnit(other.to_owned(), units)),
        };
        let span = number.checked_mul(factor);
        sum = span
            .and_then(|span| sum.checked_add(span))
            .ok_or_else(too_large)?;
    }
    Ok(Duration::from_millis(sum))
}

/// Prints a span for people, rounded down, in at most two units: `840 ms`, `4.2 s`, `3m12s`, `5h20m`, `3d4h`.
pub fn span(duration: Duration) -> String {
    let millis = duration.as_millis();
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{millis} ms"),
        1..10 if !millis.is_multiple_of(1000) => format!("{seconds}.{} s", millis / 100 % 10),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_span_may_be_in_days() {
        assert_eq!(parse_long_span("2d"), parse_span("48h"));
        assert_eq!(parse_long_span("90s"), parse_span("90s"));
        assert_eq!(parse_long_span("1d10m"), parse_span("24h10m"));
        assert!(parse_span("2d").is_err() && parse_span("1d2h").is_err());
        let error = parse_long_span("2y").unwrap_err().to_string();
        assert!(error.contains("h, d"), "{error}");
    }

    #[test]
    fn a_span_may_have_several_units() {
        assert_eq!(parse_span("1h30m"), parse_span("90m"));
        assert_eq!(parse_span("2m 10s"), parse_span("130s"));
        assert_eq!(parse_span(&"1s".repeat(1_000_000)), parse_span("1000000s"));
        assert!(parse_span("1.5s").is_err() && parse_span("2m10").is_err());
    }

    #[test]
    fn sizes_read_back_as_themselves() {
        for text in ["1KiB", "512MiB", "3GiB", "2TiB"] {
            assert_eq!(Bytes::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_size_without_a_binary_unit_is_refused() {
        assert!(matches!(Bytes::parse("512"), Err(UnitError::NoUnit(..))));
        assert!(matches!(Bytes::parse("512MB"), Err(UnitError::BadUnit(..))));
        assert!(matches!(Bytes::parse("MiB"), Err(UnitError::NoNumber(_))));
        assert!(matches!(
            Bytes::parse("99999999TiB"),
            Err(UnitError::TooLarge(_))
        ));
    }

    #[test]
    fn spans_are_printed_in_at_most_two_units() {
        let cases = [
            (840, "840 ms"),
            (4_200, "4.2 s"),
            (59_000, "59 s"),
            (192_000, "3m12s"),
            (19_200_000, "5h20m"),
        ];
        for (millis, text) in cases {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }
}
