//! A plan as JSON for programs: the same facts as the text, and every diff whole. Pure.
//!
//! The keys are stable: within one `format_version`, keys may be added and none changes its meaning or goes.
//!
//! | key | what |
//! |---|---|
//! | `format_version` | `1` |
//! | `cluster`, `file`, `revision` | which cluster, the file, and the first 12 hex digits of its digest |
//! | `commit` | the commit that it is from: `id`, `author`, `at`, `subject`, `signature` (`state`, and what it says); null without a repository |
//! | `observed_at` | RFC 3339; `hosts`: `{seen, total}` |
//! | `converged` | nothing to do, nothing blocked, unknown or waiting |
//! | `counts` | actions by `sort` (`copy`, `create`, `recreate`, `change`, `move`, `fence`, `destroy`), `unchanged`, and notices by kind (`blocked`, `unknown`, `waiting`, `warnings`) |
//! | `gate` | null where the state of the file is in force, else `change` (its name), `class` (`none`, `reload`, `restart`, `recreate`, `destroy`, `data`), `guards[]` (`guard`, `verdict`: `passes` or `holds`, `text`, `help` or null, `line` or null), `opens` (when the next window does) or null |
//! | `interrupts[]` | what users notice in all: `what`, `about_ms` (null: for good), `measured` (whether all of that was) |
//! | `orders[]` | what operators ordered and is in force, as of [`super::orders_view`] |
//! | `targets` | null where it is about everything, else `only[]` (nobody else; empty: all) and `except[]` (not these): `web-1`, `service/NAME`, `host/NAME` |
//! | `actions[]` | in an order in which they can be done, see below |
//! | `notices[]` | `kind` (`blocked`, `unknown`, `waiting`, `warning`), `subject`, `text`, `help` or null, `line` or null |
//!
//! An action has `id` (from 1), `motive` (`heal`, `change`), `kind` (`create`, `add-vip`, …), `sort`, `instance` or
//! null, `host`, `summary`, `reason` (`code`, `text`, `line` or null), `interrupts` (`what`, `about_ms`, null: for
//! good, `measured`: how often, null: it is assumed) or null, `needs` (ids that must have succeeded before), `after` (ids that must have ended before) and
//! `changes` (files: `path`, `kind` (`new`, `content`, `hidden`, `attributes`), `diff`: unified, secrets hidden).
//!
//! With `--why`, it has `why`, too: `line` (the text of the line of the file, or null), `evidence` or null, `waits[]` (`id`,
//! `must`: `succeed` or `end`, `why`), `place` (what decided for its host) or null, `not_taken[]` (`host`, `why`).
//!
//! After an apply, the plan is that of the last look, and `applied[]` says what was done before it: entries as of
//! [`super::history_view`].
//!
//! A plan saved with `--out` has `saved`, too: `id`, `made_by` (the version of reconcile), `expires_at`, and `fingerprints`
//! (of each action, in order).

use std::collections::BTreeSet;

use serde::Serialize;

use super::cost::Cost;
use super::grounds::{AllGrounds, Grounds};
use super::orders_view::OrderShown;
use super::plan_text::Extras;
use super::tally::{Sort, Tally};
use super::text;
use crate::model::commit::Commit;
use crate::model::gate::Gate;
use crate::model::id::{ClusterName, HostId, InstanceId};
use crate::model::plan::{
    Action, ActionId, FileChange, HistoryEntry, Interruption, Motive, Notice, Plan, Reason,
};
use crate::model::saved::Seal;
use crate::model::targets::Targets;
use crate::model::time::Timestamp;

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;

/// The plan as JSON, ending in a line break.
pub fn plan_json(plan: &Plan) -> String {
    text::json(&PlanShown::of(plan))
}

/// The same with the grounds of each action.
pub fn plan_json_with(plan: &Plan, extras: Extras<'_>) -> String {
    text::json(&PlanShown::of(plan).with(extras.grounds))
}

/// The plan as it is saved, to be applied later.
pub fn saved_json(plan: &Plan, seal: &Seal) -> String {
    text::json(&PlanShown {
        saved: Some(seal),
        ..PlanShown::of(plan)
    })
}

/// What an apply has done, and the plan of the look after it, as JSON, ending in a line break.
pub fn applied_json(applied: &[HistoryEntry], plan: &Plan) -> String {
    text::json(&PlanShown {
        applied: Some(applied),
        ..PlanShown::of(plan)
    })
}

/// A plan with the keys that programs see: to be put into a larger document, too.
#[derive(Debug, Serialize)]
pub struct PlanShown<'a> {
    format_version: u32,
    cluster: &'a ClusterName,
    file: &'a str,
    revision: &'a str,
    commit: Option<&'a Commit>,
    observed_at: Timestamp,
    hosts: HostsShown,
    converged: bool,
    counts: Tally,
    gate: Option<&'a Gate>,
    interrupts: Vec<Cost<'a>>,
    orders: Vec<OrderShown>,
    targets: Option<&'a Targets>,
    actions: Vec<ActionShown<'a>>,
    notices: &'a [Notice],
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<&'a [HistoryEntry]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<&'a Seal>,
}

#[derive(Debug, Serialize)]
struct HostsShown {
    seen: usize,
    total: usize,
}

#[derive(Debug, Serialize)]
struct ActionShown<'a> {
    id: ActionId,
    motive: Motive,
    kind: &'static str,
    sort: Sort,
    instance: Option<&'a InstanceId>,
    host: &'a HostId,
    summary: &'a str,
    reason: &'a Reason,
    interrupts: Option<InterruptionShown<'a>>,
    needs: &'a BTreeSet<ActionId>,
    after: &'a BTreeSet<ActionId>,
    changes: &'a [FileChange],
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a Grounds>,
}

#[derive(Debug, Serialize)]
struct InterruptionShown<'a> {
    what: &'a str,
    about_ms: Option<u128>,
    measured: Option<usize>,
}

impl<'a> PlanShown<'a> {
    /// The plan with its keys.
    pub fn of(plan: &'a Plan) -> PlanShown<'a> {
        let (seen, total) = plan.hosts_seen();
        PlanShown {
            format_version: FORMAT_VERSION,
            cluster: &plan.cluster,
            file: &plan.file,
            revision: &plan.revision.0,
            commit: plan.commit.as_ref(),
            observed_at: plan.observed_at,
            hosts: HostsShown { seen, total },
            converged: plan.converged(),
            counts: Tally::of(plan),
            gate: plan.gate.as_ref(),
            interrupts: Cost::all(plan),
            orders: OrderShown::all(&plan.orders),
            targets: Some(&plan.orders.targets).filter(|targets| !targets.is_all()),
            actions: plan.actions.iter().map(ActionShown::of).collect(),
            notices: &plan.notices,
            applied: None,
            saved: None,
        }
    }
}

impl<'a> PlanShown<'a> {
    /// With the grounds of each action.
    pub fn with(mut self, grounds: Option<&'a AllGrounds>) -> Self {
        for action in &mut self.actions {
            action.why = grounds.and_then(|grounds| grounds.get(&action.id));
        }
        self
    }
}

impl<'a> ActionShown<'a> {
    fn of(action: &'a Action) -> ActionShown<'a> {
        ActionShown {
            id: action.id,
            motive: action.motive,
            kind: action.operation.kind(),
            sort: Sort::of(&action.operation),
            instance: action.operation.instance(),
            host: action.operation.host(),
            summary: &action.summary,
            reason: &action.reason,
            interrupts: action.interrupts.as_ref().map(InterruptionShown::of),
            needs: &action.needs,
            after: &action.after,
            changes: &action.changes,
            why: None,
        }
    }
}

impl<'a> InterruptionShown<'a> {
    fn of(interruption: &'a Interruption) -> InterruptionShown<'a> {
        InterruptionShown {
            what: &interruption.what,
            about_ms: interruption.about.map(|about| about.as_millis()),
            measured: interruption.measured,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;
    use serde_json::Value;

    fn parsed(plan: &Plan) -> Value {
        serde_json::from_str(&plan_json(plan)).unwrap()
    }

    #[test]
    fn the_keys_are_stable() {
        insta::assert_snapshot!("failover", plan_json(&samples::failover()));
        insta::assert_snapshot!("blocked", plan_json(&samples::blocked_and_unknown()));
    }

    #[test]
    fn a_program_finds_every_action_and_diff() {
        let json = parsed(&samples::rolling_change());
        assert_eq!(json["actions"].as_array().unwrap().len(), 6);
        assert_eq!(
            json["actions"][4]["changes"][0]["diff"],
            samples::NGINX_DIFF
        );
        assert_eq!(json["counts"]["recreate"], 2);
        assert_eq!(json["converged"], false);
        assert_eq!(parsed(&samples::nothing_to_do())["converged"], true);
    }

    #[test]
    fn what_an_apply_did_is_told_with_outcome_and_reason() {
        let json = applied_json(&samples::history(), &samples::nothing_to_do());
        let json: Value = serde_json::from_str(&json).unwrap();
        let applied = json["applied"].as_array().unwrap();
        assert_eq!(applied.len(), samples::history().len());
        assert!(applied.iter().all(|a| !a["outcome"].is_null()));
        assert!(parsed(&samples::nothing_to_do())["applied"].is_null());
    }

    #[test]
    fn orders_in_force_are_there_for_programs() {
        let mut plan = samples::nothing_to_do();
        plan.orders = samples::orders();
        let orders = &parsed(&plan)["orders"];
        assert_eq!(orders[2]["order"], "paused");
        assert_eq!(orders[2]["of"], "cluster");
        assert_eq!(orders[2]["reason"], Value::Null);
    }

    #[test]
    fn a_saved_plan_remembers_what_it_is_about() {
        use crate::model::saved::SavedPlan;
        use crate::plan::saved::seal;
        let mut plan = samples::failover();
        let hour = std::time::Duration::from_secs(3_600);
        let read = |plan: &Plan| -> SavedPlan {
            serde_json::from_str(&saved_json(plan, &seal(plan, hour))).unwrap()
        };
        let whole = read(&plan);
        assert_eq!(whole.targets, None);
        plan.orders.targets = samples::targets();
        let part = read(&plan);
        assert_eq!(part.targets, Some(samples::targets()));
        assert_ne!(part.saved.id, whole.saved.id);
    }

    #[test]
    fn hostile_text_is_escaped_and_reads_back() {
        let plan = samples::hostile();
        let json = plan_json(&plan);
        assert!(!json.replace('\n', "").chars().any(text::is_hostile));
        assert_eq!(
            parsed(&plan)["actions"][0]["summary"],
            plan.actions[0].summary
        );
    }
}
