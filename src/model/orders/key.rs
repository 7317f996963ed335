//! Which orders there are, and what each is about, in words.

use serde::{Deserialize, Serialize};

use super::Scope;
use crate::model::commit::CommitId;
use crate::model::desired::Revision;
use crate::model::gate::ChangeId;
use crate::model::id::{GroupId, HostId, InstanceId};

/// Which order, and about what: the place of an [`super::Order`] in [`super::Orders`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "order", content = "of", rename_all = "snake_case")]
pub enum OrderKey {
    /// See [`super::Orders::disarmed`].
    Disarmed,
    /// See [`super::Orders::paused`].
    Paused(Scope),
    /// See [`super::Orders::drained`].
    Drained(HostId),
    /// See [`super::Orders::confirmed`].
    Confirmed(HostId),
    /// See [`super::Orders::held`].
    Held(Revision),
    /// See [`super::Orders::approved`].
    Approved(CommitId),
    /// See [`super::Orders::allowed`].
    Allowed(ChangeId),
    /// See [`super::Orders::hurried`].
    Hurried(ChangeId),
    /// See [`super::Orders::unprotected`].
    Unprotected(GroupId),
    /// See [`super::Orders::released`].
    Released,
    /// See [`super::Orders::retried`].
    Retried(InstanceId),
}

impl OrderKey {
    /// What it orders, in a word.
    pub fn word(&self) -> &'static str {
        match self {
            OrderKey::Disarmed => "disarmed",
            OrderKey::Paused(_) => "paused",
            OrderKey::Drained(_) => "drained",
            OrderKey::Confirmed(_) => "confirmed",
            OrderKey::Held(_) => "held",
            OrderKey::Approved(_) | OrderKey::Allowed(_) => "approved",
            OrderKey::Hurried(_) => "hurried",
            OrderKey::Unprotected(_) => "unprotected",
            OrderKey::Released => "released",
            OrderKey::Retried(_) => "retried",
        }
    }

    /// What it is about, as people call it: `host b`.
    pub fn subject(&self) -> String {
        match self {
            OrderKey::Disarmed => "failover".to_owned(),
            OrderKey::Paused(Scope::Cluster) => "the cluster".to_owned(),
            OrderKey::Paused(Scope::Group(group)) | OrderKey::Unprotected(group) => {
                format!("service {group}")
            }
            OrderKey::Paused(Scope::Host(host))
            | OrderKey::Drained(host)
            | OrderKey::Confirmed(host) => format!("host {host}"),
            OrderKey::Held(revision) => format!("revision {revision}"),
            OrderKey::Approved(commit) => format!("commit {commit}"),
            OrderKey::Allowed(change) | OrderKey::Hurried(change) => format!("change {change}"),
            OrderKey::Released => "the brake".to_owned(),
            OrderKey::Retried(instance) => instance.to_string(),
        }
    }

    /// Whether it is done once, and done once more when it is ordered again; others hold on.
    pub fn is_once(&self) -> bool {
        match self {
            OrderKey::Disarmed | OrderKey::Paused(_) | OrderKey::Drained(_) | OrderKey::Held(_) => {
                false
            }
            OrderKey::Confirmed(_)
            | OrderKey::Approved(_)
            | OrderKey::Allowed(_)
            | OrderKey::Hurried(_)
            | OrderKey::Unprotected(_)
            | OrderKey::Released
            | OrderKey::Retried(_) => true,
        }
    }

    /// That it is over: `host b is drained no more`.
    pub fn over(&self) -> String {
        format!("{} is {} no more", self.subject(), self.word())
    }

    /// The instance, where it is about one.
    pub fn instance(&self) -> Option<&InstanceId> {
        match self {
            OrderKey::Retried(instance) => Some(instance),
            OrderKey::Disarmed
            | OrderKey::Paused(_)
            | OrderKey::Drained(_)
            | OrderKey::Confirmed(_)
            | OrderKey::Held(_)
            | OrderKey::Approved(_)
            | OrderKey::Allowed(_)
            | OrderKey::Hurried(_)
            | OrderKey::Unprotected(_)
            | OrderKey::Released => None,
        }
    }

    /// The host, where it is about one.
    pub fn host(&self) -> Option<&HostId> {
        match self {
            OrderKey::Paused(Scope::Host(host))
            | OrderKey::Drained(host)
            | OrderKey::Confirmed(host) => Some(host),
            OrderKey::Disarmed
            | OrderKey::Paused(Scope::Cluster | Scope::Group(_))
            | OrderKey::Held(_)
            | OrderKey::Approved(_)
            | OrderKey::Allowed(_)
            | OrderKey::Hurried(_)
            | OrderKey::Unprotected(_)
            | OrderKey::Released
            | OrderKey::Retried(_) => None,
        }
    }

    /// The command that takes it back; none where it ends by itself.
    pub fn undo(&self) -> Option<String> {
        match self {
            OrderKey::Disarmed => Some("reconcile arm".to_owned()),
            OrderKey::Paused(Scope::Cluster) => Some("reconcile resume".to_owned()),
            OrderKey::Paused(scope) => Some(format!("reconcile resume {scope}")),
            OrderKey::Drained(host) => Some(format!("reconcile undrain {host}")),
            OrderKey::Confirmed(host) => Some(format!("reconcile fence retract {host}")),
            OrderKey::Held(revision) => Some(format!("reconcile rollback --undo {revision}")),
            OrderKey::Allowed(change) | OrderKey::Hurried(change) => {
                Some(format!("reconcile approve --undo {change}"))
            }
            OrderKey::Unprotected(group) => Some(format!("reconcile unprotect --undo {group}")),
            OrderKey::Approved(_) | OrderKey::Released | OrderKey::Retried(_) => None,
        }
    }
}
