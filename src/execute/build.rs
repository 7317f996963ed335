//! Creating and recreating guests.

use super::Hands;
use crate::model::action::Build;
use crate::ports::{ActError, Effect};

impl Hands {
    /// Returns when the domain runs; its boot is awaited by whatever needs the guest.
    pub(super) async fn build(&self, build: &Build) -> Result<Effect, ActError> {
        self.hypervisor.build(self.host(&build.host)?, build).await
    }
}
