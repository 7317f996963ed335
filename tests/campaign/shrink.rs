//! Makes a failing case small: whatever can be left out without the failure going away is left out, until nothing can.

use super::case::{Case, Section};
use super::judge::{self, Wrong};

/// How many runs a shrinking may take.
const PATIENCE: usize = 600;

/// The smallest case that was found to fail in the same way.
pub fn shrink(case: &Case, wrong: &Wrong) -> Case {
    let mut shrinker = Shrinker {
        best: case.clone(),
        kind: &wrong.kind,
        left: PATIENCE,
    };
    while shrinker.round() {}
    shrinker.best
}

/// How much there is of a case.
pub fn size(case: &Case) -> usize {
    let keys = sections(case).map(|section| 1 + section.keys.len() + section.routes.len());
    keys.sum::<usize>() + case.safety.len() + case.machines.len() + case.events().len()
}

struct Shrinker<'a> {
    best: Case,
    kind: &'a str,
    left: usize,
}

impl Shrinker<'_> {
    /// Tries everything once. Whether anything could be left out.
    fn round(&mut self) -> bool {
        let mut smaller = false;
        smaller |= self.without_troubles();
        smaller |= self.each(|case| case.hosts.len(), without_host);
        smaller |= self.each(
            |case| case.balancers.len(),
            |case, n| drop(case.balancers.remove(n)),
        );
        smaller |= self.each(|case| case.services.len(), without_service);
        smaller |= self.each(
            |case| case.safety.len(),
            |case, n| drop(case.safety.remove(n)),
        );
        smaller |= self.each(
            |case| case.machines.len(),
            |case, n| drop(case.machines.remove(n)),
        );
        smaller |= self.each(|case| sections(case).count() * 16, without_key);
        smaller |= self.each(|case| sections(case).count(), with_fewer_replicas);
        smaller |= self.each(|case| case.troubles.len() * 4, without_event);
        smaller |= self.each(
            |case| case.mending.0.len(),
            |case, n| {
                // Without the last mending, a cluster would rightly stay as it is.
                if case.mending.0[n].1.ends_with("power on") {
                    case.mending.0.remove(n);
                }
            },
        );
        smaller | self.sooner()
    }

    /// Half of the troubles, a quarter, …, one.
    fn without_troubles(&mut self) -> bool {
        let mut smaller = false;
        let mut chunk = self.best.troubles.len().div_ceil(2);
        while chunk > 0 {
            let mut from = 0;
            while from < self.best.troubles.len() {
                let to = (from + chunk).min(self.best.troubles.len());
                let gone = self.attempt(|case| drop(case.troubles.drain(from..to)));
                smaller |= gone;
                from += if gone { 0 } else { chunk };
            }
            chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2) };
        }
        smaller
    }

    /// Leaves out one thing after the other, the last first.
    fn each(&mut self, count: impl Fn(&Case) -> usize, out: impl Fn(&mut Case, usize)) -> bool {
        let mut smaller = false;
        for n in (0..count(&self.best)).rev() {
            if n < count(&self.best) {
                smaller |= self.attempt(|case| out(case, n));
            }
        }
        smaller
    }

    /// Less time before, between and after events.
    fn sooner(&mut self) -> bool {
        let mut smaller = false;
        for n in 0..self.best.events().len() {
            let before = if n == 0 {
                0
            } else {
                self.best.events()[n - 1].0
            };
            let (at, _) = *self.best.events()[n];
            for gap in [0, 10, 60, (at - before) / 2] {
                if gap < at - before && self.attempt(|case| hasten(case, at, at - before - gap)) {
                    smaller = true;
                    break;
                }
            }
        }
        for lasts in [60, 300, 900] {
            let shorter = lasts < self.best.lasts && self.kind != NOT_DESIRED;
            if shorter && self.attempt(|case| case.lasts = lasts) {
                return true;
            }
        }
        smaller
    }

    /// Keeps a smaller case that fails in the same way.
    fn attempt(&mut self, change: impl FnOnce(&mut Case)) -> bool {
        let mut smaller = self.best.clone();
        change(&mut smaller);
        if smaller == self.best || self.left == 0 || !smaller.is_truthful() {
            return false;
        }
        if judge::read(&smaller).is_err() {
            return false;
        }
        self.left -= 1;
        let same = judge::judge(&smaller).is_some_and(|wrong| wrong.kind == self.kind);
        if same {
            self.best = smaller;
        }
        same
    }
}

const NOT_DESIRED: &str = "not as desired at the end";

/// Everything from `at` on happens so many seconds earlier.
fn hasten(case: &mut Case, at: u64, by: u64) {
    let troubles = case.troubles.iter_mut().chain([&mut case.mending]);
    let events = troubles.flat_map(|trouble| &mut trouble.0);
    for event in events.filter(|event| event.0 >= at) {
        event.0 -= by;
    }
}

fn sections(case: &Case) -> impl Iterator<Item = &Section> {
    case.hosts
        .iter()
        .chain(&case.services)
        .chain(&case.balancers)
}

fn sections_mut(case: &mut Case) -> impl Iterator<Item = &mut Section> {
    let groups = case.services.iter_mut().chain(&mut case.balancers);
    case.hosts.iter_mut().chain(groups)
}

fn without_key(case: &mut Case, n: usize) {
    if let Some(section) = sections_mut(case).nth(n / 16) {
        let key = n % 16;
        if section.keys.get(key).is_some_and(|key| key.optional) {
            section.keys.remove(key);
        }
    }
}

fn with_fewer_replicas(case: &mut Case, n: usize) {
    let section = sections_mut(case).nth(n);
    let key = section.and_then(|s| s.keys.iter_mut().find(|key| key.name == "replicas"));
    if let Some(key) = key {
        let replicas: u64 = key.value.parse().unwrap_or(1);
        key.value = replicas.saturating_sub(1).max(1).to_string();
    }
}

/// A trouble that has no end to be mended may lose an event.
fn without_event(case: &mut Case, n: usize) {
    let trouble = &mut case.troubles[n / 4];
    let harmless = |what: &str| {
        let starts = ["command: fence", "command: retry"];
        starts.iter().any(|start| what.starts_with(start)) || what.ends_with("thaw")
    };
    if trouble.0.get(n % 4).is_some_and(|(_, what)| harmless(what)) {
        trouble.0.remove(n % 4);
    }
}

/// A host leaves with all that happens to it.
fn without_host(case: &mut Case, n: usize) {
    let host = case.hosts.remove(n).name;
    case.machines.retain(|machine| machine.name != host);
    let about = [
        format!("host {host}:"),
        format!(" {host}"),
        format!("hosts.{host}."),
        format!("host/{host}"),
    ];
    let mentions = |what: &str| {
        what.starts_with(&about[0])
            || what.starts_with("command")
                && (what.ends_with(&about[1]) || what.ends_with(&about[3]))
            || what.contains(&about[2])
    };
    forget(case, mentions);
    for (_, what) in case.troubles.iter_mut().flat_map(|t| &mut t.0) {
        if what.starts_with("partition: [") {
            *what = what
                .replace(&format!(", {host}]"), "]")
                .replace(&format!("[{host}, "), "[");
            *what = what.replace(&format!(", {host}, "), ", ");
        }
    }
}

/// A service leaves with all that happens to it.
fn without_service(case: &mut Case, n: usize) {
    let service = case.services.remove(n).name;
    for balancer in &mut case.balancers {
        balancer.routes.retain(|route| *route != service);
    }
    case.balancers
        .retain(|balancer| !balancer.routes.is_empty());
    let names: Vec<String> = case
        .services
        .iter()
        .chain(&case.balancers)
        .map(|s| s.name.clone())
        .collect();
    forget(case, |what| {
        let instance = what
            .strip_prefix("instance ")
            .or(what.strip_prefix("command: retry "));
        let group = instance.and_then(|rest| rest.split('-').next());
        group.is_some_and(|group| !names.iter().any(|name| name == group))
            || what.contains(&format!("services.{service}."))
            || what.ends_with(&format!("service/{service}"))
    });
}

fn forget(case: &mut Case, mentions: impl Fn(&str) -> bool) {
    for trouble in case.troubles.iter_mut().chain([&mut case.mending]) {
        trouble.0.retain(|(_, what)| !mentions(what));
    }
    case.troubles.retain(|trouble| !trouble.0.is_empty());
}
