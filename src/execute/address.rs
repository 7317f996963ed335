//! Giving a guest its address: the first one, or another one. The new address is tried while the old one still works,
//! and the guest falls back by itself when our word does not come.

use super::{Hands, LOOK_AGAIN};
use crate::model::action::{Bootstrap, GuestRef, Rebind, SetMark};
use crate::model::plan::Action;
use crate::model::unit::span;
use crate::ports::guest::Settle;
use crate::ports::{ActError, Effect};

impl Hands {
    pub(super) async fn bootstrap(
        &self,
        action: &Action,
        bootstrap: &Bootstrap,
    ) -> Result<Effect, ActError> {
        let begin = self.clock.now();
        loop {
            // An earlier try may have come this far: then the guest answers at its own address already.
            let tried = match self
                .guest(&bootstrap.guest)
                .await?
                .bootstrap(bootstrap)
                .await
            {
                Err(ActError::Unreachable(_))
                    if self.guests.reach(&bootstrap.guest).await.is_ok() =>
                {
                    Ok(Effect::AlreadyDone)
                }
                tried => tried,
            };
            let unseen = match tried {
                Ok(_) => break,
                Err(ActError::Unreachable(unseen)) => unseen,
                Err(error @ (ActError::Moved(_) | ActError::Failed(_))) => return Err(error),
            };
            if self.clock.now().since(begin) >= bootstrap.grace {
                let text = format!(
                    "no ssh to the bootstrap address {} within {}: {}",
                    bootstrap.bootstrap,
                    span(bootstrap.grace),
                    unseen.message
                );
                return Err(ActError::Failed(text));
            }
            self.progress.step(action, "booting");
            self.clock.sleep(LOOK_AGAIN).await;
        }
        self.settle_bootstrap(bootstrap).await
    }

    async fn settle_bootstrap(&self, bootstrap: &Bootstrap) -> Result<Effect, ActError> {
        let settle = Settle {
            guest: &bootstrap.guest,
            interfaces: &bootstrap.interfaces,
            network: &bootstrap.network,
            old: bootstrap.bootstrap,
        };
        self.guest(settle.guest).await?.settle(&settle).await?;
        let set = SetMark {
            host: bootstrap.guest.host.clone(),
            domain: bootstrap.domain.clone(),
            mark: bootstrap.mark.clone(),
        };
        self.hypervisor
            .set_mark(self.host(&set.host)?, &set)
            .await?;
        Ok(Effect::Changed)
    }

    pub(super) async fn rebind(
        &self,
        action: &Action,
        rebind: &Rebind,
    ) -> Result<Effect, ActError> {
        let at_new = GuestRef {
            address: rebind.to,
            ..rebind.guest.clone()
        };
        // Both addresses are written down as taken before the first change, so that a crash loses neither.
        self.mark(rebind, &rebind.moving).await?;
        if self.guests.reach(&at_new).await.is_err() {
            self.progress.step(action, "adding the new address");
            self.guest(&at_new).await?.add_address(rebind).await?;
            self.await_ssh(action, &at_new, rebind.fallback / 2).await?;
        }
        self.progress.step(action, "dropping the old address");
        let settle = Settle {
            guest: &at_new,
            interfaces: &rebind.interfaces,
            network: &rebind.network,
            old: rebind.guest.address,
        };
        self.guest(settle.guest).await?.settle(&settle).await?;
        self.mark(rebind, &rebind.moved).await?;
        let (heartbeat, patience) = &rebind.healthy;
        self.await_heartbeat(action, rebind.to, heartbeat, *patience)
            .await?;
        Ok(Effect::Changed)
    }

    async fn mark(
        &self,
        rebind: &Rebind,
        mark: &crate::model::mark::Mark,
    ) -> Result<Effect, ActError> {
        let set = SetMark {
            host: rebind.guest.host.clone(),
            domain: rebind.domain.clone(),
            mark: mark.clone(),
        };
        self.hypervisor.set_mark(self.host(&set.host)?, &set).await
    }
}
