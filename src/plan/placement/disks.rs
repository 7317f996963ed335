//! Disks that stateful instances left behind when their guests were removed: an instance goes on with its disk, on the host
//! that has it, and does not begin with an empty one elsewhere.

use super::Placer;
use crate::model::desired::{Group, Provision};
use crate::model::facts::Observed;
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::Memory;
use crate::model::time::Timestamp;
use crate::plan::inventory::Whereabouts;

impl<'a> Placer<'a, '_> {
    /// Binds stateful instances that are nowhere to the hosts of their disks.
    pub(super) fn find_disks(&mut self, observed: &Observed, memory: &Memory) {
        for number in 0..self.board.groups.len() {
            let group = self.board.groups[number].group;
            if !goes_on_with_old_disks(
                group,
                self.desired.images.get(&group.image).map(|i| &i.provision),
            ) {
                continue;
            }
            for index in 1..=group.replicas {
                let instance = InstanceId::new(&group.id, index);
                if let Whereabouts::Nowhere = self.inventory.whereabouts(&instance)
                    && let Some(host) = self.host_of_disk(&instance, observed, memory)
                {
                    self.board.groups[number].rules.bind(index, host);
                }
            }
        }
    }

    /// The host with the disk of an instance: that which was written last, where there are several.
    fn host_of_disk(
        &self,
        instance: &InstanceId,
        observed: &Observed,
        memory: &Memory,
    ) -> Option<&'a HostId> {
        let hosts = self.desired.hosts.keys();
        let with_disk = hosts.filter_map(|host| {
            let seen = observed.hosts.get(host).and_then(|seen| seen.facts());
            let written = match (seen, memory.hosts.get(host)) {
                (Some(facts), _) => facts.kept_disk(instance),
                // With evidence that the host is gone, its disk is given up as that of a guest is.
                (None, Some(known)) if !self.inventory.hosts.has_ended(host) => {
                    known.disks.get(instance).copied()
                }
                (None, _) => None,
            };
            Some((written?, host))
        });
        let last: Option<(Timestamp, &HostId)> = with_disk.max();
        last.map(|(_, host)| host)
    }
}

/// A disk that was set up over ssh boots with the address that it had: it is used only by the guest that has that still.
fn goes_on_with_old_disks(group: &Group, provision: Option<&Provision>) -> bool {
    group.stateful && matches!(provision, Some(Provision::CloudInit))
}
