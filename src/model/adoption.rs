//! What it takes to adopt a domain that somebody else made: what was found of it, what is written into the user's file, and the mark.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::id::{DomainName, GroupId, HostId};
use super::mark::Mark;
use super::unit::Bytes;

/// A domain that is none of ours, as far as its adoption asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surveyed {
    /// Virtual processors.
    pub cpus: u32,
    /// Memory.
    pub memory: Bytes,
    /// The bridges that it is attached to.
    pub bridges: BTreeSet<String>,
    /// The files and devices that its disks are.
    pub disks: Vec<String>,
    /// The addresses that it has, as far as its host knows.
    pub addresses: BTreeSet<Ipv4Addr>,
    /// Whether it is defined, and not only runs.
    pub is_defined: bool,
}

/// A domain that becomes an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// Where it is.
    pub host: HostId,
    /// Its name, which stays.
    pub domain: DomainName,
    /// Its UUID.
    pub uuid: String,
    /// The mark that it gets.
    pub mark: Mark,
}

/// One edit of `cluster.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Amendment {
    /// A service that is not there yet.
    Service {
        /// Its name.
        id: GroupId,
        /// Its keys, each with its value as it is written.
        keys: Vec<(String, String)>,
    },
    /// Another number of instances of a service.
    Replicas {
        /// Its name.
        id: GroupId,
        /// How many.
        replicas: u32,
    },
    /// One more address in the pool of a host.
    Pool {
        /// The host.
        host: HostId,
        /// The address.
        address: Ipv4Addr,
    },
}
