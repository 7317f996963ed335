//! `reconcile`: shows the plan, asks, carries it out, and looks again.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Stderr, StdinLock};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::desk::caller;
use super::dry_run::shown;
use super::{Failure, load, print, saved};
use crate::adapters::file_store::FileStore;
use crate::cli::args::{Args, Output, SavedArgs};
use crate::cli::confirm::{Consent, Decision, Person, REFUSAL, ask, ask_for, decide};
use crate::cli::exit::Exit;
use crate::cli::plan_json::applied_json;
use crate::cli::progress::{Appended, Live, Screen, summary};
use crate::cli::style::Style;
use crate::controller::apply::carry_out;
use crate::controller::claims::ClaimsOnce;
use crate::controller::look::Beats;
use crate::controller::{Round, Session};
use crate::execute::{Barred, Hands, Runner};
use crate::memory;
use crate::model::desired::Desired;
use crate::model::facts::Observed;
use crate::model::gate::{Gate, GuardKind};
use crate::model::plan::{HistoryEntry, NoticeKind, Outcome, Plan};
use crate::model::saved::{Applied, SavedPlan};
use crate::plan::{RIVAL_HELP, rivals_text};
use crate::ports::progress::{Progress, Quiet};

/// How many plans in a row may be needed: what could not be known at first is known after the first one.
const PASSES: usize = 5;
/// From one look to the next while something only has to come up.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// After this time it says what it is waiting for.
const TELL_AFTER: Duration = Duration::from_secs(5);
/// What rounds and looks add to the time that something takes by itself.
const SLACK: Duration = Duration::from_secs(15);

pub(super) async fn run(args: &Args, style: &Style, screen: &Screen) -> Result<Exit, Failure> {
    apply(args, style, screen, None).await
}

/// `reconcile apply PLAN`.
pub(super) async fn run_saved(
    args: &Args,
    saved: &SavedArgs,
    style: &Style,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let saved = saved::read(&saved.plan)?;
    apply(args, style, screen, Some(saved)).await
}

async fn apply(
    args: &Args,
    style: &Style,
    screen: &Screen,
    saved: Option<SavedPlan>,
) -> Result<Exit, Failure> {
    let targets = match &saved {
        Some(saved) => saved.targets.clone().unwrap_or_default(),
        None => args.apply.targets.targets(),
    };
    let mut reading = load::reading_about(args, targets)?;
    let store = FileStore::new(&reading.state);
    let _lock = store.lock()?;
    reading.in_force.keep(&reading.state);
    let now = reading.watcher.eyes.clock.now();
    reading.watcher.memory = memory::after_restart(reading.watcher.memory, now);
    let claimant = load::claimant(&reading.state, "apply")?;
    reading.watcher.eyes.us = Some(claimant.id.clone());
    let desired = Arc::clone(&reading.watcher.desired);
    let hands = load::hands(&desired, &reading.reader, Arc::new(Quiet), &claimant);
    if let Some(saved) = &saved {
        saved::may_be_tried(saved, &desired, &store, reading.watcher.eyes.clock.now())?;
    }
    let session = Session::new(reading.watcher, Arc::new(store.clone()));
    let mut apply = Apply {
        args,
        style,
        screen,
        session,
        runner: Runner::new(hands.clone()),
        claims: ClaimsOnce::new(&desired, &hands),
        hands,
        stop: stop_signal(),
    };
    let exit = match &saved {
        Some(saved) => apply.run_saved(saved, &store).await,
        None => apply.run().await,
    };
    let left = apply.session.watcher.hosts_left();
    apply.claims.leave(left).await;
    exit
}

struct Apply<'a> {
    args: &'a Args,
    style: &'a Style,
    screen: &'a Screen,
    session: Session,
    runner: Runner,
    hands: Hands,
    claims: ClaimsOnce,
    stop: Arc<Notify>,
}

impl Apply<'_> {
    async fn run(&mut self) -> Result<Exit, Failure> {
        let mut done: Vec<HistoryEntry> = Vec::new();
        let settling = settling(&self.session.watcher.desired);
        for _ in 0..PASSES + settling {
            let Round { plan, observed, .. } = self.next_round().await?;
            if plan.actions.is_empty() || !all_good(&done) {
                return self.conclude(&done, &plan);
            }
            self.show(&plan)?;
            no_rivals(&observed)?;
            if !self.may_apply(&plan)? {
                return Ok(Exit::Error);
            }
            self.claim(&observed).await?;
            done.extend(self.carry_out(&plan).await?);
        }
        let plan = self.next_round().await?.plan;
        self.conclude(&done, &plan)
    }

    /// Does what was saved, or nothing; and looks again.
    async fn run_saved(&mut self, saved: &SavedPlan, store: &FileStore) -> Result<Exit, Failure> {
        let Round { plan, observed, .. } = self.session.round(&Beats::Ask).await?;
        saved::still_holds(saved, &plan)?;
        if plan.actions.is_empty() {
            return self.conclude(&[], &plan);
        }
        self.show(&plan)?;
        no_rivals(&observed)?;
        if let Some(gate) = held(&plan) {
            return Err(Failure::Held(Box::new(gate.clone())));
        }
        self.claim(&observed).await?;
        store.record_applied(&Applied {
            at: self.session.watcher.eyes.clock.now(),
            applied_plan: saved.saved.id.clone(),
            actions: plan.actions.len(),
            by: caller(),
        })?;
        let done = self.carry_out(&plan).await?;
        let plan = self.next_round().await?.plan;
        self.conclude(&done, &plan)
    }

    async fn claim(&mut self, observed: &Observed) -> Result<(), Failure> {
        self.claims.name(self.session.watcher.hosts());
        let leave = self.claims.take(observed).await;
        leave.map_err(|barred| unclaimed(&barred))
    }

    /// The round of the next plan with something to do. Things that only have to come up are waited for, as long as that may help.
    async fn next_round(&mut self) -> Result<Round, Failure> {
        let mut waiting = Waiting::default();
        loop {
            let round = self.session.round(&Beats::Ask).await?;
            let patience = patience(&self.session.watcher.desired);
            if !round.plan.comes_by_itself() || waiting.is_in_vain(&round.plan, patience) {
                return Ok(round);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = self.stop.notified() => return Ok(round),
            }
        }
    }

    fn show(&self, plan: &Plan) -> Result<(), Failure> {
        if self.args.global.output == Output::Text {
            let now = self.session.watcher.eyes.clock.now();
            print(&shown(self.args, plan, now, self.style))?;
        }
        Ok(())
    }

    /// Whoever applies a plan by hand approves of how far it reaches. What the other guards hold needs its name.
    fn may_apply(&self, plan: &Plan) -> Result<bool, Failure> {
        if let Some(gate) = held(plan) {
            return match (self.args.apply.yes, Person::present()) {
                (false, Person::There) => self.asked(|input, output| ask_for(gate, input, output)),
                (true, _) | (_, Person::Absent) => Err(Failure::Held(Box::new(gate.clone()))),
            };
        }
        let consent = if self.args.apply.yes {
            Consent::Given
        } else {
            Consent::Open
        };
        match decide(consent, Person::present()) {
            Decision::Apply => Ok(true),
            Decision::Refuse => Err(Failure::Other(REFUSAL.to_owned())),
            Decision::Ask => self.asked(|input, output| ask(plan.actions.len(), input, output)),
        }
    }

    fn asked(
        &self,
        ask: impl FnOnce(&mut StdinLock<'_>, &mut Stderr) -> std::io::Result<bool>,
    ) -> Result<bool, Failure> {
        let yes = ask(&mut std::io::stdin().lock(), &mut std::io::stderr());
        let yes = yes.map_err(|error| Failure::Other(format!("can't ask: {error}")))?;
        if !yes {
            eprintln!("Nothing was applied.");
        }
        Ok(yes)
    }

    async fn carry_out(&mut self, plan: &Plan) -> Result<Vec<HistoryEntry>, Failure> {
        let style = Style::of_stderr(self.args.global.no_color);
        let live = std::io::stderr()
            .is_terminal()
            .then(|| Arc::new(Live::new(plan, style, self.screen)));
        let progress: Arc<dyn Progress> = match &live {
            Some(live) => Arc::clone(live) as _,
            None => Arc::new(Appended::new(plan, style, std::io::stderr())),
        };
        self.runner.set_hands(Hands {
            progress: Arc::clone(&progress),
            ..self.hands.clone()
        });
        let begin = std::time::Instant::now();
        let done = carry_out(
            &mut self.session,
            &mut self.runner,
            plan,
            progress.as_ref(),
            &self.stop,
        )
        .await?;
        live.iter().for_each(|live| live.finish());
        eprint!("{}", summary(outcomes(&done), begin.elapsed(), &style));
        Ok(done)
    }

    fn conclude(&self, done: &[HistoryEntry], plan: &Plan) -> Result<Exit, Failure> {
        let now = self.session.watcher.eyes.clock.now();
        print(&match self.args.global.output {
            Output::Json => applied_json(done, plan),
            // After an apply that left nothing open, its own summary has said all.
            Output::Text | Output::Markdown if !done.is_empty() && plan.converged() => {
                String::new()
            }
            Output::Text | Output::Markdown => shown(self.args, plan, now, self.style),
        })?;
        Ok(Exit::of_apply(outcomes(done), plan))
    }
}

/// What guards hold that it takes more than a yes for.
fn held(plan: &Plan) -> Option<&Gate> {
    let gate = plan.gate.as_ref()?;
    let mut held = gate.held_by();
    held.any(|guard| guard.guard != GuardKind::Approval)
        .then_some(gate)
}

pub(super) fn no_rivals(observed: &Observed) -> Result<(), Failure> {
    match observed.rivals.is_empty() {
        true => Ok(()),
        false => Err(refused(&rivals_text(&observed.rivals))),
    }
}

pub(super) fn unclaimed(barred: &Barred) -> Failure {
    match barred {
        Barred::Rival(rivals) => refused(&rivals_text(rivals)),
        Barred::Unclaimed | Barred::Asked(_) => Failure::Other(format!(
            "nothing more is applied: {barred}: without a claim, another controller could work on the same guests"
        )),
    }
}

fn refused(why: &str) -> Failure {
    Failure::Other(format!(
        "nothing more is applied: {why}\n  help: {RIVAL_HELP}"
    ))
}

/// What is waited for, and since when it is the same.
#[derive(Default)]
struct Waiting {
    subjects: BTreeSet<String>,
    since: Option<Instant>,
    told: bool,
}

impl Waiting {
    /// Whether nothing has come for so long. Says what is waited for, once that takes a while.
    fn is_in_vain(&mut self, plan: &Plan, patience: Duration) -> bool {
        let notices = plan.notices_of(NoticeKind::Waiting);
        let subjects: BTreeSet<String> = notices.map(|n| n.subject.clone()).collect();
        if self.subjects != subjects {
            *self = Waiting {
                subjects,
                ..Waiting::default()
            };
        }
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        if waited >= TELL_AFTER && !self.told {
            self.told = true;
            let all: Vec<&str> = self.subjects.iter().map(String::as_str).collect();
            eprintln!("Waiting for {}; Ctrl-C ends the waiting.", all.join(", "));
        }
        waited >= patience
    }
}

/// How many instances are worked on one in a plan, because each has to settle first.
fn settling(desired: &Desired) -> usize {
    let groups = desired.groups.values();
    let settle = groups.filter(|g| !g.budget.settle.is_zero());
    settle.map(|g| g.replicas as usize).sum()
}

/// How long something that comes up by itself may take: the longest grace, or a lease's end.
fn patience(desired: &Desired) -> Duration {
    let groups = desired.groups.values();
    let graces = groups.map(|g| g.heartbeat.grace.max(g.budget.settle));
    let lease = &desired.safety.lease;
    graces
        .max()
        .unwrap_or_default()
        .max(lease.ttl + lease.margin)
        + SLACK
}

fn all_good(done: &[HistoryEntry]) -> bool {
    outcomes(done).all(Outcome::is_good)
}

fn outcomes(done: &[HistoryEntry]) -> impl Iterator<Item = &Outcome> {
    done.iter().map(|entry| &entry.outcome)
}

/// Ctrl-C or SIGTERM: what has not begun is given up, what is in hand is finished. A second one ends at once.
fn stop_signal() -> Arc<Notify> {
    let stop = Arc::new(Notify::new());
    let told = Arc::clone(&stop);
    tokio::spawn(async move {
        let (Ok(mut term), Ok(mut int)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) else {
            return;
        };
        for count in 1.. {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if count > 1 {
                std::process::exit(130);
            }
            eprintln!("Stopping after the actions in hand; once more to stop at once.");
            told.notify_one();
        }
    });
    stop
}
