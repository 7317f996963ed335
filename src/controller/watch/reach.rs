//! The hosts that a running controller claims, listens to, guards and acts on: those of the file, and those that leave it.

use std::sync::Arc;

use tracing::info;

use super::Watch;
use crate::controller::events::Events;
use crate::controller::guards;
use crate::execute::Hands;
use crate::model::desired::Desired;

/// These hands, for all hosts of the rounds.
pub(super) fn all_hosts(desired: &Desired, hands: Hands) -> Hands {
    let hosts = Arc::new(desired.hosts.clone());
    Hands { hosts, ..hands }
}

impl Watch {
    /// The hosts to claim, to listen to, to guard and to act on are those of the rounds.
    pub(super) fn reach_hosts(&mut self, hands: Hands) {
        guards::disown(&mut self.session.watcher);
        let watcher = &self.session.watcher;
        let (desired, eyes) = (&watcher.desired, &watcher.eyes);
        let hands = all_hosts(desired, hands);
        self.claims.follow(desired, &hands);
        let guards = self.guards.take();
        self.guards = guards.map(|guards| guards.follow(desired, &hands, &eyes.leases));
        self.events = Events::of(desired, eyes, &self.heard);
        self.runner.set_hands(hands);
    }

    /// A host that left the file and is empty is let go of, with its guard.
    pub(super) fn let_go(&mut self, before: &Arc<Desired>) {
        let watcher = &self.session.watcher;
        if Arc::ptr_eq(before, &watcher.desired) {
            return;
        }
        let hands = self.runner.hands().clone();
        let desired = Arc::clone(&watcher.desired);
        let hosts = before.hosts.values();
        let gone = hosts.filter(|host| !desired.hosts.contains_key(&host.id));
        self.reach_hosts(hands.clone());
        for host in gone {
            info!(host = %host.id, "it left the file, and is forgotten: nothing of ours is on it");
            self.session.watcher.eyes.leases.forget(&host.id);
            let cluster = desired.cluster.clone();
            tokio::spawn(guards::part(hands.clone(), host.clone(), cluster));
        }
    }
}
