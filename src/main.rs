//! Parse arguments, wire, run; nothing else.
#![forbid(unsafe_code)]
fn main() {}
