//! What goes on, by one round: instances and hosts that are lost, the brake, changes, what is blocked, orders.

use std::collections::{BTreeMap, BTreeSet};

use super::board::{Board, Condition, Happened};
use crate::model::condition::HostCondition;
use crate::model::desired::{Desired, Group};
use crate::model::event::{EventKind, Severity};
use crate::model::facts::{Beat, HostFacts, Observed, Seen};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::memory::{GuestMemory, Memory};
use crate::model::orders::{Order, OrderKey};
use crate::model::plan::{Action, Motive, Notice, NoticeKind, Plan};

/// What a round knew.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// What is wanted.
    pub desired: &'a Desired,
    /// What was seen.
    pub observed: &'a Observed,
    /// What is remembered.
    pub memory: &'a Memory,
    /// What was decided.
    pub plan: &'a Plan,
}

/// What plans call the brake.
const BRAKE: &str = "the brake";

type Conditions = BTreeMap<String, Condition>;

/// What is looked up for each instance that is lost: many may be at once.
struct Known<'a> {
    /// Groups of which some instance serves.
    serving: BTreeSet<&'a GroupId>,
    /// What is blocked, by its subject.
    blocked: BTreeMap<&'a str, &'a Notice>,
    /// Why something is done with an instance.
    reasons: BTreeMap<&'a InstanceId, &'a str>,
}

impl<'a> Known<'a> {
    fn of(sight: &Sight<'a>) -> Known<'a> {
        let beats = sight.observed.beats.keys();
        let blocked = sight.plan.notices_of(NoticeKind::Blocked);
        let actions = sight.plan.actions.iter().rev();
        let reason =
            |action: &'a Action| Some((action.operation.instance()?, action.reason.text.as_str()));
        Known {
            serving: beats
                .filter(|id| serves(sight, id))
                .map(|id| &id.group)
                .collect(),
            blocked: blocked.map(|n| (n.subject.as_str(), n)).collect(),
            // The first of several, for it is why the others are done.
            reasons: actions.filter_map(reason).collect(),
        }
    }
}

/// What goes on.
pub(super) fn of_round(before: &Board, sight: &Sight<'_>) -> Conditions {
    let (mut all, known) = (Conditions::new(), Known::of(sight));
    all.extend(
        sight
            .plan
            .hosts
            .iter()
            .filter_map(|(id, state)| host(sight, id, *state)),
    );
    all.extend(sight.desired.instances().filter_map(|(id, group)| {
        let lost = lost((before, &known), sight, &id, group)?;
        Some((key_of(&id), lost))
    }));
    all.extend(brake(&known, sight.plan));
    for notice in sight.plan.notices_of(NoticeKind::Blocked) {
        if let Some((key, condition)) = blocked_by(&all, notice) {
            all.entry(key).or_insert(condition);
        }
    }
    all.extend(
        sight
            .plan
            .orders
            .all()
            .map(|(key, given)| order(&key, given)),
    );
    all.extend(change(before, sight.plan));
    all
}

fn key_of(instance: &InstanceId) -> String {
    format!("instance/{instance}")
}

fn beat<'a>(sight: &Sight<'a>, instance: &InstanceId) -> Option<&'a Beat> {
    sight.observed.beats.get(instance)
}

fn serves(sight: &Sight<'_>, instance: &InstanceId) -> bool {
    beat(sight, instance).is_some_and(|beat| beat.failures == 0 && beat.last_ok.is_some())
}

fn is_busy(sight: &Sight<'_>, instance: &InstanceId) -> bool {
    sight.memory.busy.contains_key(instance)
}

/// Those of which a silence would be news.
pub(super) fn serving(
    before: &Board,
    sight: &Sight<'_>,
    open: &Conditions,
) -> BTreeSet<InstanceId> {
    let all = sight.desired.instances().map(|(id, _)| id);
    let counts = |id: &InstanceId| match is_busy(sight, id) {
        // What is away by our own doing is not lost.
        true => open.contains_key(&key_of(id)),
        false => before.serving.contains(id) || serves(sight, id),
    };
    all.filter(counts).collect()
}

/// An instance that served, and does not any more though nobody works on it; or that was so, and does not serve yet.
fn lost(
    (before, now): (&Board, &Known<'_>),
    sight: &Sight<'_>,
    id: &InstanceId,
    group: &Group,
) -> Option<Condition> {
    let known = before.open.get(&key_of(id));
    let ended = sight
        .memory
        .guests
        .get(id)
        .is_some_and(GuestMemory::is_moving);
    let silent = beat(sight, id).is_none_or(|beat| beat.failures >= group.heartbeat.retries);
    let is_news = before.serving.contains(id) && silent && !is_busy(sight, id) && !ended;
    let goes_on = known.is_some_and(|known| !is_back(sight, id, known));
    if !is_news && !goes_on {
        return None;
    }
    let name = id.to_string();
    let failed = now.blocked.get(name.as_str());
    let (stage, severity) = match (failed, now.serving.contains(&group.id)) {
        (Some(_), _) => ("failed", Severity::Critical),
        (None, false) => ("last", Severity::Critical),
        (None, true) => ("lost", Severity::Warning),
    };
    // That others serve again is no news of this one.
    if let Some(known) = known.filter(|known| failed.is_none() && known.severity >= severity) {
        return Some(known.clone());
    }
    let text = match (failed, severity) {
        (Some(notice), _) => format!("{id} is lost, and needs a person: {}", notice.text),
        (None, Severity::Critical) => {
            let (group, why) = (&group.id, why(now, sight, id));
            format!("{id} is lost, and no instance of {group} serves: {why}")
        }
        (None, Severity::Warning | Severity::Info) => {
            format!("{id} is lost: {}", why(now, sight, id))
        }
    };
    Some(Condition::new(EventKind::Instance, severity, &name, text).stage(stage))
}

fn is_back(sight: &Sight<'_>, id: &InstanceId, known: &Condition) -> bool {
    let heard = beat(sight, id).and_then(|beat| beat.last_ok);
    serves(sight, id) && heard >= Some(known.since)
}

/// Why an instance is lost: as the plan has it, or else what it answers.
fn why(now: &Known<'_>, sight: &Sight<'_>, id: &InstanceId) -> String {
    let error = beat(sight, id).and_then(|beat| beat.error.as_ref());
    match (now.reasons.get(id), error) {
        (Some(reason), _) => (*reason).to_owned(),
        (None, Some(error)) => format!("it gives no heartbeat: {error}"),
        (None, None) => "nothing is seen of it".to_owned(),
    }
}

fn host(sight: &Sight<'_>, id: &HostId, state: HostCondition) -> Option<(String, Condition)> {
    let known = sight.memory.hosts.get(id);
    let since = known.map_or(sight.observed.now, |known| known.since);
    let long = sight.observed.now.since(since) >= sight.desired.safety.recover_after;
    let (severity, word) = match state {
        // Its guests may go on: nothing is done about it, for however long.
        HostCondition::Suspect if long => (Severity::Warning, "out of sight for long"),
        HostCondition::Suspect => (Severity::Info, "out of sight"),
        HostCondition::Unreachable => (Severity::Critical, "unreachable"),
        HostCondition::Fenced => (Severity::Warning, "fenced"),
        HostCondition::Online
        | HostCondition::Maintenance
        | HostCondition::Rejoining
        | HostCondition::Leaving => return None,
    };
    let evidence = known.and_then(|known| known.fenced.as_ref());
    let why = match (evidence, sight.observed.hosts.get(id)) {
        (Some(evidence), _) if state == HostCondition::Fenced => format!(": {}", evidence.text),
        (_, Some(Seen::No(unseen))) => format!(": {}", unseen.message),
        (_, Some(Seen::Yes(_)) | None) => String::new(),
    };
    let subject = format!("host {id}");
    let text = format!("{subject} is {word}{why}");
    let condition = Condition::new(EventKind::Host, severity, &subject, text);
    let condition = condition.stage(word).over(format!("{subject} is back"));
    Some((format!("host/{id}"), condition))
}

/// The brake, with what the plan says would let it go.
fn brake(known: &Known<'_>, plan: &Plan) -> Option<(String, Condition)> {
    let brake = plan.brake.as_ref()?;
    let told = known.blocked.get(BRAKE);
    let text = told.map_or(&brake.text, |notice| &notice.text);
    let help = told.and_then(|notice| notice.help.as_ref());
    let help = help.map_or_else(String::new, |help| format!("; {help}"));
    let text = format!("{BRAKE} holds: {text}{help}");
    let condition = Condition::new(EventKind::Brake, Severity::Critical, BRAKE, text);
    Some((BRAKE.to_owned(), condition.over("the brake is off")))
}

/// What can't be done; of the brake and of an instance that is lost, that is told already.
fn blocked_by(known: &Conditions, notice: &Notice) -> Option<(String, Condition)> {
    let told = [
        notice.subject.clone(),
        format!("instance/{}", notice.subject),
    ];
    if told.iter().any(|key| known.contains_key(key)) {
        return None;
    }
    let help = notice.help.as_ref().map(|help| format!("; {help}"));
    let text = format!(
        "{} is blocked: {}{}",
        notice.subject,
        notice.text,
        help.unwrap_or_default()
    );
    let condition = Condition::new(EventKind::Blocked, Severity::Warning, &notice.subject, text);
    let condition = condition.stage(gist(&notice.text));
    let condition = condition.over(format!("{} is blocked no more", notice.subject));
    Some((format!("blocked/{}", notice.subject), condition))
}

/// A text without its numbers: how long or how much is no news.
fn gist(text: &str) -> String {
    let counts = |word: &&str| !word.contains(|c: char| c.is_ascii_digit());
    text.split_whitespace()
        .filter(counts)
        .collect::<Vec<_>>()
        .join(" ")
}

fn order(key: &OrderKey, order: &Order) -> (String, Condition) {
    let (subject, word) = (key.subject(), key.word());
    let until = order
        .until
        .map(|until| format!(", until {}", until.to_short()));
    let reason = order.reason.as_ref().map(|reason| format!(": {reason}"));
    let text = format!(
        "{subject} is {word} by {}{}{}",
        order.by,
        until.unwrap_or_default(),
        reason.unwrap_or_default()
    );
    let condition = Condition::new(EventKind::Order, Severity::Info, &subject, text);
    let condition = condition.stage(order.at.to_string());
    let condition = match key.is_once() {
        true => condition.without_end(),
        false => condition.over(key.over()),
    };
    (format!("order/{word}/{subject}"), condition)
}

/// What the file changed: from the first action for it until all is as desired.
fn change(before: &Board, plan: &Plan) -> Option<(String, Condition)> {
    if plan.converged() {
        return None;
    }
    let mark = plan.revision.to_string();
    let known = before.open.get("change");
    if let Some(known) = known.filter(|known| known.stage.starts_with(&mark)) {
        return Some(("change".to_owned(), known.clone()));
    }
    let actions = plan.actions.iter();
    let number = actions
        .filter(|action| action.motive == Motive::Change)
        .count();
    // What is in hand for an earlier state of the file goes on under the new one.
    if number == 0 && known.is_none() {
        return None;
    }
    let plural = if number == 1 { "" } else { "s" };
    let text = match number {
        0 => format!("revision {mark} is in force, while an earlier change is carried out"),
        number => format!("the change to revision {mark} begins, with {number} action{plural}"),
    };
    let condition = Condition::new(
        EventKind::Change,
        Severity::Info,
        &format!("revision {mark}"),
        text,
    );
    let over = format!("all is as revision {mark} says");
    Some(("change".to_owned(), condition.stage(mark).over(over)))
}

/// An action for the change failed.
pub(super) fn halt(change: &mut Condition, summary: &str, why: &str) {
    if change.severity > Severity::Info {
        return;
    }
    change.severity = Severity::Warning;
    change.text = format!("the change to {} halted: {summary}: {why}", change.subject);
    change.stage.push_str(" halted");
}

/// VIPs that another guest has.
pub(super) fn moved_vips(board: &mut Board, sight: &Sight<'_>) -> Vec<Happened> {
    let mut moved = Vec::new();
    for (group, holder) in &sight.memory.holders {
        let before = board.holders.insert(group.clone(), holder.instance.clone());
        let Some(before) = before.filter(|before| *before != holder.instance) else {
            continue;
        };
        let vip = holder.vip.map_or_else(String::new, |vip| format!(" {vip}"));
        let text = format!(
            "VIP{vip} of {group} went from {before} to {}",
            holder.instance
        );
        // One that is handed over is no failure.
        let severity = match board.open.contains_key(&key_of(&before)) || !serves(sight, &before) {
            true => Severity::Warning,
            false => Severity::Info,
        };
        let condition = Condition::new(EventKind::Vip, severity, &format!("VIP of {group}"), text);
        moved.push((format!("vip/{group}/{}", holder.instance), condition));
    }
    moved
}

/// What is said when something is over.
pub(super) fn over(condition: &Condition, sight: &Sight<'_>) -> Option<String> {
    let instance = condition.subject.parse::<InstanceId>().ok();
    let instance = instance.filter(|_| condition.kind == EventKind::Instance);
    let Some(id) = instance else {
        return condition.over.clone();
    };
    if !serves(sight, &id) {
        return Some(format!("{id} is not desired any more"));
    }
    let built = sight
        .memory
        .guests
        .get(&id)
        .and_then(|guest| guest.last_attempt);
    let rebuilt = match built >= Some(condition.since) {
        true => "was rebuilt, and ",
        false => "",
    };
    Some(format!("{id} {rebuilt}serves again{}", place(sight, &id)))
}

/// Where it is now, where that was seen.
fn place(sight: &Sight<'_>, id: &InstanceId) -> String {
    let is_there = |seen: &Seen<HostFacts>| {
        let marks = seen.facts().into_iter().flat_map(|facts| &facts.domains);
        let mut marks = marks.filter_map(|domain| domain.mark.as_ref());
        marks.any(|mark| mark.instance == *id && mark.cluster == sight.desired.cluster)
    };
    let mut hosts = sight.observed.hosts.iter();
    let on = hosts.find(|(_, seen)| is_there(seen));
    on.map_or_else(String::new, |(host, _)| format!(" on host {host}"))
}
