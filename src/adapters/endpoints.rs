//! How a host, a guest, and a guest at its bootstrap address are connected to, and where a host keeps its claim.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::ssh::{Endpoint, HostKeys};
use crate::model::action::{Bootstrap, GuestRef};
use crate::model::desired::Host;
use crate::model::facts::{Unseen, UnseenKind};
use crate::model::id::ClusterName;

/// A host may be far away.
const HOST_CONNECT_SECONDS: u64 = 5;
/// Emulated guests that boot side by side take seconds for a handshake; giving up earlier would only load them more.
const GUEST_CONNECT_SECONDS: u64 = 5;

/// A host, with the host key that the user knows.
pub(super) fn host(host: &Host) -> Endpoint {
    Endpoint {
        name: host.id.to_string(),
        destination: host.address.clone(),
        port: host.port,
        user: host.user.clone(),
        keys: HostKeys::Known,
        connect_seconds: HOST_CONNECT_SECONDS,
    }
}

/// A guest: the key that it showed first is pinned for its life, wherever it moves.
pub(super) fn guest(state: &Path, guest: &GuestRef) -> Result<Endpoint, Unseen> {
    Ok(Endpoint {
        name: guest.instance.to_string(),
        destination: guest.address.to_string(),
        port: None,
        user: Some(guest.user.clone()),
        keys: HostKeys::Pinned {
            alias: format!("reconcile-{}", guest.generation),
            file: known_hosts(state, &guest.generation)?,
        },
        connect_seconds: GUEST_CONNECT_SECONDS,
    })
}

/// A fresh guest at the address that all fresh guests of its image have: its key means nothing, its hardware address
/// will tell who it is. The name is part of the connection's identity, so no two guests share one.
pub(super) fn bootstrap(bootstrap: &Bootstrap) -> Endpoint {
    let at: Ipv4Addr = bootstrap.bootstrap;
    Endpoint {
        name: format!(
            "{} ({})",
            bootstrap.guest.instance, bootstrap.guest.generation
        ),
        destination: at.to_string(),
        port: None,
        user: Some(bootstrap.guest.user.clone()),
        keys: HostKeys::Any,
        connect_seconds: GUEST_CONNECT_SECONDS,
    }
}

/// Where a host keeps its claim: of the machine, whatever the file calls it. A boot ends it, and does not wipe out whose it was.
pub(super) fn claim(cluster: &ClusterName) -> String {
    format!("/var/lib/reconcile/claim-{cluster}")
}

/// The file with the host key of one life of a guest. Generations are read back from libvirt, where others write too.
pub(super) fn known_hosts(state: &Path, generation: &str) -> Result<PathBuf, Unseen> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if generation.is_empty() || generation.len() > 64 || !generation.chars().all(plain) {
        return Err(Unseen::new(
            UnseenKind::Broken,
            format!("a mark with the generation {generation:?} is none of ours"),
        ));
    }
    Ok(directory(state).join(format!("{generation}.known_hosts")))
}

/// The directory of those files.
pub(super) fn directory(state: &Path) -> PathBuf {
    state.join("guests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_that_is_no_file_name_is_refused() {
        let state = Path::new("/s");
        let fine = known_hosts(state, "k3-b_9").unwrap();
        assert_eq!(fine, Path::new("/s/guests/k3-b_9.known_hosts"));
        for bad in ["", "../x", "a b", "%h", &"x".repeat(65)] {
            assert!(known_hosts(state, bad).is_err(), "{bad}");
        }
    }
}
