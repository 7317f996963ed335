//! The mark: what `reconcile` writes into the libvirt metadata of every domain it makes. Ownership, addresses and
//! revisions are read back from here; without a mark of our cluster, a domain is foreign and is never touched.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::id::{ClusterName, InstanceId};

/// The XML namespace of the mark, which is also its key for `virsh metadata`
/// (<https://libvirt.org/formatdomain.html#general-metadata>).
pub const MARK_NAMESPACE: &str = "urn:reconcile:mark:1";

/// The mark of one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The cluster that the domain belongs to.
    pub cluster: ClusterName,
    /// The instance that it is.
    pub instance: InstanceId,
    /// The guest's address.
    pub address: Ipv4Addr,
    /// The address that the guest is moving to: both are taken until the move is done.
    pub moving_to: Option<Ipv4Addr>,
    /// The port that it serves on.
    pub port: u16,
    /// The digest of what the machine was built from: see [`crate::model::action::Machine`].
    pub digest: String,
    /// Which life of the instance this is: new with every creation, so that a stale connection, key or count of a
    /// former life is never taken for this one.
    pub generation: String,
    /// Whether the guest has its own address yet.
    pub stage: Stage,
}

/// How far a guest has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It still has the bootstrap address of its image.
    Bootstrap,
    /// It has its own address.
    Ready,
}

impl Mark {
    /// Every address that the guest may answer on.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        [Some(self.address), self.moving_to].into_iter().flatten()
    }
}
