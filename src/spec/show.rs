//! Problems as text for people: the line, what is wrong with it, how to mend it. Everything that comes from a file
//! is cleaned of control characters, so that no file can play with the terminal.

use std::borrow::Cow;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::problem::{Elsewhere, Problem, printable};
use super::source::{Source, Span};

/// More than this on one screen helps nobody.
const MAX_SHOWN: usize = 50;
/// Longer lines are cut around what is marked.
const WIDTH: usize = 110;

/// All problems, and a last line that counts them.
pub fn render(source: &Source, problems: &[Problem], colour: bool) -> String {
    let renderer = match colour {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let renderer = renderer.term_width(WIDTH);
    let mut text = String::new();
    for problem in problems.iter().take(MAX_SHOWN) {
        text += &renderer.render(&[group(source, problem)]);
        text += "\n\n";
    }
    text + &count(&source.name, problems.len())
}

fn count(file: &str, problems: usize) -> String {
    let file = printable(file);
    match problems {
        1 => format!("1 error in {file}"),
        0..=MAX_SHOWN => format!("{problems} errors in {file}"),
        _ => format!("{problems} errors in {file}, the first {MAX_SHOWN} are shown"),
    }
}

fn group<'a>(source: &'a Source, problem: &'a Problem) -> Group<'a> {
    let title = Level::ERROR.primary_title(problem.message.as_str());
    let group = title.element(place(source, problem));
    let group = group.elements(problem.elsewhere.iter().map(excerpt));
    let help = problem
        .help
        .iter()
        .map(|help| Level::HELP.message(help.as_str()));
    group.elements(help)
}

fn place<'a>(source: &'a Source, problem: &'a Problem) -> Element<'a> {
    if source.text.trim().is_empty() {
        return Origin::path(printable(&source.name))
            .line(1)
            .char_column(1)
            .into();
    }
    let spans =
        || std::iter::once(problem.span).chain(problem.related.iter().map(|(span, _)| *span));
    let first = spans()
        .map(|span| source.line(span.start))
        .min()
        .unwrap_or(1);
    let last = spans().map(|span| source.line(span.end)).max().unwrap_or(1);
    // Only the lines around it are handed over: the renderer walks all that it gets.
    let start = source.line_start(first.saturating_sub(1).max(1));
    let end = source.line_start(last.saturating_add(2));
    let within = |span: Span| clamp(&source.text, span, start, end);
    let related = problem.related.iter().map(|(span, label)| {
        AnnotationKind::Context
            .span(within(*span))
            .label(label.as_str())
    });
    Snippet::source(same_length(source.text.get(start..end).unwrap_or_default()))
        .path(printable(&source.name))
        .line_start(usize::try_from(source.line(start)).unwrap_or(1))
        .annotation(
            AnnotationKind::Primary
                .span(within(problem.span))
                .label(label(problem)),
        )
        .annotations(related)
        .into()
}

/// The renderer replaces all but the control characters of ISO 6429, of two bytes each. What takes their place has
/// two bytes as well, so that places stay where they are.
fn same_length(text: &str) -> Cow<'_, str> {
    let control = |c: char| ('\u{80}'..='\u{9F}').contains(&c);
    match text.contains(control) {
        true => Cow::Owned(text.replace(control, "·")),
        false => Cow::Borrowed(text),
    }
}

fn label(problem: &Problem) -> Option<&str> {
    Some(problem.label.as_str()).filter(|label| !label.is_empty())
}

/// The place within the lines that are shown, and no longer than a line of them may be.
fn clamp(text: &str, span: Span, start: usize, end: usize) -> std::ops::Range<usize> {
    let last =
        (span.start.saturating_add(WIDTH / 2)..=text.len()).find(|at| text.is_char_boundary(*at));
    let at = |offset: usize| offset.clamp(start, end) - start;
    at(span.start)..at(span.end.min(last.unwrap_or(span.end)))
}

fn excerpt(place: &Elsewhere) -> Element<'_> {
    let line = usize::try_from(place.line).unwrap_or(1).max(1);
    // Behind the last line there is nothing to show but that it ends.
    let line = line.min(place.text.lines().count().max(1));
    let text = place.text.lines().nth(line - 1).unwrap_or_default();
    let indent = text.len() - text.trim_start().len();
    let marked = indent..text.trim_end().len().max(indent);
    Snippet::source(same_length(text))
        .path(place.file.as_str())
        .line_start(line)
        .annotation(
            AnnotationKind::Context
                .span(marked)
                .label(place.label.as_str()),
        )
        .into()
}
