//! What `reconcile fmt` did, or would do, for people and programs. Writes nothing.

use serde::Serialize;
use similar::TextDiff;

use super::style::{Paint, Style};
use super::text;
use crate::spec::{SpecError, SpecErrors};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Whether a file that is not formatted is an error.
    pub check: bool,
    /// Whether changes are shown.
    pub diff: bool,
}

impl Asked {
    /// Whether files are written.
    pub fn writes(self) -> bool {
        !self.check && !self.diff
    }
}

/// A file that was looked at.
#[derive(Debug)]
pub struct Formatted {
    /// Its name, as the user would write it.
    pub name: String,
    /// What is so.
    pub state: State,
}

/// What is so of a file.
#[derive(Debug)]
pub enum State {
    /// It was formatted already.
    Same,
    /// It was not.
    Differs {
        /// Its text.
        old: String,
        /// The formatted text.
        new: String,
    },
    /// It can't be formatted.
    Broken(SpecErrors),
    /// It can't be read or written, and why.
    Failed(String),
}

impl Formatted {
    /// Why it can't be formatted.
    pub fn errors(&self) -> Option<&SpecErrors> {
        match &self.state {
            State::Broken(errors) => Some(errors),
            State::Same | State::Differs { .. } | State::Failed(_) => None,
        }
    }

    /// Whether it is as it was asked for.
    pub fn is_good(&self, asked: Asked) -> bool {
        match self.state {
            State::Same => true,
            State::Differs { .. } => !asked.check,
            State::Broken(_) | State::Failed(_) => false,
        }
    }

    fn word(&self, asked: Asked) -> Option<(Paint, &'static str)> {
        match self.state {
            State::Same => None,
            State::Differs { .. } if asked.writes() => Some((Paint::Good, "formatted")),
            State::Differs { .. } => Some((Paint::Warn, "not formatted")),
            State::Broken(_) | State::Failed(_) => Some((Paint::Bad, "left alone")),
        }
    }

    /// The change as a unified diff.
    fn diff(&self) -> Option<String> {
        let State::Differs { old, new } = &self.state else {
            return None;
        };
        Some(TextDiff::from_lines(old, new).unified_diff().to_string())
    }
}

/// For people: a line for each file that was not formatted, and how many there are.
pub fn fmt_text(files: &[Formatted], asked: Asked, style: &Style) -> String {
    let mut told = String::new();
    for file in files {
        let Some((paint, word)) = file.word(asked) else {
            continue;
        };
        let why = match &file.state {
            State::Failed(why) => format!(": {why}"),
            State::Same | State::Differs { .. } | State::Broken(_) => String::new(),
        };
        let what = text::clean(&format!("{}{why}", file.name));
        told += &format!("{} {what}\n", style.paint(paint, word));
        let diff = file.diff().filter(|_| asked.diff).unwrap_or_default();
        for line in diff.lines() {
            let line = style.paint(Paint::of_diff(line), text::clean_line(line));
            told += &format!("  {}\n", line.trim_end());
        }
    }
    told + &summary(files, asked, style)
}

fn summary(files: &[Formatted], asked: Asked, style: &Style) -> String {
    let number = |is: fn(&State) -> bool| files.iter().filter(|file| is(&file.state)).count();
    let differ = number(|state| matches!(state, State::Differs { .. }));
    let broken = number(|state| matches!(state, State::Broken(_) | State::Failed(_)));
    let done = match (differ, asked.writes()) {
        (0, _) => "nothing to format".to_owned(),
        (_, true) => format!("{differ} formatted"),
        (_, false) => format!("{differ} not formatted"),
    };
    let broken = match broken {
        0 => String::new(),
        _ => format!(", {broken} left alone with errors"),
    };
    let mark = match files.iter().all(|file| file.is_good(asked)) {
        true => style.paint(Paint::Good, "✓"),
        false => style.paint(Paint::Bad, "✗"),
    };
    let all = text::count(files.len(), "file");
    format!("{mark} {all}: {done}{broken}.\n")
}

#[derive(Serialize)]
struct FileShown<'a> {
    file: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
    errors: &'a [SpecError],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// The same for programs.
pub fn fmt_json(files: &[Formatted], asked: Asked) -> String {
    let shown = files.iter().map(|file| FileShown {
        file: &file.name,
        state: match (&file.state, asked.writes()) {
            (State::Same, _) => "same",
            (State::Differs { .. }, true) => "formatted",
            (State::Differs { .. }, false) => "not_formatted",
            (State::Broken(_), _) => "broken",
            (State::Failed(_), _) => "failed",
        },
        diff: file.diff().filter(|_| asked.diff),
        errors: file.errors().map_or(&[], SpecErrors::errors),
        error: match &file.state {
            State::Failed(why) => Some(why),
            State::Same | State::Differs { .. } | State::Broken(_) => None,
        },
    });
    let shown: Vec<FileShown<'_>> = shown.collect();
    text::json(&serde_json::json!({ "format_version": 1, "files": shown }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::format::format;

    fn file(name: &str, old: &str) -> Formatted {
        let state = match format(name, old.as_bytes()) {
            Err(errors) => State::Broken(errors),
            Ok(new) if new == old => State::Same,
            Ok(new) => State::Differs {
                old: old.to_owned(),
                new,
            },
        };
        let name = name.to_owned();
        Formatted { name, state }
    }

    fn files() -> Vec<Formatted> {
        let api = "services:\n    api: {image: 'alpine', port: 80}   # hello \u{202e}\n";
        vec![
            file("cluster.yaml", "cluster: demo # ours\n"),
            file("services/\u{1b}[2Japi.yaml", api),
            file("services/broken.yaml", "services: { api: \n"),
            Formatted {
                name: "services/hers.yaml".to_owned(),
                state: State::Failed("it can't be written: Permission denied".to_owned()),
            },
        ]
    }

    const fn asked(check: bool, diff: bool) -> Asked {
        Asked { check, diff }
    }

    #[test]
    fn what_was_done_and_what_would_be_is_told_with_a_summary() {
        let told = |asked| fmt_text(&files(), asked, &Style::plain(80));
        insta::assert_snapshot!("written", told(asked(false, false)));
        insta::assert_snapshot!("checked", told(asked(true, false)));
        insta::assert_snapshot!("diff", told(asked(false, true)));
        insta::assert_snapshot!("json", fmt_json(&files(), asked(false, true)));
        let (good, style) = (&files()[..1], Style::plain(80));
        insta::assert_snapshot!("nothing", fmt_text(good, asked(true, true), &style));
    }

    #[test]
    fn only_a_check_takes_what_is_not_formatted_for_an_error() {
        let good = |asked| files().iter().map(|f| f.is_good(asked)).collect::<Vec<_>>();
        assert_eq!(good(asked(false, true)), [true, true, false, false]);
        assert_eq!(good(asked(true, false)), [true, false, false, false]);
    }
}
