//! What the YAML parser complains about, in words that help somebody who never read the specification of YAML.

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use super::problem::Problem;
use super::source::{Source, Span};

/// A problem that the parser found. Nothing behind it can be read.
pub fn problem(source: &Source, error: &ScanError) -> Problem {
    let end = source.text.trim_end().len();
    let start = error.marker().byte_offset().unwrap_or(end).min(end);
    let length = source
        .text
        .get(start..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    let span = source.place(start, start + length);
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return too_deep(span);
    }
    let (message, help) = words(error.kind(), source, span.start);
    Problem::new(span, message).label("here").help(help)
}

/// The file goes deeper than any cluster does.
pub fn too_deep(span: Span) -> Problem {
    Problem::new(span, "the file is nested too deeply").help("a cluster is at most six levels deep")
}

fn words(kind: &ErrorKind, source: &Source, at: usize) -> (String, &'static str) {
    let line = source.line(at);
    let text = source.between(source.line_start(line), source.line_start(line + 1));
    let before = source.between(source.line_start(line), at);
    let message = format!("the file is not valid YAML: {kind}");
    let help = match kind {
        _ if text.contains(": {{") => {
            "a value that starts with `{{` needs quotes: run: \"{{command}} --port 80\""
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar => "indent with spaces, not with tabs",
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => {
            "a quotation mark is not closed, here or above"
        }
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator => {
            "every `{` and `[` needs its `}` or `]`, here or above, and a `,` between entries"
        }
        _ if before.trim_start().is_empty() && text.starts_with('\t') => {
            "indent with spaces, not with tabs"
        }
        ErrorKind::UnexpectedCharacter { .. } => {
            "a text that starts with this character needs quotes"
        }
        ErrorKind::MappingValueNotAllowed => {
            "a text with `: ` in it needs quotes; else look at the indentation of this line and the one above"
        }
        _ => "look at the indentation, the quotes and the brackets of this line and the one above",
    };
    (message, help)
}
