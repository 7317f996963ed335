//! What people are told, and when: from what a round knew to events, and from events to the messages of each receiver.
//! Pure: it sends nothing, and asks no clock.
//!
//! It is level-triggered where it can be: the [`board`] has what is the matter now, each receiver's [`gate`] what that one
//! was told of it, and a message is the difference. So nothing is told twice after a restart, what comes and goes is told
//! once within `repeat`, and what was held back is told when it still goes on then.

pub mod board;
mod commits;
pub mod conditions;
pub mod gate;
pub mod shape;
