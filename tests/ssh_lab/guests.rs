//! Acts in guests.
