//! Listening to the libvirt of every host all the time: a guest that dies is known at once, long before its heartbeats
//! are missed. Only ever a reason to look; whoever misses an event sees its effect in the next round.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;
use tracing::debug;

use super::look::Eyes;
use super::monitor::Change;
use crate::model::desired::{Desired, Host};
use crate::model::id::{ClusterName, DomainName};

/// From the end of a connection, or from a try that failed, to the next try.
const AGAIN: Duration = Duration::from_secs(10);

/// Listens to all hosts of a file.
pub struct Events(Vec<AbortHandle>);

impl Events {
    /// Says what it hears to `changes`, until it is dropped.
    pub fn of(desired: &Desired, eyes: &Eyes, changes: &UnboundedSender<Change>) -> Self {
        let listener = |host: &Host| {
            let listener = listen(
                eyes.clone(),
                host.clone(),
                desired.cluster.clone(),
                changes.clone(),
            );
            tokio::spawn(listener).abort_handle()
        };
        Events(desired.hosts.values().map(listener).collect())
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

async fn listen(eyes: Eyes, host: Host, cluster: ClusterName, changes: UnboundedSender<Change>) {
    let ended = |domain: &str| {
        if let Some(instance) = DomainName::instance(&cluster, domain) {
            // Nobody listens any more only when the controller is about to end.
            let _ = changes.send(Change::Ended(instance));
        }
    };
    loop {
        let why = eyes.hypervisor.listen(&host, &ended).await;
        debug!(host = %host.id, "no events from libvirt: {}", why.message);
        eyes.clock.sleep(AGAIN).await;
    }
}
