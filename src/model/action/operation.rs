//! What is known of any operation: what it is about, and what it does to guests.

use super::Operation;
use crate::model::id::{HostId, InstanceId};

impl Operation {
    /// The kind, for programs: stable.
    pub fn kind(&self) -> &'static str {
        match self {
            Operation::CopyImage(_) => "copy-image",
            Operation::Create(_) => "create",
            Operation::Recreate(_) => "recreate",
            Operation::Fence(_) => "fence",
            Operation::Destroy(_) => "destroy",
            Operation::Sweep(_) => "sweep",
            Operation::Bootstrap(_) => "bootstrap",
            Operation::Rebind(_) => "rebind",
            Operation::Configure(_) => "configure",
            Operation::AddVip(_) => "add-vip",
            Operation::DropVip(_) => "drop-vip",
            Operation::SetMark(_) => "set-mark",
            Operation::FenceHost(_) => "fence-host",
        }
    }

    /// Whether the guest that is there is ended by it.
    pub fn ends_a_life(&self) -> bool {
        match self {
            Operation::Recreate(_) | Operation::Fence(_) | Operation::Destroy(_) => true,
            Operation::CopyImage(_)
            | Operation::Create(_)
            | Operation::Sweep(_)
            | Operation::Bootstrap(_)
            | Operation::Rebind(_)
            | Operation::Configure(_)
            | Operation::AddVip(_)
            | Operation::DropVip(_)
            | Operation::SetMark(_)
            | Operation::FenceHost(_) => false,
        }
    }

    /// The instance that it is about, where it is about one.
    pub fn instance(&self) -> Option<&InstanceId> {
        match self {
            Operation::CopyImage(_) | Operation::Sweep(_) | Operation::FenceHost(_) => None,
            Operation::Create(build) | Operation::Recreate(build) => Some(&build.mark.instance),
            Operation::Fence(removal) | Operation::Destroy(removal) => Some(&removal.instance),
            Operation::Bootstrap(bootstrap) => Some(&bootstrap.guest.instance),
            Operation::Rebind(rebind) => Some(&rebind.guest.instance),
            Operation::Configure(configure) => Some(&configure.guest.instance),
            Operation::AddVip(vip) | Operation::DropVip(vip) => Some(&vip.guest.instance),
            Operation::SetMark(set) => Some(&set.mark.instance),
        }
    }

    /// The host that it happens on.
    pub fn host(&self) -> &HostId {
        match self {
            Operation::CopyImage(copy) => &copy.host,
            Operation::Create(build) | Operation::Recreate(build) => &build.host,
            Operation::Fence(removal) | Operation::Destroy(removal) => &removal.host,
            Operation::Sweep(sweep) => &sweep.host,
            Operation::Bootstrap(bootstrap) => &bootstrap.guest.host,
            Operation::Rebind(rebind) => &rebind.guest.host,
            Operation::Configure(configure) => &configure.guest.host,
            Operation::AddVip(vip) | Operation::DropVip(vip) => &vip.guest.host,
            Operation::SetMark(set) => &set.host,
            Operation::FenceHost(fence) => &fence.host,
        }
    }
}
