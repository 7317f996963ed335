//! Random edits of the file: one key or some at once, beside a host that is out of sight, and at times taken back.

use super::case::Case;
use super::trouble::Troubles;

/// What is written, key by key: `services.api.replicas` and `3`; an empty value takes the key out of the file.
#[derive(Debug, Clone, Default)]
struct Edit(Vec<(String, String)>);

impl Edit {
    fn of(key: impl Into<String>, value: impl ToString) -> Self {
        Edit(vec![(key.into(), value.to_string())])
    }

    fn and(mut self, other: Edit) -> Self {
        self.0.extend(other.0);
        self
    }

    fn event(&self, at: u64) -> (u64, String) {
        let pairs: Vec<String> = self.0.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        (at, format!("edit: {{ {} }}", pairs.join(", ")))
    }

    /// The edit that writes again what was there at first.
    fn taken_back(&self, case: &Case) -> Self {
        let first = |(key, _): &(String, String)| (key.clone(), at_first(case, key));
        Edit(self.0.iter().map(first).collect())
    }
}

/// The value of a key in the file that a case begins with; empty: it has none.
fn at_first(case: &Case, key: &str) -> String {
    let mut parts = key.splitn(3, '.');
    let sections = match parts.next() {
        Some("hosts") => &case.hosts,
        Some("services") => &case.services,
        _ => &case.balancers,
    };
    let name = parts.next().unwrap_or_default();
    let Some(section) = sections.iter().find(|section| section.name == name) else {
        return String::new();
    };
    match parts.next() {
        None => section.value(),
        Some(key) => {
            let mut keys = section.keys.iter();
            let value = keys.find(|own| own.name == key);
            value.map(|key| key.value.clone()).unwrap_or_default()
        }
    }
}

impl Troubles<'_> {
    /// An edit, at times while a host is out of sight, and at times taken back.
    pub(super) fn edit(&mut self, at: u64) -> Vec<(u64, String)> {
        if self.draw.percent("a host leaves", 18) {
            return self.host_leaves(at);
        }
        if self.draw.percent("a host is added", 6) {
            let added = "{ address: 10.0.0.16, pool: 10.0.6.1-10.0.6.30 }";
            return vec![Edit::of("hosts.f", added).event(at)];
        }
        let (edit, for_good) = self.draw_edit();
        let mut events = Vec::new();
        let mut when = at;
        if self.draw.percent("while a host is away", 20) {
            let host = self.host();
            when = at + self.draw.number("how long before", 1, 20);
            events.push((at, format!("host {host}: cut")));
            events.push((when + self.while_of(), format!("host {host}: heal")));
        }
        events.push(edit.event(when));
        if !for_good || self.draw.percent("taken back", 25) {
            let back = when + self.while_of();
            events.push(edit.taken_back(self.case).event(back));
        }
        events
    }

    /// An edit, and whether the cluster can live with it for good.
    fn draw_edit(&mut self) -> (Edit, bool) {
        let for_good = |edit| (edit, true);
        match self.draw.number("what is edited", 0, 15) {
            0..=5 => self.service_edit(),
            6 | 7 => for_good(self.host_edit()),
            8 | 9 => for_good(Edit::of(format!("services.{}", self.service()), "")),
            _ => match self.balancers_edit() {
                Some(edit) => for_good(edit),
                None => self.service_edit(),
            },
        }
    }

    fn service_edit(&mut self) -> (Edit, bool) {
        let service = self.service();
        let key = |key| format!("services.{service}.{key}");
        let edit = match self.draw.number("edit of a service", 0, 8) {
            0..=2 => Edit::of(key("replicas"), self.draw.number("replicas", 0, 4)),
            3 if self.draw.percent("much memory", 50) => {
                let much = self.draw.one("how much", &[&300, &700, &1_500, &40_000]);
                return (Edit::of(key("memory"), format!("{much}MiB")), false);
            }
            3 | 4 => self.memory(&key("memory")),
            5 | 6 => {
                let version = self.draw.number("version", 2, 9);
                let run = format!("\"/usr/bin/serve --port {{{{port}}}} --version {version}\"");
                Edit::of(key("run"), run)
            }
            // A disk is made from its image: what is stateful keeps both.
            7 if !self.is_stateful(&service) => {
                let image = self.draw.one("another image", &["alpine", "wakes"]);
                Edit::of(key("image"), image)
            }
            _ => Edit::of(key("port"), self.draw.number("port", 8081, 8084)),
        };
        (edit, true)
    }

    fn memory(&mut self, key: &str) -> Edit {
        let little = self.draw.number("memory", 129, 140);
        Edit::of(key, format!("{little}MiB"))
    }

    /// A host gets another pool, that of another host, or another directory for disks.
    fn host_edit(&mut self) -> Edit {
        let (host, other) = (self.host(), self.host());
        let pool = |host: &str| format!("hosts.{host}.pool");
        let number = 1 + self
            .case
            .hosts
            .iter()
            .position(|h| h.name == host)
            .unwrap_or(0);
        let stateful = self.case.services.iter().any(|s| self.is_stateful(&s.name));
        match self.draw.number("edit of a host", 0, 4) {
            // Nobody carries disks there.
            0 if !stateful => Edit::of(format!("hosts.{host}.storage"), "/srv/elsewhere"),
            1 | 2 if host != other => {
                let (own, its) = (pool(&host), pool(&other));
                let given = Edit::of(&its, at_first(self.case, &own));
                let taken = match self.draw.percent("exchanged", 50) {
                    true => at_first(self.case, &its),
                    false => format!("10.0.{number}.40-10.0.{number}.70"),
                };
                Edit::of(own, taken).and(given)
            }
            _ => {
                let new = format!("10.0.{number}.40-10.0.{number}.70");
                Edit::of(pool(&host), new)
            }
        }
    }

    /// Load balancers get other VIPs, that of each other, or another name; at times they are to be made anew in the same
    /// edit, or fewer.
    fn balancers_edit(&mut self) -> Option<Edit> {
        let [one, others @ ..] = &self.case.balancers[..] else {
            return None;
        };
        let name = one.name.clone();
        let other = others.first().map(|other| other.name.clone());
        let mut edit = match self.draw.number("edit of a load balancer", 0, 8) {
            0 | 1 => self.renamed(&name),
            2..=4 => self.vip_given(&name, other.as_deref()),
            5 => {
                let last = self.draw.number("vip", 210, 212);
                Edit::of(format!("load_balancers.{name}.vip"), vip(last))
            }
            6 => {
                let replicas = self.draw.number("replicas of a load balancer", 1, 3);
                return Some(Edit::of(
                    format!("load_balancers.{name}.replicas"),
                    replicas,
                ));
            }
            7 => return Some(self.memory(&format!("load_balancers.{name}.memory"))),
            _ => {
                let timing = "{ every: 500ms, timeout: 600ms, retries: 3 }";
                return Some(Edit::of(format!("load_balancers.{name}.heartbeat"), timing));
            }
        };
        let is_renamed = edit.0.iter().any(|(_, value)| value.is_empty());
        for balancer in [Some(name), other].into_iter().flatten() {
            if is_renamed || !self.draw.percent("more of it", 30) {
                continue;
            }
            let key = |key| format!("load_balancers.{balancer}.{key}");
            edit = edit.and(match self.draw.percent("fewer", 40) {
                true => Edit::of(key("replicas"), 1),
                false => self.memory(&key("memory")),
            });
        }
        Some(edit)
    }

    fn renamed(&mut self, name: &str) -> Edit {
        let value = at_first(self.case, &format!("load_balancers.{name}"));
        Edit::of(format!("load_balancers.{name}"), "").and(Edit::of("load_balancers.gate", value))
    }

    /// The VIP goes to the other one, who gives its own for it or loses it; where there is no other, to a new one.
    fn vip_given(&mut self, name: &str, other: Option<&str>) -> Edit {
        let key = |name: &str| format!("load_balancers.{name}.vip");
        let Some(other) = other else {
            let service = self.service();
            let taker = format!(
                "{{ vip: {}, image: alpine, routes: {{ /a: {service} }} }}",
                vip(200)
            );
            return Edit::of(key(name), vip(210)).and(Edit::of("load_balancers.gate", taker));
        };
        let in_return = match self.draw.percent("swapped", 60) {
            true => vip(201),
            false => vip(211),
        };
        Edit::of(key(name), in_return).and(Edit::of(key(other), vip(200)))
    }

    /// A host is removed from the file; where the others might not do without it, it is put back.
    fn host_leaves(&mut self, at: u64) -> Vec<(u64, String)> {
        let leaves = Edit::of(format!("hosts.{}", self.host()), "");
        let mut events = vec![leaves.event(at)];
        let needed = self.case.hosts.len() < 4 || self.has_strict_rules();
        if needed || self.draw.percent("put back", 60) {
            let back = leaves.taken_back(self.case);
            events.push(back.event(at + self.while_of()));
        }
        events
    }

    /// Whether some guest is bound to a host, or may not be anywhere.
    fn has_strict_rules(&self) -> bool {
        let groups = self.case.services.iter().chain(&self.case.balancers);
        let mut keys = groups.flat_map(|group| &group.keys);
        keys.any(|key| key.name == "stateful" || key.value.contains("required"))
    }

    fn is_stateful(&self, service: &str) -> bool {
        let services = self.case.services.iter().filter(|s| s.name == service);
        let mut keys = services.flat_map(|s| &s.keys);
        keys.any(|key| key.name == "stateful")
    }
}

fn vip(last: u64) -> String {
    format!("10.0.0.{last}/16")
}
