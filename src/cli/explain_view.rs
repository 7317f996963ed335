//! What a place in `cluster.yaml` takes and is for, for people and for programs. Pure.

use std::fmt::Write as _;

use super::style::{Paint, Style};
use super::table::{Align, Cell, Table};
use super::text;
use crate::spec::explain::Place;

/// The version of the keys and their meaning.
const FORMAT_VERSION: u32 = 1;

/// As text.
pub fn explain_text(places: &[Place], style: &Style) -> String {
    match places {
        [place] => one(place, style),
        several => {
            let mut table = Table::new(0, &[("KEY", Align::Left), ("IT IS FOR", Align::Left)]);
            for place in several {
                table.row([name(&place.path), Cell::plain(&place.about)]);
            }
            table.render(style)
        }
    }
}

fn one(place: &Place, style: &Style) -> String {
    let mut text = String::new();
    if !place.path.is_empty() {
        let _ = writeln!(text, "{}", style.paint(Paint::Strong, &place.path));
    }
    for line in text::wrap(&place.about, style.width.saturating_sub(2)) {
        let _ = writeln!(text, "  {line}");
    }
    let left_out = match (&place.default, place.required) {
        (Some(default), _) => Some(format!("left out, it is {default}")),
        (None, true) => Some("must be there".to_owned()),
        (None, false) => None,
    };
    let takes = std::iter::once(format!("takes {}", place.takes));
    for fact in takes.chain(left_out).filter(|_| !place.path.is_empty()) {
        for line in text::wrap(&fact, style.width.saturating_sub(2)) {
            let _ = writeln!(text, "  {}", style.paint(Paint::Dim, line));
        }
    }
    if !place.keys.is_empty() {
        let _ = write!(text, "\n{}", keys(&place.path, &place.keys, style));
    }
    text
}

fn keys(above: &str, keys: &[Place], style: &Style) -> String {
    let head = [
        ("KEY", Align::Left),
        ("LEFT OUT", Align::Left),
        ("IT IS FOR", Align::Left),
    ];
    let mut table = Table::new(2, &head);
    for key in keys {
        let own = key.path.strip_prefix(above).unwrap_or(&key.path);
        let left_out = match (&key.default, key.required) {
            (Some(default), _) => Cell::plain(default),
            (None, true) => Cell::new(Paint::Warn, "required"),
            (None, false) => Cell::plain(""),
        };
        table.row([
            name(own.trim_start_matches('.')),
            left_out,
            Cell::plain(&key.about),
        ]);
    }
    table.render(style)
}

fn name(text: &str) -> Cell {
    Cell::new(Paint::Strong, text)
}

/// As JSON.
pub fn explain_json(places: &[Place]) -> String {
    let json = serde_json::json!({ "format_version": FORMAT_VERSION, "places": places });
    text::json(&json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::explain::explain;

    fn shown(path: &str, width: usize) -> String {
        explain_text(&explain(path).unwrap(), &Style::plain(width))
    }

    #[test]
    fn places_are_shown_as_written_down() {
        insta::assert_snapshot!("group", shown("load_balancers.web", 80));
        insta::assert_snapshot!("value", shown("services.heartbeat.every", 80));
        insta::assert_snapshot!("everywhere", shown("port", 100));
    }
}
