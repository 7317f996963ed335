//! Triggers → round → memory. The loop of `reconcile watch`, and the single pass of `reconcile`.
