//! Problems as text for people: the line, what is wrong with it, how to mend it. Everything that comes from a file
//! is cleaned of control characters, so that no file can play with the terminal.

use std::borrow::Cow;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::problem::{Elsewhere, Problem, printable};
use super::source::{Source, Span, Texts};

/// More than this on one screen helps nobody.
const MAX_SHOWN: usize = 50;
/// Longer lines are cut around what is marked.
const WIDTH: usize = 110;
/// More files are counted, not named.
const MAX_NAMED: usize = 4;

/// All problems, and a last line that counts them.
pub fn render(texts: &Texts, problems: &[Problem], colour: bool) -> String {
    let renderer = match colour {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let renderer = renderer.term_width(WIDTH);
    let mut text = String::new();
    for problem in problems.iter().take(MAX_SHOWN) {
        text += &renderer.render(&[group(texts, problem)]);
        text += "\n\n";
    }
    text + &count(&files(texts, problems), problems.len())
}

/// The files that problems are in.
fn files(texts: &Texts, problems: &[Problem]) -> String {
    let mut names: Vec<String> = Vec::new();
    for problem in problems {
        let name = printable(&texts.at(problem.span.start).name);
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    match names.as_slice() {
        [names @ .., last] if !names.is_empty() && names.len() < MAX_NAMED => {
            format!("{} and {last}", names.join(", "))
        }
        [_, _, ..] => format!("{} files", names.len()),
        _ => names.concat(),
    }
}

fn count(file: &str, problems: usize) -> String {
    match problems {
        1 => format!("1 error in {file}"),
        0..=MAX_SHOWN => format!("{problems} errors in {file}"),
        _ => format!("{problems} errors in {file}, the first {MAX_SHOWN} are shown"),
    }
}

fn group<'a>(texts: &'a Texts, problem: &'a Problem) -> Group<'a> {
    let title = Level::ERROR.primary_title(problem.message.as_str());
    let source = texts.at(problem.span.start);
    let mark = |kind: AnnotationKind, span: Span, label: &'a str| Mark { kind, span, label };
    let primary = mark(AnnotationKind::Primary, problem.span, &problem.label);
    let related = problem.related.iter();
    let related = related.map(|(span, label)| mark(AnnotationKind::Context, *span, label.as_str()));
    let (here, others): (Vec<_>, Vec<_>) =
        related.partition(|mark| std::ptr::eq(texts.at(mark.span.start), source));
    let marks: Vec<Mark<'a>> = std::iter::once(primary).chain(here).collect();
    let group = title.element(place(source, &marks));
    let others = others.into_iter();
    let group = group.elements(others.map(|mark| place(texts.at(mark.span.start), &[mark])));
    let group = group.elements(problem.elsewhere.iter().map(excerpt));
    let help = problem
        .help
        .iter()
        .map(|help| Level::HELP.message(help.as_str()));
    group.elements(help)
}

/// A place that is marked, with what stands there; empty: nothing is said of it.
struct Mark<'a> {
    kind: AnnotationKind,
    span: Span,
    label: &'a str,
}

fn place<'a>(source: &'a Source, marks: &[Mark<'a>]) -> Element<'a> {
    if source.text.trim().is_empty() {
        return Origin::path(printable(&source.name))
            .line(1)
            .char_column(1)
            .into();
    }
    let first = marks.iter().map(|mark| source.line(mark.span.start)).min();
    let last = marks.iter().map(|mark| source.line(mark.span.end)).max();
    let (first, last) = (first.unwrap_or(1), last.unwrap_or(1));
    // Only the lines around it are handed over: the renderer walks all that it gets.
    let start = source.line_start(first.saturating_sub(1).max(1));
    let end = source.line_start(last.saturating_add(2));
    let marked = marks.iter().map(|mark| {
        let label = Some(mark.label).filter(|label| !label.is_empty());
        let span = clamp(source, mark.span, start, end);
        mark.kind.span(span).label(label)
    });
    Snippet::source(same_length(source.between(start, end)))
        .path(printable(&source.name))
        .line_start(usize::try_from(source.line(start)).unwrap_or(1))
        .annotations(marked)
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

/// The place within the lines that are shown, and no longer than a line of them may be.
fn clamp(source: &Source, span: Span, start: usize, end: usize) -> std::ops::Range<usize> {
    let wide = span.start.saturating_add(WIDTH / 2)..=source.end();
    let last = wide.into_iter().find(|at| source.is_boundary(*at));
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
