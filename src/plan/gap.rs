//! What users notice of an action, and for how long: measured on this cluster, else assumed.

use std::time::Duration;

use super::Planner;
use crate::memory::took::typical;
use crate::model::desired::{Group, Image, LoadBalancer, Provision};
use crate::model::id::InstanceId;
use crate::model::memory::Doing;
use crate::model::plan::Interruption;

/// Why somebody does not serve for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// It is made anew, on its host or on another one.
    Rebuild,
    /// Its process starts anew.
    Restart,
    /// It gets another address.
    Rebind,
    /// A VIP comes from one guest to another one.
    Handover,
}

impl Gap {
    /// How long it is taken to last until it was measured.
    fn assumed(self) -> Duration {
        Duration::from_secs(match self {
            Gap::Rebuild => 30,
            Gap::Restart | Gap::Rebind => 3,
            // Who connects meanwhile tries again after so long (RFC 6298, 2.1).
            Gap::Handover => 1,
        })
    }

    /// What is done meanwhile, one after the other.
    fn doings(self, image: Option<&Image>) -> &'static [Doing] {
        let provision = image.map(|image| &image.provision);
        match (self, provision) {
            (Gap::Rebuild, Some(Provision::Ssh { .. })) => {
                &[Doing::Build, Doing::Bootstrap, Doing::SetUp]
            }
            (Gap::Rebuild, Some(Provision::CloudInit) | None) => &[Doing::Build, Doing::SetUp],
            (Gap::Restart, _) => &[Doing::Restart],
            (Gap::Rebind, _) => &[Doing::Rebind],
            (Gap::Handover, _) => &[Doing::AddVip],
        }
    }
}

impl Planner<'_> {
    /// What users notice while an instance does not serve: nothing, where others do.
    pub(super) fn noticed(
        &self,
        instance: &InstanceId,
        group: &Group,
        gap: Gap,
    ) -> Option<Interruption> {
        let what = || format!("{} (its only instance that serves)", group.id);
        (!self.others_live(instance, group)).then(|| self.interruption(what(), group, gap))
    }

    /// What users notice while nobody has a VIP.
    pub(super) fn vip_gap(&self, group: &Group, lb: &LoadBalancer) -> Interruption {
        let what = format!("new connections to {}", lb.vip.addr());
        self.interruption(what, group, Gap::Handover)
    }

    fn interruption(&self, what: String, group: &Group, gap: Gap) -> Interruption {
        let doings = gap.doings(self.round.desired.images.get(&group.image));
        let measured = typical(self.round.memory, &group.id, doings);
        Interruption {
            what,
            about: Some(measured.map_or_else(|| gap.assumed(), |(took, _)| took)),
            measured: measured.map(|(_, times)| times),
        }
    }
}
