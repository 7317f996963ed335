//! A host and its libvirt.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use async_trait::async_trait;

use super::{ActError, Effect};
use crate::model::action::{Build, Removal, SetMark, Sweep};
use crate::model::desired::{Host, ImageFile};
use crate::model::facts::{Answer, HostFacts, Seen, Unseen};
use crate::model::id::{ClusterName, HostId};

/// What is asked of a host besides its domains.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostQuery {
    /// Absolute paths of files to look for: base images, kernels.
    pub files: BTreeSet<String>,
    /// The directory of our disks.
    pub volumes: String,
    /// The cluster whose claim on the host is looked at.
    pub cluster: Option<ClusterName>,
    /// Whether to find out if KVM really works.
    pub probe_kvm: bool,
    /// Hosts out of sight, and what to ask for them on the network: does this one see them?
    pub peers: BTreeMap<HostId, String>,
}

/// What is told the names of domains whose run has ended.
pub type Ended<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Looking at a host. No method of it changes anything.
#[async_trait]
pub trait Hypervisor: Send + Sync {
    /// One complete look at a host, in one round trip.
    async fn observe(&self, host: &Host, query: &HostQuery) -> Seen<HostFacts>;

    /// Asks on the wire, from the host through `bridge`, who answers for each of `addresses` (ARP).
    async fn who_answers(
        &self,
        host: &Host,
        bridge: &str,
        addresses: &[Ipv4Addr],
    ) -> Result<BTreeMap<Ipv4Addr, Answer>, Unseen>;

    /// Listens until that is not possible any more, and returns why. `ended` is told the name of every domain whose
    /// run has just ended, ours or not. A hint to look at once, no fact: what is missed is seen in the next round.
    async fn listen(&self, host: &Host, ended: Ended<'_>) -> Unseen;
}

/// Changing things on a host. Every method is idempotent, checks its precondition on the host itself right before it
/// acts, and touches no domain without the expected mark.
#[async_trait]
pub trait HypervisorControl: Send + Sync {
    /// Brings a file with a source to its absolute path on the host: resumed where it broke off, checked against its digest, and only then put in place.
    async fn copy_file(&self, host: &Host, file: &ImageFile) -> Result<Effect, ActError>;

    /// Builds and starts a guest. With `replaces`, the guest of that generation is destroyed first.
    async fn build(&self, host: &Host, build: &Build) -> Result<Effect, ActError>;

    /// Makes sure that the guest does not run.
    async fn fence(&self, host: &Host, removal: &Removal) -> Result<Effect, ActError>;

    /// Removes a guest and its files.
    async fn remove(&self, host: &Host, removal: &Removal) -> Result<Effect, ActError>;

    /// Removes files of guests that do not exist.
    async fn sweep(&self, host: &Host, sweep: &Sweep) -> Result<Effect, ActError>;

    /// Writes a mark: into the running and the stored definition of the domain.
    async fn set_mark(&self, host: &Host, set: &SetMark) -> Result<Effect, ActError>;
}
