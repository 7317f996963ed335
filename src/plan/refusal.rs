//! Why something that can't be seen is not given up yet, in words, with what a person can do about it. Decides nothing.

use crate::model::desired::Host;
use crate::model::id::HostId;
use crate::model::memory::{Evidence, EvidenceKind, HostMemory};
use crate::model::plan::NoticeKind;
use crate::model::policy::{FenceAgent, Fencing};
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// Why something is not given up yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// In words.
    pub text: String,
    /// What to do about it.
    pub help: Option<String>,
    /// When this may be otherwise by nothing but time.
    pub until: Option<Timestamp>,
}

impl Refusal {
    /// A device makes sure of it, unless the host is back before `lost`.
    pub(super) fn if_not_back(
        agent: &FenceAgent,
        host: &HostId,
        now: Timestamp,
        lost: Timestamp,
    ) -> Refusal {
        Refusal {
            text: format!(
                "{} switches host {host} off if it is not back in {}",
                agent.program,
                span(lost.since(now))
            ),
            help: None,
            until: Some(lost),
        }
    }

    /// What kind of notice says it.
    pub fn kind(&self) -> NoticeKind {
        match (self.until, &self.help) {
            (Some(_), _) => NoticeKind::Waiting,
            (None, Some(_)) => NoticeKind::Blocked,
            (None, None) => NoticeKind::Unknown,
        }
    }
}

/// What a person does about a host of which nothing shows that it is off.
pub(super) fn confirm(host: &HostId) -> String {
    format!("look at host {host}; once it is off: reconcile fence confirm {host}")
}

/// What to do about evidence that is wrong.
pub(super) fn doubted(evidence: &Evidence, host: &HostId) -> String {
    match evidence.kind {
        EvidenceKind::Manual => format!(
            "reconcile fence retract {host}; or, if it is off by now: reconcile fence confirm {host}"
        ),
        EvidenceKind::Agent | EvidenceKind::Lease => {
            "look at the fencing device: it does not do what it says".to_owned()
        }
    }
}

/// What to do about a host that is not in the file, and that another controller worked with.
pub(super) fn help_inherited(host: &HostId) -> String {
    format!(
        "put it back into `hosts`; or, once nothing of this cluster runs on it for good: reconcile fence confirm {host}"
    )
}

/// Why no device is asked to switch a host off `now`, but only then.
pub(super) fn device_waits(
    host: &Host,
    memory: &HostMemory,
    next: &FenceAgent,
    (now, then): (Timestamp, Timestamp),
) -> Refusal {
    let failed = failed_devices(host, memory);
    let (id, left) = (&host.id, span(then.since(now)));
    let (text, help) = match failed.is_empty() {
        true => {
            let program = &next.program;
            let text =
                format!("its lease decides first; {program} switches host {id} off in {left}");
            (text, None)
        }
        false => (
            format!(
                "{} could not switch host {id} off; tried again in {left}",
                failed.join(" and ")
            ),
            Some(format!(
                "see reconcile history for what it said; or switch it off yourself, then: reconcile fence confirm {id}"
            )),
        ),
    };
    Refusal {
        text,
        help,
        until: Some(then),
    }
}

/// The programs of the devices that could not switch a host off.
fn failed_devices<'h>(host: &'h Host, memory: &HostMemory) -> Vec<&'h str> {
    let devices = host.fencing.iter().enumerate();
    let failed = devices.filter_map(|(index, device)| match device {
        Fencing::Agent(agent) => memory
            .fence_failures
            .get(&index)
            .map(|_| agent.program.as_str()),
        Fencing::Libvirt | Fencing::Lease | Fencing::Manual => None,
    });
    let mut failed: Vec<&str> = failed.collect();
    failed.dedup();
    failed
}
