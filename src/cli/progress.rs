//! Telling a person what is being done, while it is: live lines on a terminal, plain lines elsewhere. It decides
//! nothing, and what goes wrong with the telling never stops the doing.

mod lines;
mod live;

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::style::Style;
use crate::model::plan::{Action, Outcome, Plan};
use crate::ports::progress::Progress;

pub use lines::{Ledger, summary};
pub use live::{Counter, Live, Screen, ScreenWriter};

/// Lines that are only ever appended, for pipes, files and the logs of supervisors.
pub struct Appended<W> {
    ledger: Ledger,
    out: Mutex<W>,
}

impl<W: Write> Appended<W> {
    /// Tells of `plan` on `out`.
    pub fn new(plan: &Plan, style: Style, out: W) -> Appended<W> {
        Appended {
            ledger: Ledger::of(plan, style),
            out: Mutex::new(out),
        }
    }

    fn tell(&self, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader that went away is no reason to stop what is being done.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl<W: Write + Send> Progress for Appended<W> {
    fn started(&self, action: &Action) {
        self.tell(&self.ledger.started(action));
    }

    // Steps come and go too fast for a log.
    fn step(&self, _: &Action, _: &str) {}

    fn ended(&self, action: &Action, outcome: &Outcome, took: Duration) {
        self.tell(&self.ledger.ended(action, outcome, took));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;
    use crate::cli::text::is_hostile;
    use crate::model::action::Operation;

    fn outcome(operation: &Operation) -> Outcome {
        match operation.kind() {
            "copy-image" => Outcome::AlreadyDone,
            "add-vip" => Outcome::Skipped("action 12 failed".into()),
            "configure" => Outcome::Failed(
                "nginx -t: \u{1b}[31munknown directive \"upstraem\" in /etc/nginx/nginx.conf:12\n"
                    .into(),
            ),
            _ => Outcome::Changed,
        }
    }

    fn told(plan: &Plan, style: Style) -> String {
        let progress = Appended::new(plan, style, Vec::new());
        for action in &plan.actions {
            progress.started(action);
            progress.step(action, "booting");
        }
        for (seconds, action) in (1..).zip(&plan.actions) {
            let took = Duration::from_millis(seconds * 3_100);
            progress.ended(action, &outcome(&action.operation), took);
        }
        String::from_utf8(progress.out.into_inner().unwrap()).unwrap()
    }

    #[test]
    fn without_a_terminal_lines_are_appended() {
        insta::assert_snapshot!(
            "appended",
            told(&samples::first_creation(), Style::plain(80))
        );
    }

    #[test]
    fn plain_lines_have_no_escapes_whatever_a_machine_said() {
        for plan in samples::plans().values() {
            let told = told(plan, Style::plain(80));
            assert!(!told.replace('\n', "").chars().any(is_hostile), "{told}");
        }
    }

    #[test]
    fn live_lines_end_as_the_plain_ones_do() {
        let plan = samples::failover();
        let live = Live::new(&plan, Style::plain(80), &Screen::hidden());
        for action in &plan.actions {
            live.started(action);
            live.step(action, "booting");
            live.ended(action, &Outcome::Changed, Duration::from_secs(1));
        }
        assert_eq!(live.running(), 0);
        live.finish();
    }
}
