//! A random case as data: a small cluster and what happens to it. It is written as `cluster.yaml` and `scenario.yaml`,
//! and read by the real readers, so that whatever fails can be replayed with `reconcile rehearse`.

use std::fmt::Write as _;

/// A cluster, and what happens to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Case {
    /// What it was drawn from, and what chance is drawn from while it runs.
    pub seed: u64,
    /// Keys of `safety` and other top-level policies, each of which may be left out.
    pub safety: Vec<Key>,
    /// The hosts.
    pub hosts: Vec<Section>,
    /// The services.
    pub services: Vec<Section>,
    /// The load balancers.
    pub balancers: Vec<Section>,
    /// The hardware of hosts: `a: { clock: 95 }`.
    pub machines: Vec<Key>,
    /// What happens, each with what mends it.
    pub troubles: Vec<Trouble>,
    /// What is done for the cluster when all is over.
    pub mending: Trouble,
    /// How long it may take to be as desired afterwards, in seconds.
    pub lasts: u64,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Its value, as it is written.
    pub value: String,
    /// Whether it can be left out.
    pub optional: bool,
}

/// A host or a group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub keys: Vec<Key>,
    /// The services behind a load balancer.
    pub routes: Vec<String>,
}

/// Something bad, and what ends it: events with their seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trouble(pub Vec<(u64, String)>);

impl Key {
    /// One that must be there.
    pub fn must(name: &str, value: impl ToString) -> Self {
        Key {
            name: name.to_owned(),
            value: value.to_string(),
            optional: false,
        }
    }

    /// One that may be left out.
    pub fn may(name: &str, value: impl ToString) -> Self {
        Key {
            optional: true,
            ..Key::must(name, value)
        }
    }
}

impl Section {
    /// The value of a key, as a number.
    pub fn number(&self, name: &str) -> u64 {
        let key = self.keys.iter().find(|key| key.name == name);
        key.and_then(|key| key.value.parse().ok()).unwrap_or(0)
    }

    /// As it is written.
    pub fn line(&self) -> String {
        format!("{}: {}", self.name, self.value())
    }

    /// What is said of it, as it is written.
    pub fn value(&self) -> String {
        let mut keys: Vec<String> = self.keys.iter().map(Key::pair).collect();
        if !self.routes.is_empty() {
            let routes = self
                .routes
                .iter()
                .map(|service| format!("/{service}: {service}"));
            let routes: Vec<String> = routes.collect();
            keys.push(format!("routes: {{ {} }}", routes.join(", ")));
        }
        format!("{{ {} }}", keys.join(", "))
    }
}

impl Key {
    fn pair(&self) -> String {
        format!("{}: {}", self.name, self.value)
    }
}

impl Case {
    /// Every event, in the order of time.
    pub fn events(&self) -> Vec<&(u64, String)> {
        let troubles = self.troubles.iter().chain([&self.mending]);
        let mut events: Vec<_> = troubles.flat_map(|trouble| &trouble.0).collect();
        events.sort_by_key(|(at, _)| *at);
        events
    }

    /// Whether nobody says of a host that it is off while it is not.
    pub fn is_truthful(&self) -> bool {
        let mut off: Vec<&str> = Vec::new();
        for (_, what) in self.events() {
            if let Some(host) = what.strip_prefix("command: fence confirm ") {
                if !off.contains(&host) {
                    return false;
                }
            } else if let Some((host, "power off")) = happening(what) {
                off.push(host);
            } else if let Some((host, "power on" | "reboot")) = happening(what) {
                off.retain(|other| *other != host);
            }
        }
        true
    }

    /// `cluster.yaml`.
    pub fn cluster_yaml(&self) -> String {
        let mut text = String::from("cluster: demo\n\nnetworks:\n");
        text += "  lan: { cidr: 10.0.0.0/16, gateway: 10.0.0.1, bridge: br0 }\n\n";
        let top = self.safety.iter().filter(|key| key.name == "rebalance");
        for key in top {
            let _ = writeln!(text, "{}\n", key.pair());
        }
        let safety = self.safety.iter().filter(|key| key.name != "rebalance");
        let safety: Vec<String> = safety.map(Key::pair).collect();
        if !safety.is_empty() {
            let _ = writeln!(text, "safety: {{ {} }}\n", safety.join(", "));
        }
        text += &block("hosts", &self.hosts);
        text += "images:\n";
        text += "  alpine: { path: /var/lib/libvirt/images/alpine.qcow2 }\n";
        text += "  wakes: { path: /var/lib/libvirt/images/wakes.qcow2, provision: ssh, bootstrap: 10.0.0.9 }\n\n";
        text += &block("services", &self.services);
        text += &block("load_balancers", &self.balancers);
        text
    }

    /// `scenario.yaml`.
    pub fn scenario_yaml(&self, about: &str) -> String {
        let mut text = format!(
            "about: {about}\nseed: {}\nfor: {}s\n",
            self.seed, self.lasts
        );
        if !self.machines.is_empty() {
            text += "hosts:\n";
            for machine in &self.machines {
                let _ = writeln!(text, "  {}", machine.pair());
            }
        }
        text += "events:\n";
        for (at, what) in self.events() {
            let _ = writeln!(text, "  - {{ at: {at}s, {what} }}");
        }
        text
    }
}

/// `host a: cut` as its host and what happens to it.
fn happening(what: &str) -> Option<(&str, &str)> {
    what.strip_prefix("host ")?.split_once(": ")
}

fn block(name: &str, sections: &[Section]) -> String {
    if sections.is_empty() {
        return String::new();
    }
    let lines = sections
        .iter()
        .map(|section| format!("  {}\n", section.line()));
    format!("{name}:\n{}\n", lines.collect::<String>())
}
