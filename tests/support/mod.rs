//! What drives the simulated cluster in tests: rounds one by one, and the language of steps.txt.

// Every test has its own copy of this module and uses another part of it.
#![allow(dead_code)]

pub mod json_schema;
pub mod lab;
pub mod script;
pub mod spec;
