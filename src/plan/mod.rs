//! The planner: desired, observed and memory → a plan. Pure.
