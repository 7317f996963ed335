//! What can't be seen, what is in the way, what another action is at work on: said, not acted on.

use super::health::Health;
use super::machine::{disk_of, has_disk, is_adopted};
use super::refusal::{confirm, help_inherited};
use super::round::State;
use super::{Planner, fencing};
use crate::memory::leaving::wanted_disks;
use crate::model::facts::{Seen, UnseenKind};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::memory::Serving;
use crate::model::plan::{Notice, NoticeKind};

/// That the disk of a stateful guest is not where it should be: it can't be made anew as it is.
fn disk_elsewhere(instance: &InstanceId, host: &HostId, disk: &str) -> Notice {
    Notice {
        kind: NoticeKind::Blocked,
        subject: instance.to_string(),
        text: format!(
            "it is stateful, and its disk is not where it should be on host {host}: there is no {disk}; so it is not made anew"
        ),
        help: Some(format!(
            "if `storage` of host {host} was edited, take that back, or move the disk there while its guest is off (virsh \
             domblklist tells where it is)"
        )),
        line: None,
    }
}

impl Planner<'_> {
    /// Says what this round can't decide, and why.
    pub(super) fn notices(&mut self) {
        self.brake_notice();
        self.unseen_hosts();
        self.inherited_hosts();
        self.instances_out_of_sight();
        self.surplus_out_of_sight();
        self.disks_elsewhere();
        self.other_copies();
        self.disks_on_leavers();
        let missing = &self.round.observed.missing_agents;
        let missing = fencing::missing_agents(self.round.desired, missing);
        self.draft.notices.extend(missing);
        let notices = std::mem::take(&mut self.round.placement.notices);
        self.draft.notices.extend(notices);
    }

    /// Guests that answered until their heartbeat was edited: more likely the edit is wrong than all of them dead.
    pub(super) fn say_who_is_asked_elsewhere(&mut self) {
        for (instance, view) in &self.round.views {
            let (group, heartbeat) = (view.group, &view.group.heartbeat);
            let beat = self.round.beat(instance);
            let silent = beat.is_some_and(|beat| beat.failures >= heartbeat.retries);
            let lives = view.state == State::Live(Health::Healthy);
            if !silent || !lives || self.last.contains_key(instance) {
                continue;
            }
            let at = format!("{} at port {}", heartbeat.path, heartbeat.port);
            self.draft.notices.push(Notice {
                kind: NoticeKind::Blocked,
                subject: instance.to_string(),
                text: format!("it answered until `heartbeat` was edited, and does not answer {at}: it is left as it is"),
                help: Some("mend `heartbeat` in the file, or take the edit back".to_owned()),
                line: self.round.desired.lines.of(&group.key()),
            });
        }
    }

    fn unseen_hosts(&mut self) {
        for (id, seen) in &self.round.observed.hosts {
            let Seen::No(unseen) = seen else { continue };
            let leaves = self.round.desired.is_leaving(id);
            let help = match unseen.kind {
                _ if leaves => format!(
                    "it is not in the file any more, and forgotten once it is seen without guests of ours; \
                     if it is off for good: reconcile fence confirm {id}"
                ),
                UnseenKind::Unreachable => {
                    "nothing on it is created, moved or destroyed until it answers again".to_owned()
                }
                UnseenKind::HostKeyChanged | UnseenKind::Refused | UnseenKind::Broken => {
                    "nothing on it is touched until this is mended".to_owned()
                }
            };
            self.draft.notices.push(Notice {
                kind: NoticeKind::Unknown,
                subject: format!("host {id}"),
                text: unseen.message.clone(),
                help: Some(help),
                line: self.round.desired.lines.of(&format!("hosts.{id}")),
            });
        }
    }

    fn inherited_hosts(&mut self) {
        for (id, known) in &self.round.memory.inherited {
            if self.round.desired.hosts.contains_key(id) || known.fenced.is_some() {
                continue;
            }
            self.draft.notices.push(Notice {
                kind: NoticeKind::Unknown,
                subject: format!("host {id}"),
                text: format!(
                    "it is not in the file, but another controller worked with it ({}), and may have left guests on it: what \
                     must not be twice is not made elsewhere",
                    known.from
                ),
                help: Some(help_inherited(id)),
                line: None,
            });
        }
    }

    fn instances_out_of_sight(&mut self) {
        for (instance, view) in &self.round.views {
            let notice = match &view.state {
                State::Hidden(host, mark) => self.hidden_notice(instance, host, mark),
                State::Perhaps(host) => self.perhaps_notice(host),
                State::Busy if self.serves_meanwhile(instance) => continue,
                State::Busy => (NoticeKind::Waiting, self.busy_text(instance), None),
                State::Absent | State::Lost(..) | State::Live(_) => continue,
            };
            let (kind, text, help) = notice;
            self.draft.notices.push(Notice {
                kind,
                subject: instance.to_string(),
                text,
                help,
                line: self.round.desired.lines.of(&view.group.key()),
            });
        }
    }

    /// Stateful guests whose disks are not where they would be looked for: before one of them has to be made anew.
    fn disks_elsewhere(&mut self) {
        for (instance, view) in &self.round.views {
            let Some(found) = view.found.filter(|_| view.group.stateful) else {
                continue;
            };
            let ready = found.mark.stage == Stage::Ready && !is_adopted(&found.mark.digest);
            let facts = self.round.host(found.host).filter(|_| ready);
            if let Some((host, _)) = facts.filter(|(_, facts)| !has_disk(facts, instance)) {
                let disk = disk_of(self.round.desired, host, instance);
                self.draft
                    .notices
                    .push(disk_elsewhere(instance, &host.id, &disk));
            }
        }
    }

    /// Hosts that left the file and have disks that nobody else has: they are not forgotten.
    fn disks_on_leavers(&mut self) {
        let (desired, memory) = (self.round.desired, self.round.memory);
        let left = memory.hosts.iter().filter(|(id, _)| desired.is_leaving(id));
        let notices = left.flat_map(|(id, host)| {
            wanted_disks(host, memory, desired).map(move |instance| Notice {
                kind: NoticeKind::Blocked,
                subject: format!("host {id}"),
                text: format!("it leaves, and has the only disk of {instance}, which is stateful: it is not forgotten"),
                help: Some(format!(
                    "put it back into `hosts`; or, to give that disk up: remove {instance}.qcow2.kept on host {id}"
                )),
                line: None,
            })
        });
        let notices: Vec<Notice> = notices.collect();
        self.draft.notices.extend(notices);
    }

    /// Stateful guests of which a copy may live out of sight: it was made when the file did not call them so.
    fn other_copies(&mut self) {
        let inventory = &self.round.inventory;
        let copies = inventory.all_out_of_sight().filter_map(|(instance, host, mark)| {
            let view = self.round.views.get(instance).filter(|view| view.group.stateful)?;
            let other = view.found.filter(|found| found.mark.generation != mark.generation)?;
            let hosts = &inventory.hosts;
            let ended = hosts.has_ended(host) || hosts.evidence(host).is_some();
            let hidden = self.round.host(host).is_none() && !ended;
            hidden.then(|| Notice {
                kind: NoticeKind::Warning,
                subject: instance.to_string(),
                text: format!(
                    "it is stateful and runs on host {}, and another copy of it may run on host {host}, which can't be seen: \
                     its disk is put aside when it is back",
                    other.host
                ),
                help: Some(confirm(host)),
                line: self.round.desired.lines.of(&format!("{}.stateful", view.group.key())),
            })
        });
        let copies: Vec<Notice> = copies.collect();
        self.draft.notices.extend(copies);
    }

    /// It may be on a host that we don't know. When that is away for long, only a person can tell.
    fn perhaps_notice(&self, host: &HostId) -> (NoticeKind, String, Option<String>) {
        let inventory = &self.round.inventory;
        let text = format!(
            "may be on {}, which can't be seen: it is not created a second time",
            inventory.words_of_unknown(host)
        );
        let away = self.away_for_long(host);
        let help = inventory.unknown_hosts().filter(|_| away).map(confirm);
        let help: Vec<String> = help.collect();
        match help.is_empty() {
            true => (NoticeKind::Unknown, text, None),
            false => (NoticeKind::Blocked, text, Some(help.join("; "))),
        }
    }

    /// Whether a host that we don't know has been out of sight for as long as makes guests be made elsewhere.
    fn away_for_long(&self, host: &HostId) -> bool {
        let hosts = &self.round.inventory.hosts;
        match hosts.remembered(host) {
            Some(memory) => self.round.observed.now >= hosts.lost_at(memory),
            None => false,
        }
    }

    fn hidden_notice(
        &self,
        instance: &InstanceId,
        host: &HostId,
        mark: &Mark,
    ) -> (NoticeKind, String, Option<String>) {
        if !self.round.desired.hosts.contains_key(host) {
            let text = format!(
                "ran on host {host} with {}, and that host is not in the file any more",
                mark.address
            );
            let help = "put the host back into `hosts`".to_owned();
            return (NoticeKind::Blocked, text, Some(help));
        }
        let text = format!(
            "was on host {host} with {}, which can't be seen now",
            mark.address
        );
        match self.round.inventory.refusal(instance) {
            Some(refusal) if !refusal.text.is_empty() => (
                refusal.kind(),
                format!("{text}: {}", refusal.text),
                refusal.help.clone(),
            ),
            Some(_) | None => (NoticeKind::Unknown, text, None),
        }
    }

    /// Guests that should go and can't be reached for that.
    fn surplus_out_of_sight(&mut self) {
        let hidden: Vec<_> = self.round.inventory.all_hidden().collect();
        for (instance, host, mark) in hidden
            .into_iter()
            .filter(|(i, ..)| !self.round.views.contains_key(*i))
            .filter(|(i, ..)| !self.round.memory.busy.contains_key(*i))
        {
            let in_file = self.round.desired.hosts.contains_key(host);
            let (kind, text, help) = match in_file {
                true => (
                    NoticeKind::Unknown,
                    format!(
                        "is not desired any more; it was on host {host} with {}, which can't be seen now",
                        mark.address
                    ),
                    "it is removed once the host can be seen",
                ),
                false => (
                    NoticeKind::Blocked,
                    format!(
                        "ran on host {host} with {}, and that host is not in the file any more",
                        mark.address
                    ),
                    "put the host back into `hosts` until its guests are gone",
                ),
            };
            self.draft.notices.push(Notice {
                kind,
                subject: instance.to_string(),
                text,
                help: Some(help.to_owned()),
                line: None,
            });
        }
    }

    /// What is being done with it: `under way: configure random-2: 2 files, start`.
    pub(super) fn busy_text(&self, instance: &InstanceId) -> String {
        let busy = self.round.memory.busy.get(instance);
        busy.map_or_else(String::new, |b| {
            format!("under way: {} {}", b.action, b.summary)
        })
    }

    /// Whether an instance serves while an action is at work on it: then that keeps nothing back that users miss.
    pub(super) fn serves_meanwhile(&self, instance: &InstanceId) -> bool {
        let busy = self.round.memory.busy.get(instance);
        busy.is_some_and(|busy| busy.service == Serving::GoesOn)
    }
}
