//! The inside of a guest: files, process, addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use async_trait::async_trait;

use super::{ActError, Effect};
use crate::model::action::{Bootstrap, GuestConfig, GuestRef, Rebind, VipMove};
use crate::model::facts::{GuestFacts, Seen};
use crate::model::id::GroupId;

/// What is asked of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestQuery {
    /// Managed files by path, with the digest that is desired: where the file has another one, its content is wanted.
    pub files: BTreeMap<String, String>,
    /// The managed process.
    pub daemon: Option<GroupId>,
}

/// Looking into a guest. No method of it changes anything.
#[async_trait]
pub trait Guests: Send + Sync {
    /// One look into a guest, in one round trip.
    async fn observe(&self, guest: &GuestRef, query: &GuestQuery) -> Seen<GuestFacts>;
}

/// Changing things in a guest. Every method is idempotent.
#[async_trait]
pub trait GuestControl: Send + Sync {
    /// Returns once if the guest lets us in: the executor calls it until it does or the time is over.
    async fn reach(&self, guest: &GuestRef) -> Result<(), ActError>;

    /// Files compared, written beside, checked, renamed; then the process started, reloaded or restarted as needed.
    async fn configure(&self, guest: &GuestRef, config: &GuestConfig) -> Result<Effect, ActError>;

    /// Logs in at the bootstrap address, checks the hardware address, and adds the guest's own address. The bootstrap
    /// address goes when [`GuestControl::settle`] is called, over the new one.
    async fn bootstrap(&self, bootstrap: &Bootstrap) -> Result<Effect, ActError>;

    /// Adds the new address beside the old one; the guest drops it by itself unless `settle` comes in time.
    async fn add_address(&self, rebind: &Rebind) -> Result<Effect, ActError>;

    /// Over the new address: writes `/etc/network/interfaces`, keeps the new address for good and drops `old`.
    async fn settle(&self, settle: &Settle<'_>) -> Result<Effect, ActError>;

    /// Adds a VIP and announces it (gratuitous ARP).
    async fn add_vip(&self, vip: &VipMove) -> Result<Effect, ActError>;

    /// Takes a VIP away, at a moment without open connections where that is asked for.
    async fn drop_vip(&self, vip: &VipMove) -> Result<Effect, ActError>;
}

/// The end of a change of address.
#[derive(Debug, Clone, Copy)]
pub struct Settle<'a> {
    /// The guest, at its new address.
    pub guest: &'a GuestRef,
    /// `/etc/network/interfaces` with it.
    pub interfaces: &'a crate::model::action::RenderedFile,
    /// The rest of its network.
    pub network: &'a crate::model::action::GuestNetwork,
    /// The address to drop.
    pub old: Ipv4Addr,
}
