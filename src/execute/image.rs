//! Bringing base images to hosts.

use super::Hands;
use crate::model::action::CopyImage;
use crate::ports::{ActError, Effect};

impl Hands {
    /// File after file: what arrived stays, should a later one fail.
    pub(super) async fn copy_image(&self, copy: &CopyImage) -> Result<Effect, ActError> {
        let mut effect = Effect::AlreadyDone;
        for file in &copy.files {
            effect = effect.and(
                self.hypervisor
                    .copy_file(self.host(&copy.host)?, file)
                    .await?,
            );
        }
        Ok(effect)
    }
}
