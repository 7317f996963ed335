//! Adding a VIP to a guest, and taking it away.

use super::Hands;
use crate::model::action::VipMove;
use crate::ports::{ActError, Effect};

impl Hands {
    pub(super) async fn add_vip(&self, vip: &VipMove) -> Result<Effect, ActError> {
        self.guest(&vip.guest).await?.add_vip(vip).await
    }

    pub(super) async fn drop_vip(&self, vip: &VipMove) -> Result<Effect, ActError> {
        self.guest(&vip.guest).await?.drop_vip(vip).await
    }
}
