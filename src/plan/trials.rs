//! How often an instance was built in vain: when it is tried again, when on another host, and when it counts as failed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::desired::Group;
use crate::model::id::HostId;
use crate::model::memory::{GuestMemory, NotBuilt};
use crate::model::policy::Restarts;
use crate::model::time::Timestamp;

/// The builds of an instance since it was well for long.
pub struct Trials<'a> {
    by_host: &'a BTreeMap<HostId, u32>,
    /// When the last one was known to be in vain, or began.
    last: Timestamp,
    /// How often it died soon after it had come up: before the first of these builds, and after some of them.
    deaths: u32,
    /// Why the last one could not even be built.
    pub not_built: Option<&'a NotBuilt>,
    rules: &'a Restarts,
}

impl<'a> Trials<'a> {
    /// Those of this instance; none where there were none.
    pub fn of(group: &'a Group, memory: Option<&'a GuestMemory>) -> Option<Self> {
        let memory = memory?;
        Some(Trials {
            by_host: Some(&memory.trials).filter(|trials| !trials.is_empty())?,
            last: memory.last_attempt.max(memory.failed)?,
            deaths: memory.crashes + u32::from(memory.healthy_since.is_some()),
            not_built: memory.not_built.as_ref(),
            rules: &group.restarts,
        })
    }

    /// Whether it was tried often enough on this host.
    pub fn is_enough(&self, host: &HostId) -> bool {
        let here = self.by_host.get(host);
        here.is_some_and(|trials| *trials >= self.rules.max_restarts)
    }

    /// The hosts that are not tried any more, as long as others may be.
    pub fn done_with(&self) -> Vec<&'a HostId> {
        let relocations = u32::try_from(self.by_host.len() - 1).unwrap_or(u32::MAX);
        if relocations >= self.rules.max_relocations {
            return Vec::new();
        }
        let hosts = self.by_host.keys();
        hosts.filter(|host| self.is_enough(host)).collect()
    }

    /// When it is tried again, where that is on this host.
    pub fn due(&self, host: &HostId) -> Timestamp {
        let trials = match self.is_enough(host) {
            true => self.all(),
            false => self.by_host.get(host).copied().unwrap_or(0),
        };
        self.last.plus(self.pause_after(trials))
    }

    fn all(&self) -> u32 {
        self.by_host.values().sum()
    }

    /// The pause after so many builds in a row: it doubles.
    fn pause_after(&self, trials: u32) -> Duration {
        let Some(doublings) = trials.checked_sub(1) else {
            return Duration::ZERO;
        };
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let pause = self.rules.pause.saturating_mul(factor);
        pause.min(self.rules.longest_pause)
    }

    /// In words: `built 9 times on hosts a, b, c, each time in vain`.
    pub fn words(&self) -> String {
        let hosts: Vec<&str> = self.by_host.keys().map(HostId::as_str).collect();
        let noun = if hosts.len() == 1 { "host" } else { "hosts" };
        let there = format!("{} on {noun} {}", times(self.all()), hosts.join(", "));
        match self.not_built {
            Some(NotBuilt { why, .. }) => format!("could not be built, tried {there}: {why}"),
            None => format!("built {there}{}", self.result()),
        }
    }

    /// Why it leaves a host, in words: `it does not come up on host b`.
    pub fn words_of(&self, host: &HostId) -> String {
        let not_built = self.not_built.filter(|not_built| not_built.host == *host);
        match (not_built, self.deaths) {
            (Some(NotBuilt { why, .. }), _) => format!("it can't be built on host {host}: {why}"),
            (None, 0) => format!("it does not come up on host {host}"),
            (None, 1) => format!("it died on host {host}, and does not come up again there"),
            (None, _) => format!("it dies on host {host} again soon after it comes up"),
        }
    }

    /// What became of the builds: the first of them was for the first death.
    fn result(&self) -> String {
        match (self.deaths, self.all()) {
            (0, 1) => ", in vain".to_owned(),
            (0, _) => ", each time in vain".to_owned(),
            (1, _) => " after it died, and not healthy since".to_owned(),
            (_, 1) => ", and dead again soon after it was healthy".to_owned(),
            (deaths, builds) if deaths > builds => {
                ", and dead again soon each time: it crashes in a loop".to_owned()
            }
            (deaths, _) => {
                let again = times(deaths - 1);
                format!(", and {again} dead again soon after it was healthy")
            }
        }
    }
}

fn times(n: u32) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let (by_host, rules) = (BTreeMap::new(), Restarts::default());
        let trials = Trials {
            by_host: &by_host,
            last: Timestamp(0),
            deaths: 0,
            not_built: None,
            rules: &rules,
        };
        let pauses = [0, 1, 2, 3, 7, 40].map(|n| trials.pause_after(n).as_secs());
        assert_eq!(pauses, [0, 10, 20, 40, 600, 600]);
    }

    #[test]
    fn who_leaves_a_host_says_whether_it_was_never_built_never_came_up_or_died() {
        let (rules, host) = (Restarts::default(), "b".parse().unwrap());
        let full = NotBuilt {
            host: "b".parse().unwrap(),
            why: "no space left on device".to_owned(),
        };
        let words = |deaths, not_built| {
            let trials = Trials {
                by_host: &BTreeMap::new(),
                last: Timestamp(0),
                deaths,
                not_built,
                rules: &rules,
            };
            trials.words_of(&host)
        };
        assert_eq!(
            words(0, Some(&full)),
            "it can't be built on host b: no space left on device"
        );
        assert_eq!(words(0, None), "it does not come up on host b");
        assert_eq!(
            words(1, None),
            "it died on host b, and does not come up again there"
        );
        assert_eq!(
            words(3, None),
            "it dies on host b again soon after it comes up"
        );
    }

    #[test]
    fn it_is_said_what_became_of_the_builds() {
        let (rules, host) = (Restarts::default(), || "a".parse().unwrap());
        let not_built = NotBuilt {
            host: host(),
            why: "no space left on device".to_owned(),
        };
        let words = |builds, deaths, not_built| {
            let trials = Trials {
                by_host: &[(host(), builds)].into(),
                last: Timestamp(0),
                deaths,
                not_built,
                rules: &rules,
            };
            trials.words()
        };
        assert_eq!(
            words(2, 0, None),
            "built twice on host a, each time in vain"
        );
        assert_eq!(
            words(9, 1, None),
            "built 9 times on host a after it died, and not healthy since"
        );
        assert_eq!(
            words(1, 2, None),
            "built once on host a, and dead again soon after it was healthy"
        );
        assert_eq!(
            words(5, 3, None),
            "built 5 times on host a, and twice dead again soon after it was healthy"
        );
        assert_eq!(
            words(2, 3, None),
            "built twice on host a, and dead again soon each time: it crashes in a loop"
        );
        assert_eq!(
            words(3, 1, Some(&not_built)),
            "could not be built, tried 3 times on host a: no space left on device"
        );
    }
}
