//! Operators' orders as people and programs see them: as lines at the top of other outputs, and as a list. Pure.
//!
//! An order in JSON has `order` (`disarmed`, `paused`, `drained`, `confirmed`, `held`, `approved`,
//! `allowed`, `hurried`, `unprotected`, `released`, `retried`), `of` (`cluster`, `service/NAME` or `host/NAME` of a pause, else the name of the host, the group, the
//! instance, the revision, the change or the commit; missing where there is only one), `by`, `at`, `reason` or null, `until` or null; a held one
//! `to`, where the state that takes its place was named.

use serde::Serialize;

use super::moment;
use super::plan_text::paragraph;
use super::style::{Paint, Style};
use super::table::{Align, Cell, Table};
use super::text;
use crate::model::desired::Revision;
use crate::model::orders::{Order, OrderKey, Orders};
use crate::model::targets::Targets;
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;

/// One order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderShown {
    /// Which, and about what.
    #[serde(flatten)]
    pub key: OrderKey,
    /// Who gave it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// Until when it holds.
    pub until: Option<Timestamp>,
    /// The state of the file that takes the place of a held one, where it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Revision>,
}

impl OrderShown {
    /// An order with its key.
    pub fn of(key: OrderKey, order: &Order) -> OrderShown {
        OrderShown {
            key,
            by: order.by.clone(),
            at: order.at,
            reason: order.reason.clone(),
            until: order.until,
            to: order.to.clone(),
        }
    }

    /// All that are in force.
    pub fn all(orders: &Orders) -> Vec<OrderShown> {
        let shown = orders.all();
        shown.map(|(key, order)| Self::of(key, order)).collect()
    }

    /// `by anna@ops since 10m00s, until 22:00: kernel update`
    pub fn told(&self, now: Timestamp, style: &Style) -> String {
        let since = match now.since(self.at).as_secs() {
            0 => "just now".to_owned(),
            _ => format!("since {}", span(now.since(self.at))),
        };
        let (by, terms) = (text::clean(&self.by), self.terms(now, style));
        format!("by {by} {since}{terms}")
    }

    /// `, until 22:00: kernel update`, as far as it was said.
    pub fn terms(&self, now: Timestamp, style: &Style) -> String {
        let until = self.until.map(|at| moment::told(at, now, style.zone));
        let until = until.map(|until| format!(", until {until}"));
        let reason = self.reason.as_ref();
        let reason = reason.map(|reason| format!(": {}", text::clean(reason)));
        let to = self.to.as_ref().map(|to| format!(", back to {to}"));
        to.into_iter().chain(until).chain(reason).collect()
    }
}

/// One line for each order in force, for the top of an output; empty where there is none.
pub fn order_lines(orders: &[OrderShown], now: Timestamp, style: &Style) -> String {
    let mut table = Table::new(
        0,
        &[("", Align::Left), ("", Align::Left), ("", Align::Left)],
    );
    for order in orders {
        table.row([
            Cell::new(Paint::StrongWarn, order.key.word()),
            Cell::plain(order.key.subject()),
            Cell::plain(order.told(now, style)),
        ]);
    }
    table.render(style)
}

/// What a run is about, for the top of an output; empty where that is everything.
pub fn target_line(targets: &Targets, style: &Style) -> String {
    if targets.is_all() {
        return String::new();
    }
    let said = format!("only: {}; the rest is left as it is", targets);
    paragraph(style, Paint::StrongWarn, 0, &said)
}

/// The list of the orders in force, for people.
pub fn orders_text(orders: &[OrderShown], now: Timestamp, style: &Style) -> String {
    if orders.is_empty() {
        return "No order is in force.\n".to_owned();
    }
    let mut table = Table::new(0, &HEAD);
    for order in orders {
        let until = order.until.map(|at| moment::told(at, now, style.zone));
        table.row([
            Cell::new(Paint::StrongWarn, order.key.word()),
            Cell::plain(order.key.subject()),
            Cell::plain(&order.by),
            Cell::plain(span(now.since(order.at))),
            Cell::plain(until.unwrap_or_default()),
            Cell::plain(order.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table.render(style)
}

const HEAD: [(&str, Align); 6] = [
    ("ORDER", Align::Left),
    ("WHAT", Align::Left),
    ("BY", Align::Left),
    ("SINCE", Align::Right),
    ("UNTIL", Align::Left),
    ("REASON", Align::Left),
];

/// The list of the orders in force, for programs.
pub fn orders_json(orders: &[OrderShown]) -> String {
    text::json(&serde_json::json!({ "format_version": FORMAT_VERSION, "orders": orders }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, NOW};

    fn shown() -> Vec<OrderShown> {
        OrderShown::all(&samples::orders())
    }

    #[test]
    fn orders_read_well() {
        insta::assert_snapshot!("lines", order_lines(&shown(), NOW, &Style::plain(80)));
        insta::assert_snapshot!("list", orders_text(&shown(), NOW, &Style::plain(100)));
        insta::assert_snapshot!("json", orders_json(&shown()));
    }

    #[test]
    fn where_nothing_is_ordered_no_line_is_spent_on_it() {
        assert_eq!(order_lines(&[], NOW, &Style::plain(80)), "");
        let list = orders_text(&[], NOW, &Style::plain(80));
        assert_eq!(list, "No order is in force.\n");
    }

    #[test]
    fn a_hostile_reason_stays_harmless() {
        let mut orders = shown();
        orders[0].reason = Some("\u{1b}[2J\u{202e}\nx".into());
        orders[0].by = "\u{7}@b".into();
        let style = Style::plain(80);
        let all = order_lines(&orders, NOW, &style)
            + &orders_text(&orders, NOW, &style)
            + &orders_json(&orders);
        assert!(!all.replace('\n', "").chars().any(text::is_hostile));
    }
}
