//! What can't be seen, what is in the way, what another action is at work on: said, not acted on.

use super::refusal::help_inherited;
use super::round::State;
use super::{Planner, fencing};
use crate::model::facts::{Seen, UnseenKind};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::Serving;
use crate::model::plan::{Notice, NoticeKind};

impl Planner<'_> {
    /// Says what this round can't decide, and why.
    pub(super) fn notices(&mut self) {
        self.brake_notice();
        self.unseen_hosts();
        self.inherited_hosts();
        self.instances_out_of_sight();
        self.surplus_out_of_sight();
        let missing = &self.round.observed.missing_agents;
        let missing = fencing::missing_agents(self.round.desired, missing);
        self.draft.notices.extend(missing);
        let notices = std::mem::take(&mut self.round.placement.notices);
        self.draft.notices.extend(notices);
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
                State::Perhaps(host) => (
                    NoticeKind::Unknown,
                    format!(
                        "may be on {}, which can't be seen: it is not created a second time",
                        self.round.inventory.words_of_unknown(host)
                    ),
                    None,
                ),
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
