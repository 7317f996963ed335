//! The world as a controller last saw it, written down: so that a plan can be made elsewhere, where no host is asked. It holds
//! no content of any file, and so no secret; digests of files it does hold.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::facts::Observed;
use super::id::ClusterName;
use super::memory::Memory;

/// The version of what is written. What another version wrote is not read: it may mean something else.
pub const FORMAT_VERSION: u32 = 1;

/// What a controller saw last, and what it remembered then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sight<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The cluster.
    pub cluster: ClusterName,
    /// What was seen, and when.
    pub observed: Cow<'a, Observed>,
    /// What was remembered.
    pub memory: Cow<'a, Memory>,
}

impl<'a> Sight<'a> {
    /// What is written down of a round.
    pub fn of(cluster: &ClusterName, observed: &'a Observed, memory: &'a Memory) -> Sight<'a> {
        Sight {
            format_version: FORMAT_VERSION,
            cluster: cluster.clone(),
            observed: Cow::Borrowed(observed),
            memory: Cow::Borrowed(memory),
        }
    }
}
