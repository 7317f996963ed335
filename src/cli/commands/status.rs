//! `reconcile status`: what runs where, and what is wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{Failure, load, print};
use crate::adapters::file_spool::FileSpool;
use crate::adapters::file_store::{Controller, FileStore};
use crate::cli::args::{Args, Output};
use crate::cli::exit::Exit;
use crate::cli::status_view::{StatusReport, UndeliveredStatus, status_text};
use crate::cli::style::Style;
use crate::controller::Watcher;
use crate::controller::look::Beats;
use crate::model::id::ReceiverName;
use crate::model::plan::{Notice, NoticeKind, Record};
use crate::model::time::Timestamp;

/// What was given up before is for the history.
const A_DAY: Duration = Duration::from_secs(86_400);

/// A controller at work writes with each look: at least every thirty seconds, and looks may be slow.
const WRITES_WITHIN: Duration = Duration::from_secs(180);

pub(super) async fn run(args: &Args, style: &Style) -> Result<Exit, Failure> {
    let mut reading = load::reading(args)?;
    let mut round = reading.watcher.round(&Beats::Ask).await;
    let now = round.observed.now;
    round.plan.notices.extend(unwritten(&reading.state, now));
    let watcher = &reading.watcher;
    let report = StatusReport::of(
        &watcher.desired,
        &round.observed,
        &watcher.memory,
        &round.plan,
    );
    let report = report.following(load::followed(args, &watcher.desired.cluster)?);
    let report = report.telling(undelivered(&reading.state, watcher)?);
    print(&match args.global.output {
        Output::Text | Output::Markdown => status_text(&report, style),
        Output::Json => report.json(),
    })?;
    Ok(Exit::of_notices(&round.plan))
}

/// What a controller that can't write down what it remembers can't say itself.
fn unwritten(state: &Path, now: Timestamp) -> Option<Notice> {
    let store = FileStore::new(state);
    let Ok(Controller::Process(who)) = store.controller() else {
        return None;
    };
    let written = store
        .written()
        .filter(|at| now.since(*at) >= WRITES_WITHIN)?;
    let who = who.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
    Some(Notice {
        kind: NoticeKind::Warning,
        subject: "memory and history".to_owned(),
        text: format!(
            "not written since {}, though {who} is at work on the cluster",
            written.to_short()
        ),
        help: Some(format!(
            "if that is `reconcile watch`, its log says why; make sure that {} can be written to",
            state.display()
        )),
        line: None,
    })
}

/// What a controller could not tell receivers: what waits, and what it gave up in the last day.
fn undelivered(state: &Path, watcher: &Watcher) -> Result<Vec<UndeliveredStatus>, Failure> {
    let now = watcher.eyes.clock.now();
    let mut all: BTreeMap<ReceiverName, UndeliveredStatus> = BTreeMap::new();
    for record in FileStore::new(state).records()? {
        if let Record::Undelivered(entry) = record
            && now.since(entry.at) < A_DAY
        {
            let receiver = entry.undelivered_to;
            let one = all
                .entry(receiver.clone())
                .or_insert_with(|| none(receiver));
            one.given_up += 1;
            one.why = entry.why;
        }
    }
    for (receiver, queue) in FileSpool::new(state).queues() {
        if let Some(failing) = queue.failing {
            let one = all
                .entry(receiver.clone())
                .or_insert_with(|| none(receiver));
            one.waiting = queue.letters.len();
            one.since = Some(failing.since);
            one.why = failing.why;
        }
    }
    all.retain(|receiver, _| watcher.desired.notify.contains_key(receiver));
    Ok(all.into_values().collect())
}

fn none(receiver: ReceiverName) -> UndeliveredStatus {
    UndeliveredStatus {
        receiver,
        waiting: 0,
        since: None,
        given_up: 0,
        why: String::new(),
    }
}
