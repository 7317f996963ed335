//! Programs of fencing devices: which are not on this machine. What was found is not looked for again; what was not is, as
//! somebody may install it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::Desired;
use crate::model::id::HostId;
use crate::model::policy::FenceAgent;
use crate::ports::fencer::FencerView;

/// The programs that were found.
#[derive(Debug, Default)]
pub struct Agents(BTreeSet<String>);

impl Agents {
    /// The programs that are not there, each with the hosts that it is for.
    pub fn missing(
        &mut self,
        desired: &Desired,
        fencers: &dyn FencerView,
    ) -> BTreeMap<String, BTreeSet<HostId>> {
        let mut wanted: BTreeMap<&str, (&FenceAgent, BTreeSet<HostId>)> = BTreeMap::new();
        for host in desired.hosts.values() {
            for agent in host.agents() {
                let new = || (agent, BTreeSet::new());
                let (_, hosts) = wanted.entry(&agent.program).or_insert_with(new);
                hosts.insert(host.id.clone());
            }
        }
        let missing = wanted.into_iter();
        let missing = missing.filter(|(_, (agent, _))| !self.has(agent, fencers));
        let missing = missing.map(|(program, (_, hosts))| (program.to_owned(), hosts));
        missing.collect()
    }

    fn has(&mut self, agent: &FenceAgent, fencers: &dyn FencerView) -> bool {
        if self.0.contains(&agent.program) {
            return true;
        }
        let found = fencers.is_installed(agent);
        self.0.extend(found.then(|| agent.program.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::ports::ActError;
    use crate::ports::fencer::Power;
    use crate::spec::{NoFiles, parse};

    /// A machine that has fence_b only, and counts how often it was asked.
    #[derive(Default)]
    struct Machine(AtomicUsize);

    #[async_trait]
    impl FencerView for Machine {
        fn is_installed(&self, agent: &FenceAgent) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            agent.program == "fence_b"
        }

        async fn power(&self, _: &FenceAgent) -> Result<Power, ActError> {
            Ok(Power::On)
        }
    }

    #[test]
    fn each_program_is_looked_for_once_and_again_only_while_it_is_missing() {
        let host = |name: &str, number: u8, agent: &str| {
            format!(
                "  {name}: {{ address: 10.0.0.{number}, pool: 10.0.1.{number}, fencing: {{ agent: {agent} }} }}\n"
            )
        };
        let text = format!(
            "cluster: demo\nnetworks:\n  lan: {{ cidr: 10.0.0.0/16 }}\nhosts:\n{}{}{}images:\n  alpine: {{ path: /a.qcow2 }}\n\
             services:\n  api: {{ replicas: 1, image: alpine, memory: 128MiB, port: 80, run: x }}\n",
            host("a", 1, "fence_a"),
            host("b", 2, "fence_a"),
            host("c", 3, "fence_b"),
        );
        let desired = parse("cluster.yaml", text.as_bytes(), &NoFiles).unwrap();
        let (machine, mut agents) = (Machine::default(), Agents::default());
        let hosts = ["a", "b"].map(|host| host.parse().unwrap()).into();
        let missing = BTreeMap::from([("fence_a".to_owned(), hosts)]);
        for asked in [2, 3] {
            assert_eq!(agents.missing(&desired, &machine), missing);
            assert_eq!(machine.0.load(Ordering::Relaxed), asked);
        }
    }
}
