//! Whether what was on a host that can't be seen may be given up: by evidence that it ended, by a device that can make
//! sure of it, or, for what may run twice for a while, by waiting long enough.

use std::time::Duration;

use super::hosts::Hosts;
use super::refusal::{Refusal, confirm, device_waits, doubted, help_inherited};
use crate::memory::hosts::lease_due;
use crate::model::bug::Bug;
use crate::model::desired::Host;
use crate::model::facts::UnseenKind;
use crate::model::id::HostId;
use crate::model::memory::{Evidence, HostMemory};
use crate::model::orders::Scope;
use crate::model::policy::{FenceAgent, Fencing};
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// The pause after all devices of a host have failed for the first time; it doubles with every further time.
const FENCE_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause between two tries to fence.
const LONGEST_FENCE_PAUSE: Duration = Duration::from_secs(300);
/// How long a lease that comes first in the list may be late before the next device is tried.
const LEASE_LATE: Duration = Duration::from_secs(10);

/// Whether what ran on a host that can't be seen may run elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<'a> {
    /// There is evidence that it ended.
    Ended(&'a Evidence),
    /// A device can make sure of it now.
    Fence(usize, &'a FenceAgent),
    /// Not now; why, and what would help.
    No(Refusal),
}

/// Why the brake holds everything back. Without a majority, releasing it alone would not help.
fn braked_and(text: String, minority: Option<Refusal>) -> Refusal {
    let (text, look) = match minority {
        Some(minority) => (format!("{text}, and {}", minority.text), minority.help),
        None => (text, None),
    };
    let look = look.unwrap_or_else(|| "look at what fell silent".to_owned());
    Refusal {
        text,
        help: Some(format!("{look}, then: reconcile resume")),
        until: None,
    }
}

impl<'a> Hosts<'a> {
    /// That the brake holds, where it does.
    pub(super) fn braked(&self) -> Option<String> {
        let brake = self.brake.as_ref().filter(|_| !Bug::IgnoreTheBrake.is_in());
        brake.map(|_| "the brake holds".to_owned())
    }

    /// Why nothing is given up at all now.
    pub(super) fn why_held(&self) -> Option<Refusal> {
        if let Some(text) = self.braked() {
            return Some(braked_and(text, self.minority()));
        }
        let disarmed = self.observed.orders.disarmed.as_ref();
        if let Some(order) = disarmed.filter(|order| order.holds(self.observed.now)) {
            return Some(Refusal {
                text: format!("{} disarmed all failover", order.by),
                help: Some("reconcile arm".to_owned()),
                until: order.until,
            });
        }
        super::quorum::missing(self.desired, self.observed, self.memory)
    }

    /// That we reach no majority, where time alone does not change that.
    pub(super) fn minority(&self) -> Option<Refusal> {
        let missing = super::quorum::missing(self.desired, self.observed, self.memory);
        missing.filter(|refusal| refusal.until.is_none())
    }

    /// Whether there is evidence that what ran on a host ended.
    pub fn has_ended(&self, host: &HostId) -> bool {
        matches!(self.verdict(host), Verdict::Ended(_))
    }

    /// The evidence that what ran on a host ended, also while nothing may be made of it.
    pub(super) fn evidence(&self, host: &HostId) -> Option<&'a Evidence> {
        let evidence = self.remembered(host)?.fenced.as_ref()?;
        self.refuted(host, evidence).is_none().then_some(evidence)
    }

    /// Whether what ran on a host that can't be seen may be taken over, VIPs and stateful guests included.
    pub fn verdict(&self, host: &HostId) -> Verdict<'a> {
        let Some(known) = self.desired.hosts.get(host) else {
            return self.of_inherited(host);
        };
        if let Some(held) = &self.held {
            return Verdict::No(held.clone());
        }
        let Some(memory) = self.remembered(host) else {
            return Verdict::No(self.no_evidence(known, None));
        };
        if let Some(evidence) = &memory.fenced {
            return match self.refuted(host, evidence) {
                None => Verdict::Ended(evidence),
                Some(guest) => Verdict::No(Refusal {
                    text: format!("{}, and yet {guest}", evidence.text),
                    help: Some(doubted(evidence, host)),
                    until: None,
                }),
            };
        }
        self.by_device(known, memory)
    }

    /// A host that is not in the file: what another controller left on it ended only if a person says so.
    fn of_inherited(&self, host: &HostId) -> Verdict<'a> {
        let Some(known) = self.memory.inherited.get(host) else {
            return Verdict::No(Refusal {
                text: format!("host {host} is not in the file any more"),
                ..Refusal::default()
            });
        };
        match (&self.held, &known.fenced) {
            (Some(held), _) => Verdict::No(held.clone()),
            (None, Some(evidence)) => Verdict::Ended(evidence),
            (None, None) => Verdict::No(Refusal {
                text: format!(
                    "host {host} is not in the file, and may have guests of ours that another controller left there"
                ),
                help: Some(help_inherited(host)),
                until: None,
            }),
        }
    }

    fn by_device(&self, host: &'a Host, memory: &HostMemory) -> Verdict<'a> {
        if let Some(sign) = self.veto(&host.id) {
            return Verdict::No(self.lives(host, memory, &sign));
        }
        let (now, lost) = (self.observed.now, self.silent_at(memory));
        let due = lease_due(memory, host, self.desired, self.observed);
        let out = self.observed.orders.targets.exclude_host(&host.id);
        match (self.next_device(host, memory), self.pause_of(host)) {
            (Some(_), _) if out => Verdict::No(Refusal {
                text: format!(
                    "host {} is left out of this run, and so not switched off",
                    host.id
                ),
                help: None,
                until: None,
            }),
            (Some(_), Some(scope)) => Verdict::No(Refusal {
                text: format!("host {} is paused, and so not switched off", host.id),
                help: Some(format!("reconcile resume {scope}")),
                until: None,
            }),
            // What shows it first is said.
            (Some(_), None) if now < lost && due.is_some_and(|due| due < lost) => {
                Verdict::No(self.no_evidence(host, Some(memory)))
            }
            (Some((_, agent, _)), None) if now < lost => {
                Verdict::No(Refusal::if_not_back(agent, &host.id, now, lost))
            }
            (Some(_), None) if memory.switching_off => Verdict::No(Refusal {
                text: format!("host {} is being switched off", host.id),
                help: None,
                until: Some(now.plus(FENCE_PAUSE)),
            }),
            (Some((index, agent, at)), None) if now >= at => Verdict::Fence(index, agent),
            (Some((_, agent, at)), None) => {
                Verdict::No(device_waits(host, memory, agent, (now, at)))
            }
            (None, _) => Verdict::No(self.no_evidence(host, Some(memory))),
        }
    }

    /// The pause under which a host must be left as it is.
    fn pause_of(&self, host: &Host) -> Option<Scope> {
        let scopes = [Scope::Cluster, Scope::Host(host.id.clone())];
        let paused = self.observed.orders.pause_of(scopes);
        paused.filter(|_| !Bug::IgnoreAPause.is_in())
    }

    /// What speaks against switching a host off: something on it works. That others see it on the network is no veto:
    /// a kernel answers pings long after everything else in a machine has stopped.
    fn veto(&self, host: &HostId) -> Option<String> {
        if let Some(guest) = self.heartbeats_on(host) {
            return Some(guest);
        }
        match self.unseen(host)? {
            UnseenKind::Unreachable | UnseenKind::Broken => None,
            UnseenKind::HostKeyChanged | UnseenKind::Refused => {
                Some("its sshd answers, and does not let us in".to_owned())
            }
        }
    }

    /// The device to try next, and when: the one that failed least, the first of these in the list. Between two devices
    /// nobody waits, only when all of them have failed.
    fn next_device(
        &self,
        host: &'a Host,
        memory: &HostMemory,
    ) -> Option<(usize, &'a FenceAgent, Timestamp)> {
        let failures = |index: &usize| memory.fence_failures.get(index).copied().unwrap_or(0);
        let devices = host.fencing.iter().enumerate();
        let agents = devices.filter_map(|(index, device)| match device {
            Fencing::Agent(agent) => Some((index, agent)),
            Fencing::Libvirt | Fencing::Lease | Fencing::Manual => None,
        });
        let (index, agent) = agents.min_by_key(|(index, _)| (failures(index), *index))?;
        let rounds = failures(&index);
        let all_failed = memory.fence_failures.values().all(|count| *count <= rounds);
        let doubled = FENCE_PAUSE.saturating_mul(1 << rounds.saturating_sub(1).min(16));
        let after_failure = memory
            .fence_failed
            .filter(|_| all_failed)
            .map(|failed| failed.plus(doubled.min(LONGEST_FENCE_PAUSE)));
        let lease_first = host.fencing[..index].contains(&Fencing::Lease);
        let after_lease = lease_due(memory, host, self.desired, self.observed)
            .filter(|_| lease_first)
            .map(|due| due.plus(LEASE_LATE));
        let at = after_failure.max(after_lease);
        Some((index, agent, at.unwrap_or(self.observed.now)))
    }

    /// Something on a host works. In its first seconds out of sight that may end by itself, and what decides then is said;
    /// later, and where it does not let us in, a person is needed.
    fn lives(&self, host: &Host, memory: &HostMemory, sign: &str) -> Refusal {
        let text = format!("host {} lives: {sign}", host.id);
        let lost = self.lost_at(memory);
        let early = self.observed.now < lost && self.heartbeats_on(&host.id).is_some();
        match early {
            true => Refusal {
                text: format!("{text}; if they cease, {}", self.who_decides(host, memory)),
                help: None,
                until: Some(lost),
            },
            false => Refusal {
                text,
                help: Some(self.remedy(&host.id)),
                until: None,
            },
        }
    }

    /// What will show that a host is off, if it is.
    fn who_decides(&self, host: &Host, memory: &HostMemory) -> String {
        let agent = self.next_device(host, memory).map(|(_, agent, _)| agent);
        match (self.awaits_lease(host, memory), agent) {
            (true, _) => "its lease decides".to_owned(),
            (false, Some(agent)) => format!("{} switches it off", agent.program),
            (false, None) => "a person has to look".to_owned(),
        }
    }

    /// Whether the lease that we keep on a host may still show that it is off.
    fn awaits_lease(&self, host: &Host, memory: &HostMemory) -> bool {
        let kept = memory.armed && self.observed.leases.contains_key(&host.id);
        host.fencing.contains(&Fencing::Lease) && kept
    }

    fn no_evidence(&self, host: &Host, memory: Option<&HostMemory>) -> Refusal {
        let due = memory.and_then(|m| lease_due(m, host, self.desired, self.observed));
        match due {
            Some(due) => Refusal {
                text: format!(
                    "the guard of host {} stops everything on it within {}",
                    host.id,
                    span(due.since(self.observed.now))
                ),
                help: None,
                until: Some(due),
            },
            None => self.nothing_shows(host, memory),
        }
    }

    /// A lease may still show it, as long as the host is not out of sight for long; else a person is needed.
    fn nothing_shows(&self, host: &Host, memory: Option<&HostMemory>) -> Refusal {
        let sign = self.sign_of_life(&host.id);
        let sign = sign.map_or_else(String::new, |sign| format!(": {sign}"));
        let awaits = memory.filter(|memory| self.awaits_lease(host, memory));
        let lost = awaits.map(|memory| self.lost_at(memory));
        match lost.filter(|lost| self.observed.now < *lost) {
            Some(lost) => Refusal {
                text: format!(
                    "nothing shows yet that host {} is off{sign}; its lease decides once no host sees it",
                    host.id
                ),
                help: None,
                until: Some(lost),
            },
            None => Refusal {
                text: format!("nothing shows that host {} is off{sign}", host.id),
                help: Some(match self.unseen(&host.id) {
                    Some(UnseenKind::Broken) => self.remedy(&host.id),
                    _ => confirm(&host.id),
                }),
                until: None,
            },
        }
    }

    /// What a person does about a host that lives and can't be looked at.
    fn remedy(&self, host: &HostId) -> String {
        let mend = match self.unseen(host) {
            Some(UnseenKind::Broken) => {
                format!("restart libvirt on host {host}, which ends no guest")
            }
            _ => "mend it".to_owned(),
        };
        format!("{mend}; or, once it is off: reconcile fence confirm {host}")
    }
}
