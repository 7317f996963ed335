//! Names: of the cluster, of hosts, groups, instances. Each is a type of its own, so that one is never taken for
//! another, and each is checked where it is made: a name that exists is safe in a path, a host name and a domain name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing between the quotes.
    #[error("a name can't be empty")]
    Empty,
    /// Longer than [`MAX_NAME`].
    #[error("a name has at most {MAX_NAME} characters, this one has {0}")]
    TooLong(usize),
    /// Some character outside `a-z`, `0-9` and `-`.
    #[error("a name has only a-z, 0-9 and '-', not {0:?}")]
    BadCharacter(char),
    /// A hyphen at an end.
    #[error("a name starts and ends with a letter or a digit")]
    BadEdge,
    /// An instance name without `-NUMBER` at its end.
    #[error("an instance is named GROUP-NUMBER, as in web-1")]
    NoIndex,
}

/// The longest name of a cluster, host or group. A domain is called `CLUSTER-GROUP-NUMBER`, and a host name label
/// has at most 63 characters (RFC 1123).
pub const MAX_NAME: usize = 28;

fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if let Some(bad) = name
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'))
    {
        return Err(NameError::BadCharacter(bad));
    }
    if name.len() > MAX_NAME {
        return Err(NameError::TooLong(name.len()));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(NameError::BadEdge);
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        // Every plan copies and compares the same names thousands of times: short ones need no allocation.
        pub struct $type(SmolStr);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(name: &str) -> Result<Self, NameError> {
                check_name(name)?;
                Ok(Self(name.into()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                check_name(&name)?;
                Ok(Self(name.into()))
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name_type!(
    /// The cluster: one `cluster.yaml`, one name.
    ClusterName
);
name_type!(
    /// A machine that runs guests.
    HostId
);
name_type!(
    /// A network that guests are attached to.
    NetworkId
);
name_type!(
    /// A base image that guests boot from.
    ImageId
);
name_type!(
    /// Somebody who is told what happens.
    ReceiverName
);
name_type!(
    /// A group of equal guests: a service or a load balancer. Both share one space of names.
    GroupId
);

/// One guest of a group, counted from 1: `random-2`. Also its host name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId {
    /// The group it belongs to.
    pub group: GroupId,
    /// Its number in the group, from 1.
    pub index: u32,
}

impl InstanceId {
    /// The instance `index` of `group`.
    pub fn new(group: &GroupId, index: u32) -> Self {
        Self {
            group: group.clone(),
            index,
        }
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.group, self.index))
    }
}

impl FromStr for InstanceId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let (group, index) = text.rsplit_once('-').ok_or(NameError::NoIndex)?;
        let canonical = !index.starts_with(['0', '+']);
        let index = index.parse().map_err(|_| NameError::NoIndex)?;
        if !canonical {
            return Err(NameError::NoIndex);
        }
        Ok(Self {
            group: group.parse()?,
            index,
        })
    }
}

impl TryFrom<String> for InstanceId {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> String {
        id.to_string()
    }
}

/// The longest name of a domain that is adopted: what a script makes of it must be a name of a file, too.
const MAX_DOMAIN: usize = 200;

/// The name that an instance's domain has in libvirt: `CLUSTER-GROUP-NUMBER`, or the one that it was adopted with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomainName(String);

impl DomainName {
    /// The domain of `instance` in `cluster`.
    pub fn new(cluster: &ClusterName, instance: &InstanceId) -> Self {
        Self(format!("{cluster}-{instance}"))
    }

    /// A name that a domain has already. None of one that is not plain enough to be the name of a file.
    pub fn found(name: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let fits = first && name.len() <= MAX_DOMAIN && name.chars().all(plain);
        fits.then(|| Self(name.to_owned()))
    }

    /// The instance of `cluster` whose domain has this name, if it is such a name.
    pub fn instance(cluster: &ClusterName, domain: &str) -> Option<InstanceId> {
        let rest = domain.strip_prefix(cluster.as_str())?;
        rest.strip_prefix('-')?.parse().ok()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_name_reads_back_as_itself() {
        let id: InstanceId = "random-web-12".parse().unwrap();
        assert_eq!((id.group.as_str(), id.index), ("random-web", 12));
        assert_eq!(id.to_string(), "random-web-12");
    }

    #[test]
    fn a_second_spelling_of_an_instance_is_refused() {
        assert_eq!("web-01".parse::<InstanceId>(), Err(NameError::NoIndex));
        assert_eq!("web-+1".parse::<InstanceId>(), Err(NameError::NoIndex));
    }

    #[test]
    fn a_name_with_shell_characters_is_refused() {
        assert_eq!("a$(b)".parse::<HostId>(), Err(NameError::BadCharacter('$')));
        assert_eq!("../a".parse::<GroupId>(), Err(NameError::BadCharacter('.')));
    }
}
