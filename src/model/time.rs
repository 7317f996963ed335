//! A moment. Time is an input of every decision, never something a decision asks for.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01 UTC. Printed as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time that passed since `earlier`; zero when the clock went back.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The moment `after` this one.
    pub fn plus(self, after: Duration) -> Timestamp {
        let millis = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_add(millis))
    }

    /// For people, who need seconds only where there are some: `2026-11-22 03:34 UTC`.
    pub fn to_short(self) -> String {
        let format = match self.0.rem_euclid(60_000) >= 1_000 {
            true => "%Y-%m-%d %H:%M:%S UTC",
            false => "%Y-%m-%d %H:%M UTC",
        };
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => time.strftime(format).to_string(),
            Err(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => f.pad(&format!("{time:.3}")),
            Err(_) => f.pad("(out of range)"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Timestamp(time.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_as_itself() {
        let moment = Timestamp(1_700_000_000_123);
        let text = serde_json::to_string(&moment).unwrap();
        assert_eq!(text, "\"2023-11-14T22:13:20.123Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), moment);
    }

    #[test]
    fn seconds_are_told_where_there_are_some() {
        let told = |millis: i64| Timestamp(1_700_000_000_000 + millis).to_short();
        assert_eq!(told(0), "2023-11-14 22:13:20 UTC");
        assert_eq!(told(40_000), "2023-11-14 22:14 UTC");
    }

    #[test]
    fn a_clock_that_went_back_gives_no_negative_span() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
    }
}
