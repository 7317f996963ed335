//! Moments as people read them: `22:00`. Pure: the present moment and the time zone are handed in.

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::model::time::Timestamp;

/// The time zone that moments are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Everywhere the same: what tests and machines read.
    Utc,
    /// That of this machine.
    Local,
}

impl Zone {
    /// The time zone itself.
    pub fn zone(self) -> TimeZone {
        match self {
            Zone::Utc => TimeZone::UTC,
            Zone::Local => TimeZone::system(),
        }
    }
}

fn zoned(at: Timestamp, zone: Zone) -> Option<Zoned> {
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(zone.zone()))
}

/// `22:00`, or with its day where that is another one: `2026-05-01 22:00`.
pub fn told(at: Timestamp, now: Timestamp, zone: Zone) -> String {
    match (zoned(at, zone), zoned(now, zone)) {
        (Some(at), Some(now)) if at.date() == now.date() => clock(&at),
        (Some(at), _) => format!("{} {}", at.strftime("%Y-%m-%d"), clock(&at)),
        (None, _) => at.to_string(),
    }
}

/// Seconds only where there are some: what ends at 22:00:30 still holds at 22:00.
fn clock(at: &Zoned) -> String {
    let format = if at.second() == 0 {
        "%H:%M"
    } else {
        "%H:%M:%S"
    };
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14T22:13:20Z
    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn a_moment_is_told_with_its_day_only_where_that_is_another_one() {
        let told = |millis| {
            told(
                NOW.plus(std::time::Duration::from_millis(millis)),
                NOW,
                Zone::Utc,
            )
        };
        assert_eq!(told(3_600_000), "23:13:20");
        assert_eq!(told(7_180_000), "2023-11-15 00:13");
    }
}
