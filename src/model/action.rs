//! What can be done to the world, as data. An action holds everything that its execution needs: the executor looks
//! nothing up and chooses nothing.

mod operation;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::Ipv4Net;

use super::desired::{Heartbeat, ImageFile, Init, OnChange};
use super::id::{DomainName, GroupId, HostId, ImageId, InstanceId};
use super::mark::Mark;
use super::policy::FenceAgent;
use super::unit::Bytes;

/// One kind of doing, with all it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Copy a base image, with its kernel where it has one, to a host.
    CopyImage(CopyImage),
    /// Make a guest that does not exist, and start it.
    Create(Box<Build>),
    /// Destroy a guest and make it anew, with the same name, address and hardware address.
    Recreate(Box<Build>),
    /// Make sure that a guest does not run. It stays defined, with its mark.
    Fence(Removal),
    /// Remove a guest and its disk.
    Destroy(Removal),
    /// Remove disks that belong to no guest: a creation was interrupted there.
    Sweep(Sweep),
    /// Give a fresh guest its own address, over its image's bootstrap address.
    Bootstrap(Box<Bootstrap>),
    /// Give a running guest another address.
    Rebind(Box<Rebind>),
    /// Bring a guest's files and its process to what is desired.
    Configure(Box<Configure>),
    /// Add a VIP to a guest, and tell the network.
    AddVip(VipMove),
    /// Take a VIP off a guest.
    DropVip(VipMove),
    /// Correct the mark of a guest.
    SetMark(SetMark),
    /// Switch a host off that can't be seen, so that what ran there may run elsewhere.
    FenceHost(FenceHost),
}

/// An image that a host must have.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyImage {
    /// Where to.
    pub host: HostId,
    /// Which.
    pub image: ImageId,
    /// The files that are missing there, each with its absolute path on the host.
    pub files: Vec<ImageFile>,
}

/// A guest to build.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    /// Where.
    pub host: HostId,
    /// What.
    pub machine: Machine,
    /// The mark that it gets.
    pub mark: Mark,
    /// Its domain XML, the mark included; of a domain that stays as it is, the mark alone.
    pub xml: String,
    /// Its NoCloud seed, where its image takes one.
    pub seed: Option<Seed>,
    /// The generation that is there now and may be replaced; none: no domain of this name may be there.
    pub replaces: Option<String>,
}

/// What becomes of a disk that an earlier life of a guest left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormerDisk {
    /// A new one takes its place.
    Replaced,
    /// It is used; also one that was put aside.
    Used,
    /// It is put aside: its data is not lost, but the guest can't boot from it.
    PutAside,
    /// It is nothing of ours, as little as the definition of the domain, which was adopted: both stay as they are.
    NotOurs,
}

/// The virtual hardware of a guest.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Its name in libvirt.
    pub domain: DomainName,
    /// Its UUID: always the same for the same instance, so that libvirt itself refuses a second one.
    pub uuid: String,
    /// Its hardware address: always the same for the same instance, so that neighbours' caches stay right.
    pub mac: String,
    /// Virtual processors.
    pub cpus: u32,
    /// Memory.
    pub memory: Bytes,
    /// Size of the disk; none keeps that of the image.
    pub disk_size: Option<Bytes>,
    /// Its disk, an overlay on `base`.
    pub disk: String,
    /// What becomes of a disk that is there already.
    pub former_disk: FormerDisk,
    /// The base image.
    pub base: String,
    /// The file of the seed, where there is one.
    pub seed: Option<String>,
    /// A kernel to boot directly.
    pub kernel: Option<String>,
    /// Its initial RAM disk.
    pub initrd: Option<String>,
    /// Its command line.
    pub cmdline: Option<String>,
    /// The bridge that it is attached to.
    pub bridge: String,
    /// Whether KVM runs its processors, or emulation.
    pub kvm: bool,
}

/// The three files of a NoCloud seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// `meta-data`.
    pub meta_data: String,
    /// `user-data`.
    pub user_data: String,
    /// `network-config`.
    pub network_config: String,
}

/// A guest that goes away.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// Where.
    pub host: HostId,
    /// Which.
    pub instance: InstanceId,
    /// Its name in libvirt.
    pub domain: DomainName,
    /// Its UUID.
    pub uuid: String,
    /// The life that may be ended. Another one in its place is not touched.
    pub generation: String,
    /// Its files, removed with it.
    pub volumes: Vec<String>,
    /// Its disk, where that is kept under another name: what is stateful never loses its data by our doing.
    pub kept: Option<String>,
    /// What is left of it.
    pub leaves: Leaves,
}

/// What is left of a guest that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// Nothing of its domain.
    Nothing,
    /// Its domain, without our mark: it was adopted, so its definition is not ours to remove.
    ItsDomain,
}

/// Leftover disks.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Where.
    pub host: HostId,
    /// Absolute paths, all below our own directory.
    pub volumes: Vec<String>,
    /// The domains that must not exist for that.
    pub domains: Vec<DomainName>,
}

/// How a guest is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuestRef {
    /// Which instance.
    pub instance: InstanceId,
    /// The host that it runs on.
    pub host: HostId,
    /// Its address.
    pub address: Ipv4Addr,
    /// The user to log in as.
    pub user: String,
    /// Its life: host keys are pinned per generation.
    pub generation: String,
}

/// First steps of a guest whose image has a bootstrap address.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    /// The guest, with the address that it shall have.
    pub guest: GuestRef,
    /// Its length of prefix, gateway and hardware address, for the check that the right one answers.
    pub network: GuestNetwork,
    /// The address where it is now.
    pub bootstrap: Ipv4Addr,
    /// Its domain.
    pub domain: DomainName,
    /// `/etc/network/interfaces` with its own address.
    pub interfaces: RenderedFile,
    /// The mark when that is done.
    pub mark: Mark,
    /// How long it may take to boot.
    pub grace: Duration,
}

/// What a guest's interface is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestNetwork {
    /// Length of the prefix.
    pub prefix: u8,
    /// Default route.
    pub gateway: Option<Ipv4Addr>,
    /// Hardware address.
    pub mac: String,
}

/// A running guest that gets another address.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebind {
    /// The guest, at its present address.
    pub guest: GuestRef,
    /// Its domain.
    pub domain: DomainName,
    /// The new address.
    pub to: Ipv4Addr,
    /// The rest of its network.
    pub network: GuestNetwork,
    /// `/etc/network/interfaces` with the new address.
    pub interfaces: RenderedFile,
    /// The mark before: both addresses are taken.
    pub moving: Mark,
    /// The mark after.
    pub moved: Mark,
    /// After this time without our word, the guest drops the new address by itself.
    pub fallback: Duration,
    /// The heartbeat that must come at the new address, and how long it may take.
    pub healthy: (Heartbeat, Duration),
}

/// What a guest's files and process shall be.
#[derive(Debug, Clone, PartialEq)]
pub struct Configure {
    /// The guest.
    pub guest: GuestRef,
    /// What it shall have.
    pub config: Arc<GuestConfig>,
    /// How long to wait for its sshd: it may be booting.
    pub boot: Duration,
    /// The heartbeat that must come afterwards, and how long it may take.
    pub healthy: Option<(Heartbeat, Duration)>,
    /// Whether it starts a process that does not run.
    pub starts: bool,
    /// The mark to set afterwards, where the port changed: with its host and domain.
    pub mark: Option<SetMark>,
}

/// Files and process of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestConfig {
    /// Files, in the order in which they are written.
    pub files: Vec<RenderedFile>,
    /// The process, where we run one.
    pub daemon: Option<Daemon>,
}

/// A file as it shall be.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Absolute path.
    pub path: String,
    /// Content.
    pub content: String,
    /// SHA-256 of the content, in hex.
    pub sha256: String,
    /// Permission bits.
    pub mode: u32,
    /// `user:group`.
    pub owner: String,
    /// What follows a change.
    pub on_change: OnChange,
    /// A command, run by `sh` with the new file as `$1`, that must succeed before the file is put in place.
    pub validate: Option<String>,
    /// Whether its content must not be shown.
    pub secret: bool,
}

impl std::fmt::Debug for RenderedFile {
    // The content may hold secrets: what is printed while hunting an error is its digest.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenderedFile")
            .field("path", &self.path)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

/// A process that the guest's init keeps running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// Its name: that of the group.
    pub name: GroupId,
    /// What init runs, by the guest's init: a file and what enables it are the adapter's business.
    pub init: Init,
    /// The unit files for each init that it may have; the one that fits is written.
    pub units: BTreeMap<Init, RenderedFile>,
    /// The script that becomes the process: `/etc/reconcile/NAME.run`.
    pub script: RenderedFile,
    /// What it must have been started with: the digest of the script and of the files whose change means a restart.
    pub revision: String,
    /// What it must have loaded: the digest of the files whose change means a reload.
    pub loads: String,
    /// A service of the distribution that is in the way, and is disabled.
    pub replaces: Option<String>,
}

/// A VIP that comes or goes.
#[derive(Debug, Clone, PartialEq)]
pub struct VipMove {
    /// The guest that gets or loses it.
    pub guest: GuestRef,
    /// The load balancer that it belongs to.
    pub balancer: GroupId,
    /// The VIP.
    pub vip: Ipv4Net,
    /// The port whose connections are let finish before the VIP goes; none: at once.
    pub quiet_port: Option<u16>,
}

/// A host to switch off.
#[derive(Debug, Clone, PartialEq)]
pub struct FenceHost {
    /// Which.
    pub host: HostId,
    /// The place of the device in the host's list, from 0.
    pub device: usize,
    /// The device.
    pub agent: FenceAgent,
}

/// A mark to write.
#[derive(Debug, Clone, PartialEq)]
pub struct SetMark {
    /// Where.
    pub host: HostId,
    /// The domain.
    pub domain: DomainName,
    /// What it shall say.
    pub mark: Mark,
}
