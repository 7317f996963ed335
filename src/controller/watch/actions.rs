//! What is in hand: actions begin, and end.

use std::sync::Arc;

use futures::FutureExt;
use tracing::{error, info, warn};

use super::{FAREWELL, HANDOVER, Signal, Wake, Watch, millis};
use crate::execute::Ended;
use crate::model::action::Operation;
use crate::model::plan::Outcome;
use crate::plan::queries::Look;
use crate::ports::herald::Word;
use crate::ports::store::StoreError;

impl Watch {
    pub(super) fn begin(&mut self) -> Result<(), StoreError> {
        if !self.may_act()? {
            return Ok(());
        }
        let (session, monitor) = (&mut self.session, &mut self.monitor);
        let progress = &self.progress;
        let skipped = self.runner.begin_ready(|action| {
            let (kind, why) = (action.operation.kind(), &action.reason);
            info!(action = kind, reason = %why.code, "{}: {}", action.summary, why.text);
            if let (true, Some(guest)) =
                (action.operation.ends_a_life(), action.operation.instance())
            {
                monitor.forget(guest);
            }
            session.begun(action)?;
            progress.started(action);
            Ok::<(), StoreError>(())
        });
        // The next round knows that it has to wait.
        let skipped = skipped.unwrap_or_else(|error| {
            let why = format!("memory can't be written: {}", error.source);
            self.runner.give_up(&why)
        });
        for ended in &skipped {
            self.end(ended)?;
        }
        Ok(())
    }

    /// A look may wait for a host that does not answer: a VIP that nobody has meanwhile does not.
    pub(super) async fn finish_handovers(&mut self) -> Result<(), StoreError> {
        let clock = Arc::clone(&self.session.watcher.eyes.clock);
        let late = clock.sleep(HANDOVER);
        tokio::pin!(late);
        while self.runner.is_handing_over() {
            tokio::select! {
                biased;
                Some(ended) = self.runner.next_end() => {
                    self.end_all(ended)?;
                    self.begin()?;
                }
                () = &mut late => break,
            }
        }
        Ok(())
    }

    /// What the plan in force did not reckon with is looked at at once, whatever else is in hand: others may wait for it.
    pub(super) fn end_all(&mut self, first: Ended) -> Result<Wake, StoreError> {
        let mut wake = Wake::Act;
        let mut next = Some(first);
        while let Some(ended) = next {
            let now = self.session.watcher.eyes.clock.now();
            let again = self.vain.again(&ended, now);
            if !again && (!ended.as_planned || self.runner.is_idle()) {
                wake = Wake::Look;
            }
            self.end(&ended)?;
            next = self.runner.next_end().now_or_never().flatten();
        }
        Ok(wake)
    }

    pub(super) fn end(&mut self, ended: &Ended) -> Result<(), StoreError> {
        let action = ended.action.operation.kind();
        let (summary, took) = (&ended.action.summary, millis(ended.took));
        self.progress
            .ended(&ended.action, &ended.outcome, ended.took);
        match &ended.outcome {
            Outcome::Changed => info!(action, took_ms = took, "{summary}: done"),
            Outcome::AlreadyDone => info!(action, took_ms = took, "{summary}: was done already"),
            Outcome::Skipped(why) => warn!(action, "{summary}: skipped: {why}"),
            Outcome::Failed(why) => error!(action, took_ms = took, "{summary}: failed: {why}"),
        }
        match &ended.outcome {
            outcome if outcome.is_good() => self.follow_guest(&ended.action.operation),
            Outcome::Failed(_) => {
                let guest = ended.action.operation.instance();
                guest
                    .into_iter()
                    .for_each(|guest| self.monitor.ask_anew(guest));
            }
            _ => {}
        }
        let entry = self.session.ended(ended)?;
        self.herald.ended(&entry);
        Ok(())
    }

    /// Where the heartbeat of a guest is from now on, when an action moved it.
    fn follow_guest(&mut self, operation: &Operation) {
        match operation {
            Operation::Configure(configure) => {
                if let Some((heartbeat, _)) = &configure.healthy {
                    self.monitor.begin(Look {
                        guest: configure.guest.clone(),
                        or_at: None,
                        query: None,
                        heartbeat: heartbeat.clone(),
                    });
                } else if configure.starts {
                    self.monitor.ask_anew(&configure.guest.instance);
                }
            }
            Operation::Rebind(rebind) => {
                self.monitor.follow(&rebind.guest.instance, |look| {
                    look.guest.address = rebind.to;
                    look.or_at = None;
                });
            }
            Operation::CopyImage(_)
            | Operation::Create(_)
            | Operation::Recreate(_)
            | Operation::Fence(_)
            | Operation::Destroy(_)
            | Operation::Sweep(_)
            | Operation::Bootstrap(_)
            | Operation::AddVip(_)
            | Operation::DropVip(_)
            | Operation::SetMark(_)
            | Operation::FenceHost(_) => {}
        }
    }

    /// What has not begun is given up; what is in hand may end. What does not end in time is left: it is safe to
    /// break off, and the next start puts it right.
    pub(super) async fn farewell(mut self) -> Result<(), StoreError> {
        self.runner.abandon();
        if self.runner.is_working() {
            info!("stopping: the actions in hand are finished first");
        }
        let clock = Arc::clone(&self.session.watcher.eyes.clock);
        let deadline = clock.sleep(FAREWELL);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                biased;
                ended = self.runner.next_end() => match ended {
                    Some(ended) => self.end(&ended)?,
                    None => break,
                },
                () = &mut deadline => {
                    warn!("stopping: an action is broken off");
                    break;
                }
                signal = self.signals.recv() => if matches!(signal, Some(Signal::Stop) | None) {
                    warn!("stopping at once: an action is broken off");
                    break;
                },
            }
        }
        self.disarm().await?;
        let left = self.session.watcher.hosts_left();
        self.claims.leave(left).await;
        self.herald.heard(Word::Stopped);
        info!("stopped");
        Ok(())
    }
}
