//! A file as it is best written: spaces, line breaks and quotes, and nothing else. What comes out is read again, and proven
//! to say the same with the same comments: the formatter is trusted with nothing. Touches no disk.

use pretty_yaml::config::{FormatOptions, LanguageOptions, LayoutOptions, LineBreak};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, options};

use super::SpecErrors;
use super::compose;
use super::problem::Problem;
use super::source::{Source, Span, Texts};

/// What fits side by side on a screen, and in a diff.
const WIDTH: usize = 120;
/// How often what was formatted is formatted again, until nothing changes any more.
const ROUNDS: usize = 4;

/// The text as it is best written. `file_name` is what messages call it.
///
/// # Errors
/// It can't be read as YAML, or could not be formatted without changing what it says.
pub fn format(file_name: &str, bytes: &[u8]) -> Result<String, SpecErrors> {
    let (source, unusable) = Source::read(file_name, bytes);
    let problems = match unusable {
        Some(problem) => vec![problem],
        None => compose::compose(&source).1,
    };
    let formatted = match problems.is_empty() {
        true => stable(&source).map_err(|place| vec![unable(place)]),
        false => Err(problems),
    };
    // What marks the order of bytes is no part of the text.
    let mark = if bytes.starts_with("\u{FEFF}".as_bytes()) {
        "\u{FEFF}"
    } else {
        ""
    };
    formatted
        .map(|text| format!("{mark}{text}"))
        .map_err(|problems| SpecErrors::new(&Texts::of(source), problems))
}

/// The text that formatting does not change any more, or the place that it changes the meaning of.
fn stable(source: &Source) -> Result<String, Span> {
    let mut text = source.text.clone();
    if text.trim().is_empty() {
        return Ok(text);
    }
    for _ in 0..ROUNDS {
        let next = once(&text).ok_or(source.place(0, 0))?;
        if next == text {
            return unchanged(source, &text).map(|()| text);
        }
        text = next;
    }
    Err(source.place(0, 0))
}

fn once(text: &str) -> Option<String> {
    let options = FormatOptions {
        layout: LayoutOptions {
            print_width: WIDTH,
            line_break: match text.contains("\r\n") {
                true => LineBreak::Crlf,
                false => LineBreak::Lf,
            },
            ..LayoutOptions::default()
        },
        language: LanguageOptions::default(),
    };
    pretty_yaml::format_text(text, &options).ok()
}

/// Whether the formatted text says the same, and where not.
fn unchanged(source: &Source, formatted: &str) -> Result<(), Span> {
    let (before, after) = (said(&source.text), said(formatted));
    let same = before
        .iter()
        .zip(&after)
        .take_while(|((a, _), (b, _))| a == b);
    let same = same.count();
    if same == before.len() && same == after.len() {
        return Ok(());
    }
    let place = before.get(same).or(before.last());
    let (start, end) = place.map_or((0, 0), |(_, range)| (range.start, range.end));
    Err(source.first_line(source.place(start, end)))
}

fn unable(span: Span) -> Problem {
    let problem = Problem::new(
        span,
        "the file can't be formatted without changing what it says",
    );
    problem.help("nothing was changed; write this place in another way, or format the file by hand")
}

/// All that a text says, in its order, each with its place: values with their anchors and tags, whether they are quoted, and
/// comments with what they stand behind.
fn said(text: &str) -> Vec<(String, std::ops::Range<usize>)> {
    let mut said = Vec::new();
    let mut values = 0;
    let with_names = options! { emit_anchor_events: true, emit_comments: true };
    for item in Parser::new_from_str_with_options(text, with_names) {
        let Ok((event, marks)) = item else {
            said.push(("what can't be read".to_owned(), 0..0));
            break;
        };
        values += usize::from(matches!(event, Event::Scalar(..) | Event::Alias(_)));
        if let Some(told) = tell(&event, values) {
            said.push((told, marks.byte_range().unwrap_or_default()));
        }
    }
    // Where a comment ends a list or mapping, it does not matter on which side of that end it is told.
    said.sort_by_key(|(told, _)| told.starts_with('#'));
    said
}

/// The comments of a text, in their order.
pub(super) fn comments(text: &str) -> Vec<String> {
    let said = said(text).into_iter();
    let comments = said.filter_map(|(told, _)| {
        let (_, comment) = told.strip_prefix("# ")?.split_once(' ')?;
        Some(comment.to_owned())
    });
    comments.collect()
}

fn tell(event: &Event<'_>, values: usize) -> Option<String> {
    let kind = |style: &ScalarStyle| match style {
        ScalarStyle::Plain => "plain",
        _ => "quoted",
    };
    match event {
        Event::Scalar(text, style, anchor, tag) => {
            Some(format!("{} {text:?} &{anchor} {tag:?}", kind(style)))
        }
        Event::SequenceStart(_, anchor, tag) => Some(format!("[ &{anchor} {tag:?}")),
        Event::MappingStart(_, anchor, tag) => Some(format!("{{ &{anchor} {tag:?}")),
        Event::SequenceEnd => Some("]".to_owned()),
        Event::MappingEnd => Some("}".to_owned()),
        Event::Alias(anchor) => Some(format!("*{anchor}")),
        Event::Anchor(_, name) => Some(format!("&{name}")),
        Event::Comment(text, _) => Some(format!("# {values} {}", text.trim())),
        // Where the stream and the document begin and end says nothing.
        _ => None,
    }
}

#[cfg(test)]
mod tests;
