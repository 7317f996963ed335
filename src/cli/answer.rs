//! What an operator is told of an order: what exactly it changed, and what happens next. Pure.
//!
//! In JSON: `format_version`, `changes[]` (`result`: `given`, `renewed`, `already`, `taken_back`, `was_not`; and the
//! order as in [`super::orders_view`], without `by` and what follows where there is none), `warnings[]` (what speaks against
//! it), `controller` (`running`, `process` or null, `state`: the state directory).

use serde_json::{Value, json};

use super::orders_view::OrderShown;
use super::style::{Paint, Style};
use super::text;
use crate::adapters::file_store::Controller;
use crate::model::id::HostId;
use crate::model::memory::HostMemory;
use crate::model::orders::{Order, OrderEntry, OrderKey, Orders, Scope, Turn};
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;

/// What became of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    key: OrderKey,
    result: Result,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Result {
    /// It was given.
    Given(Order),
    /// It was in force, and has another reason or end now.
    Renewed(Order),
    /// It was in force, just so.
    Already(Order),
    /// It was taken back.
    TakenBack(Order),
    /// There was nothing to take back.
    WasNot,
}

impl Told {
    /// Gives an order. One that is in force keeps its beginning, and what is not said anew.
    pub fn give(orders: &mut Orders, key: OrderKey, order: Order) -> Told {
        let before = orders.get(&key).filter(|_| !key.is_once()).cloned();
        let result = match before {
            None => Result::Given(order),
            Some(before) => {
                let after = Order {
                    at: before.at,
                    reason: order.reason.or(before.reason.clone()),
                    until: order.until.or(before.until),
                    by: order.by,
                    to: order.to,
                };
                let said = |order: &Order| (order.reason.clone(), order.until, order.to.clone());
                match said(&after) == said(&before) {
                    true => Result::Already(before),
                    false => Result::Renewed(after),
                }
            }
        };
        if let Result::Given(order) | Result::Renewed(order) = &result {
            orders.put(key.clone(), order.clone());
        }
        Told { key, result }
    }

    /// Takes an order back.
    pub fn take_back(orders: &mut Orders, key: &OrderKey) -> Told {
        Told {
            key: key.clone(),
            result: orders.take(key).map_or(Result::WasNot, Result::TakenBack),
        }
    }

    /// That there is nothing of it to change.
    pub fn was_not(key: OrderKey) -> Told {
        let result = Result::WasNot;
        Told { key, result }
    }

    /// What the history says of it; nothing where nothing changed.
    pub fn entry(&self, at: Timestamp, by: &str) -> Option<OrderEntry> {
        let (turn, reason, until) = match &self.result {
            Result::Given(order) | Result::Renewed(order) => {
                (Turn::Given, order.reason.clone(), order.until)
            }
            Result::TakenBack(_) => (Turn::TakenBack, None, None),
            Result::Already(_) | Result::WasNot => return None,
        };
        Some(OrderEntry {
            at,
            by: by.to_owned(),
            key: self.key.clone(),
            turn,
            reason,
            until,
        })
    }

    /// `host b is drained, until 22:00: kernel update.`
    fn sentence(&self, now: Timestamp, style: &Style) -> String {
        let subject = self.key.subject();
        let (is, was) = states(&self.key);
        let shown = |order: &Order| OrderShown::of(self.key.clone(), order);
        match &self.result {
            Result::Given(order) => {
                format!("{subject} {is}{}.", shown(order).terms(now, style))
            }
            Result::Renewed(order) => {
                let stays = is.replacen("is ", "stays ", 1);
                format!("{subject} {stays}{}.", shown(order).terms(now, style))
            }
            Result::Already(order) => {
                let told = shown(order).told(now, style);
                format!("{subject} {is} already, {told}. Nothing was changed.")
            }
            Result::TakenBack(_) => format!("{subject} {is} no more."),
            Result::WasNot => format!("{subject} {was}: nothing was changed."),
        }
    }

    /// What a controller makes of it.
    fn next(&self) -> Option<&'static str> {
        match &self.result {
            Result::Given(_) | Result::Renewed(_) => Some(given(&self.key)),
            Result::TakenBack(_) => Some(taken_back(&self.key)),
            Result::Already(_) | Result::WasNot => None,
        }
    }

    fn json(&self) -> Value {
        let (result, order) = match &self.result {
            Result::Given(order) => ("given", Some(order)),
            Result::Renewed(order) => ("renewed", Some(order)),
            Result::Already(order) => ("already", Some(order)),
            Result::TakenBack(order) => ("taken_back", Some(order)),
            Result::WasNot => ("was_not", None),
        };
        let shown = match order {
            Some(order) => json!(OrderShown::of(self.key.clone(), order)),
            None => json!(self.key),
        };
        let mut change = json!({ "result": result });
        if let (Value::Object(change), Value::Object(shown)) = (&mut change, shown) {
            change.extend(shown);
        }
        change
    }
}

/// That an order is in force, and that it was not.
fn states(key: &OrderKey) -> (&'static str, &'static str) {
    match key {
        OrderKey::Disarmed => ("is disarmed", "was not disarmed"),
        OrderKey::Paused(_) => ("is paused", "was not paused"),
        OrderKey::Drained(_) => ("is drained", "was not drained"),
        OrderKey::Confirmed(_) => ("is confirmed to be off", "was not confirmed to be off"),
        OrderKey::Held(_) => ("is held back", "was not held back"),
        OrderKey::Approved(_) | OrderKey::Allowed(_) => ("is approved", "was not approved"),
        OrderKey::Hurried(_) => ("may begin at once", "was not to begin at once"),
        OrderKey::Unprotected(_) => ("is unprotected", "was not unprotected"),
        OrderKey::Released => ("is let go", "does not hold"),
        OrderKey::Retried(_) => ("is to be tried again", "was not to be tried again"),
    }
}

fn given(key: &OrderKey) -> &'static str {
    match key {
        OrderKey::Disarmed => {
            "leaves dead what is dead, moves no VIP for that and fences nothing; `reconcile watch` ends the guards on hosts; edits of the file go on"
        }
        OrderKey::Paused(_) => "leaves it alone, whatever happens to it",
        OrderKey::Drained(_) => "moves its guests elsewhere and puts none there",
        OrderKey::Confirmed(_) => "takes that as evidence, and recovers its guests elsewhere",
        OrderKey::Held(_) => "does not apply that state of the file",
        OrderKey::Approved(_) => "applies it though it was not made on top of the commit in force",
        OrderKey::Allowed(_) => "brings it into force though a guard holds it",
        OrderKey::Hurried(_) => "does not wait for a window",
        OrderKey::Unprotected(_) => "lets its guests go when the file does not have it any more",
        OrderKey::Released => "goes on with what the brake held",
        OrderKey::Retried(_) => "tries it again, without a pause",
    }
}

fn taken_back(key: &OrderKey) -> &'static str {
    match key {
        OrderKey::Disarmed => "recovers what is dead again",
        OrderKey::Paused(_) => "looks after it again",
        OrderKey::Drained(_) => "may put guests there again",
        OrderKey::Confirmed(_) => "does not rely on it any more; what was begun is not undone",
        OrderKey::Held(_) => "may apply that state of the file again",
        OrderKey::Approved(_) | OrderKey::Allowed(_) => "refuses it, where it is not in force yet",
        OrderKey::Hurried(_) => "waits for a window, where it is not in force yet",
        OrderKey::Unprotected(_) => "keeps its guests, where the file says `protect`",
        OrderKey::Released | OrderKey::Retried(_) => "does not do so any more",
    }
}

/// All that an operator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was changed.
    pub told: Vec<Told>,
    /// What is in force now.
    pub left: Orders,
    /// What speaks against it, though it was done.
    pub warnings: Vec<String>,
    /// Who makes something of it.
    pub controller: Controller,
    /// The state directory that they meet at: another user's controller may have another one.
    pub state: String,
    /// When.
    pub now: Timestamp,
}

/// The answer for people.
pub fn answer_text(answer: &Answer, style: &Style) -> String {
    let mut lines = Vec::new();
    for told in &answer.told {
        lines.push((Paint::Strong, capital(&told.sentence(answer.now, style))));
        let next = told.next().map(|next| does(answer, next));
        lines.extend(next.map(|next| (Paint::Plain, next)));
    }
    let warnings = answer.warnings.iter();
    lines.extend(warnings.map(|text| (Paint::Warn, format!("warning: {}", text::clean(text)))));
    lines.extend(still_paused(answer).map(|still| (Paint::Warn, still)));
    let wrapped = lines.iter().flat_map(|(paint, line)| {
        let lines = text::wrap(line, style.width).into_iter();
        lines.map(|line| format!("{}\n", style.paint(*paint, line)))
    });
    wrapped.collect()
}

fn does(answer: &Answer, what: &str) -> String {
    match answer.controller {
        Controller::Process(Some(pid)) => format!("The running controller (process {pid}) {what}."),
        Controller::Process(None) => format!("The running controller {what}."),
        Controller::None => format!(
            "No controller is running on {}: the next `reconcile` {what}.",
            text::clean(&answer.state)
        ),
    }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        // Names stay as they are written in the file.
        Some(first) if sentence.starts_with("the ") || sentence.starts_with("failover ") => {
            first.to_uppercase().chain(letters).collect()
        }
        Some(first) => std::iter::once(first).chain(letters).collect(),
        None => String::new(),
    }
}

/// Whoever resumes the cluster may think that all is resumed.
fn still_paused(answer: &Answer) -> Option<String> {
    let resumed = OrderKey::Paused(Scope::Cluster);
    answer.told.iter().find(|told| told.key == resumed)?;
    let scopes = answer.left.paused.keys();
    let left: Vec<String> = scopes
        .filter(|scope| **scope != Scope::Cluster)
        .map(|scope| format!("`reconcile resume {scope}`"))
        .collect();
    (!left.is_empty() && !answer.left.paused.contains_key(&Scope::Cluster)).then(|| {
        format!(
            "Still paused by orders of their own: {}.",
            text::list(&left)
        )
    })
}

/// The answer for programs.
pub fn answer_json(answer: &Answer) -> String {
    let (running, process) = match answer.controller {
        Controller::None => (false, None),
        Controller::Process(pid) => (true, pid),
    };
    text::json(&json!({
        "format_version": FORMAT_VERSION,
        "changes": answer.told.iter().map(Told::json).collect::<Vec<_>>(),
        "warnings": answer.warnings,
        "controller": { "running": running, "process": process, "state": answer.state },
    }))
}

/// What is asked before a person's word counts as evidence.
pub fn fence_question(
    host: &HostId,
    silence: &str,
    memory: Option<&HostMemory>,
    now: Timestamp,
) -> String {
    let last = memory.and_then(|memory| Some((memory.seen?, &memory.guests)));
    let guests = match last {
        Some((seen, guests)) if guests.is_empty() => {
            format!(
                "It was last seen {} ago, without guests of ours.",
                span(now.since(seen))
            )
        }
        Some((seen, guests)) => {
            let names: Vec<String> = guests.keys().map(ToString::to_string).collect();
            let ago = span(now.since(seen));
            format!("It was last seen {ago} ago, with {}.", text::list(&names))
        }
        None => "It was never seen.".to_owned(),
    };
    format!(
        "host {host} can't be reached: {}\n{guests}\nIf one of its guests still runs there, it will run twice, with \
         the same disk or the same addresses.\nI have seen that host {host} is off, or cut from network and storage. \
         [y/N] ",
        text::clean(silence)
    )
}

#[cfg(test)]
mod tests;
