//! The `cluster.yaml` of a test: the base cluster, and what a test changes of it.

use std::fmt;

use super::lab::Lab;

/// A cluster of three hosts, a service `random` and a load balancer `web`.
#[derive(Debug, Clone)]
pub struct Spec {
    pub replicas: u32,
    pub memory: String,
    pub port: u16,
    pub vip: String,
    /// Name servers of the guests, as YAML.
    pub dns: String,
    /// Pools of the hosts a, b and c.
    pub pools: [String; 3],
    /// `path: service`, beside `/random`.
    pub routes: Vec<String>,
    /// YAML that is put under `services:`, already indented by two.
    pub services: String,
    /// YAML that is put under `images:`, already indented by two.
    pub images: String,
    /// Without any service and load balancer but those in `services`.
    pub empty: bool,
    /// What stands under `safety:`, on one line.
    pub safety: String,
    /// What else is said of the service, as YAML that is already indented by four.
    pub policies: String,
    /// What the service runs.
    pub run: String,
    /// How the load balancers are asked for their heartbeats. Patient, so that a machine that is short of time for a
    /// moment looks like no failure.
    pub watched: String,
    /// What is reserved on each host.
    pub reserve: String,
    /// What stands under `rebalance:`, on one line.
    pub rebalance: String,
    /// What stands under `changes:`, on one line.
    pub changes: String,
    known_hosts: String,
    identity: String,
}

impl Spec {
    /// The base cluster on this lab.
    pub fn base(lab: &Lab) -> Spec {
        let path = |file| lab.ssh(file).display().to_string();
        Spec {
            replicas: 3,
            memory: "96MiB".to_owned(),
            port: 8080,
            vip: "192.168.10.120".to_owned(),
            dns: "[]".to_owned(),
            pools: ["10-192.168.10.19", "20-192.168.10.29", "30-192.168.10.39"]
                .map(|tail| format!("192.168.10.{tail}")),
            routes: Vec::new(),
            services: String::new(),
            images: String::new(),
            empty: false,
            safety: String::new(),
            policies: String::new(),
            run: "/usr/bin/stateless --port {{port}}".to_owned(),
            watched: "every: 500ms, timeout: 2s, retries: 4, grace: 1m".to_owned(),
            reserve: "0MiB".to_owned(),
            rebalance: String::new(),
            changes: String::new(),
            known_hosts: path("known_hosts"),
            identity: path("id_ed25519"),
        }
    }

    /// The same with a change.
    pub fn with(&self, change: impl FnOnce(&mut Spec)) -> Spec {
        let mut spec = self.clone();
        change(&mut spec);
        spec
    }

    /// A file of host keys that is not the lab's own.
    pub fn known_hosts(mut self, file: &std::path::Path) -> Spec {
        self.known_hosts = file.display().to_string();
        self
    }
}

/// What makes an emulated guest boot quickly; see `tests/lab/README.md`.
const CMDLINE: &str = "console=ttyS0 net.ifnames=0 quiet nokaslr mitigations=off no_timer_check tsc=reliable \
random.trust_cpu=on cryptomgr.notests 8250.nr_uarts=1 i8042.nopnp i8042.noaux rcupdate.rcu_expedited=1";

/// The files of the lab's image, on every host.
pub const MICRO: &str = "path: /var/lib/libvirt/images/micro.qcow2, kernel: /var/lib/libvirt/images/vmlinuz, \
initrd: /var/lib/libvirt/images/initrd";

/// An image of the lab, with what is special about it.
pub fn image(name: &str, special: &str) -> String {
    format!("  {name}: {{ {MICRO}, cmdline: \"{CMDLINE}\", init: busybox, {special} }}\n")
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([a, b, c], reserve) = (&self.pools, &self.reserve);
        write!(
            f,
            "cluster: t
networks:
  lan: {{ cidr: 192.168.10.0/24, gateway: 192.168.10.254, bridge: br0, dns: {} }}
hosts:
  a: {{ address: 192.168.10.2, user: root, accelerator: tcg, reserve: {reserve}, pool: {a} }}
  b: {{ address: 192.168.10.3, user: root, accelerator: tcg, reserve: {reserve}, pool: {b} }}
  c: {{ address: 192.168.10.4, user: root, accelerator: tcg, reserve: {reserve}, pool: {c} }}
ssh: {{ identity: {}, known_hosts: {} }}
images:
{}{}",
            self.dns,
            self.identity,
            self.known_hosts,
            image("micro", "provision: cloud-init"),
            self.images
        )?;
        if !self.safety.is_empty() {
            writeln!(f, "safety: {{ {} }}", self.safety)?;
        }
        if !self.changes.is_empty() {
            writeln!(f, "changes: {{ {} }}", self.changes)?;
        }
        if !self.rebalance.is_empty() {
            writeln!(f, "rebalance: {{ {} }}", self.rebalance)?;
        }
        if self.empty {
            return match self.services.as_str() {
                "" => writeln!(f, "services: {{}}"),
                services => write!(f, "services:\n{services}"),
            };
        }
        let Spec {
            replicas,
            memory,
            port,
            vip,
            services,
            run,
            policies,
            watched,
            ..
        } = self;
        write!(
            f,
            "services:
  random:
    replicas: {replicas}
    image: micro
    memory: {memory}
    port: {port}
    run: {run}
    heartbeat: {{ path: /heartbeat, every: 500ms, timeout: 2s, retries: 4, grace: 1m }}
{policies}{services}load_balancers:
  web:
    vip: {vip}/24
    replicas: 2
    image: micro
    memory: 96MiB
    heartbeat: {{ {watched} }}
    routes:
      /random: {{ service: random, timeout: 1s }}
"
        )?;
        self.routes
            .iter()
            .try_for_each(|route| writeln!(f, "      {route}"))
    }
}
