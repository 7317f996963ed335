//! When changes may come into force: windows that allow, windows that deny. Pure: `now` is handed in.

use cronexpr::{Crontab, MakeTimestamp};

use crate::model::policy::{Changes, Window};
use crate::model::time::Timestamp;

/// So many moments are looked at for the next one at which it is open.
const TRIES: usize = 200;

/// Whether it is the time for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    /// Whether it is.
    pub open: bool,
    /// The next moment at which it will be, where it is not.
    pub opens: Option<Timestamp>,
    /// In words.
    pub text: String,
}

/// Looks at the windows.
pub fn look(rules: &Changes, now: Timestamp) -> Stand {
    let denied = rules.deny.iter().find_map(|w| Some((w, end(w, now)?)));
    if let Some((window, _)) = denied {
        return closed(rules, now, window, "a window denies changes");
    }
    let allowed = rules.allow.iter().find_map(|w| Some((w, end(w, now)?)));
    match (allowed, rules.allow.first()) {
        (Some((window, end)), _) => open(&format!("open until {}", told(window, end))),
        (None, None) => open("no window denies changes now"),
        (None, Some(window)) => closed(rules, now, window, "no window is open"),
    }
}

fn open(text: &str) -> Stand {
    Stand {
        open: true,
        opens: None,
        text: text.to_owned(),
    }
}

fn closed(rules: &Changes, now: Timestamp, window: &Window, why: &str) -> Stand {
    let opens = next_opening(rules, now);
    let text = match opens {
        Some(at) => format!("{why}; the next change may begin at {}", told(window, at)),
        None => format!("{why}, and none opens in sight"),
    };
    Stand {
        open: false,
        opens,
        text,
    }
}

/// The first moment after `now` at which changes may begin: the end of what denies, or the beginning of what allows.
fn next_opening(rules: &Changes, now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    for _ in 0..TRIES {
        let begins = rules.allow.iter().filter_map(|w| next(w, at));
        let ends = rules.deny.iter().filter_map(|w| end(w, at));
        // Where one denies until then, the beginning of another one may be over.
        at = begins.chain(ends).min()?;
        if is_open(rules, at) {
            return Some(at);
        }
    }
    None
}

fn is_open(rules: &Changes, at: Timestamp) -> bool {
    let within = |window: &Window| end(window, at).is_some();
    let allowed = rules.allow.is_empty() || rules.allow.iter().any(within);
    allowed && !rules.deny.iter().any(within)
}

/// When a window that is open at this moment closes: the last time that it began.
fn end(window: &Window, at: Timestamp) -> Option<Timestamp> {
    let lasts = i64::try_from(window.lasts.as_millis()).ok()?;
    let mut last = None;
    // One that began exactly so long ago is over.
    let mut begin = next(window, Timestamp(at.0.checked_sub(lasts)?))?;
    for _ in 0..TRIES {
        if begin > at {
            break;
        }
        last = Some(begin);
        begin = next(window, begin)?;
    }
    Some(last?.plus(window.lasts))
}

/// When a window begins after this moment.
fn next(window: &Window, after: Timestamp) -> Option<Timestamp> {
    let after = MakeTimestamp::from_millisecond(after.0).ok()?;
    let found = crontab(window)?.find_next(after).ok()?;
    Some(Timestamp(found.timestamp().as_millisecond()))
}

fn crontab(window: &Window) -> Option<Crontab> {
    cronexpr::parse_crontab(&window.crontab()).ok()
}

/// `2026-12-01 22:00 Europe/Berlin`
fn told(window: &Window, at: Timestamp) -> String {
    let zoned = jiff::Timestamp::from_millisecond(at.0).ok();
    let zoned = zoned.and_then(|at| at.in_tz(&window.zone).ok());
    zoned.map_or_else(
        || at.to_string(),
        |at| format!("{} {}", at.strftime("%Y-%m-%d %H:%M"), window.zone),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp(at.as_millisecond())
    }

    fn window(cron: &str, hours: u64, zone: &str) -> Window {
        Window {
            at: cron.to_owned(),
            lasts: Duration::from_secs(hours * 3600),
            zone: zone.to_owned(),
        }
    }

    fn rules(allow: &[Window], deny: &[Window]) -> Changes {
        Changes {
            allow: allow.to_vec(),
            deny: deny.to_vec(),
            ..Changes::default()
        }
    }

    #[test]
    fn a_window_is_open_from_its_beginning_to_just_before_its_end() {
        let nights = rules(&[window("0 22 * * *", 2, "UTC")], &[]);
        let open = |text| look(&nights, at(text)).open;
        assert!(!open("2026-05-01T21:59:59Z"));
        assert!(open("2026-05-01T22:00:00Z") && open("2026-05-01T23:59:59Z"));
        assert!(!open("2026-05-02T00:00:00Z"));
    }

    #[test]
    fn a_window_is_meant_in_its_time_zone_also_over_the_change_of_the_clocks() {
        let berlin = rules(&[window("0 22 * * *", 2, "Europe/Berlin")], &[]);
        assert!(look(&berlin, at("2026-07-01T20:30:00Z")).open);
        assert!(!look(&berlin, at("2026-01-01T20:30:00Z")).open);
        assert!(look(&berlin, at("2026-01-01T21:30:00Z")).open);
    }

    #[test]
    fn what_denies_comes_before_what_allows_and_the_next_opening_is_told() {
        let allow = [window("0 0 * * *", 24, "UTC")];
        let deny = [window("0 8 * * 1-5", 10, "UTC")];
        let daily = rules(&allow, &deny);
        // A Friday.
        let stand = look(&daily, at("2026-05-01T09:00:00Z"));
        assert!(!stand.open);
        assert_eq!(stand.opens, Some(at("2026-05-01T18:00:00Z")));
        assert_eq!(
            stand.text,
            "a window denies changes; the next change may begin at 2026-05-01 18:00 UTC"
        );
        assert!(look(&daily, at("2026-05-02T09:00:00Z")).open);
    }

    #[test]
    fn where_only_some_times_are_denied_all_others_are_open() {
        let deny = rules(&[], &[window("0 8 * * *", 1, "UTC")]);
        assert!(look(&deny, at("2026-05-01T07:00:00Z")).open);
        let stand = look(&deny, at("2026-05-01T08:30:00Z"));
        assert_eq!(stand.opens, Some(at("2026-05-01T09:00:00Z")));
    }

    #[test]
    fn a_window_that_is_always_denied_never_opens() {
        let never = rules(&[], &[window("0 * * * *", 2, "UTC")]);
        let stand = look(&never, at("2026-05-01T08:30:00Z"));
        assert_eq!((stand.open, stand.opens), (false, None));
    }

    proptest! {
        #[test]
        fn at_the_opening_that_is_told_it_is_open(
            minutes in 0i64..600_000, hour in 0u8..24, lasts in 1u64..30, deny in 0u8..24, long in 1u64..30,
        ) {
            let allow = window(&format!("0 {hour} * * 1-5"), lasts, "Europe/Berlin");
            let deny = window(&format!("30 {deny} * * *"), long, "America/New_York");
            let rules = rules(&[allow], &[deny]);
            let now = Timestamp(at("2026-01-01T00:00:00Z").0 + minutes * 60_000);
            let stand = look(&rules, now);
            if let Some(opens) = stand.opens {
                prop_assert!(!stand.open && opens > now);
                prop_assert!(look(&rules, opens).open);
                // Not a moment before.
                prop_assert!(!look(&rules, Timestamp(opens.0 - 1)).open);
            }
        }
    }
}
