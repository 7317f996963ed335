//! The gate of a state of the file: how far it reaches, and what the guards say of it, before anything of it is done. Once
//! it is in force, nobody asks again: a change that began is finished.

mod reach;
pub mod windows;

use super::Planner;
use super::round::Round;
use crate::model::desired::{Line, Revision};
use crate::model::gate::{ChangeId, Class, Gate, Guard, GuardKind, Pending, Verdict};
use crate::model::id::{GroupId, InstanceId};
use crate::model::orders::Order;
use crate::model::plan::{Notice, NoticeKind};
use crate::model::time::Timestamp;
use crate::render::sha256;
use reach::Reach;

/// How many hex digits a change is called by.
const ID_DIGITS: usize = 12;
/// How many guests are named; more are counted.
const NAMED: usize = 4;

/// What the guards say of the state of the file; none where it is in force, or changes nothing.
pub(super) fn judge(round: Round<'_>) -> (Round<'_>, Option<Gate>) {
    let in_force = round.memory.in_force.as_ref();
    // Whoever holds a state back wants the one before it, whatever that takes.
    let held = &round.observed.orders.held;
    let passed = |it: &Revision| *it == round.desired.revision || held.contains_key(it);
    if in_force.is_some_and(passed) {
        return (round, None);
    }
    let mut planner = Planner::new(round);
    let reach = planner.reach();
    let gate = (!reach.is_nothing()).then(|| planner.gate(&reach));
    (planner.round, gate)
}

impl Planner<'_> {
    fn gate(&self, reach: &Reach) -> Gate {
        let (class, change) = (reach.class(), self.name(reach));
        let (window, opens) = self.window(&change).unzip();
        let guards = [
            self.empty(reach, &change),
            self.max_destroy(reach, &change),
            self.protect(reach),
            self.approval(reach, &change),
            window,
        ];
        Gate {
            class,
            guards: guards.into_iter().flatten().collect(),
            opens: opens.flatten(),
            change,
        }
    }

    /// Says that the newer state of the file was given up by ourselves: that is a failure, however well all goes now.
    pub(super) fn say_what_was_rolled_back(&mut self) {
        let (memory, held) = (self.round.memory, &self.round.observed.orders.held);
        let given_up = memory.rolled_back.as_ref();
        let Some((revision, order)) = given_up.and_then(|it| held.get_key_value(it)) else {
            return;
        };
        let why = order
            .reason
            .as_deref()
            .unwrap_or("an instance does not come up with it");
        self.draft.notices.push(Notice {
            kind: NoticeKind::Blocked,
            subject: format!("revision {revision}"),
            text: format!("it failed and was rolled back: {why}"),
            help: Some(format!(
                "mend the file: the next edit is applied; or try it again: reconcile rollback --undo {revision}"
            )),
            line: None,
        });
    }

    /// Says that a newer state of the file waits. Only a window opens by itself.
    pub(super) fn say_what_is_pending(&mut self) {
        let pending = self.round.memory.pending.as_ref();
        let newer = |p: &&Pending| p.revision != self.round.desired.revision;
        let Some(pending) = pending.filter(newer) else {
            return;
        };
        let (subject, commit) = match &pending.commit {
            Some(commit) => (
                format!("commit {}", commit.id),
                format!(" by {}", commit.author),
            ),
            None => (format!("revision {}", pending.revision), String::new()),
        };
        let change = &pending.change;
        let notices = pending.guards.iter().map(|guard| Notice {
            kind: match guard.guard {
                GuardKind::Empty
                | GuardKind::MaxDestroy
                | GuardKind::Protect
                | GuardKind::Approval => NoticeKind::Blocked,
                GuardKind::Window => NoticeKind::Warning,
            },
            subject: subject.clone(),
            text: format!(
                "change {change}{commit} waits: {}: {}",
                guard.guard.word(),
                guard.text
            ),
            help: guard.help.clone(),
            line: None,
        });
        self.draft.notices.extend(notices);
    }

    /// The name follows from how far it reaches for whom, not from how that is done: a guest that is healed meanwhile makes no
    /// other change of it.
    fn name(&self, reach: &Reach) -> ChangeId {
        let touched = reach.touched.iter();
        let touched = touched.filter(|(_, touch)| touch.class > Class::None);
        let touched = touched.map(|(instance, touch)| format!("{} {instance}", touch.class));
        let goes = reach.goes.iter().map(|instance| format!("end {instance}"));
        let vips = reach.vips.iter().map(|vip| format!("end {vip}"));
        let all: Vec<String> = touched.chain(goes).chain(vips).collect();
        let revision = &self.round.desired.revision;
        let mut name = sha256(&format!("{revision}\n{}", all.join("\n")));
        name.truncate(ID_DIGITS);
        ChangeId(name)
    }

    /// Whether anything is left: a file that was emptied by mistake must not empty the cluster.
    fn empty(&self, reach: &Reach, change: &ChangeId) -> Option<Guard> {
        let is_empty = self.round.desired.groups.values().all(|g| g.replicas == 0);
        if !is_empty || reach.goes.is_empty() {
            return None;
        }
        let text = format!(
            "no guest is left of {}: {}",
            reach.all,
            named(reach.goes.iter())
        );
        Some(self.unless_approved(GuardKind::Empty, text, None, change))
    }

    fn max_destroy(&self, reach: &Reach, change: &ChangeId) -> Option<Guard> {
        let (goes, all) = (reach.goes.len(), reach.all);
        if goes == 0 {
            return None;
        }
        let most = self.round.desired.safety.max_destroy.of(all);
        let names = named(reach.goes.iter());
        let text = format!("{goes} of {all} guests go for good, at most {most} may: {names}");
        let line = self.round.desired.lines.of("safety.max_destroy");
        Some(match goes <= most {
            true => passes(GuardKind::MaxDestroy, text, line),
            false => self.unless_approved(GuardKind::MaxDestroy, text, line, change),
        })
    }

    /// What is protected goes only after a word about just that; no approval of the whole will do.
    fn protect(&self, reach: &Reach) -> Option<Guard> {
        let freed = &self.round.observed.orders.unprotected;
        let (free, kept): (Vec<&GroupId>, Vec<&GroupId>) = reach
            .protected
            .iter()
            .partition(|group| freed.contains_key(*group));
        let names = |groups: &[&GroupId]| {
            let names: Vec<&str> = groups.iter().map(|group| group.as_str()).collect();
            names.join(", ")
        };
        match (kept.first(), free.is_empty()) {
            (None, true) => None,
            (None, false) => {
                let text = format!("{} goes, which was protected", names(&free));
                Some(passes(GuardKind::Protect, text, None))
            }
            (Some(first), _) => Some(Guard {
                guard: GuardKind::Protect,
                verdict: Verdict::Holds,
                text: format!(
                    "{} is protected, and not in the file any more",
                    names(&kept)
                ),
                help: Some(format!(
                    "put it back; or let it go: `reconcile unprotect {first}`"
                )),
                line: None,
            }),
        }
    }

    fn approval(&self, reach: &Reach, change: &ChangeId) -> Option<Guard> {
        let desired = self.round.desired;
        let line = desired.lines.0.get("changes.automatic").cloned();
        let (class, automatic) = (reach.class(), desired.changes.automatic);
        let most = automatic.map_or("never".to_owned(), |most| format!("up to `{most}`"));
        let text = format!("{}, automatic is {most}", reach.told(class));
        match automatic.is_some_and(|most| class <= most) {
            true => line.map(|line| passes(GuardKind::Approval, text, Some(line))),
            false => Some(self.unless_approved(GuardKind::Approval, text, line, change)),
        }
    }

    /// With the moment when it opens, where it holds.
    fn window(&self, change: &ChangeId) -> Option<(Guard, Option<Timestamp>)> {
        let desired = self.round.desired;
        let (rules, observed) = (&desired.changes, self.round.observed);
        let by_calendar = Timestamp(observed.now.0.saturating_add(observed.clock_ahead));
        if rules.allow.is_empty() && rules.deny.is_empty() {
            return None;
        }
        let line = desired.lines.of("changes.windows");
        let stand = windows::look(rules, by_calendar);
        if stand.open {
            return Some((passes(GuardKind::Window, stand.text, line), None));
        }
        if let Some(order) = self.round.observed.orders.hurried.get(change) {
            let text = format!("{}; {}", stand.text, by(order));
            return Some((passes(GuardKind::Window, text, line), None));
        }
        let guard = Guard {
            guard: GuardKind::Window,
            verdict: Verdict::Holds,
            text: stand.text,
            help: Some(format!("at once: `reconcile approve --now {change}`")),
            line,
        };
        let opens = stand.opens;
        let opens = opens.map(|at| Timestamp(at.0.saturating_sub(observed.clock_ahead)));
        Some((guard, opens))
    }

    /// Held, where no person has approved exactly this change.
    fn unless_approved(
        &self,
        guard: GuardKind,
        text: String,
        line: Option<Line>,
        change: &ChangeId,
    ) -> Guard {
        match self.round.observed.orders.allowed.get(change) {
            Some(order) => passes(guard, format!("{text}; {}", by(order)), line),
            None => Guard {
                guard,
                verdict: Verdict::Holds,
                text,
                help: Some(format!("if that is meant: `reconcile approve {change}`")),
                line,
            },
        }
    }
}

fn passes(guard: GuardKind, text: String, line: Option<Line>) -> Guard {
    Guard {
        guard,
        verdict: Verdict::Passes,
        text,
        help: None,
        line,
    }
}

fn by(order: &Order) -> String {
    let reason = order.reason.as_ref().map(|reason| format!(": {reason}"));
    format!("approved by {}{}", order.by, reason.unwrap_or_default())
}

/// `random-1, random-2 and 3 more`
fn named<'i>(instances: impl Iterator<Item = &'i InstanceId>) -> String {
    let all: Vec<&InstanceId> = instances.collect();
    let names: Vec<String> = all.iter().take(NAMED).map(ToString::to_string).collect();
    let more = all.len().saturating_sub(NAMED);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
