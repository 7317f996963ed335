//! The hosts that a running controller claims, listens to, guards and acts on: those of the file, and those that leave it.

use std::sync::Arc;

use tracing::info;

use super::Watch;
use crate::controller::events::Events;
use crate::controller::guards::{self, Parting};
use crate::execute::Hands;
use crate::model::desired::{Desired, Host};

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
        self.partings.retain(|parting| parting.goes_on(desired));
        let guards = self.guards.take();
        self.guards = guards.map(|guards| guards.follow(desired, &hands, &eyes.leases));
        self.events = Events::of(desired, eyes, &self.heard);
        self.runner.set_hands(hands);
    }

    /// A host that left the file and is empty is let go of, with its guard.
    pub(super) fn let_go(&mut self, before: &Arc<Desired>) {
        if Arc::ptr_eq(before, &self.session.watcher.desired) {
            return;
        }
        self.reach_hosts(self.runner.hands().clone());
        for host in self.gone(before) {
            info!(host = %host.id, "it left the file, and is forgotten: nothing of ours is on it");
            self.part_from(host);
        }
    }

    /// One that left the file before it was ever seen is not known any more; it may have a guard.
    pub(super) fn let_go_unseen(&mut self, before: &Desired) {
        let leases = self.session.watcher.eyes.leases.clone();
        for host in self.gone(before) {
            if leases.may_have_armed(&host.id) {
                self.part_from(host);
            }
        }
    }

    /// The hosts that were known, and are not any more.
    fn gone<'a>(&self, before: &'a Desired) -> Vec<&'a Host> {
        let desired = &self.session.watcher.desired;
        let hosts = before.hosts.values();
        hosts.filter(|host| !desired.knows(host)).collect()
    }

    fn part_from(&mut self, host: &Host) {
        let watcher = &self.session.watcher;
        watcher.eyes.leases.forget(&host.id);
        let parting = Parting::from(host, &watcher.desired.cluster, self.runner.hands());
        self.partings.push(parting);
    }
}
