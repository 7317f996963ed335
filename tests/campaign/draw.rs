//! Random clusters: the same seed gives the same one.

use reconcile::sim::chance::Chance;

use super::case::{Case, Key, Section};
use super::judge;
use super::trouble::Troubles;

/// The services of a cluster, as many as it has.
const SERVICES: [&str; 3] = ["api", "shop", "mail"];
const BALANCERS: [&str; 2] = ["web", "front"];
/// So many guests come with edits at most: replicas of services, and another load balancer.
const EDITS_ADD: u64 = 12;
/// The last address of a pool that is small.
const SMALL_POOL: u64 = 9;
const HOSTS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// How long a cluster may take to be as desired when all is mended: a host that keeps coming and going gets guests only
/// after an hour.
const LASTS: u64 = 5400;

/// The case of a seed. One that the readers refuse is drawn again.
pub fn draw(seed: u64) -> Case {
    for again in 0_u64.. {
        let mut case = attempt(seed, seed.wrapping_add(again << 48));
        // An edit may ask for what the cluster can't be: that is no edit then.
        while judge::read(&case).is_err() {
            let is_edit = |what: &str| what.starts_with("edit");
            let edit = case
                .troubles
                .iter()
                .rposition(|t| t.0.iter().any(|(_, what)| is_edit(what)));
            match edit {
                Some(edit) => drop(case.troubles.remove(edit)),
                None => break,
            }
        }
        if case.is_truthful() && judge::read(&case).is_ok() {
            return case;
        }
    }
    unreachable!("some seed gives a cluster that can be read")
}

fn attempt(seed: u64, chance: u64) -> Case {
    let mut draw = Draw(Chance::new(chance));
    let mut case = draw.cluster();
    case.seed = seed;
    Troubles::new(&mut draw, &mut case).strike();
    case.lasts = LASTS;
    case
}

/// Chance, in the words of whoever draws.
pub struct Draw(Chance);

impl Draw {
    /// A number from `low` to `high`, both included.
    pub fn number(&mut self, what: &str, low: u64, high: u64) -> u64 {
        low + self.0.below(what, high - low + 1)
    }

    /// One of these.
    pub fn one<'a, T: ?Sized>(&mut self, what: &str, of: &[&'a T]) -> &'a T {
        let index = self.0.below(what, of.len() as u64);
        of[usize::try_from(index).unwrap_or(0)]
    }

    /// So many times of a hundred.
    pub fn percent(&mut self, what: &str, percent: u64) -> bool {
        self.0.below(what, 100) < percent
    }

    fn cluster(&mut self) -> Case {
        let hosts = self.number("hosts", 2, 5);
        let mut case = Case::default();
        let same = self.percent("fencing is the same everywhere", 60);
        let common = self.fencing(hosts);
        for name in HOSTS.iter().take(usize::try_from(hosts).unwrap_or(2)) {
            let own = self.fencing(hosts);
            let fencing = if same { common.clone() } else { own };
            case.hosts.push(self.host(name, fencing));
        }
        let services = self.number("services", 1, 3);
        for name in SERVICES.iter().take(usize::try_from(services).unwrap_or(1)) {
            let service = self.service(name, &case);
            case.services.push(service);
        }
        let balancers = self.number("balancers", 0, 2);
        for (index, name) in BALANCERS
            .iter()
            .take(usize::try_from(balancers).unwrap_or(0))
            .enumerate()
        {
            let balancer = self.balancer(name, index, &case);
            case.balancers.push(balancer);
        }
        case.safety = self.safety();
        let is_small = |key: &Key| key.value.ends_with(&format!(".{SMALL_POOL}"));
        if hosts == 2 && case.hosts.iter().any(|host| host.keys.iter().any(is_small)) {
            // Where one host alone has no room for all, some are turned away for ever.
            case.safety.retain(|key| key.name != "spare");
        }
        let guests = case.services.iter().chain(&case.balancers);
        let guests: u64 = guests.map(|group| group.number("replicas")).sum();
        for host in &case.hosts {
            if self.percent("a clock that drifts", 10) {
                let clock = self.number("clock", 90, 110);
                let machine = format!("{{ clock: {clock} }}");
                case.machines.push(Key::may(&host.name, machine));
            } else if self.percent("a small host", 10) {
                // Of guests of 128 MiB, one host of two still takes them all, and what edits add.
                let memory = 512 + 160 * (guests.max(6) + EDITS_ADD);
                let machine = format!("{{ memory: {memory}MiB }}");
                case.machines.push(Key::may(&host.name, machine));
            }
        }
        case
    }

    fn fencing(&mut self, hosts: u64) -> Option<String> {
        const AGENT: &str = "{ agent: fence_ipmilan, with: { ip: 10.1.0.1 } }";
        let kinds: &[&str] = match hosts {
            2 => &["", "manual", "agent", "libvirt"],
            _ => &["", "", "manual", "agent", "lease", "both", "libvirt"],
        };
        match self.one("fencing", kinds) {
            "" => None,
            "agent" => Some(AGENT.to_owned()),
            "both" => Some(format!("[{AGENT}, lease]")),
            plain => Some(plain.to_owned()),
        }
    }

    fn host(&mut self, name: &str, fencing: Option<String>) -> Section {
        let number = HOSTS.iter().position(|host| *host == name).unwrap_or(0) + 1;
        let size = match self.percent("a small pool", 10) {
            true => SMALL_POOL,
            false => 30,
        };
        let pool = format!("10.0.{number}.1-10.0.{number}.{size}");
        let mut keys = vec![
            Key::must("address", format!("10.0.0.{}", 10 + number)),
            Key::must("pool", pool),
        ];
        keys.extend(fencing.map(|fencing| Key::may("fencing", fencing)));
        if self.percent("a rack", 40) {
            let rack = self.one("rack", &["r1", "r2"]);
            keys.push(Key::may("labels", format!("{{ rack: {rack} }}")));
        }
        if self.percent("a priority", 10) {
            keys.push(Key::may("priority", 5));
        }
        Section {
            name: name.to_owned(),
            keys,
            routes: Vec::new(),
        }
    }

    fn service(&mut self, name: &str, so_far: &Case) -> Section {
        let replicas = self.number("replicas", 1, 4);
        let image = self.image();
        let mut keys = vec![
            Key::must("replicas", replicas),
            Key::must("image", image),
            Key::must("memory", "128MiB"),
            Key::must("port", 8080),
            Key::must("run", "\"/usr/bin/serve --port {{port}}\""),
        ];
        if self.percent("stateful", 35) {
            keys.push(Key::may("stateful", true));
        }
        self.policies(&mut keys, name, replicas, so_far);
        Section {
            name: name.to_owned(),
            keys,
            routes: Vec::new(),
        }
    }

    fn balancer(&mut self, name: &str, index: usize, so_far: &Case) -> Section {
        let replicas = self.number("balancer replicas", 1, 3);
        let image = self.image();
        let mut keys = vec![
            Key::must("vip", format!("10.0.0.{}/16", 200 + index)),
            Key::must("replicas", replicas),
            Key::must("image", image),
            Key::must("memory", "128MiB"),
        ];
        if self.percent("a quick heartbeat", 30) {
            let quick = "{ every: 200ms, timeout: 300ms, retries: 4 }";
            keys.push(Key::may("heartbeat", quick));
        }
        self.policies(&mut keys, name, replicas, so_far);
        let routed = |draw: &mut Draw| draw.percent("a route", 70);
        let services = so_far.services.iter().map(|service| service.name.clone());
        let mut routes: Vec<String> = services.filter(|_| routed(self)).collect();
        if routes.is_empty() {
            routes.push(so_far.services[0].name.clone());
        }
        Section {
            name: name.to_owned(),
            keys,
            routes,
        }
    }

    fn image(&mut self) -> &'static str {
        self.one("image", &["alpine", "alpine", "alpine", "wakes"])
    }

    fn policies(&mut self, keys: &mut Vec<Key>, name: &str, replicas: u64, so_far: &Case) {
        if self.percent("a budget", 30) {
            let surges = self.percent("surge", 20);
            let most = if surges { replicas } else { replicas - 1 };
            let least = self.number("min_available", 0, most);
            keys.push(Key::may("min_available", least));
            if surges {
                // Without it, nothing could ever be updated.
                keys.push(Key::must("surge", 1));
            }
        }
        if self.percent("settle", 15) {
            let settle = self.number("settle", 1, 30);
            keys.push(Key::may("settle", format!("{settle}s")));
        }
        if self.percent("restarts", 15) {
            let restarts = self.number("max_restarts", 0, 3);
            let moves = self.number("max_relocations", 0, 2);
            let value =
                format!("{{ max_restarts: {restarts}, max_relocations: {moves}, pause: 5s }}");
            keys.push(Key::may("restart", value));
        }
        if self.percent("placement", 40) {
            let surges = keys.iter().any(|key| key.name == "surge");
            let rules = self.placement(name, so_far, surges);
            keys.push(Key::may("placement", format!("{{ {rules} }}")));
        }
    }

    fn placement(&mut self, name: &str, so_far: &Case, surges: bool) -> String {
        let others: Vec<&str> = so_far.services.iter().map(|s| s.name.as_str()).collect();
        let other = others.first().copied().filter(|other| *other != name);
        let host = so_far.hosts[0].name.clone();
        let rule = self.number("placement rule", 0, 6);
        let rule = match (rule, other) {
            (0, _) => "spread: rack".to_owned(),
            // Where one more has no host of its own, nothing could be worked on.
            (1, _) if !surges => format!("anti_affinity: {{ required: {name} }}"),
            (2, _) => format!("hosts: {{ preferred: {host} }}"),
            (3, Some(other)) => format!("affinity: {{ preferred: {other} }}"),
            (4, Some(other)) => format!("anti_affinity: {{ preferred: {other} }}"),
            (5, _) => format!("pin: {{ 1: {host} }}"),
            _ => format!("anti_affinity: {{ preferred: {name} }}"),
        };
        match self.percent("failback", 30) {
            true => format!("{rule}, failback: true"),
            false => rule,
        }
    }

    fn safety(&mut self) -> Vec<Key> {
        let mut keys = Vec::new();
        let span = |value: u64| format!("{value}s");
        if self.percent("recover_after", 30) {
            let after = self.number("recover_after seconds", 10, 60);
            keys.push(Key::may("recover_after", span(after)));
        }
        if self.percent("rejoin_after", 30) {
            let after = self.number("rejoin_after seconds", 5, 60);
            keys.push(Key::may("rejoin_after", span(after)));
        }
        if self.percent("brake", 25) {
            let brake = self.one("brake percent", &["30%", "60%", "80%"]);
            keys.push(Key::may("brake", brake));
        }
        if self.percent("witnesses", 20) {
            keys.push(Key::may("witnesses", "gateway"));
        }
        if self.percent("spare", 15) {
            keys.push(Key::may("spare", 1));
        }
        if self.percent("lease", 15) {
            keys.push(Key::may("lease", "{ ttl: 20s, margin: 15s }"));
        }
        if self.percent("rebalance", 5) {
            keys.push(Key::may("rebalance", "{ hold: 1m, cooldown: 2m }"));
        }
        keys
    }
}
