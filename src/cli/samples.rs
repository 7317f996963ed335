//! Plans, outcomes and worlds by hand, for the tests of what people see.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::model::action::*;
use crate::model::desired::*;
use crate::model::facts::*;
use crate::model::id::{DomainName, HostId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::memory::*;
use crate::model::plan::*;
use crate::model::time::Timestamp;
use crate::model::unit::Bytes;

/// When every sample was observed.
pub const OBSERVED: Timestamp = Timestamp(1_700_000_000_000);

/// A moment after it.
pub const NOW: Timestamp = Timestamp(1_700_000_001_200);

pub fn instance(name: &str) -> InstanceId {
    name.parse().unwrap()
}

pub fn host(name: &str) -> HostId {
    name.parse().unwrap()
}

pub fn address(instance: &InstanceId) -> Ipv4Addr {
    let base = if instance.group.as_str() == "web" {
        10
    } else {
        12
    };
    Ipv4Addr::new(192, 168, 10, base + u8::try_from(instance.index).unwrap())
}

pub fn mark(name: &str) -> Mark {
    let instance = instance(name);
    Mark {
        cluster: "demo".parse().unwrap(),
        address: address(&instance),
        instance,
        moving_to: None,
        port: 8080,
        digest: "d".into(),
        generation: "g1".into(),
        stage: Stage::Ready,
    }
}

pub fn guest(name: &str, on: &str) -> GuestRef {
    let instance = instance(name);
    GuestRef {
        address: address(&instance),
        instance,
        host: host(on),
        user: "root".into(),
        generation: "g1".into(),
    }
}

fn domain(name: &str) -> DomainName {
    DomainName::new(&"demo".parse().unwrap(), &instance(name))
}

fn build(name: &str, on: &str) -> Box<Build> {
    let machine = Machine {
        domain: domain(name),
        uuid: "00000000-0000-0000-0000-000000000001".into(),
        mac: "52:54:00:00:00:01".into(),
        cpus: 1,
        memory: Bytes(512 << 20),
        disk_size: None,
        disk: "/d".into(),
        base: "/b".into(),
        seed: None,
        kernel: None,
        initrd: None,
        cmdline: None,
        bridge: "br0".into(),
        kvm: false,
    };
    Box::new(Build {
        host: host(on),
        machine,
        mark: mark(name),
        xml: String::new(),
        seed: None,
        replaces: None,
    })
}

pub fn copy(on: &str) -> Operation {
    let file = ImageFile {
        path: "/var/lib/reconcile/alpine.qcow2".into(),
        source: None,
    };
    Operation::CopyFile(CopyFile {
        host: host(on),
        file,
    })
}

pub fn create(name: &str, on: &str) -> Operation {
    Operation::Create(build(name, on))
}

pub fn recreate(name: &str, on: &str) -> Operation {
    Operation::Recreate(build(name, on))
}

fn removal(name: &str, on: &str) -> Removal {
    Removal {
        host: host(on),
        instance: instance(name),
        domain: domain(name),
        uuid: String::new(),
        generation: "g1".into(),
        volumes: Vec::new(),
    }
}

pub fn fence(name: &str, on: &str) -> Operation {
    Operation::Fence(removal(name, on))
}

pub fn destroy(name: &str, on: &str) -> Operation {
    Operation::Destroy(removal(name, on))
}

pub fn configure(name: &str, on: &str) -> Operation {
    Operation::Configure(Box::new(Configure {
        guest: guest(name, on),
        config: GuestConfig::default(),
        boot: Duration::from_secs(60),
        healthy: None,
        mark: None,
    }))
}

pub fn add_vip(name: &str, on: &str) -> Operation {
    Operation::AddVip(VipMove {
        guest: guest(name, on),
        balancer: "web".parse().unwrap(),
        vip: "192.168.10.120/24".parse().unwrap(),
        quiet_port: None,
    })
}

pub fn reason(code: ReasonCode, text: &str, line: u32) -> Reason {
    Reason {
        code,
        text: text.to_owned(),
        line: Some(line),
    }
}

/// A plan that is written down action by action.
pub struct Draft(Plan);

impl Draft {
    pub fn new(unchanged: usize) -> Draft {
        Draft(Plan {
            cluster: "demo".parse().unwrap(),
            file: "cluster.yaml".into(),
            revision: Revision("3f2a91c04b7e".into()),
            observed_at: OBSERVED,
            hosts_seen: (3, 3),
            actions: Vec::new(),
            notices: Vec::new(),
            unchanged,
        })
    }

    pub fn heal(self, operation: Operation, summary: &str, reason: Reason) -> Draft {
        self.action(Motive::Heal, operation, summary, reason)
    }

    pub fn change(self, operation: Operation, summary: &str, reason: Reason) -> Draft {
        self.action(Motive::Change, operation, summary, reason)
    }

    fn action(
        mut self,
        motive: Motive,
        operation: Operation,
        summary: &str,
        reason: Reason,
    ) -> Draft {
        self.0.actions.push(Action {
            id: ActionId(u32::try_from(self.0.actions.len()).unwrap() + 1),
            motive,
            operation,
            summary: summary.to_owned(),
            reason,
            interrupts: None,
            needs: BTreeSet::new(),
            after: BTreeSet::new(),
            changes: Vec::new(),
        });
        self
    }

    fn last(&mut self) -> &mut Action {
        self.0.actions.last_mut().unwrap()
    }

    pub fn after(mut self, ids: &[u32]) -> Draft {
        self.last().needs = ids.iter().map(|id| ActionId(*id)).collect();
        self
    }

    pub fn interrupts(mut self, what: &str, millis: u64) -> Draft {
        let about = Duration::from_millis(millis);
        self.last().interrupts = Some(Interruption {
            what: what.to_owned(),
            about,
        });
        self
    }

    pub fn file(mut self, path: &str, kind: ChangeKind, diff: &str) -> Draft {
        self.last().changes.push(FileChange {
            path: path.to_owned(),
            kind,
            diff: diff.to_owned(),
        });
        self
    }

    pub fn notice(
        mut self,
        kind: NoticeKind,
        subject: &str,
        text: &str,
        help: Option<&str>,
    ) -> Draft {
        self.0.notices.push(Notice {
            kind,
            subject: subject.to_owned(),
            text: text.to_owned(),
            help: help.map(str::to_owned),
            line: help.map(|_| 7),
        });
        self
    }

    pub fn plan(self) -> Plan {
        self.0
    }
}

pub fn nothing_to_do() -> Plan {
    Draft::new(8).plan()
}

/// Three instances, two load balancers, on three empty hosts.
pub fn first_creation() -> Plan {
    let mut draft = Draft::new(0);
    for on in ["a", "b", "c"] {
        draft = draft.change(
            copy(on),
            &format!("alpine.qcow2 (64MiB) to host {on}"),
            reason(
                ReasonCode::ImageMissing,
                "the host doesn't have the image",
                9,
            ),
        );
    }
    let guests = [
        ("random-1", "a", 1),
        ("random-2", "b", 2),
        ("random-3", "c", 3),
        ("web-1", "a", 1),
        ("web-2", "b", 2),
    ];
    for (name, on, copied) in guests {
        let at = address(&instance(name));
        let line = if name.starts_with("web") { 22 } else { 12 };
        let missing = reason(
            ReasonCode::Missing,
            "it is desired and does not exist",
            line,
        );
        draft = draft
            .change(
                create(name, on),
                &format!("{name} on host {on} with {at}"),
                missing,
            )
            .after(&[copied]);
    }
    for (created, (name, on, _)) in (4..).zip(guests) {
        let fresh = reason(
            ReasonCode::Fresh,
            "it is new and has no configuration yet",
            12,
        );
        draft = draft
            .change(configure(name, on), &format!("{name} on host {on}"), fresh)
            .after(&[created]);
        draft = if name.starts_with("web") {
            draft.file("/etc/nginx/nginx.conf", ChangeKind::New, &new_file(42))
        } else {
            draft
                .file("/etc/reconcile/random.run", ChangeKind::New, &new_file(2))
                .file("/etc/reconcile/token", ChangeKind::New, "")
        };
    }
    draft
        .change(
            add_vip("web-1", "a"),
            "192.168.10.120/24 to web-1",
            reason(ReasonCode::VipUnheld, "nobody holds the VIP", 23),
        )
        .after(&[12])
        .plan()
}

fn new_file(lines: usize) -> String {
    let added = (1..=lines).map(|line| format!("+line {line}\n"));
    format!(
        "--- /dev/null\n+++ new\n@@ -0,0 +1,{lines} @@\n{}",
        added.collect::<String>()
    )
}

/// One dead instance.
pub fn heal_of_one() -> Plan {
    let lost =
        "4 heartbeats in a row failed since 10:31:07: connection to 192.168.10.14:8080 refused";
    Draft::new(12)
        .heal(
            recreate("random-2", "b"),
            "random-2 on host b with 192.168.10.14",
            reason(ReasonCode::HeartbeatLost, lost, 17),
        )
        .heal(
            configure("random-2", "b"),
            "random-2 on host b",
            reason(
                ReasonCode::Fresh,
                "it is new and has no configuration yet",
                12,
            ),
        )
        .after(&[1])
        .file("/etc/reconcile/random.run", ChangeKind::New, &new_file(2))
        .plan()
}

/// The holder of the VIP died.
pub fn failover() -> Plan {
    Draft::new(11)
        .heal(
            fence("web-1", "a"),
            "web-1 on host a",
            reason(ReasonCode::FenceFirst, "it last held 192.168.10.120, and its heartbeat failed 4 times: no answer within 200 ms", 22),
        )
        .heal(
            add_vip("web-2", "b"),
            "192.168.10.120/24 to web-2",
            reason(ReasonCode::VipUnheld, "nobody holds the VIP once web-1 is fenced", 23),
        )
        .after(&[1])
        .interrupts("requests to 192.168.10.120", 1_200)
        .heal(
            recreate("web-1", "a"),
            "web-1 on host a with 192.168.10.11",
            reason(ReasonCode::HeartbeatLost, "4 heartbeats in a row failed", 22),
        )
        .after(&[1, 2])
        .heal(configure("web-1", "a"), "web-1 on host a", reason(ReasonCode::Fresh, "it is new and has no configuration yet", 22))
        .after(&[3])
        .plan()
}

pub const NGINX_DIFF: &str = "\
--- /etc/nginx/nginx.conf
+++ /etc/nginx/nginx.conf
@@ -12,5 +12,6 @@
 upstream random {
 \tserver 192.168.10.13:8080;
 \tserver 192.168.10.14:8080;
+\tserver 192.168.10.15:8080;
 \tkeepalive 8;
 }
";

/// The file changed: memory of a service, and another instance. The load balancers follow, one after the other.
pub fn rolling_change() -> Plan {
    let mut draft = Draft::new(6);
    for (at, (name, on)) in (0..).zip([("random-1", "a"), ("random-2", "b")]) {
        draft = draft
            .change(
                recreate(name, on),
                &format!("{name} on host {on} with {}", address(&instance(name))),
                reason(
                    ReasonCode::MachineChanged,
                    "memory is 512MiB, desired is 1GiB",
                    15,
                ),
            )
            .after(if at == 0 { &[] } else { &[1] });
    }
    draft = draft.change(
        create("random-3", "c"),
        "random-3 on host c with 192.168.10.15",
        reason(ReasonCode::Missing, "it is desired and does not exist", 12),
    );
    for (name, on, after) in [("web-1", "a", &[3][..]), ("web-2", "b", &[3, 4][..])] {
        draft = draft
            .change(
                configure(name, on),
                &format!("{name} on host {on}"),
                reason(
                    ReasonCode::RoutesChanged,
                    "random has 3 instances, was 2",
                    25,
                ),
            )
            .after(after)
            .file("/etc/nginx/nginx.conf", ChangeKind::Content, NGINX_DIFF)
            .file("/etc/nginx/key.pem", ChangeKind::Hidden, "")
            .file("/etc/hosts", ChangeKind::Attributes, "");
    }
    draft
        .change(
            destroy("old-1", "c"),
            "old-1 on host c",
            reason(ReasonCode::Surplus, "it is not desired any more", 11),
        )
        .plan()
}

/// Hosts that can't be seen, and too few addresses.
pub fn blocked_and_unknown() -> Plan {
    let mut plan = Draft::new(7)
        .change(
            create("random-4", "a"),
            "random-4 on host a with 192.168.10.16",
            reason(ReasonCode::Missing, "it is desired and does not exist", 12),
        )
        .notice(
            NoticeKind::Blocked,
            "random-5",
            "no free address: the pool of a has 2 of 2 in use, the pool of b has 3 of 3 in use",
            Some("widen hosts.a.pool, or lower services.random.replicas to 4"),
        )
        .notice(
            NoticeKind::Unknown,
            "host c",
            "ssh: connect to host 192.168.10.4 port 22: Connection timed out",
            None,
        )
        .notice(
            NoticeKind::Unknown,
            "random-3",
            "its host c can't be seen; it was there 2m10s ago",
            None,
        )
        .notice(
            NoticeKind::Waiting,
            "web-2",
            "is worked on after web-1 is healthy: web keeps at least 1 of 2",
            None,
        )
        .notice(
            NoticeKind::Warning,
            "192.168.10.17",
            "somebody foreign (52:54:00:aa:bb:cc) answers for it: skipped",
            None,
        )
        .plan();
    plan.hosts_seen = (2, 3);
    plan
}

/// Text from machines that nobody trusts.
pub fn hostile() -> Plan {
    Draft::new(1)
        .heal(
            recreate("random-1", "a"),
            "random-1\u{1b}[2J on host a",
            reason(
                ReasonCode::HeartbeatLost,
                "answer was \u{1b}]0;owned\u{7}\r\nPlan: nothing\u{202e}",
                17,
            ),
        )
        .interrupts("every\u{9b}31mthing", 400)
        .file(
            "/etc/\u{1b}[8mx",
            ChangeKind::Content,
            "@@ -1 +1 @@\n-a\n+\u{1b}[1A\u{1b}[2Kb\r\n",
        )
        .notice(
            NoticeKind::Unknown,
            "host\u{1b}[31m b",
            "banner:\nWelcome\u{0}",
            Some("ask\u{200b} b"),
        )
        .plan()
}

pub fn plans() -> BTreeMap<&'static str, Plan> {
    BTreeMap::from([
        ("nothing_to_do", nothing_to_do()),
        ("first_creation", first_creation()),
        ("heal_of_one", heal_of_one()),
        ("failover", failover()),
        ("rolling_change", rolling_change()),
        ("blocked_and_unknown", blocked_and_unknown()),
        ("hostile", hostile()),
    ])
}

/// A cluster as a round sees it.
pub struct World {
    pub desired: Desired,
    pub observed: Observed,
    pub memory: Memory,
}

/// Three instances and two load balancers on three hosts, all well.
pub fn healthy_world() -> World {
    let mut world = World {
        desired: desired(),
        observed: Observed::default(),
        memory: Memory::default(),
    };
    world.observed.now = OBSERVED;
    for on in ["a", "b", "c"] {
        let facts = HostFacts {
            memory: Some(Bytes(16_333_832 << 10)),
            cpus: Some(8),
            ..HostFacts::default()
        };
        world.observed.hosts.insert(host(on), Seen::Yes(facts));
        let memory = HostMemory {
            seen: Some(OBSERVED),
            since: ago(86_400),
            guests: BTreeMap::new(),
        };
        world.memory.hosts.insert(host(on), memory);
    }
    for (name, on) in [
        ("random-1", "a"),
        ("random-2", "b"),
        ("random-3", "c"),
        ("web-1", "a"),
        ("web-2", "b"),
    ] {
        world.add(name, on);
    }
    let vip = GuestAddress {
        address: Ipv4Addr::new(192, 168, 10, 120),
        prefix: 24,
        vip: true,
    };
    world.guest("web-1").addresses.push(vip);
    let holder = Holder {
        instance: instance("web-1"),
        since: ago(11_520),
    };
    world.memory.holders.insert("web".parse().unwrap(), holder);
    world
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp(OBSERVED.0 - seconds * 1_000)
}

impl World {
    fn facts(&mut self, on: &str) -> &mut HostFacts {
        match self.observed.hosts.get_mut(&host(on)) {
            Some(Seen::Yes(facts)) => facts,
            Some(Seen::No(_)) | None => panic!("{on} is not seen"),
        }
    }

    fn guest(&mut self, name: &str) -> &mut GuestFacts {
        match self.observed.guests.get_mut(&instance(name)) {
            Some(Seen::Yes(facts)) => facts,
            Some(Seen::No(_)) | None => panic!("{name} is not seen"),
        }
    }

    fn add(&mut self, name: &str, on: &str) {
        let (id, mark) = (instance(name), mark(name));
        let address = GuestAddress {
            address: mark.address,
            prefix: 24,
            vip: false,
        };
        self.memory
            .hosts
            .get_mut(&host(on))
            .unwrap()
            .guests
            .insert(id.clone(), mark.clone());
        self.facts(on).domains.push(Domain {
            name: domain(name).to_string(),
            uuid: String::new(),
            state: DomainState::Running,
            run: Some(1),
            mark: Some(mark),
        });
        let facts = GuestFacts {
            addresses: vec![address],
            ..GuestFacts::default()
        };
        self.observed.guests.insert(id.clone(), Seen::Yes(facts));
        let beat = Beat {
            failures: 0,
            last_ok: Some(OBSERVED),
            error: None,
        };
        self.observed.beats.insert(id.clone(), beat);
        let memory = GuestMemory {
            since: ago(11_600),
            healthy_since: Some(ago(11_520)),
            ..GuestMemory::default()
        };
        self.memory.guests.insert(id, memory);
    }

    fn domains_of(&mut self, name: &str) -> impl Iterator<Item = (&mut Vec<Domain>, usize)> {
        let name = domain(name).to_string();
        self.observed
            .hosts
            .values_mut()
            .filter_map(move |seen| match seen {
                Seen::Yes(facts) => {
                    let at = facts.domains.iter().position(|d| d.name == name)?;
                    Some((&mut facts.domains, at))
                }
                Seen::No(_) => None,
            })
    }

    /// Its domain is gone.
    pub fn remove(&mut self, name: &str) {
        self.domains_of(name)
            .for_each(|(domains, at)| drop(domains.remove(at)));
        self.observed.guests.remove(&instance(name));
        self.observed.beats.remove(&instance(name));
    }

    /// Its domain does not run.
    pub fn stop(&mut self, name: &str) {
        self.domains_of(name)
            .for_each(|(domains, at)| domains[at].state = DomainState::Off);
        self.observed.guests.remove(&instance(name));
        self.observed.beats.remove(&instance(name));
    }

    /// Its heartbeats fail.
    pub fn fail(&mut self, name: &str, failures: u32, error: &str) {
        let beat = Beat {
            failures,
            last_ok: Some(ago(3)),
            error: Some(error.to_owned()),
        };
        self.observed.beats.insert(instance(name), beat);
        self.memory
            .guests
            .get_mut(&instance(name))
            .unwrap()
            .failing_since = Some(ago(2));
    }

    /// A host can't be seen, nor what is on it.
    pub fn lose_host(&mut self, on: &str, why: &str) {
        let unseen = Unseen {
            kind: UnseenKind::Unreachable,
            message: why.to_owned(),
        };
        self.observed.hosts.insert(host(on), Seen::No(unseen));
        let memory = self.memory.hosts.get_mut(&host(on)).unwrap();
        (memory.seen, memory.since) = (Some(ago(130)), ago(129));
        for id in memory.guests.keys() {
            self.observed.guests.remove(id);
            self.observed.beats.remove(id);
        }
    }

    /// Something is being done with it.
    pub fn busy(&mut self, name: &str, action: &str) {
        let busy = Busy {
            action: action.to_owned(),
            summary: format!("{action} {name}"),
            since: ago(4),
        };
        self.memory.busy.insert(instance(name), busy);
    }
}

fn desired() -> Desired {
    let host_at = |(name, last): (&str, u8)| Host {
        id: host(name),
        address: format!("192.168.10.{last}"),
        port: None,
        user: None,
        network: "lan".parse().unwrap(),
        pool: Pool(vec![(
            Ipv4Addr::new(192, 168, 10, 10),
            Ipv4Addr::new(192, 168, 10, 19),
        )]),
        accelerator: Accelerator::Auto,
        storage: "/var/lib/reconcile".into(),
    };
    let hosts = [("a", 2), ("b", 3), ("c", 4)].map(host_at);
    let service = Role::Service(Service {
        port: 8080,
        run: None,
    });
    let balancer = Role::LoadBalancer(LoadBalancer {
        vip: "192.168.10.120/24".parse().unwrap(),
        port: 80,
        routes: vec![Route {
            path: "/random".into(),
            service: "random".parse().unwrap(),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
        }],
    });
    let groups = [group("random", 3, service), group("web", 2, balancer)];
    Desired {
        cluster: "demo".parse().unwrap(),
        file: "cluster.yaml".into(),
        revision: Revision("3f2a91c04b7e".into()),
        networks: BTreeMap::new(),
        hosts: hosts
            .into_iter()
            .map(|host| (host.id.clone(), host))
            .collect(),
        images: BTreeMap::new(),
        groups: groups
            .into_iter()
            .map(|group| (group.id.clone(), group))
            .collect(),
        ssh: SshAccess::default(),
        templates: BTreeMap::new(),
        secrets: BTreeMap::new(),
        lines: Lines::default(),
    }
}

fn group(name: &str, replicas: u32, role: Role) -> Group {
    Group {
        id: name.parse().unwrap(),
        replicas,
        image: "alpine".parse().unwrap(),
        cpus: 1,
        memory: Bytes(512 << 20),
        disk: None,
        heartbeat: Heartbeat {
            path: "/heartbeat".into(),
            port: 8080,
            every: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            retries: 4,
            grace: Duration::from_secs(60),
        },
        files: Vec::new(),
        env: BTreeMap::new(),
        role,
    }
}

/// Two days: a guest was made, and the holder of the VIP was lost.
pub fn history() -> Vec<HistoryEntry> {
    let plans = [(first_creation(), ago(86_400)), (failover(), OBSERVED)];
    let mut history: Vec<HistoryEntry> = Vec::new();
    for (plan, began) in plans {
        let last = plan.actions.len().saturating_sub(4);
        for (seconds, action) in (0..).zip(&plan.actions[last..]) {
            history.push(entry(action, began.plus(Duration::from_secs(seconds * 7))));
        }
    }
    let failures = [
        "ssh: connect to host 192.168.10.11 port 22: No route to host",
        "the domain runs again",
    ];
    let count = history.len();
    history[count - 1].outcome = Outcome::Failed(failures[0].into());
    history[count - 2].outcome = Outcome::Skipped(failures[1].into());
    history
}

fn entry(action: &Action, at: Timestamp) -> HistoryEntry {
    HistoryEntry {
        at,
        took_ms: 6_200,
        revision: Revision("3f2a91c04b7e".into()),
        action: action.operation.kind().to_owned(),
        motive: action.motive,
        instance: action.operation.instance().cloned(),
        host: action.operation.host().clone(),
        summary: action.summary.clone(),
        reason: action.reason.clone(),
        outcome: Outcome::Changed,
    }
}
