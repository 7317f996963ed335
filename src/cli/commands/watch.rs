//! `reconcile watch`: the controller, the file it follows, and the signals that end it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Failure, load};
use crate::adapters::file_orders::ORDERS_FILE;
use crate::adapters::file_store::FileStore;
use crate::adapters::ssh_reader::SshReader;
use crate::cli::args::Args;
use crate::cli::exit::Exit;
use crate::controller::Session;
use crate::controller::look::Eyes;
use crate::controller::watch::{Signal, Watch};
use crate::memory;
use crate::model::claim::Claimant;
use crate::model::desired::Desired;
use crate::ports::progress::Quiet;

/// How long the file must be left alone before it is read: editors write in several steps.
const DEBOUNCE: Duration = Duration::from_millis(300);

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let mut reading = load::reading(args)?;
    let store = FileStore::new(&reading.state);
    let _lock = store.lock()?;
    reading.in_force.keep(&reading.state);
    reading.watcher.memory = memory::after_restart(reading.watcher.memory);
    let desired = Arc::clone(&reading.watcher.desired);
    let claimant = load::claimant(&reading.state, "watch")?;
    reading.watcher.eyes.us = Some(claimant.id.clone());
    let hands = load::hands(&desired, &reading.reader, Arc::new(Quiet), &claimant);

    let (send, signals) = unbounded_channel();
    let (touched, touches) = unbounded_channel();
    let file_watch = follow_file(args, touched.clone())?;
    let orders_watch = follow_orders(&reading.state, send.clone(), touched)?;
    let access = Access {
        reader: Arc::clone(&reading.reader),
        state: reading.state.clone(),
        claimant,
    };
    let reload = reload(
        args.clone(),
        Arc::clone(&desired),
        access,
        touches,
        send.clone(),
    );
    tokio::spawn(reload);
    tokio::spawn(pass_signals(send));
    tracing::info!(cluster = %desired.cluster, revision = %desired.revision, "watching");
    let session = Session::new(reading.watcher, Arc::new(store));
    let result = Watch::new(session, hands, signals).run().await;
    drop((file_watch, orders_watch));
    result?;
    Ok(Exit::Done)
}

async fn pass_signals(send: UnboundedSender<Signal>) {
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("can't listen for signals: the controller can only be killed");
        return;
    };
    loop {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        if send.send(Signal::Stop).is_err() {
            return;
        }
    }
}

/// Watches the orders, which are replaced in the state directory as a whole. One may say which state of the file is
/// applied.
fn follow_orders(
    state: &Path,
    send: UnboundedSender<Signal>,
    touched: UnboundedSender<()>,
) -> Result<notify::RecommendedWatcher, Failure> {
    let replaced = |event: &notify::Event| {
        let named = |path: &PathBuf| path.file_name().is_some_and(|name| name == ORDERS_FILE);
        // A renaming is told as a whole besides its two halves.
        let twice = event.kind == EventKind::Modify(ModifyKind::Name(RenameMode::Both));
        !event.kind.is_access() && !twice && event.paths.iter().any(named)
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|e| replaced(&e)) {
            // Nobody listens any more only at the end.
            let _ = (send.send(Signal::Ordered), touched.send(()));
        }
    })
    .map_err(|error| Failure::Other(format!("can't watch files: {error}")))?;
    watcher
        .watch(state, RecursiveMode::NonRecursive)
        .map_err(|error| Failure::Other(format!("can't watch {}: {error}", state.display())))?;
    Ok(watcher)
}

/// Watches the directory of the file, not the file: editors replace it.
fn follow_file(
    args: &Args,
    touched: UnboundedSender<()>,
) -> Result<notify::RecommendedWatcher, Failure> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|e| !e.kind.is_access()) {
            let _ = touched.send(()); // nobody listens any more only at the end
        }
    })
    .map_err(|error| Failure::Other(format!("can't watch files: {error}")))?;
    let directory = args
        .global
        .file
        .parent()
        .filter(|d| !d.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    watcher
        .watch(directory, RecursiveMode::Recursive)
        .map_err(|error| Failure::Other(format!("can't watch {}: {error}", directory.display())))?;
    Ok(watcher)
}

/// How machines are reached; kept over edits, so that open connections are.
struct Access {
    reader: Arc<SshReader>,
    state: PathBuf,
    claimant: Arc<Claimant>,
}

/// Reads the file again whenever something in its directory was touched, and passes on what really differs.
async fn reload(
    args: Args,
    mut desired: Arc<Desired>,
    mut access: Access,
    mut touches: UnboundedReceiver<()>,
    send: UnboundedSender<Signal>,
) {
    let mut refused = None;
    while touches.recv().await.is_some() {
        while tokio::time::timeout(DEBOUNCE, touches.recv())
            .await
            .is_ok_and(|t| t.is_some())
        {}
        let signal = match load::in_force(&args) {
            Ok(new) if new.desired.revision == desired.revision => match refused.take() {
                Some(_) => Signal::Restored,
                None => continue,
            },
            Ok(new) => {
                new.keep(&access.state);
                edited(&mut desired, new.desired, &mut access)
            }
            Err(failure) => Signal::Refused(failure.to_string()),
        };
        let why = match &signal {
            Signal::Refused(why) => Some(why.clone()),
            Signal::Edited(..) | Signal::Restored | Signal::Ordered | Signal::Stop => None,
        };
        // What is wrong is said once, however often something in the directory is touched.
        if why.is_some() && why == refused {
            continue;
        }
        refused = why;
        if send.send(signal).is_err() {
            return;
        }
    }
}

fn edited(desired: &mut Arc<Desired>, new: Desired, access: &mut Access) -> Signal {
    if new.cluster != desired.cluster {
        let text = format!(
            "the cluster was renamed from {} to {}: a controller keeps to one cluster; start another one for the other",
            desired.cluster, new.cluster
        );
        return Signal::Refused(text);
    }
    if new.ssh != desired.ssh {
        match load::reader(&new, &access.state) {
            Ok(reader) => access.reader = reader,
            Err(failure) => return Signal::Refused(failure.to_string()),
        }
    }
    *desired = Arc::new(new);
    let hands = load::hands(desired, &access.reader, Arc::new(Quiet), &access.claimant);
    let eyes = Eyes {
        us: Some(access.claimant.id.clone()),
        ..load::eyes(&access.reader, &access.state)
    };
    Signal::Edited(Arc::clone(desired), Box::new((hands, eyes)))
}
