//! What the user wants: `cluster.yaml`, complete. Defaults are filled in, names are resolved, files are read.
//! A value of these types has passed validation; nothing behind `spec` checks it a second time.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::commit::Commit;
use super::id::{ClusterName, GroupId, HostId, ImageId, InstanceId, NetworkId, ReceiverName};
use super::orders::Scope;
use super::policy::{
    Budget, Changes, FenceAgent, Fencing, Percent, PlacementRules, Rebalance, Restarts, Safety,
};
use super::receiver::Receiver;
use super::secret::Secret;
use super::unit::Bytes;

/// The desired state of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The cluster's name: part of every domain's name and mark.
    pub cluster: ClusterName,
    /// The file it came from, as the user named it.
    pub file: String,
    /// What identifies this text: the first 12 hex digits of the SHA-256 of the file and all it includes.
    pub revision: Revision,
    /// The commit that it is from, where it is from one.
    pub commit: Option<Commit>,
    /// Networks by name.
    pub networks: BTreeMap<NetworkId, Network>,
    /// Hosts by name.
    pub hosts: BTreeMap<HostId, Host>,
    /// Base images by name.
    pub images: BTreeMap<ImageId, Image>,
    /// Services and load balancers by name.
    pub groups: BTreeMap<GroupId, Group>,
    /// How careful the controller is.
    pub safety: Safety,
    /// How changes of this file come into force.
    pub changes: Changes,
    /// Whether and when guests are moved only to even out the load.
    pub rebalance: Option<Rebalance>,
    /// How machines are logged in to.
    pub ssh: SshAccess,
    /// Built-in templates that the user replaced, by name (`nginx.conf`).
    pub templates: BTreeMap<String, Template>,
    /// Values that templates may use as `{{secret.NAME}}` and that no output shows.
    pub secrets: BTreeMap<String, Secret>,
    /// Who is told what happens.
    pub notify: BTreeMap<ReceiverName, Receiver>,
    /// Where in the file each key stands.
    pub lines: Lines,
}

impl Desired {
    /// Whether a host is known, and not in the file any more.
    pub fn is_leaving(&self, host: &HostId) -> bool {
        self.hosts.get(host).is_some_and(Host::is_leaving)
    }

    /// Whether the machine of `host` is known, by whatever name.
    pub fn has_machine_of(&self, host: &Host) -> bool {
        let mut all = self.hosts.values();
        all.any(|other| (&other.address, other.port) == (&host.address, host.port))
    }

    /// Whether a host is known: by its name, or by its machine under another one.
    pub fn knows(&self, host: &Host) -> bool {
        self.hosts.contains_key(&host.id) || self.has_machine_of(host)
    }

    /// Whether two instances of one name must never be there at once: what is stateful would lose data, a VIP or a bootstrap
    /// address would be there twice. Others may run twice for a while.
    pub fn is_single(&self, group: &Group) -> bool {
        let image = self.images.get(&group.image);
        let bootstraps = image.is_some_and(|i| matches!(i.provision, Provision::Ssh { .. }));
        group.stateful || matches!(group.role, Role::LoadBalancer(_)) || bootstraps
    }

    /// What may be paused and is called so, without its kind: a service or load balancer, or a host.
    pub fn scope_named(&self, name: &str) -> Option<Scope> {
        let group = self.groups.keys().find(|group| group.as_str() == name);
        let host = self.hosts.keys().find(|host| host.as_str() == name);
        let group = group.cloned().map(Scope::Group);
        group.or_else(|| host.cloned().map(Scope::Host))
    }

    /// All instances that should exist, in order.
    pub fn instances(&self) -> impl Iterator<Item = (InstanceId, &Group)> {
        self.groups.values().flat_map(|group| {
            (1..=group.replicas).map(move |index| (InstanceId::new(&group.id, index), group))
        })
    }

    /// The line where the group of `instance` stands.
    pub fn line_of(&self, instance: &InstanceId) -> Option<Line> {
        self.lines.of(&self.group_of(instance)?.key())
    }

    /// The group that `instance` belongs to, where it still exists.
    pub fn group_of(&self, instance: &InstanceId) -> Option<&Group> {
        self.groups.get(&instance.group)
    }

    /// The load balancers, in order.
    pub fn load_balancers(&self) -> impl Iterator<Item = (&Group, &LoadBalancer)> {
        self.groups.values().filter_map(|group| match &group.role {
            Role::LoadBalancer(lb) => Some((group, lb)),
            Role::Service(_) => None,
        })
    }
}

/// The digest that identifies one state of the desired files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub String);

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// A line of the user's file, or of one that it includes. Programs see it as the keys `line` and, only where it is an
/// included file, `file`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Line {
    /// The line, from 1.
    pub line: u32,
    /// The included file that it is in; none: the file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<SmolStr>,
}

impl Line {
    /// A line of the file itself.
    pub fn of(line: u32) -> Line {
        Line { line, file: None }
    }

    /// `cluster.yaml:14`, where `main` is the name of the file itself.
    pub fn place(&self, main: &str) -> String {
        format!("{}:{}", self.file.as_deref().unwrap_or(main), self.line)
    }
}

/// Short: a whole file has hundreds of them.
impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.file {
            None => write!(f, "{}", self.line),
            Some(file) => write!(f, "{file}:{}", self.line),
        }
    }
}

/// How a line stands among the keys of what it belongs to: `line` is always there, and null where none is known.
pub mod line_or_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use smol_str::SmolStr;

    use super::Line;

    #[derive(Serialize, Deserialize)]
    struct Keys {
        line: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<SmolStr>,
    }

    /// As two keys.
    pub fn serialize<S: Serializer>(at: &Option<Line>, to: S) -> Result<S::Ok, S::Error> {
        let keys = Keys {
            line: at.as_ref().map(|at| at.line),
            file: at.as_ref().and_then(|at| at.file.clone()),
        };
        keys.serialize(to)
    }

    /// From the same; histories and memories of earlier versions have only the first one.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Line>, D::Error> {
        let Keys { line, file } = Keys::deserialize(from)?;
        Ok(line.map(|line| Line { line, file }))
    }
}

/// Where keys stand: dotted path (`services.random.memory`) to line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines(pub BTreeMap<String, Line>);

impl Lines {
    /// The line of `path`, or of the nearest key above it that was written.
    pub fn of(&self, path: &str) -> Option<Line> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(line.clone());
            }
            path = path.rsplit_once('.')?.0;
        }
    }
}

/// A network that guests are attached to through a bridge that exists on every host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its addresses.
    pub cidr: Ipv4Net,
    /// The default route of guests; none for an isolated network.
    pub gateway: Option<Ipv4Addr>,
    /// The bridge's name on the hosts.
    pub bridge: String,
    /// Name servers for guests.
    pub dns: Vec<Ipv4Addr>,
}

/// A machine that runs guests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub id: HostId,
    /// What ssh connects to: an address or a host name (also an alias of the user's ssh configuration).
    pub address: String,
    /// The port of its sshd; none leaves it to the user's ssh configuration.
    pub port: Option<u16>,
    /// The user to log in as; none leaves it to the user's ssh configuration.
    pub user: Option<String>,
    /// The network that its pool belongs to.
    pub network: NetworkId,
    /// The addresses that its guests get theirs from.
    pub pool: Pool,
    /// How guests' processors are run.
    pub accelerator: Accelerator,
    /// The directory for images and disks on this host.
    pub storage: String,
    /// What is said of it, for placement: `rack: r1`.
    pub labels: BTreeMap<String, String>,
    /// Hosts with a higher one are filled first.
    pub priority: i32,
    /// Memory that its guests may not have.
    pub reserve: Bytes,
    /// How many virtual processors may share its processors, of each hundred.
    pub overcommit: Percent,
    /// What makes sure that nothing runs on it any more, in the order in which it is tried. Never written down: a device
    /// has secrets.
    #[serde(skip)]
    pub fencing: Vec<Fencing>,
    /// Whether it is in the file.
    #[serde(skip)]
    pub membership: Membership,
}

/// Whether a host is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Membership {
    /// It is.
    #[default]
    Member,
    /// It was, and guests of ours are on it still, or may be: it gets no more, and is forgotten without them.
    Leaving,
}

impl Host {
    /// Its fencing devices that are programs.
    pub fn agents(&self) -> impl Iterator<Item = &FenceAgent> {
        self.fencing.iter().filter_map(|device| match device {
            Fencing::Agent(agent) => Some(agent),
            Fencing::Libvirt | Fencing::Lease | Fencing::Manual => None,
        })
    }

    /// Whether it is not in the file any more.
    pub fn is_leaving(&self) -> bool {
        self.membership == Membership::Leaving
    }

    /// What a host has of what may be left out in the file, in a cluster of `hosts` hosts.
    pub const RESERVE: Bytes = Bytes(512 << 20);
    /// Eight virtual processors to each of the host.
    pub const OVERCOMMIT: Percent = Percent(800);

    /// How a host is fenced where the file does not say it: with three or more, a guard can tell by the others that it
    /// is cut off.
    pub fn usual_fencing(hosts: usize) -> Vec<Fencing> {
        match hosts {
            0..=2 => vec![Fencing::Manual],
            _ => vec![Fencing::Lease],
        }
    }
}

/// The addresses of a pool: inclusive ranges, in the order they were written, none overlapping another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool(pub Vec<(Ipv4Addr, Ipv4Addr)>);

impl Pool {
    /// Whether `address` belongs to the pool.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.0
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&address))
    }

    /// Its addresses, in order.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.0
            .iter()
            .flat_map(|(first, last)| (u32::from(*first)..=u32::from(*last)).map(Ipv4Addr::from))
    }

    /// Its address number `n`, from 0.
    pub fn nth(&self, mut n: u64) -> Option<Ipv4Addr> {
        for (first, last) in &self.0 {
            let (first, last) = (u64::from(u32::from(*first)), u64::from(u32::from(*last)));
            if n <= last - first {
                return u32::try_from(first + n).ok().map(Ipv4Addr::from);
            }
            n -= last - first + 1;
        }
        None
    }

    /// How many addresses it has.
    pub fn size(&self) -> u64 {
        self.0
            .iter()
            .map(|(first, last)| u64::from(u32::from(*last)) - u64::from(u32::from(*first)) + 1)
            .sum()
    }
}

/// How guests' processors are run on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// KVM where a probe shows that it really works, else emulation.
    Auto,
    /// KVM, or nothing.
    Kvm,
    /// Emulation (QEMU's TCG).
    Tcg,
}

/// A base image: guests get an overlay on it and never write to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name.
    pub id: ImageId,
    /// The disk itself.
    pub disk: ImageFile,
    /// A kernel to boot directly, where the image has no boot loader.
    pub kernel: Option<ImageFile>,
    /// The initial RAM disk that belongs to the kernel.
    pub initrd: Option<ImageFile>,
    /// The kernel's command line.
    pub cmdline: Option<String>,
    /// How a fresh guest gets its address.
    pub provision: Provision,
    /// The user to log in to guests as.
    pub user: String,
    /// What starts daemons in the guest.
    pub init: Init,
    /// Whether `/etc/network/interfaces` of its guests is written by us.
    pub interfaces: bool,
}

/// A file that a host must have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageFile {
    /// Its path on the host; relative paths are below the host's storage directory.
    pub path: String,
    /// The file on the controller that is copied there; none when the host has it already.
    pub source: Option<ImageSource>,
}

/// A local file that is copied to hosts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageSource {
    /// The local path, resolved against the directory of `cluster.yaml`.
    pub path: std::path::PathBuf,
    /// The SHA-256 of its content, in hex.
    pub sha256: String,
    /// Its size.
    pub size: Bytes,
}

/// How a fresh guest gets its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provision {
    /// A NoCloud seed: <https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html>.
    CloudInit,
    /// The image boots with this address; we log in there and give the guest its own. One guest at a time.
    Ssh {
        /// The address that every fresh guest of the image has.
        bootstrap: Ipv4Addr,
    },
}

/// What starts daemons in a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// Whatever the guest turns out to have.
    Auto,
    /// systemd.
    Systemd,
    /// OpenRC, as on Alpine.
    Openrc,
    /// busybox init with `/etc/inittab`.
    Busybox,
    /// None of them: a supervising shell loop.
    None,
}

/// Equal guests: the instances of a service, or of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub id: GroupId,
    /// How many instances.
    pub replicas: u32,
    /// What they boot from.
    pub image: ImageId,
    /// Virtual processors of each.
    pub cpus: u32,
    /// Memory of each.
    pub memory: Bytes,
    /// Size of each one's disk; none keeps that of the image.
    pub disk: Option<Bytes>,
    /// How each shows that it lives.
    pub heartbeat: Heartbeat,
    /// Files that each gets besides the built-in ones.
    pub files: Vec<FileSpec>,
    /// The environment of its process.
    pub env: BTreeMap<String, String>,
    /// Whether no instance may ever run twice, and none may lose its disk.
    pub stateful: bool,
    /// Whether its instances survive its block in the file.
    pub protect: bool,
    /// Where its instances may be.
    pub placement: PlacementRules,
    /// How many of them may be away.
    pub budget: Budget,
    /// How many of its replicas are there only as long as others are replaced; a file never has any.
    pub extra: u32,
    /// How many of the extra ones are made, the first ones; the others only stay while they are there.
    pub surged: u32,
    /// What is done with those that don't come up.
    pub restarts: Restarts,
    /// What it is for.
    pub role: Role,
}

impl Group {
    /// Whether the instance with this number is there only as long as others are replaced.
    pub fn is_extra(&self, index: u32) -> bool {
        index > self.replicas.saturating_sub(self.extra)
    }

    /// The key of the group in the file, for [`Lines::of`].
    pub fn key(&self) -> String {
        match self.role {
            Role::Service(_) => format!("services.{}", self.id),
            Role::LoadBalancer(_) => format!("load_balancers.{}", self.id),
        }
    }

    /// The port that it serves on.
    pub fn port(&self) -> u16 {
        match &self.role {
            Role::Service(service) => service.port,
            Role::LoadBalancer(lb) => lb.port,
        }
    }

    /// The heartbeat of an instance as long as it is set up to serve on this port.
    pub fn heartbeat_of(&self, port: u16) -> Heartbeat {
        let follows = self.heartbeat.port == self.port();
        let port = if follows { port } else { self.heartbeat.port };
        self.heartbeat.at_port(port)
    }
}

/// What a group is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Runs a program.
    Service(Service),
    /// Spreads requests over services, and holds a VIP.
    LoadBalancer(LoadBalancer),
}

/// A stateless service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The port that every instance serves on.
    pub port: u16,
    /// The command that runs it in the foreground, a template; none when the image starts it by itself.
    pub run: Option<String>,
}

/// A load balancer: nginx in guests, one of which holds the VIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBalancer {
    /// The public address.
    pub vip: Ipv4Net,
    /// The port that clients connect to.
    pub port: u16,
    /// What goes where; the longest path is first.
    pub routes: Vec<Route>,
}

impl LoadBalancer {
    /// Whether it sends requests to `service`.
    pub fn routes_to(&self, service: &GroupId) -> bool {
        self.routes.iter().any(|route| route.service == *service)
    }
}

/// Requests below `path` go to `service`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The start of the request's path.
    pub path: String,
    /// The service that answers.
    pub service: GroupId,
    /// How long a connection to an instance may take before the next one is tried.
    pub connect_timeout: Duration,
    /// How long an instance may be silent before the next one is tried (where the request may be repeated).
    pub timeout: Duration,
}

/// How an instance shows that it lives: HTTP GET, answered with 200 and `OK`, plain, as JSON, or as a
/// server-sent event `data: {"status": "OK"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// The path.
    pub path: String,
    /// The port.
    pub port: u16,
    /// From one check to the next.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Failures in a row that make it dead.
    pub retries: u32,
    /// How long a guest may boot before failures count.
    pub grace: Duration,
}

/// Where a heartbeat is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedAt {
    /// The path.
    pub path: String,
    /// The port.
    pub port: u16,
}

impl Heartbeat {
    /// Where it is asked for.
    pub fn asked_at(&self) -> AskedAt {
        AskedAt {
            path: self.path.clone(),
            port: self.port,
        }
    }

    /// The same at another port.
    pub fn at_port(&self, port: u16) -> Self {
        Heartbeat {
            port,
            ..self.clone()
        }
    }
}

/// A file on every guest of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSpec {
    /// Absolute path in the guest; a template.
    pub path: String,
    /// Its content.
    pub template: Template,
    /// Permission bits.
    pub mode: u32,
    /// `user:group`, or `user`.
    pub owner: String,
    /// What follows a change.
    pub on_change: OnChange,
    /// A command that must accept the new content before it is put in place; `{{path}}` is the new file.
    pub validate: Option<String>,
    /// Whether the whole content is a secret.
    pub secret: bool,
}

/// What the service's process needs after a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnChange {
    /// Nothing: it reads the file when it needs it.
    Nothing,
    /// A SIGHUP.
    Reload,
    /// A restart, one instance after the other.
    Restart,
}

/// A template's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The name that errors show: the file's path, or where it stands in `cluster.yaml`.
    pub name: String,
    /// The text.
    pub text: String,
    /// The language it is written in.
    pub engine: Engine,
}

/// A template language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Handlebars; unknown names are errors.
    Handlebars,
    /// Jinja2, for files ending in `.j2`.
    Jinja,
    /// No template: the text as it is.
    Verbatim,
}

/// How machines are logged in to. Everything absent is left to the user's ssh configuration and agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SshAccess {
    /// Private key for hosts and guests.
    pub identity: Option<std::path::PathBuf>,
    /// Public keys that fresh guests accept.
    pub authorized_keys: Vec<String>,
    /// Known keys of hosts.
    pub known_hosts: Option<std::path::PathBuf>,
    /// An ssh configuration file to use instead of the user's.
    pub config: Option<std::path::PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_lists_its_addresses_in_order() {
        let ip = |n| Ipv4Addr::new(10, 0, 0, n);
        let pool = Pool(vec![(ip(5), ip(6)), (ip(2), ip(2))]);
        assert_eq!(pool.addresses().collect::<Vec<_>>(), [ip(5), ip(6), ip(2)]);
        assert_eq!(pool.size(), 3);
        assert!(pool.contains(ip(6)) && !pool.contains(ip(3)));
    }

    #[test]
    fn a_line_of_the_file_itself_is_told_as_ever_and_one_of_another_file_with_its_name() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Told {
            text: String,
            #[serde(flatten, with = "line_or_null")]
            line: Option<Line>,
        }
        let there = Line {
            line: 3,
            file: Some("services/api.yaml".into()),
        };
        for (line, json) in [
            (None, r#"{"text":"","line":null}"#),
            (Some(Line::of(7)), r#"{"text":"","line":7}"#),
            (
                Some(there),
                r#"{"text":"","line":3,"file":"services/api.yaml"}"#,
            ),
        ] {
            let told = Told {
                text: String::new(),
                line,
            };
            assert_eq!(serde_json::to_string(&told).unwrap(), json);
            assert_eq!(serde_json::from_str::<Told>(json).unwrap(), told);
        }
    }

    #[test]
    fn a_missing_key_has_the_line_of_the_key_above_it() {
        let line = Line::of(7);
        let lines = Lines(BTreeMap::from([("services.a".to_owned(), line.clone())]));
        assert_eq!(lines.of("services.a.memory"), Some(line));
        assert_eq!(lines.of("hosts.a"), None);
    }
}
