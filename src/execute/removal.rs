//! Fencing and destroying guests.

use super::Hands;
use crate::model::action::Removal;
use crate::ports::{ActError, Effect};

impl Hands {
    /// Success is evidence: the host's libvirt said that the guest does not run.
    pub(super) async fn fence(&self, removal: &Removal) -> Result<Effect, ActError> {
        self.hypervisor
            .fence(self.host(&removal.host)?, removal)
            .await
    }

    pub(super) async fn destroy(&self, removal: &Removal) -> Result<Effect, ActError> {
        self.hypervisor
            .remove(self.host(&removal.host)?, removal)
            .await
    }
}
