//! Bringing a guest's files and process to what is desired, and waiting until it lives.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Hands, LOOK_AGAIN};
use crate::model::action::{Configure, GuestRef};
use crate::model::desired::Heartbeat;
use crate::model::facts::UnseenKind;
use crate::model::plan::Action;
use crate::model::unit::span;
use crate::ports::{ActError, Effect};

impl Hands {
    pub(super) async fn configure(
        &self,
        action: &Action,
        configure: &Configure,
    ) -> Result<Effect, ActError> {
        self.await_ssh(action, &configure.guest, configure.boot)
            .await?;
        self.progress.step(action, "writing files");
        let mut effect = self
            .guest(&configure.guest)
            .await?
            .configure(&configure.guest, &configure.config)
            .await?;
        if let Some(set) = &configure.mark {
            effect = effect.and(self.hypervisor.set_mark(self.host(&set.host)?, set).await?);
        }
        if let Some((heartbeat, patience)) = &configure.healthy {
            self.await_heartbeat(action, configure.guest.address, heartbeat, *patience)
                .await?;
        }
        Ok(effect)
    }

    /// Waits until the guest lets us in. A wrong host key is no matter of time.
    pub(super) async fn await_ssh(
        &self,
        action: &Action,
        guest: &GuestRef,
        patience: Duration,
    ) -> Result<(), ActError> {
        let begin = self.clock.now();
        loop {
            let error = match self.guests.reach(guest).await {
                Ok(()) => return Ok(()),
                Err(error @ (ActError::Moved(_) | ActError::Failed(_))) => return Err(error),
                Err(ActError::Unreachable(unseen)) => unseen,
            };
            if error.kind == UnseenKind::HostKeyChanged {
                return Err(ActError::Unreachable(error));
            }
            let waited = self.clock.now().since(begin);
            if waited >= patience {
                let text = format!(
                    "no ssh to {} within {}: {}",
                    guest.address,
                    span(patience),
                    error.message
                );
                return Err(ActError::Failed(text));
            }
            self.progress.step(action, "booting");
            self.clock.sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits for the first good heartbeat.
    pub(super) async fn await_heartbeat(
        &self,
        action: &Action,
        address: Ipv4Addr,
        heartbeat: &Heartbeat,
        patience: Duration,
    ) -> Result<(), ActError> {
        let begin = self.clock.now();
        loop {
            let Err(error) = self.heartbeats.beat(address, heartbeat).await else {
                return Ok(());
            };
            if self.clock.now().since(begin) >= patience {
                let text = format!(
                    "no heartbeat from {address} within {}: {error}",
                    span(patience)
                );
                return Err(ActError::Failed(text));
            }
            self.progress.step(action, "waiting for its heartbeat");
            self.clock.sleep(LOOK_AGAIN).await;
        }
    }
}
