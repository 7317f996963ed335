//! A cluster in memory, behind the same ports as the real one, on a clock that nobody waits for. What it must never
//! allow is checked at every effect: see `laws`. It decides nothing and knows no plan.

// Every test has its own copy of this module and uses another part of it.
#![allow(dead_code)]

pub mod fake;
pub mod guest;
pub mod host;
pub mod lab;
pub mod laws;
pub mod script;
pub mod spec;
pub mod time;
pub mod world;
