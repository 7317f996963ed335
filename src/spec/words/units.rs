//! Sizes and spans of time.

use std::time::Duration;

use super::Wrong;
use crate::model::unit::{Bytes, UnitError, parse_long_span, parse_span};

/// A size. The smallest that makes sense is the caller's to know.
pub fn size(text: &str, least: Bytes) -> Result<Bytes, Wrong> {
    let the_least = format!("the least is {least}");
    let parsed = Bytes::parse(text);
    // What would be too little with its unit, too, is not worth suggesting.
    let likely = Bytes::parse(&format!("{text}MiB")).is_ok_and(|likely| likely < least);
    match parsed {
        Ok(size) if size < least => Err(Wrong::new(format!("{text} is too little"), the_least)),
        Ok(size) => Ok(size),
        Err(error) if likely => Err(Wrong::new(error.to_string(), the_least)),
        Err(error) => Err(unit(error, text, "MiB")),
    }
}

/// A span of time, between a millisecond and a day.
pub fn span(text: &str) -> Result<Duration, Wrong> {
    let span = pause(text)?;
    match span.is_zero() {
        true => Err(Wrong::new("it can't be zero", "the least is 1ms")),
        false => Ok(span),
    }
}

/// A span of time of at most a day, or none.
pub fn pause(text: &str) -> Result<Duration, Wrong> {
    let span = parse_span(text).map_err(|error| unit(error, text, "s"))?;
    match span > Duration::from_secs(86_400) {
        true => Err(Wrong::new(
            format!("{text} is too long"),
            "the longest is 24h",
        )),
        false => Ok(span),
    }
}

/// A moment of a simulation, from its start: up to ten years.
pub fn moment(text: &str) -> Result<Duration, Wrong> {
    let span = parse_long_span(text).map_err(|error| unit(error, text, "s"))?;
    match span > Duration::from_secs(10 * 366 * 86_400) {
        true => Err(Wrong::new(
            format!("{text} is too long"),
            "the longest is ten years: 3650d",
        )),
        false => Ok(span),
    }
}

/// What people write for a unit, and what is meant.
const MEANT: [(&str, &str); 18] = [
    ("kb", "KiB"),
    ("mb", "MiB"),
    ("gb", "GiB"),
    ("tb", "TiB"),
    ("kib", "KiB"),
    ("mib", "MiB"),
    ("gib", "GiB"),
    ("tib", "TiB"),
    ("k", "KiB"),
    ("g", "GiB"),
    ("t", "TiB"),
    ("sec", "s"),
    ("secs", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minutes", "m"),
    ("hours", "h"),
];

fn unit(error: UnitError, text: &str, likely: &str) -> Wrong {
    let fraction = text.contains(['.', ',']);
    let help = match &error {
        UnitError::NoNumber(_) | UnitError::NoUnit(..) | UnitError::BadUnit(..) if fraction => {
            Some(format!(
                "write a whole number of a smaller unit, as in `500{}`",
                smaller(likely)
            ))
        }
        UnitError::NoNumber(_) => Some(format!("write a number and a unit, as in `4{likely}`")),
        UnitError::NoUnit(number, _) => Some(format!("write `{number}{likely}`, if that is meant")),
        UnitError::BadUnit(unit, _) => {
            let number = text.trim().trim_end_matches(unit.as_str()).trim_end();
            meant(unit, likely).map(|unit| format!("write `{number}{unit}`, if that is meant"))
        }
        UnitError::TooLarge(_) => None,
    };
    Wrong {
        message: error.to_string(),
        help,
    }
}

fn smaller(likely: &str) -> &'static str {
    match likely {
        "s" => "ms",
        _ => "MiB",
    }
}

fn meant(unit: &str, likely: &str) -> Option<&'static str> {
    // As a span it is a minute, and would not be here.
    if likely == "MiB" && unit.eq_ignore_ascii_case("m") {
        return Some("MiB");
    }
    let same = |(word, _): &&(&str, &str)| unit.eq_ignore_ascii_case(word);
    MEANT.iter().find(same).map(|(_, right)| *right)
}
