//! Moments as people say them: `22:00`, or a whole one. Pure: the present moment and the time zone are handed in.

use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use super::time::Timestamp;

/// A moment as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// A moment, whole.
    At(Timestamp),
    /// The next time that clocks show this.
    Clock(Time),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Until::At(Timestamp(at.as_millisecond())));
        }
        let clock = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
        match text.parse() {
            Ok(time) if clock => Ok(Until::Clock(time)),
            Ok(_) | Err(_) => Err(
                "not a time: 22:00 (the next one, local time), or a moment with its zone, as in \
                 2026-05-01T22:00:00Z or 2026-05-01T22:00:00+02:00"
                    .to_owned(),
            ),
        }
    }
}

impl Until {
    /// The moment; in the future, or an error.
    pub fn resolve(self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
        let at = match self {
            Until::At(at) => Some(at),
            Until::Clock(time) => next(time, now, zone),
        };
        match at {
            Some(at) if at > now => Ok(at),
            Some(at) => Err(format!("{at} is past: it is {now} now")),
            None => Err("there is no such time".to_owned()),
        }
    }
}

/// The next moment at which clocks in `zone` show `time`.
fn next(time: Time, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let present = zoned(now, zone)?;
    let on = |day: jiff::civil::Date| {
        let at = day.to_datetime(time).to_zoned(present.time_zone().clone());
        at.ok().map(|at| Timestamp(at.timestamp().as_millisecond()))
    };
    let today = on(present.date())?;
    match today > now {
        true => Some(today),
        false => on(present.date().checked_add(1.day()).ok()?),
    }
}

fn zoned(at: Timestamp, zone: &TimeZone) -> Option<Zoned> {
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14T22:13:20Z
    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn until(text: &str) -> Result<String, String> {
        let at = text.parse::<Until>()?.resolve(NOW, &TimeZone::UTC)?;
        Ok(at.to_string())
    }

    #[test]
    fn a_time_of_day_is_the_next_one() {
        assert_eq!(until("23:00").unwrap(), "2023-11-14T23:00:00.000Z");
        assert_eq!(until("22:13").unwrap(), "2023-11-15T22:13:00.000Z");
        assert_eq!(until("06:30").unwrap(), "2023-11-15T06:30:00.000Z");
    }

    #[test]
    fn a_whole_moment_has_its_zone() {
        let at = until("2023-11-15T01:00:00+02:00").unwrap();
        assert_eq!(at, "2023-11-14T23:00:00.000Z");
        until("2023-11-15T01:00:00").unwrap_err();
    }

    #[test]
    fn what_is_past_is_refused() {
        let error = until("2023-11-14T22:13:20Z").unwrap_err();
        assert!(error.contains("is past: it is 2023-11-14T22:13:20.000Z now"));
    }

    #[test]
    fn what_is_no_time_is_refused_with_examples() {
        for text in ["", "soon", "22", "25:00", "22:00:00", "2h", "22:0", "٢٢:٠٠"] {
            let error = until(text).unwrap_err();
            assert!(error.contains("22:00"), "{text}: {error}");
        }
    }
}
