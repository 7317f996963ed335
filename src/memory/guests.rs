//! What is remembered of guests: since when each run lives, how often it was built in vain, and what is forgiven.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::desired::{Desired, Revision};
use crate::model::facts::Observed;
use crate::model::mark::Mark;
use crate::model::memory::{GuestMemory, Memory, Mended};
use crate::model::orders::Order;
use crate::model::policy::Restarts;
use crate::model::time::Timestamp;

/// Takes what was seen of the guests into memory.
pub fn remember(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    let domains = || {
        let ours = observed.domains_of(&desired.cluster);
        ours.map(|(domain, mark)| (mark, domain.run))
    };
    let lives: BTreeSet<&str> = domains().map(|(m, _)| m.generation.as_str()).collect();
    let usual = Restarts::default().longest_pause;
    for (mark, number) in domains() {
        let group = desired.group_of(&mark.instance);
        let long = group.map_or(usual, |g| g.restarts.longest_pause);
        let guest = memory.guests.entry(mark.instance.clone()).or_default();
        // Of two copies, only the one that was built last counts; the other one ends.
        let latest = guest.latest().filter(|l| lives.contains(l.as_str()));
        if latest.is_some_and(|latest| *latest != mark.generation) {
            continue;
        }
        let run = run(mark, number);
        if guest.run != run {
            let came = came_up(guest, &mark.generation);
            let answered = guest.answered.take();
            *guest = new_run(guest, run, long, observed.now);
            if let Some(at) = came {
                remember_beat(guest, 0, long, at);
                guest.answered = answered;
            }
        }
        if let Some(beat) = observed.beat_of(mark) {
            remember_beat(guest, beat.failures, long, observed.now);
            if let Some(group) = group.filter(|_| beat.failures == 0) {
                guest.answered = Some(group.heartbeat_of(mark.port).asked_at());
            }
        }
    }
}

/// The name of a run: see [`crate::plan::run_of`].
fn run(mark: &Mark, number: Option<u32>) -> String {
    match number {
        Some(number) => format!("{}/{number}", mark.generation),
        None => format!("{}/-", mark.generation),
    }
}

/// When a run began that is seen for the first time. A new life began when we built it, which may be long ago: a
/// single pass looks again only after it has waited for the guest in vain.
fn begin_of(old: &GuestMemory, run: &str, now: Timestamp) -> Timestamp {
    let life = |run: &str| run.rsplit_once('/').map(|(life, _)| life.to_owned());
    let same_life = life(&old.run) == life(run);
    // An older copy, on a host that came back, is none that we built then.
    let older = old.built.is_some() && old.built != life(run);
    let built = old.last_attempt.filter(|_| !same_life && !older);
    built.unwrap_or(now)
}

/// When a life that is seen for the first time gave the heartbeat that we waited for after we had built it.
fn came_up(old: &GuestMemory, generation: &str) -> Option<Timestamp> {
    let ours = old.built.as_deref() == Some(generation);
    let new = ours && !is_of(&old.run, generation);
    old.worked_on
        .filter(|at| new && Some(*at) >= old.last_attempt)
}

/// Whether a run is one of this life.
fn is_of(run: &str, generation: &str) -> bool {
    run.rsplit_once('/')
        .is_some_and(|(life, _)| life == generation)
}

/// Whether a life gave a heartbeat, as far as is remembered.
pub fn has_lived(guest: &GuestMemory, generation: &str) -> bool {
    let known = guest.healthy_since.is_some() && is_of(&guest.run, generation);
    known || came_up(guest, generation).is_some()
}

/// A guest gave the heartbeat that was waited for: from now on it has lived, also where it falls silent before the next look.
pub(super) fn remember_life(guest: &mut GuestMemory, generation: &str, now: Timestamp) {
    guest.failed_with = None;
    if is_of(&guest.run, generation) {
        guest.healthy_since.get_or_insert(now);
        guest.failing_since = None;
    }
}

/// Whether a guest was well for `long` until now.
fn was_well(guest: &GuestMemory, long: Duration, now: Timestamp) -> bool {
    let well = guest.healthy_since;
    guest.failing_since.is_none() && well.is_some_and(|since| now.since(since) >= long)
}

/// A run that ended before it was well for `long` is a crash; after a longer one, earlier ones are forgotten.
fn new_run(old: &GuestMemory, run: String, long: Duration, now: Timestamp) -> GuestMemory {
    let crashed = old
        .healthy_since
        .is_some_and(|since| now.since(since) < long);
    let mut new = GuestMemory {
        since: begin_of(old, &run, now),
        run,
        trials: old.trials.clone(),
        crashes: old.crashes.saturating_add(u32::from(crashed)),
        worked_on: old.worked_on,
        last_attempt: old.last_attempt,
        failed: old.failed,
        failed_with: old.failed_with.clone(),
        mended: old.mended.clone(),
        started: old.started,
        not_built: old.not_built.clone(),
        revision: old.revision.clone(),
        tried: old.tried.clone(),
        built: old.built.clone(),
        adopted: old.adopted.clone(),
        ..GuestMemory::default()
    };
    if was_well(old, long, now) {
        forget_trials(&mut new);
    }
    new
}

/// A guest that came up has not been tried in vain; one that crashed lately must be well for `long` before that counts.
fn remember_beat(guest: &mut GuestMemory, failures: u32, long: Duration, now: Timestamp) {
    if failures > 0 {
        if was_well(guest, long, now) {
            forget_trials(guest);
        }
        guest.failing_since.get_or_insert(now);
        return;
    }
    guest.failing_since = None;
    guest.failed_with = None;
    guest.healthy_since.get_or_insert(now);
    if guest.crashes == 0 || was_well(guest, long, now) {
        forget_trials(guest);
    }
}

/// The time between two mendings that belong to one row.
const ROW: Duration = Duration::from_secs(600);

/// Its files were put right. A row of that ends when they stay so for a while, or another state of the file comes.
pub(super) fn remember_mended(guest: &mut GuestMemory, revision: &Revision, now: Timestamp) {
    let row = guest.mended.take();
    let row = row.filter(|it| it.revision == *revision && now.since(it.last) < ROW);
    guest.mended = Some(Mended {
        count: row.as_ref().map_or(0, |row| row.count) + 1,
        since: row.map_or(now, |row| row.since),
        last: now,
        revision: revision.clone(),
    });
}

fn forget_trials(guest: &mut GuestMemory) {
    guest.trials.clear();
    guest.crashes = 0;
    guest.not_built = None;
}

/// Whether an order to try an instance again was not carried out yet.
pub fn is_open(retry: &Order, guest: &GuestMemory) -> bool {
    guest.last_attempt.is_none_or(|last| retry.at > last)
}

/// What may be the remedy gives those that failed a new chance: another state of the file, a host that is back, or a
/// person who says so.
pub fn forgive(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    let back = memory.hosts.values().any(|h| h.back == Some(observed.now));
    let failed = memory.guests.iter_mut();
    for (instance, guest) in failed.filter(|(_, guest)| !guest.trials.is_empty()) {
        let retried = observed.orders.retried.get(instance);
        let retried = retried.is_some_and(|order| is_open(order, guest));
        if back || retried || guest.tried.as_ref() != Some(&desired.revision) {
            forget_trials(guest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_heartbeat_ends_the_count_of_trials() {
        let mut guest = tried_thrice();
        remember_beat(&mut guest, 0, LONG, Timestamp(20));
        assert!(guest.trials.is_empty());
    }

    #[test]
    fn after_a_crash_only_long_health_ends_the_count_of_trials() {
        let long = LONG;
        let mut guest = tried_thrice();
        guest.crashes = 1;
        remember_beat(&mut guest, 2, long, Timestamp(10));
        assert_eq!(guest.failing_since, Some(Timestamp(10)));
        remember_beat(&mut guest, 0, long, Timestamp(20));
        assert_eq!(
            (guest.failing_since, guest.healthy_since),
            (None, Some(Timestamp(20)))
        );
        remember_beat(&mut guest, 0, long, Timestamp(119));
        assert!(!guest.trials.is_empty());
        remember_beat(&mut guest, 0, long, Timestamp(120));
        assert!(guest.trials.is_empty() && guest.crashes == 0);
    }

    #[test]
    fn long_health_ends_the_count_also_where_nobody_looked_before_it_ended() {
        let well_since = |since| GuestMemory {
            healthy_since: Some(Timestamp(since)),
            crashes: 1,
            ..tried_thrice()
        };
        let mut falls_silent = well_since(5);
        remember_beat(&mut falls_silent, 1, LONG, Timestamp(105));
        let stops = new_run(&well_since(5), "g/-".to_owned(), LONG, Timestamp(105));
        for guest in [falls_silent, stops] {
            assert!(guest.trials.is_empty() && guest.crashes == 0);
        }
        let too_early = new_run(&well_since(6), "g/-".to_owned(), LONG, Timestamp(105));
        assert_eq!((too_early.trials.len(), too_early.crashes), (1, 2));
    }

    const LONG: Duration = Duration::from_millis(100);

    fn tried_thrice() -> GuestMemory {
        GuestMemory {
            trials: [("a".parse().unwrap(), 3)].into(),
            ..GuestMemory::default()
        }
    }

    #[test]
    fn a_new_life_began_when_it_was_built() {
        let old = GuestMemory {
            run: "g/2".to_owned(),
            last_attempt: Some(Timestamp(5)),
            ..GuestMemory::default()
        };
        assert_eq!(
            new_run(&old, "h/3".to_owned(), LONG, Timestamp(9)).since,
            Timestamp(5)
        );
        assert_eq!(
            new_run(&old, "g/3".to_owned(), LONG, Timestamp(9)).since,
            Timestamp(9)
        );
    }

    #[test]
    fn a_life_that_came_up_before_it_was_looked_at_has_lived() {
        let built = GuestMemory {
            built: Some("web-1-2".to_owned()),
            run: "web-1-1/5".to_owned(),
            last_attempt: Some(Timestamp(10)),
            worked_on: Some(Timestamp(20)),
            ..tried_thrice()
        };
        assert_eq!(came_up(&built, "web-1-2"), Some(Timestamp(20)));
        assert!(has_lived(&built, "web-1-2"));
        assert_eq!(came_up(&built, "web-1-3"), None, "not built by us");
        assert_eq!(came_up(&built, "web-1-1"), None, "known already");
        let fails = GuestMemory {
            last_attempt: Some(Timestamp(30)),
            ..built
        };
        assert_eq!(came_up(&fails, "web-1-2"), None, "it was built since");
    }

    #[test]
    fn another_run_of_a_guest_is_not_healthy_because_the_last_one_was() {
        let old = GuestMemory {
            healthy_since: Some(Timestamp(5)),
            ..tried_thrice()
        };
        let new = new_run(&old, "g/2".to_owned(), LONG, Timestamp(9));
        assert_eq!((new.healthy_since, new.since), (None, Timestamp(9)));
        assert_eq!((new.trials, new.crashes), (old.trials, 1));
    }
}
