//! Places, by hand.
