//! Classes of changes, times of cron, time zones.

use std::time::Duration;

use super::{Wrong, quoted};
use crate::model::gate::Class;
use crate::model::unit::parse_long_span;

/// The longest window: one that is longer is always open.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);
/// A time that does not come within four years of this one does not come.
const SOME_TIME: &str = "2026-01-01T00:00:00Z";

/// The farthest-reaching class; none: not any.
pub fn class(text: &str) -> Result<Option<Class>, Wrong> {
    if text == "never" {
        return Ok(None);
    }
    let found = Class::ALL.into_iter().find(|class| class.word() == text);
    let known: Vec<&str> = Class::ALL.iter().map(|class| class.word()).collect();
    let wrong = || {
        Wrong::new(
            format!("{} is no class of changes", quoted(text)),
            format!("it can be never, {}", known.join(", ")),
        )
    };
    found.map(Some).ok_or_else(wrong)
}

/// When a window begins. The zone is a key of its own.
pub fn cron(text: &str) -> Result<String, Wrong> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let help = "minute, hour, day of the month, month, day of the week: `0 22 * * 1-5`";
    if fields.len() != 5 {
        let text = format!("{} has {} fields, not 5", quoted(text), fields.len());
        return Err(Wrong::new(text, help));
    }
    let normal = fields.join(" ");
    let parsed = cronexpr::parse_crontab(&format!("{normal} UTC"));
    let parsed = parsed.map_err(|error| {
        let why = error.to_string();
        let why = why
            .lines()
            .last()
            .unwrap_or_default()
            .trim_matches([' ', '|', '^']);
        Wrong::new(format!("{} is no time of cron: {why}", quoted(text)), help)
    })?;
    match parsed.find_next(SOME_TIME) {
        Ok(_) => Ok(normal),
        Err(_) => Err(Wrong::new(format!("{} never comes", quoted(text)), help)),
    }
}

/// How long a window lasts.
pub fn window_span(text: &str) -> Result<Duration, Wrong> {
    let wrong = |why: String| Wrong::new(why, "as in `6h`, from a minute to a week");
    let span = parse_long_span(text).map_err(|error| wrong(error.to_string()))?;
    match (Duration::from_secs(60)..=LONGEST).contains(&span) {
        true => Ok(span),
        false => Err(wrong(format!("{text} is out of range"))),
    }
}

/// A time zone by its name.
pub fn zone(text: &str) -> Result<String, Wrong> {
    match jiff::tz::TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Wrong::new(
            format!("{} is no time zone", quoted(text)),
            "write its name in the IANA database, as in `Europe/Berlin`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_cron_has_five_fields_and_comes_one_day() {
        assert_eq!(cron("0  22 * * 1-5").unwrap(), "0 22 * * 1-5");
        for wrong in [
            "",
            "0 22 * *",
            "0 22 * * 1-5 UTC",
            "0 25 * * *",
            "0 0 30 2 *",
            "@daily",
        ] {
            assert!(cron(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_zone_is_known_by_its_name_wherever_this_runs() {
        assert!(zone("Europe/Berlin").is_ok() && zone("UTC").is_ok());
        assert!(zone("Europe/Atlantis").is_err() && zone("../etc/passwd").is_err());
    }

    #[test]
    fn a_window_lasts_from_a_minute_to_a_week() {
        assert!(window_span("1m").is_ok() && window_span("7d").is_ok());
        assert!(window_span("59s").is_err() && window_span("8d").is_err());
    }
}
