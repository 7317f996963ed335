//! What operators told the controller by commands of their own: `drain`, `pause`, `fence confirm`. They are no part of
//! the file, and nothing that could be observed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::desired::Revision;
use super::id::{GroupId, HostId, InstanceId};
use super::time::Timestamp;

/// Everything that operators ordered and did not take back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orders {
    /// Hosts that are to be empty.
    pub drained: BTreeMap<HostId, Order>,
    /// What is left alone.
    pub paused: BTreeMap<Scope, Order>,
    /// Nothing is failed over.
    pub disarmed: Option<Order>,
    /// Hosts of which a person says that nothing runs on them any more.
    pub confirmed: BTreeMap<HostId, Order>,
    /// Instances that failed for good and shall be tried again.
    pub retried: BTreeMap<InstanceId, Order>,
    /// States of the file that are not to be applied.
    pub held: BTreeMap<Revision, Order>,
    /// A person looked at what made the brake hold, and lets it go.
    pub released: Option<Order>,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who gave it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when it holds; none: until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Order {
    /// Whether it holds at this moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    Cluster,
    /// A service or a load balancer.
    Group(GroupId),
    /// A host and the guests on it.
    Host(HostId),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Cluster => f.pad("cluster"),
            Scope::Group(group) => f.pad(&format!("service/{group}")),
            Scope::Host(host) => f.pad(&format!("host/{host}")),
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |e: &dyn fmt::Display| format!("{text}: {e}");
        match text.split_once('/') {
            None if text == "cluster" => Ok(Scope::Cluster),
            Some(("service", name)) => Ok(Scope::Group(name.parse().map_err(|e| wrong(&e))?)),
            Some(("host", name)) => Ok(Scope::Host(name.parse().map_err(|e| wrong(&e))?)),
            Some(_) | None => Err(wrong(&"not `cluster`, `service/NAME` or `host/NAME`")),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
