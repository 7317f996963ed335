//! The words of the product as types. No logic beyond parsing and printing a word, and no I/O: every other
//! module may depend on this one, and this one depends on none.

pub mod action;
pub mod adoption;
pub mod bug;
pub mod claim;
pub mod command;
pub mod commit;
pub mod condition;
pub mod desired;
pub mod event;
pub mod facts;
pub mod followed;
pub mod gate;
pub mod id;
pub mod mark;
pub mod memory;
pub mod orders;
pub mod plan;
pub mod policy;
pub mod receiver;
pub mod saved;
pub mod scenario;
pub mod secret;
pub mod sight;
pub mod targets;
pub mod time;
pub mod unit;
pub mod until;
