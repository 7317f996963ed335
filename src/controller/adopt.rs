//! What a round would see and plan if a domain had our mark already. Changes nothing.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use async_trait::async_trait;

use super::look::{Beats, Eyes};
use super::{Round, Watcher};
use crate::model::adoption::Adoption;
use crate::model::desired::{Desired, Host};
use crate::model::facts::{Answer, HostFacts, Seen, Unseen};
use crate::model::memory::Memory;
use crate::ports::hypervisor::{Ended, HostQuery, Hypervisor};

/// A round over `desired`, in which the domain is adopted.
pub async fn as_if(desired: Arc<Desired>, memory: Memory, eyes: Eyes, adoption: Adoption) -> Round {
    let hypervisor = Arc::new(AsIf {
        inner: Arc::clone(&eyes.hypervisor),
        adoption,
    });
    let eyes = Eyes { hypervisor, ..eyes };
    Watcher::new(desired, memory, eyes).round(&Beats::Ask).await
}

/// The hosts as they are, but for one mark.
struct AsIf {
    inner: Arc<dyn Hypervisor>,
    adoption: Adoption,
}

#[async_trait]
impl Hypervisor for AsIf {
    async fn observe(&self, host: &Host, query: &HostQuery) -> Seen<HostFacts> {
        let mut seen = self.inner.observe(host, query).await;
        if let (Seen::Yes(facts), true) = (&mut seen, host.id == self.adoption.host) {
            let mut domains = facts.domains.iter_mut();
            let found = domains.find(|domain| domain.uuid == self.adoption.uuid);
            found
                .into_iter()
                .for_each(|domain| domain.mark = Some(self.adoption.mark.clone()));
        }
        seen
    }

    async fn who_answers(
        &self,
        host: &Host,
        bridge: &str,
        addresses: &[Ipv4Addr],
    ) -> Result<BTreeMap<Ipv4Addr, Answer>, Unseen> {
        self.inner.who_answers(host, bridge, addresses).await
    }

    async fn listen(&self, host: &Host, ended: Ended<'_>) -> Unseen {
        self.inner.listen(host, ended).await
    }
}
