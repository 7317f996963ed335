//! Live lines on a terminal: one for each running action, which becomes a permanent one when it ends. The log goes
//! through the same [`Screen`], so that neither garbles the other.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use super::Ledger;
use crate::cli::style::{Paint, Style};
use crate::cli::text;
use crate::model::plan::{Action, ActionId, Outcome, Plan};
use crate::model::unit::span;
use crate::ports::progress::Progress;

/// From one turn of a spinner to the next.
const TURN: Duration = Duration::from_millis(100);

const TURNS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// Standard error with live lines at its lower end. Whatever else is written there goes through it.
#[derive(Debug, Clone)]
pub struct Screen(MultiProgress);

impl Screen {
    /// Standard error.
    pub fn stderr() -> Screen {
        Screen(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
    }

    /// Nothing is drawn: for tests.
    pub fn hidden() -> Screen {
        Screen(MultiProgress::with_draw_target(ProgressDrawTarget::hidden()))
    }
}

/// A live line that counts.
pub struct Counter(ProgressBar);

impl Counter {
    /// Counts on `screen`; nothing is drawn where that is no terminal.
    pub fn new(screen: &Screen, style: Style) -> Counter {
        let bar = ProgressBar::new_spinner().with_style(counter_style(style));
        let bar = screen.0.add(bar);
        bar.enable_steady_tick(TURN);
        Counter(bar)
    }

    /// So many by now.
    pub fn at(&self, number: usize) {
        self.0
            .set_position(u64::try_from(number).unwrap_or(u64::MAX));
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = ScreenWriter;

    fn make_writer(&'a self) -> ScreenWriter {
        ScreenWriter(self.0.clone())
    }
}

/// Writes above the live lines.
pub struct ScreenWriter(MultiProgress);

impl Write for ScreenWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Live lines for one plan.
pub struct Live {
    ledger: Ledger,
    screen: MultiProgress,
    running: Mutex<BTreeMap<ActionId, ProgressBar>>,
    total: ProgressBar,
}

impl Live {
    /// Tells of `plan` on `screen`.
    pub fn new(plan: &Plan, style: Style, screen: &Screen) -> Live {
        let total = ProgressBar::new(u64::try_from(plan.actions.len()).unwrap_or(u64::MAX));
        let total = screen.0.add(total.with_style(total_style(style)));
        total.enable_steady_tick(TURN);
        Live {
            ledger: Ledger::of(plan, style),
            screen: screen.0.clone(),
            running: Mutex::new(BTreeMap::new()),
            total,
        }
    }

    /// Takes the live lines away; the permanent ones stay.
    pub fn finish(&self) {
        for bar in self.bars().values() {
            bar.finish_and_clear();
        }
        self.total.finish_and_clear();
    }

    /// How many live lines there are.
    pub fn running(&self) -> usize {
        self.bars().len()
    }

    fn bars(&self) -> MutexGuard<'_, BTreeMap<ActionId, ProgressBar>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Live {
    fn started(&self, action: &Action) {
        let style = running_style(self.ledger.style());
        let bar = ProgressBar::new_spinner().with_style(style);
        let bar = self.screen.insert_before(&self.total, bar);
        bar.set_prefix(self.ledger.what(action));
        bar.enable_steady_tick(TURN);
        self.bars().insert(action.id, bar);
    }

    fn step(&self, action: &Action, step: &str) {
        if let Some(bar) = self.bars().get(&action.id) {
            bar.set_message(text::clean(step));
        }
    }

    fn ended(&self, action: &Action, outcome: &Outcome, took: Duration) {
        if let Some(bar) = self.bars().remove(&action.id) {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
        let told = self.ledger.ended(action, outcome, took);
        // What can't be drawn is no reason to stop what is being done.
        let _ = self.screen.println(told.trim_end());
        self.total.inc(1);
    }
}

/// `⠹ 3 create  random-1 on host a  6 s  booting`
fn running_style(style: Style) -> ProgressStyle {
    let turns = TURNS.map(|turn| style.paint(Paint::Accent, turn));
    let turns: Vec<&str> = turns.iter().map(String::as_str).collect();
    template("{spinner} {prefix}  {took}  {wide_msg}", style).tick_strings(&turns)
}

/// `⠹ 7 rehearsals, 12 s`
fn counter_style(style: Style) -> ProgressStyle {
    let turns = TURNS.map(|turn| style.paint(Paint::Accent, turn));
    let turns: Vec<&str> = turns.iter().map(String::as_str).collect();
    template("{spinner} {pos} rehearsals, {took}", style).tick_strings(&turns)
}

/// `  7 of 14 done, 12 s`
fn total_style(style: Style) -> ProgressStyle {
    template("  {done}", style)
}

fn template(template: &str, style: Style) -> ProgressStyle {
    let took = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let took = span(Duration::from_secs(state.elapsed().as_secs()));
        let _ = out.write_str(&style.paint(Paint::Dim, took));
    };
    let done = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let all = state.len().unwrap_or(0);
        let took = span(Duration::from_secs(state.elapsed().as_secs()));
        let done = format!("{} of {all} done, {took}", state.pos());
        let _ = out.write_str(&style.paint(Paint::Dim, done));
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("took", took)
        .with_key("done", done)
}
