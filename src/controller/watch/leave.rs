//! What lets a controller act, and what it keeps while it may: the claims on hosts, and the guards there.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tracing::{info, warn};

use super::Watch;
use crate::controller::claims::Told;
use crate::controller::guards::{self, Guards};
use crate::controller::monitor::Change;
use crate::execute::Barred;
use crate::model::desired::Host;
use crate::model::plan::{Notice, NoticeKind, Plan};
use crate::model::time::Timestamp;
use crate::ports::herald::Word;
use crate::ports::store::StoreError;

impl Watch {
    /// Whether the claims let us act now.
    pub(super) fn may_act(&mut self) -> Result<bool, StoreError> {
        let clock = Arc::clone(&self.session.watcher.eyes.clock);
        match self.claims.permit().may_begin(clock.as_ref()) {
            Ok(()) => self.take_over(clock.now()),
            Err(Barred::Rival(rivals)) => {
                self.leave_to_rival()?;
                if self.waits.is_none() {
                    let who = rivals.values().next().map(|claim| claim.who.clone());
                    let who = who.unwrap_or_default();
                    info!("waiting: nothing is done while another controller is at work: {who}");
                    self.waits = Some((who, clock.now()));
                }
                Ok(false)
            }
            Err(Barred::Unclaimed | Barred::Asked(_)) => Ok(false),
        }
    }

    /// What was decided and has not begun is the other controller's to decide now.
    pub(super) fn leave_to_rival(&mut self) -> Result<(), StoreError> {
        let Some(barred) = self.rival() else {
            return Ok(());
        };
        for ended in self.runner.give_up(&barred.to_string()) {
            self.end(&ended)?;
        }
        Ok(())
    }

    fn rival(&self) -> Option<Barred> {
        let clock = self.session.watcher.eyes.clock.as_ref();
        let leave = self.claims.permit().may_begin(clock);
        leave
            .err()
            .filter(|barred| matches!(barred, Barred::Rival(_)))
    }

    /// The plan as far as it is carried out: nothing of it while another controller is at work, or was until this look.
    pub(super) fn as_it_may<'p>(&self, plan: &'p Plan) -> Cow<'p, Plan> {
        if !self.leaves_it_to_another() || plan.actions.is_empty() {
            return Cow::Borrowed(plan);
        }
        let mut told = plan.clone();
        told.actions.clear();
        told.notices.push(Notice {
            kind: NoticeKind::Waiting,
            subject: "cluster".to_owned(),
            text: "there is something to do; it is left to the other controller".to_owned(),
            help: None,
            line: None,
        });
        Cow::Owned(told)
    }

    /// Whether another controller is at work, or was until this look.
    pub(super) fn leaves_it_to_another(&self) -> bool {
        self.waits.is_some() || self.rival().is_some()
    }

    /// Whoever waited for another controller knows less than that one did: it looks once more before it acts.
    fn take_over(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let Some((from, since)) = self.waits.take() else {
            return Ok(true);
        };
        info!("no other controller has these hosts any more, this one goes on after {from}");
        // It may live on, and renew the leases of hosts that we don't see.
        self.session.watcher.eyes.leases.forget_all();
        self.arm();
        self.session.took_over(&from, now.since(since))?;
        self.herald.heard(Word::TookOver(&from, now.since(since)));
        self.runner.abandon();
        // Nobody listens any more only when the controller is about to end.
        let _ = self.heard.send(Change::TookOver);
        Ok(false)
    }

    /// While failover is disarmed, no guard may stop anything.
    pub(super) async fn arm_or_disarm(&mut self, disarmed: bool) -> Result<(), StoreError> {
        match (disarmed, self.guards.as_ref().is_some_and(Guards::are_kept)) {
            (true, true) => self.end_guards().await,
            (false, false) => {
                self.arm();
                Ok(())
            }
            (true, false) | (false, true) => Ok(()),
        }
    }

    /// Ends all guards: those on hosts that we reach at once, whatever the file says of them, and the others later. What their
    /// leases would show is not known any more then.
    async fn end_guards(&mut self) -> Result<(), StoreError> {
        let desired = Arc::clone(&self.session.watcher.desired);
        let hosts: Vec<Host> = desired.hosts.values().cloned().collect();
        if !self.may_disown(&hosts) {
            return Ok(());
        }
        self.disarm().await?;
        self.guards = Some(Guards::ended(&desired, self.runner.hands()));
        Ok(())
    }

    /// Guards from now on: as the file says, whatever another controller did.
    fn arm(&mut self) {
        let watcher = &self.session.watcher;
        let (desired, leases) = (&watcher.desired, &watcher.eyes.leases);
        self.guards = Some(Guards::of(desired, self.runner.hands(), leases));
    }

    /// Without a controller, no guard may stop anything.
    pub(super) async fn disarm(&mut self) -> Result<(), StoreError> {
        self.guards = None;
        let watcher = &self.session.watcher;
        let desired = Arc::clone(&watcher.desired);
        let hosts = guards::ours(&desired, self.runner.hands());
        if self.may_disown(&hosts) {
            guards::disarm(hosts, &desired.cluster, self.runner.hands()).await;
        }
        Ok(())
    }

    /// Nothing rests on these guards any more. Not where a controller that starts later could not know so: a lease would be
    /// evidence to it, without a guard.
    fn may_disown(&mut self, hosts: &[Host]) -> bool {
        let kept = self.session.disowned(hosts);
        if let Err(error) = &kept {
            warn!(why = %error.source, "the guards stay, since memory can't be written");
        }
        kept.is_ok()
    }
}

/// Who keeps claims says by this that there is news of them.
pub(super) fn told(heard: &UnboundedSender<Change>) -> Told {
    let heard = heard.clone();
    // Nobody listens any more only when the controller is about to end.
    Arc::new(move || drop(heard.send(Change::Claims)))
}
