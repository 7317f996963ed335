//! Where operators' orders are kept: read by the controller, changed by commands, whether a controller runs or not.

use super::store::StoreError;
use crate::model::orders::{OrderEntry, Orders};
use crate::model::time::Timestamp;

/// Reading orders.
pub trait OrdersView: Send + Sync {
    /// All that were given and not taken back, those that have ended too. What can't be understood is an error: an order
    /// that is overlooked may cost what it was to protect.
    fn read(&self) -> Result<Orders, StoreError>;
}

/// A change of orders: what the history says of it.
pub type Change<'a> = &'a mut dyn FnMut(&mut Orders) -> Vec<OrderEntry>;

/// Giving orders, and taking them back. What was acknowledged survives a crash.
pub trait OrdersDesk: OrdersView {
    /// Reads, changes and writes, all or nothing, while nobody else does; orders that have ended by `now` are dropped
    /// before. What `change` returns goes to the history. Returns the orders that are now in force.
    fn change(&self, now: Timestamp, change: Change<'_>) -> Result<Orders, StoreError>;
}

/// Nobody ever ordered anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOrders;

impl OrdersView for NoOrders {
    fn read(&self) -> Result<Orders, StoreError> {
        Ok(Orders::default())
    }
}
