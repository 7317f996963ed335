//! All that is wrong with a file: for people (`Display`, [`SpecErrors::render`]) and for programs (`Serialize`).

use std::fmt;

use serde::Serialize;

use super::problem::Problem;
use super::show;
use super::source::{Source, Span, Texts};

/// All that is wrong with a file and those that it includes, in the order of their lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpecErrors {
    /// The file's name, as the user gave it.
    pub file: String,
    errors: Vec<SpecError>,
    #[serde(skip)]
    texts: Box<Texts>,
    #[serde(skip)]
    problems: Vec<Problem>,
}

/// One thing that is wrong with a file, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpecError {
    /// What is wrong.
    pub message: String,
    /// The included file that it is in; none: the file itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    pub line: u32,
    /// The column, in characters from 1.
    pub column: u32,
    /// How to mend it.
    pub help: Option<String>,
    /// Other places that it is about.
    pub related: Vec<Related>,
}

/// Another place that an error is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// What stands there.
    pub message: String,
    /// Another file; none: the same one.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: u32,
    /// The column, in characters from 1.
    pub column: u32,
}

impl SpecErrors {
    pub(super) fn new(texts: &Texts, problems: Vec<Problem>) -> Self {
        let mut problems: Vec<Problem> = problems.into_iter().map(Problem::printable).collect();
        problems.sort_by_key(|problem| problem.span);
        Self {
            file: texts.main.name.clone(),
            errors: problems
                .iter()
                .map(|problem| structured(texts, problem))
                .collect(),
            texts: Box::new(texts.clone()),
            problems,
        }
    }

    /// The errors one by one, for programs.
    pub fn errors(&self) -> &[SpecError] {
        &self.errors
    }

    /// The errors with the lines that they are about, for a terminal.
    pub fn render(&self, colour: bool) -> String {
        show::render(&self.texts, &self.problems, colour)
    }
}

impl std::error::Error for SpecErrors {}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

fn structured(texts: &Texts, problem: &Problem) -> SpecError {
    let source = texts.at(problem.span.start);
    let here = problem
        .related
        .iter()
        .map(|(span, text)| related(source, texts.at(span.start), *span, text));
    let elsewhere = problem.elsewhere.iter().map(|place| Related {
        message: place.label.clone(),
        file: Some(place.file.clone()),
        line: place.line,
        column: 1,
    });
    SpecError {
        message: problem.message.clone(),
        file: texts.is_included(source).then(|| source.name.clone()),
        line: source.line(problem.span.start),
        column: source.column(problem.span.start),
        help: problem.help.clone(),
        related: here.chain(elsewhere).collect(),
    }
}

fn related(near: &Source, source: &Source, span: Span, message: &str) -> Related {
    Related {
        message: message.to_owned(),
        file: (!std::ptr::eq(near, source)).then(|| source.name.clone()),
        line: source.line(span.start),
        column: source.column(span.start),
    }
}
