//! A small cluster to render for, in tests. Its values are those of a real one; hostile ones are put in by the tests.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::{GuestContext, Server, Upstream};
use crate::model::action::{FormerDisk, Machine};
use crate::model::desired::{
    Accelerator, Desired, Engine, FileSpec, Group, Heartbeat, Host, Image, ImageFile, Init, Lines,
    LoadBalancer, Membership, Network, OnChange, Pool, Provision, Revision, Role, Route, Service,
    SshAccess, Template,
};
use crate::model::id::{DomainName, HostId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::policy::{Budget, Fencing, PlacementRules, Restarts, Safety};
use crate::model::secret::Secret;
use crate::model::unit::Bytes;

/// What a test renders: a cluster, and one guest of it.
pub struct Sample {
    pub desired: Desired,
    pub group: Group,
    pub image: Image,
    pub network: Network,
    pub instance: InstanceId,
    pub host: HostId,
}

impl Sample {
    /// `random-1`, an instance of a service.
    pub fn service() -> Self {
        Self::of(service("random"))
    }

    /// `web-1`, a guest of a load balancer.
    pub fn balancer() -> Self {
        Self::of(balancer())
    }

    fn of(group: Group) -> Self {
        Self {
            desired: desired(),
            instance: InstanceId::new(&group.id, 1),
            group,
            image: image(),
            network: network(),
            host: "a".parse().unwrap(),
        }
    }

    pub fn guest(&self) -> GuestContext<'_> {
        GuestContext {
            instance: &self.instance,
            group: &self.group,
            image: &self.image,
            network: &self.network,
            host: &self.host,
            address: Ipv4Addr::new(192, 168, 10, 11),
        }
    }

    pub fn run(&mut self, run: &str) {
        self.group.role = Role::Service(Service {
            port: 8080,
            run: Some(run.to_owned()),
        });
    }

    pub fn routes(&mut self) -> &mut Vec<Route> {
        match &mut self.group.role {
            Role::LoadBalancer(balancer) => &mut balancer.routes,
            Role::Service(_) => panic!("a service has no routes"),
        }
    }
}

fn desired() -> Desired {
    Desired {
        cluster: "demo".parse().unwrap(),
        file: "cluster.yaml".to_owned(),
        revision: Revision("0123456789ab".to_owned()),
        commit: None,
        networks: BTreeMap::from([("lan".parse().unwrap(), network())]),
        hosts: BTreeMap::from([("a".parse().unwrap(), host())]),
        images: BTreeMap::from([("micro".parse().unwrap(), image())]),
        groups: BTreeMap::new(),
        safety: Safety::default(),
        changes: crate::model::policy::Changes::default(),
        rebalance: None,
        ssh: SshAccess {
            authorized_keys: vec!["ssh-ed25519 AAAAC3Nza+/= me@laptop".to_owned()],
            ..SshAccess::default()
        },
        templates: BTreeMap::new(),
        secrets: BTreeMap::from([("token".to_owned(), Secret::new("s3cr3t'value"))]),
        notify: BTreeMap::new(),
        lines: Lines::default(),
    }
}

fn network() -> Network {
    Network {
        cidr: "192.168.10.0/24".parse().unwrap(),
        gateway: Some(Ipv4Addr::new(192, 168, 10, 254)),
        bridge: "br0".to_owned(),
        dns: vec![Ipv4Addr::new(192, 168, 10, 254), Ipv4Addr::new(9, 9, 9, 9)],
    }
}

fn host() -> Host {
    Host {
        id: "a".parse().unwrap(),
        address: "192.168.10.2".to_owned(),
        port: None,
        user: None,
        network: "lan".parse().unwrap(),
        pool: Pool(Vec::new()),
        accelerator: Accelerator::Auto,
        storage: "/var/lib/reconcile".to_owned(),
        labels: BTreeMap::new(),
        priority: 0,
        reserve: Bytes(0),
        overcommit: Host::OVERCOMMIT,
        fencing: vec![Fencing::Manual],
        membership: Membership::Member,
    }
}

fn image() -> Image {
    Image {
        id: "micro".parse().unwrap(),
        disk: ImageFile {
            path: "micro.qcow2".to_owned(),
            source: None,
        },
        kernel: None,
        initrd: None,
        cmdline: None,
        provision: Provision::CloudInit,
        user: "root".to_owned(),
        init: Init::Auto,
        interfaces: true,
    }
}

fn group(name: &str, role: Role) -> Group {
    let port = match &role {
        Role::Service(service) => service.port,
        Role::LoadBalancer(balancer) => balancer.port,
    };
    Group {
        id: name.parse().unwrap(),
        replicas: 3,
        image: "micro".parse().unwrap(),
        cpus: 1,
        memory: Bytes(128 << 20),
        disk: None,
        heartbeat: Heartbeat {
            path: "/heartbeat".to_owned(),
            port,
            every: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            retries: 4,
            grace: Duration::from_secs(60),
        },
        files: Vec::new(),
        env: BTreeMap::new(),
        stateful: false,
        protect: false,
        placement: PlacementRules::default(),
        budget: Budget::of(3),
        extra: 0,
        surged: 0,
        restarts: Restarts::default(),
        role,
    }
}

fn service(name: &str) -> Group {
    let run = Some("java -jar /stateless.jar --server.port={{port}}".to_owned());
    Group {
        env: BTreeMap::from([
            ("NAME".to_owned(), "{{instance}} of {{cluster}}".to_owned()),
            ("TOKEN".to_owned(), "{{secret.token}}".to_owned()),
        ]),
        ..group(name, Role::Service(Service { port: 8080, run }))
    }
}

fn balancer() -> Group {
    group(
        "web",
        Role::LoadBalancer(LoadBalancer {
            vip: "192.168.10.120/24".parse().unwrap(),
            port: 80,
            routes: vec![route("/random", "random"), route("/soon/", "soon")],
        }),
    )
}

pub fn route(path: &str, service: &str) -> Route {
    Route {
        path: path.to_owned(),
        service: service.parse().unwrap(),
        connect_timeout: Duration::from_millis(500),
        timeout: Duration::from_secs(60),
    }
}

/// An upstream whose servers are out of rotation where `down` says so.
pub fn upstream(service: &str, down: &[bool]) -> Upstream {
    let service = service.parse().unwrap();
    let server = |(index, down): (u32, &bool)| Server {
        instance: InstanceId::new(&service, index),
        address: Ipv4Addr::from(u32::from(Ipv4Addr::new(192, 168, 10, 19)) + index),
        port: 8080,
        down: *down,
    };
    Upstream {
        servers: (1..).zip(down).map(server).collect(),
        service: service.clone(),
    }
}

pub fn file(path: &str, text: &str, on_change: OnChange) -> FileSpec {
    FileSpec {
        path: path.to_owned(),
        template: Template {
            name: "files/app.conf".to_owned(),
            text: text.to_owned(),
            engine: Engine::Handlebars,
        },
        mode: 0o640,
        owner: "root".to_owned(),
        on_change,
        validate: None,
        secret: false,
    }
}

pub fn machine() -> Machine {
    let instance: InstanceId = "random-1".parse().unwrap();
    Machine {
        domain: DomainName::new(&"demo".parse().unwrap(), &instance),
        uuid: "7c3a0cbb-6f5c-5b8e-9a53-1d0f6f1a2b3c".to_owned(),
        mac: "52:54:00:aa:bb:cc".to_owned(),
        cpus: 2,
        memory: Bytes(512 << 20),
        disk_size: None,
        disk: "/var/lib/reconcile/demo-random-1.qcow2".to_owned(),
        former_disk: FormerDisk::Replaced,
        base: "/var/lib/reconcile/micro.qcow2".to_owned(),
        seed: Some("/var/lib/reconcile/demo-random-1.seed".to_owned()),
        kernel: None,
        initrd: None,
        cmdline: None,
        bridge: "br0".to_owned(),
        kvm: true,
    }
}

pub fn mark() -> Mark {
    Mark {
        cluster: "demo".parse().unwrap(),
        instance: "random-1".parse().unwrap(),
        address: Ipv4Addr::new(192, 168, 10, 11),
        moving_to: None,
        port: 8080,
        digest: "d1635".to_owned(),
        generation: "g1".to_owned(),
        stage: Stage::Ready,
    }
}
