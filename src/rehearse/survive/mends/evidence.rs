//! What lets the controller act on a loss: witnesses, fencing, the brake.

use super::{Facts, Mend, both};
use crate::model::desired::Host;
use crate::model::policy::Fencing;

impl Facts<'_> {
    /// Who shows whether it is us who are cut off, and what makes sure that a lost host is off.
    pub(super) fn evidence(&self) -> Vec<Mend> {
        if !self.open || self.loss.hosts.is_empty() {
            return Vec::new();
        }
        let (witness, fence) = (self.witness(), self.fencing());
        let together = both(witness.as_slice(), &fence);
        [Vec::from_iter(witness), fence, together].concat()
    }

    fn witness(&self) -> Option<Mend> {
        if !self.desired.safety.witnesses.is_empty() {
            return None;
        }
        let gateway = self
            .desired
            .networks
            .values()
            .any(|net| net.gateway.is_some());
        let value = match gateway {
            true => "gateway".to_owned(),
            // Whoever answers pings and is none of ours.
            false => self
                .free(self.desired.hosts.values().next()?)
                .last()?
                .to_string(),
        };
        let text = "a witness outside of the hosts, which answers pings";
        Some(Mend::new(text, [("safety.witnesses".to_owned(), value)]))
    }

    /// The guard, or a device, for all hosts that were lost.
    fn fencing(&self) -> Vec<Mend> {
        let lost = self
            .loss
            .hosts
            .iter()
            .filter_map(|host| self.desired.hosts.get(host));
        let lost: Vec<&Host> = lost.collect();
        let by = |text: &str, value: &str| {
            let names: Vec<&str> = lost.iter().map(|host| host.id.as_str()).collect();
            let changes = lost
                .iter()
                .map(|host| (format!("hosts.{}.fencing", host.id), value.to_owned()));
            let plural = if names.len() == 1 { "" } else { "s" };
            let text = format!("{text} host{plural} {}", names.join(" and "));
            Mend::new(text, changes)
        };
        let (lease, agent) = (
            by("the guard (a lease) on", "lease"),
            by("a fencing device for", "{ agent: fence_ipmilan }"),
        );
        let has_agent = |host: &&Host| host.fencing.iter().any(|f| matches!(f, Fencing::Agent(_)));
        let mut mends = Vec::new();
        if !lost
            .iter()
            .all(|host| host.fencing.contains(&Fencing::Lease))
        {
            mends.push(lease);
        }
        if !lost.iter().all(has_agent) {
            mends.push(agent);
        }
        mends
    }

    /// A brake that lets so many hosts fail at once.
    pub(super) fn brake(&self) -> Vec<Mend> {
        let brake = self.desired.safety.brake.0;
        if !self.open || brake >= 100 || self.loss.hosts.len() < 2 {
            return Vec::new();
        }
        let all = u32::try_from(self.desired.hosts.len())
            .unwrap_or(u32::MAX)
            .max(1);
        let lost = u32::try_from(self.loss.hosts.len()).unwrap_or(all);
        let enough = (lost * 100).div_ceil(all).clamp(brake, 100);
        let value = format!("{enough}%");
        let text = format!("a brake that lets {lost} of {all} hosts fail at once");
        vec![Mend::new(text, [("safety.brake".to_owned(), value)])]
    }
}
