//! Plans, outcomes and worlds by hand, for the tests of what people see. Here is what they are put together from.

mod commits;
mod history;
mod orders;
mod plans;
mod world;

pub use commits::{commit, followed};
pub use history::{history, records};
pub use orders::{orders, targets};
pub use plans::*;
pub use world::{World, healthy_world};

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::model::action::*;
use crate::model::condition::HostCondition;
use crate::model::desired::*;
use crate::model::facts::*;
use crate::model::id::{DomainName, HostId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::memory::*;
use crate::model::orders::Orders;
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
        former_disk: FormerDisk::Replaced,
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
    Operation::CopyImage(CopyImage {
        host: host(on),
        image: "alpine".parse().unwrap(),
        files: vec![file],
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
        kept: None,
        leaves: Leaves::Nothing,
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
        config: GuestConfig::default().into(),
        boot: Duration::from_secs(60),
        healthy: None,
        starts: false,
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
        line: Some(Line::of(line)),
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
            commit: None,
            observed_at: OBSERVED,
            hosts: hosts(HostCondition::Online),
            actions: Vec::new(),
            notices: Vec::new(),
            unchanged,
            brake: None,
            look_again: None,
            uneven: false,
            gate: None,
            orders: Orders::default(),
            left_alone: BTreeSet::new(),
            in_hand: BTreeSet::new(),
            awaited: BTreeSet::new(),
            gives_way: BTreeSet::new(),
            adopted: BTreeMap::new(),
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
            about: Some(about),
            measured: None,
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
            line: help.map(|_| Line::of(7)),
        });
        self
    }

    pub fn plan(self) -> Plan {
        self.0
    }
}

/// Three hosts, of which the last one is in this condition.
pub fn hosts(last: HostCondition) -> BTreeMap<HostId, HostCondition> {
    let online = ["a", "b"].map(|host| (host, HostCondition::Online));
    let all = online.into_iter().chain([("c", last)]);
    all.map(|(host, is)| (self::host(host), is)).collect()
}
