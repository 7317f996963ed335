//! What one run of the command is about, where it is not about everything: no part of the file, and not remembered.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{GroupId, HostId, InstanceId};
use super::orders::Scope;

/// Whom a run works on. By default, that is everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Targets {
    /// Only these; everybody where none is named.
    pub only: BTreeSet<Subject>,
    /// Not these, whoever else is named.
    pub except: BTreeSet<Subject>,
}

/// What can be named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// One instance.
    Instance(InstanceId),
    /// All instances of a service or a load balancer.
    Group(GroupId),
    /// All instances on a host, and what is left of others there.
    Host(HostId),
}

impl Targets {
    /// Whether a run is about everything.
    pub fn is_all(&self) -> bool {
        self.only.is_empty() && self.except.is_empty()
    }

    /// Everything that is named.
    pub fn named(&self) -> impl Iterator<Item = &Subject> {
        self.only.iter().chain(&self.except)
    }

    /// Whether an instance is worked on that is, was or would be on these hosts.
    pub fn include(&self, instance: &InstanceId, hosts: &[&HostId]) -> bool {
        let has = |subject: &Subject| subject.has(instance, hosts);
        (self.only.is_empty() || self.only.iter().any(has)) && !self.exclude(instance, hosts)
    }

    /// Whether an instance is left out by name, of itself, its group or its host.
    pub fn exclude(&self, instance: &InstanceId, hosts: &[&HostId]) -> bool {
        self.except.iter().any(|one| one.has(instance, hosts))
    }

    /// Whether a host is left out by name.
    pub fn exclude_host(&self, host: &HostId) -> bool {
        self.except.contains(&Subject::Host(host.clone()))
    }
}

impl Subject {
    fn has(&self, instance: &InstanceId, hosts: &[&HostId]) -> bool {
        match self {
            Subject::Instance(one) => one == instance,
            Subject::Group(group) => *group == instance.group,
            Subject::Host(host) => hosts.contains(&host),
        }
    }
}

/// `random-1, service/web, but not host/b`
impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |all: &BTreeSet<Subject>| {
            let names: Vec<String> = all.iter().map(Subject::to_string).collect();
            names.join(", ")
        };
        match (self.only.is_empty(), self.except.is_empty()) {
            (true, true) => f.write_str("everything"),
            (false, true) => f.write_str(&names(&self.only)),
            (true, false) => write!(f, "everything but {}", names(&self.except)),
            (false, false) => write!(f, "{}, but not {}", names(&self.only), names(&self.except)),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Instance(instance) => f.pad(&instance.to_string()),
            Subject::Group(group) => f.pad(&Scope::Group(group.clone()).to_string()),
            Subject::Host(host) => f.pad(&Scope::Host(host.clone()).to_string()),
        }
    }
}

impl std::str::FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains('/')
            && let Ok(instance) = text.parse()
        {
            return Ok(Subject::Instance(instance));
        }
        match text.parse() {
            Ok(Scope::Group(group)) => Ok(Subject::Group(group)),
            Ok(Scope::Host(host)) => Ok(Subject::Host(host)),
            Err(why) if text.contains('/') => Err(why),
            Ok(Scope::Cluster) | Err(_) => Err(format!(
                "{text}: not an instance (as in web-1), `service/NAME` or `host/NAME`"
            )),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(only: &[&str], except: &[&str]) -> Targets {
        let read = |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect();
        Targets {
            only: read(only),
            except: read(except),
        }
    }

    #[test]
    fn who_is_named_by_itself_its_group_or_its_host_is_worked_on_and_an_exclusion_wins() {
        let (web, a, b) = (
            "web-1".parse().unwrap(),
            "a".parse().unwrap(),
            "b".parse().unwrap(),
        );
        let is_in = |targets: Targets| targets.include(&web, &[&a]);
        assert!(is_in(Targets::default()));
        assert!(is_in(targets(&["web-1"], &[])) && is_in(targets(&["service/web"], &[])));
        assert!(is_in(targets(&["random-1", "host/a"], &["host/b"])));
        assert!(!is_in(targets(&["web-2"], &[])) && !is_in(targets(&["host/b"], &[])));
        assert!(!is_in(targets(&["service/web"], &["web-1"])));
        assert!(!targets(&[], &["host/b"]).include(&web, &[&a, &b]));
    }

    #[test]
    fn subjects_read_back_as_they_were_written_and_others_are_refused_with_what_may_be_meant() {
        for text in ["web-1", "service/web", "host/node-1"] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
        let refused = |text: &str| text.parse::<Subject>().unwrap_err();
        assert!(refused("cluster").contains("not an instance (as in web-1)"));
        assert!(refused("").contains("`host/NAME`") && refused("pod/x").contains("`host/NAME`"));
    }
}
