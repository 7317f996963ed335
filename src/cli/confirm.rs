//! Asking before an apply. Whether to ask is decided in data; only [`ask`] touches what it is handed.

use std::io::{BufRead, Write};

use super::text;
use crate::model::gate::Gate;

/// Whether the user said yes in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// `--yes` was given.
    Given,
    /// It is to be asked for.
    Open,
}

/// Whether there is a person to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// Standard input and output are a terminal.
    There,
    /// They are not: a script, a pipe, a timer.
    Absent,
}

/// What to do with a plan that has actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Apply it.
    Apply,
    /// Ask.
    Ask,
    /// Apply nothing: see [`REFUSAL`].
    Refuse,
}

/// Why nothing is applied where nobody can be asked.
pub const REFUSAL: &str = "nobody can be asked, because this is not a terminal: nothing was applied. \
Use --yes to apply without asking, or --dry-run to see the plan only";

impl Person {
    /// Who sits at this process' standard input and output.
    pub fn present() -> Person {
        use std::io::IsTerminal;
        if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
            Person::There
        } else {
            Person::Absent
        }
    }
}

/// What to do with a plan that has actions.
pub fn decide(consent: Consent, person: Person) -> Decision {
    match (consent, person) {
        (Consent::Given, Person::There | Person::Absent) => Decision::Apply,
        (Consent::Open, Person::There) => Decision::Ask,
        (Consent::Open, Person::Absent) => Decision::Refuse,
    }
}

/// `Apply these 9 actions? [y/N] `
pub fn question(actions: usize) -> String {
    let these = if actions == 1 { "this" } else { "these" };
    let actions = match actions {
        1 => "action".to_owned(),
        _ => text::count(actions, "action"),
    };
    format!("Apply {these} {actions}? [y/N] ")
}

/// Whether an answer is a yes. Everything else is a no, an empty line and the end of input among it.
pub fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Asks whether to apply so many actions, and reads one line.
pub fn ask(
    actions: usize,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> std::io::Result<bool> {
    ask_that(&question(actions), input, output)
}

/// Asks for the name of a change that guards hold: a yes is too easily said.
pub fn ask_for(
    gate: &Gate,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> std::io::Result<bool> {
    let change = &gate.change;
    write!(
        output,
        "Guards hold this. To apply it all the same, type the name of the change ({change}): "
    )?;
    output.flush()?;
    let mut answer = String::new();
    if input.read_line(&mut answer)? == 0 {
        writeln!(output)?;
    }
    Ok(answer.trim() == change.0)
}

/// Asks a question, and reads one line.
pub fn ask_that(
    question: &str,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> std::io::Result<bool> {
    write!(output, "{question}")?;
    output.flush()?;
    let mut answer = String::new();
    if input.read_line(&mut answer)? == 0 {
        // The end of input (Ctrl-D) leaves the cursor behind the question.
        writeln!(output)?;
    }
    Ok(is_yes(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gate::{ChangeId, Class};

    fn answered(answer: &str) -> (bool, String) {
        let mut shown = Vec::new();
        let yes = ask(9, &mut answer.as_bytes(), &mut shown).unwrap();
        (yes, String::from_utf8(shown).unwrap())
    }

    #[test]
    fn without_a_terminal_only_yes_applies() {
        assert_eq!(decide(Consent::Open, Person::Absent), Decision::Refuse);
        assert_eq!(decide(Consent::Given, Person::Absent), Decision::Apply);
        assert!(REFUSAL.contains("--yes"));
    }

    #[test]
    fn on_a_terminal_it_asks_unless_yes_was_given() {
        assert_eq!(decide(Consent::Open, Person::There), Decision::Ask);
        assert_eq!(decide(Consent::Given, Person::There), Decision::Apply);
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        for yes in ["y\n", "Y\n", " yes \n", "YES"] {
            assert!(answered(yes).0, "{yes:?}");
        }
        for no in ["\n", "", "n\n", "yep\n", "yes please\n", "1\n"] {
            assert!(!answered(no).0, "{no:?}");
        }
    }

    #[test]
    fn what_guards_hold_is_applied_only_by_its_name() {
        let gate = Gate {
            change: ChangeId("3f2a91c04b7e".into()),
            class: Class::Destroy,
            guards: Vec::new(),
            opens: None,
        };
        let said = |answer: &str| ask_for(&gate, &mut answer.as_bytes(), &mut Vec::new()).unwrap();
        assert!(said("3f2a91c04b7e\n"));
        for no in ["y\n", "yes\n", "", "3f2a91c04b7\n"] {
            assert!(!said(no), "{no:?}");
        }
    }

    #[test]
    fn the_question_counts() {
        assert_eq!(answered("n\n").1, "Apply these 9 actions? [y/N] ");
        assert_eq!(answered("").1, "Apply these 9 actions? [y/N] \n");
        assert_eq!(question(1), "Apply this action? [y/N] ");
    }
}
