//! What can only be seen when the whole file is read: addresses that clash, names that name nothing, guests that no
//! address is left for. Every check notes its problems and goes on.

mod addresses;
mod affinity;
mod capacity;
mod company;
mod names;
mod placement;
mod policies;
mod pools;
mod routes;
pub mod templates;
mod witnesses;

use super::context::Context;
use super::read::Draft;

/// All checks across sections.
pub fn check(cx: &Context<'_>, draft: &Draft) {
    names::check(cx, draft);
    addresses::check(cx, draft);
    capacity::check(cx, draft);
    routes::check(cx, draft);
    placement::check(cx, draft);
    affinity::check(cx, draft);
    policies::check(cx, draft);
}
