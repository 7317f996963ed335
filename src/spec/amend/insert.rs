//! Where in a text a key or an item goes, and how it is written there: as its neighbours are, in blocks or in braces. Whether the
//! text says the right thing afterwards is proven by whoever asks.

use crate::spec::tree::{Entry, Kind, Node};

/// How deep a level is written in.
const STEP: usize = 2;

/// One more service.
pub(super) fn service(
    text: &str,
    root: &Node,
    name: &str,
    keys: &[(String, String)],
) -> Option<String> {
    if is_at(text, root, '{') {
        return None;
    }
    let Some(section) = root.entries().iter().find(|e| e.key == "services") else {
        let block = block(name, keys, STEP, line_break(text));
        let lines = format!("services:{}{block}", line_break(text));
        return Some(put(&ended(text), ended(text).len(), &lines));
    };
    let services = &section.value;
    if is_at(text, services, '{') {
        let keys: Vec<String> = keys.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        let entry = format!("{name}: {{ {} }}", keys.join(", "));
        return Some(first_in_braces(text, services, &entry));
    }
    let (text, depth) = (ended(text), column(text, services));
    let (at, depth) = match services.kind {
        Kind::Map(_) => (end_of_block(&text, section.span.start, depth), depth),
        Kind::Nothing => (line_end(&text, section.span.start), STEP),
        Kind::Scalar(..) | Kind::List(_) => return None,
    };
    let block = block(name, keys, depth, line_break(&text));
    Some(put(&text, at, &block))
}

/// A key of a mapping with another value, or with its first one.
pub(super) fn value(text: &str, of: &Entry, key: &str, value: &str) -> Option<String> {
    let entries = of.value.entries();
    if let Some(old) = entries.iter().find(|entry| entry.key == key) {
        let span = old.value.span;
        return matches!(old.value.kind, Kind::Scalar(..))
            .then(|| format!("{}{value}{}", &text[..span.start], &text[span.end..]));
    }
    if is_at(text, &of.value, '{') {
        return Some(first_in_braces(text, &of.value, &format!("{key}: {value}")));
    }
    let first = entries.first()?.span.start;
    let start = line_start(text, first);
    let before = text.get(start..first)?;
    let line = format!("{before}{key}: {value}{}", line_break(text));
    before.trim().is_empty().then(|| put(text, start, &line))
}

/// One more item of a list, which may be written as its only item.
pub(super) fn item(text: &str, of: &Entry, item: &str) -> Option<String> {
    let (span, node) = (of.value.span, &of.value);
    match &node.kind {
        Kind::Scalar(..) => {
            let (before, old) = (text.get(..span.start)?, text.get(span.start..span.end)?);
            Some(format!("{before}[{old}, {item}]{}", &text[span.end..]))
        }
        Kind::List(items) => {
            let last = items.last()?.span;
            if is_at(text, node, '[') {
                return Some(put(text, last.end, &format!(", {item}")));
            }
            let text = ended(text);
            let dash = text.get(line_start(&text, last.start)..last.start)?;
            let line = format!("{dash}{item}{}", line_break(&text));
            let plain = dash.trim() == "-";
            plain.then(|| put(&text, line_end(&text, last.end), &line))
        }
        Kind::Nothing | Kind::Map(_) => None,
    }
}

fn block(name: &str, keys: &[(String, String)], depth: usize, end: &str) -> String {
    let (outer, inner) = (" ".repeat(depth), " ".repeat(depth + STEP));
    let keys = keys.iter().map(|(k, v)| format!("{inner}{k}: {v}{end}"));
    format!("{outer}{name}:{end}{}", keys.collect::<String>())
}

fn first_in_braces(text: &str, map: &Node, entry: &str) -> String {
    let more = match map.entries().is_empty() {
        true => " ",
        false => ",",
    };
    put(text, map.span.start + 1, &format!(" {entry}{more}"))
}

/// Behind the last line of a block whose lines begin at this column at least. Comments behind it are not of it.
fn end_of_block(text: &str, key: usize, depth: usize) -> usize {
    let mut end = line_end(text, key);
    let mut at = end;
    for line in text.get(at..).unwrap_or_default().split_inclusive('\n') {
        at += line.len();
        let inside = line.trim_start();
        if inside.is_empty() || inside.starts_with('#') {
            continue;
        }
        if line.len() - inside.len() < depth {
            break;
        }
        end = at;
    }
    end
}

fn put(text: &str, at: usize, what: &str) -> String {
    format!("{}{what}{}", &text[..at], &text[at..])
}

fn is_at(text: &str, node: &Node, mark: char) -> bool {
    let rest = text.get(node.span.start..).unwrap_or_default();
    rest.starts_with(mark)
}

/// The text, its last line with its end.
fn ended(text: &str) -> String {
    match text.is_empty() || text.ends_with('\n') {
        true => text.to_owned(),
        false => format!("{text}{}", line_break(text)),
    }
}

fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(0, |end| end + 1)
}

/// The first byte behind the line of `at`.
fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |end| at + end + 1)
}

/// How far in a mapping stands.
fn column(text: &str, map: &Node) -> usize {
    let first = map.entries().first();
    first.map_or(0, |first| {
        first.span.start - line_start(text, first.span.start)
    })
}
