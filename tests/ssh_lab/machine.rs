//! A host as the ports see it, and a guest to build on it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use reconcile::model::action::{
    Build, FormerDisk, GuestNetwork, GuestRef, Machine, Removal, RenderedFile, Seed,
};
use reconcile::model::desired::{Accelerator, Host, Membership, OnChange, Pool};
use reconcile::model::id::DomainName;
use reconcile::model::mark::{Mark, Stage};
use reconcile::model::policy::Fencing;
use reconcile::model::unit::Bytes;
use reconcile::ports::hypervisor::HostQuery;
use sha2::{Digest, Sha256};

use super::fixture::Lab;

/// Where images and disks are on a host.
pub const STORAGE: &str = "/var/lib/libvirt/images";

pub fn query() -> HostQuery {
    HostQuery {
        volumes: volumes(),
        ..HostQuery::default()
    }
}

pub fn volumes() -> String {
    format!("{STORAGE}/ssh-lab")
}

pub fn host(id: &str) -> Host {
    Host {
        id: id.parse().unwrap(),
        address: id.into(),
        port: None,
        user: Some("root".into()),
        network: "lan".parse().unwrap(),
        pool: Pool(vec![]),
        accelerator: Accelerator::Tcg,
        storage: STORAGE.into(),
        labels: BTreeMap::new(),
        priority: 0,
        reserve: Bytes(0),
        overcommit: Host::OVERCOMMIT,
        fencing: vec![Fencing::Manual],
        membership: Membership::Member,
    }
}

/// A guest `t-GROUP-1`, in its life `generation`. Without a seed it wakes up at its image's bootstrap address.
pub fn build(group: &str, address: &str, generation: &str, stage: Stage) -> Build {
    let mark = Mark {
        cluster: "t".parse().unwrap(),
        instance: format!("{group}-1").parse().unwrap(),
        address: address.parse().unwrap(),
        moving_to: None,
        port: 80,
        digest: "d".into(),
        generation: generation.into(),
        stage,
    };
    let domain = DomainName::new(&mark.cluster, &mark.instance);
    let number = mark.address.octets()[3];
    let seed = (stage == Stage::Ready).then(|| seed(&mark, number));
    let machine = Machine {
        uuid: format!("00000000-0000-4000-8000-0000000000{number:02x}"),
        mac: mac(number),
        cpus: 1,
        memory: Bytes(128 << 20),
        disk_size: None,
        disk: format!("{}/{domain}.qcow2", volumes()),
        former_disk: FormerDisk::Replaced,
        base: format!("{STORAGE}/micro.qcow2"),
        seed: seed
            .is_some()
            .then(|| format!("{}/{domain}.seed", volumes())),
        kernel: Some(format!("{STORAGE}/vmlinuz")),
        initrd: Some(format!("{STORAGE}/initrd")),
        cmdline: None,
        bridge: "br0".into(),
        kvm: false,
        domain,
    };
    let xml = xml(&machine, &mark);
    Build {
        host: "a".parse().unwrap(),
        xml,
        machine,
        mark,
        seed,
        replaces: None,
    }
}

pub fn mac(number: u8) -> String {
    format!("52:54:00:01:02:{number:02x}")
}

fn seed(mark: &Mark, number: u8) -> Seed {
    let key = std::fs::read_to_string(Lab::ssh("id_ed25519.pub")).unwrap();
    Seed {
        meta_data: format!(
            "instance-id: {}\nlocal-hostname: {}\n",
            mark.generation, mark.instance
        ),
        user_data: format!("#cloud-config\nssh_authorized_keys:\n  - {key}"),
        network_config: format!(
            "version: 2\nethernets:\n  primary:\n    match:\n      macaddress: \"{}\"\n    addresses:\n      - {}/24\n    gateway4: 192.168.10.254\n",
            mac(number),
            mark.address
        ),
    }
}

fn xml(machine: &Machine, mark: &Mark) -> String {
    let seed = machine.seed.as_ref().map_or(String::new(), |seed| {
        format!("<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{seed}'/><target dev='vdb' bus='virtio'/><readonly/></disk>")
    });
    let (domain, uuid, disk, mac) = (&machine.domain, &machine.uuid, &machine.disk, &machine.mac);
    let mark = reconcile::render::mark_xml(mark);
    format!(
        "<domain type='qemu'><name>{domain}</name><uuid>{uuid}</uuid><metadata>{mark}</metadata>\
         <memory unit='MiB'>128</memory><vcpu>1</vcpu>\
         <os><type arch='x86_64' machine='q35'>hvm</type><kernel>{STORAGE}/vmlinuz</kernel><initrd>{STORAGE}/initrd</initrd>\
         <cmdline>console=ttyS0 net.ifnames=0 quiet mitigations=off no_timer_check tsc=reliable random.trust_cpu=on</cmdline></os>\
         <features><acpi/></features><cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>\
         <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>{seed}\
         <interface type='bridge'><mac address='{mac}'/><source bridge='br0'/><model type='virtio'/><rom enabled='no'/></interface>\
         <serial type='file'><source path='/var/log/libvirt/{domain}-console.log'/></serial>\
         <controller type='usb' model='none'/><memballoon model='none'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>\
         </devices></domain>"
    )
}

pub fn removal(build: &Build) -> Removal {
    Removal {
        kept: None,
        leaves: reconcile::model::action::Leaves::Nothing,
        host: build.host.clone(),
        instance: build.mark.instance.clone(),
        domain: build.machine.domain.clone(),
        uuid: build.machine.uuid.clone(),
        generation: build.mark.generation.clone(),
        volumes: [Some(build.machine.disk.clone()), build.machine.seed.clone()]
            .into_iter()
            .flatten()
            .collect(),
    }
}

pub fn guest(build: &Build) -> GuestRef {
    GuestRef {
        instance: build.mark.instance.clone(),
        host: build.host.clone(),
        address: build.mark.address,
        user: "root".into(),
        generation: build.mark.generation.clone(),
    }
}

pub fn network(build: &Build) -> GuestNetwork {
    GuestNetwork {
        prefix: 24,
        gateway: Some(Ipv4Addr::new(192, 168, 10, 254)),
        mac: build.machine.mac.clone(),
    }
}

pub fn file(path: &str, content: &str) -> RenderedFile {
    RenderedFile {
        path: path.into(),
        content: content.into(),
        sha256: digest(content),
        mode: 0o644,
        owner: "root:root".into(),
        on_change: OnChange::Nothing,
        validate: None,
        secret: false,
    }
}

pub fn digest(content: &str) -> String {
    Sha256::digest(content.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
