//! Writing down what happens: the timeline, in the order of time. Controllers are listened to through the port on which
//! they tell of their plans and actions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::aftermath;
use super::meter::Meter;
use super::report::{Decision, Entry, Failure, Target, What, Who};
use crate::model::condition::HostCondition;
use crate::model::id::HostId;
use crate::model::plan::{Action, Notice, NoticeKind, Outcome, Plan};
use crate::ports::clock::Clock;
use crate::ports::progress::Progress;
use crate::sim::clock::EPOCH;
use crate::sim::cluster::{Calm, Cluster};
use crate::sim::conduct;
use crate::sim::world::World;

/// All that is written down.
pub struct Record {
    cluster: Arc<Cluster>,
    timeline: Mutex<Vec<Entry>>,
    /// When a person asked for something: an edit, a command.
    asked: Mutex<Vec<u64>>,
    meter: Mutex<Meter>,
    broken: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Record {
    /// Nothing yet.
    pub fn new(cluster: Arc<Cluster>) -> Arc<Self> {
        Arc::new(Record {
            cluster,
            timeline: Mutex::default(),
            asked: Mutex::default(),
            meter: Mutex::default(),
            broken: Mutex::default(),
        })
    }

    /// Milliseconds since the start.
    pub fn now(&self) -> u64 {
        millis(self.cluster.now().since(EPOCH))
    }

    /// Writes a line.
    pub fn push(&self, by: Who, what: What) {
        let at_ms = self.now();
        lock(&self.timeline).push(Entry { at_ms, by, what });
    }

    /// A person asks for something: what follows from it is not laid to a failure that is over.
    pub fn asked(&self) {
        lock(&self.asked).push(self.now());
    }

    /// What was measured.
    pub fn meter(&self) -> MutexGuard<'_, Meter> {
        lock(&self.meter)
    }

    /// Writes down laws that were broken meanwhile.
    pub fn laws(&self, world: &World) {
        for law in std::mem::take(&mut *lock(&world.broken)) {
            lock(&self.broken).push(law.clone());
            self.push(Who::World, What::Broken { law });
        }
    }

    /// The laws that were broken, and the timeline.
    pub fn take(&self) -> (Vec<String>, Vec<Entry>) {
        let broken = std::mem::take(&mut *lock(&self.broken));
        (broken, std::mem::take(&mut *lock(&self.timeline)))
    }

    /// Every failure in the timeline, and what followed from it. `left`: what the last plan says.
    pub fn failures(&self, targets: &[Target], left: &[What]) -> Vec<Failure> {
        let (timeline, asked) = (lock(&self.timeline), lock(&self.asked));
        let meter = self.meter();
        aftermath::failures(&timeline, &asked, meter.strength(), targets, left)
    }
}

/// A controller, as it is heard.
pub struct Voice {
    record: Arc<Record>,
    /// The cluster as it has it.
    cluster: Arc<Cluster>,
    who: Who,
    said: Mutex<Said>,
}

/// What it said last.
#[derive(Default)]
struct Said {
    planned: BTreeSet<(String, String)>,
    notices: BTreeSet<(NoticeKind, String, String)>,
    converged: bool,
    open: Option<String>,
    hosts: BTreeMap<HostId, HostCondition>,
    left: Vec<What>,
}

impl Voice {
    /// A controller of which nothing was heard.
    pub fn new(record: &Arc<Record>, cluster: &Arc<Cluster>, who: Who) -> Arc<Self> {
        Arc::new(Voice {
            record: Arc::clone(record),
            cluster: Arc::clone(cluster),
            who,
            said: Mutex::default(),
        })
    }

    /// What its last plan left open; none: all was as desired.
    pub fn open(&self) -> Option<String> {
        lock(&self.said).open.clone()
    }

    /// What its last plan took the hosts for.
    pub fn hosts(&self) -> BTreeMap<HostId, HostCondition> {
        lock(&self.said).hosts.clone()
    }

    /// What it left open in full: what it has not done yet, and what it says of it.
    pub fn left(&self) -> Vec<What> {
        lock(&self.said).left.clone()
    }

    fn decides(&self, plan: &Plan) {
        let mut said = lock(&self.said);
        let new = plan
            .actions
            .iter()
            .filter(|a| !said.planned.contains(&key(a)));
        let actions = decisions(new);
        said.planned = plan.actions.iter().map(key).collect();
        if !actions.is_empty() {
            self.record.push(self.who, What::Decides { actions });
        }
    }

    fn says(&self, plan: &Plan) {
        let mut said = lock(&self.said);
        let known: BTreeSet<_> = plan.notices.iter().map(gist).collect();
        let new = plan
            .notices
            .iter()
            .filter(|n| !said.notices.contains(&gist(n)));
        for notices in alike(new) {
            self.record.push(self.who, notices);
        }
        said.notices = known;
    }

    /// Hosts that it takes for something else than before. One that it sees for the first time is no news.
    fn classifies(&self, plan: &Plan) {
        let mut said = lock(&self.said);
        for (host, state) in &plan.hosts {
            let before = said.hosts.get(host).copied();
            if before.unwrap_or(HostCondition::Online) != *state {
                let (host, state) = (host.clone(), *state);
                self.record.push(self.who, What::Host { host, state });
            }
        }
        said.hosts.clone_from(&plan.hosts);
    }

    fn concludes(&self, plan: &Plan) {
        let mut said = lock(&self.said);
        let converged = plan.converged();
        if converged && !said.converged {
            self.record.push(self.who, What::Converged);
        }
        said.converged = converged;
        said.open = (!converged).then(|| what_is_open(plan));
        said.left = what_is_left(plan);
        let waits = plan.look_again.filter(|_| plan.actions.is_empty());
        self.cluster.calm(match (converged, waits) {
            (_, Some(at)) => Calm::Until(at),
            (true, None) => Calm::Yes,
            (false, None) => Calm::No,
        });
    }
}

impl Progress for Voice {
    fn planned(&self, plan: &Plan) {
        conduct::heed_plan(&mut self.record.cluster.world(), plan);
        self.classifies(plan);
        self.decides(plan);
        self.says(plan);
        self.concludes(plan);
    }

    fn started(&self, action: &Action) {
        // A second one knows nothing of what the first one waits for: it is judged by what comes of it.
        if self.who == Who::Controller {
            conduct::heed_action(&self.record.cluster.world(), action);
        }
    }

    fn step(&self, _: &Action, _: &str) {}

    fn ended(&self, action: &Action, outcome: &Outcome, took: Duration) {
        if !outcome.is_good() {
            // If it is planned again, that is a new decision.
            lock(&self.said).planned.remove(&key(action));
        }
        let what = What::Did {
            action: action.operation.kind().to_owned(),
            summary: action.summary.clone(),
            outcome: without_numbers(outcome),
            took_ms: millis(took),
        };
        self.record.push(self.who, what);
    }
}

/// Numbers of actions mean something only beside their plan.
fn without_numbers(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Skipped(why) if why.starts_with("action ") => {
            Outcome::Skipped("what it needs did not succeed".to_owned())
        }
        outcome => outcome.clone(),
    }
}

/// What makes two plans' actions the same decision.
fn key(action: &Action) -> (String, String) {
    let what = format!("{} {:?}", action.operation.kind(), action.reason.code);
    (on(action), what)
}

fn on(action: &Action) -> String {
    match action.operation.instance() {
        Some(instance) => instance.to_string(),
        None => format!("host {}", action.operation.host()),
    }
}

/// Equal kinds for equal reasons are told together.
fn decisions<'a>(actions: impl Iterator<Item = &'a Action>) -> Vec<Decision> {
    let mut order: Vec<(String, String)> = Vec::new();
    let mut on_whom: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for action in actions {
        let same = (
            action.operation.kind().to_owned(),
            action.reason.text.clone(),
        );
        if !on_whom.contains_key(&same) {
            order.push(same.clone());
        }
        let on_whom = on_whom.entry(same).or_default();
        let name = on(action);
        if !on_whom.contains(&name) {
            on_whom.push(name);
        }
    }
    let told = order.into_iter().map(|same| {
        let on = on_whom.remove(&same).unwrap_or_default();
        let (action, reason) = same;
        Decision { action, on, reason }
    });
    told.collect()
}

/// Notices that say the same of several subjects, as one.
fn alike<'a>(notices: impl Iterator<Item = &'a Notice>) -> Vec<What> {
    let mut told: Vec<Notice> = Vec::new();
    let mut subjects: Vec<Vec<String>> = Vec::new();
    for new in notices {
        let same = |n: &Notice| (n.kind, &n.text, &n.help) == (new.kind, &new.text, &new.help);
        match told.iter().position(same) {
            Some(place) => subjects[place].push(new.subject.clone()),
            None => {
                told.push(new.clone());
                subjects.push(vec![new.subject.clone()]);
            }
        }
    }
    let all = told.into_iter().zip(subjects);
    all.map(|(told, subjects)| What::Says {
        notice: told.kind,
        subjects,
        text: told.text,
        help: told.help,
    })
    .collect()
}

/// A notice without its numbers: how long something lasts is no news.
fn gist(notice: &Notice) -> (NoticeKind, String, String) {
    let counts = |word: &&str| word.contains(|c: char| c.is_ascii_digit());
    let is_news = |word: &&str| !counts(word) && !matches!(*word, "s" | "ms");
    let words = notice.text.split_whitespace().filter(is_news);
    let text: Vec<&str> = words.collect();
    (notice.kind, notice.subject.clone(), text.join(" "))
}

/// Actions that are still to be done, and notices; warnings need nothing.
fn what_is_left(plan: &Plan) -> Vec<What> {
    let actions = decisions(plan.actions.iter());
    let notices = plan.notices.iter();
    let said = alike(notices.filter(|n| n.kind != NoticeKind::Warning));
    let to_do = (!actions.is_empty()).then_some(What::Decides { actions });
    to_do.into_iter().chain(said).collect()
}

fn what_is_open(plan: &Plan) -> String {
    let actions = plan.actions.iter();
    let actions = actions.map(|a| format!("{} {}", a.operation.kind(), on(a)));
    let notices = plan
        .notices
        .iter()
        .filter(|n| n.kind != NoticeKind::Warning);
    let notices = notices.map(|n| format!("{}: {}", n.subject, n.text));
    let all: Vec<String> = actions.chain(notices).collect();
    match all.as_slice() {
        [] => "something is open".to_owned(),
        [first] => first.clone(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
