//! `reconcile watch`: the controller, the file or branch that it follows, and the signals that end it.

mod branch;
mod source;
mod verdicts;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::load::InForce;
use super::origin::Origin;
use super::{Failure, load};
use crate::adapters::file_orders::{FileOrders, ORDERS_FILE};
use crate::adapters::file_spool::FileSpool;
use crate::adapters::file_store::FileStore;
use crate::adapters::notify::Messenger;
use crate::adapters::ssh_reader::SshReader;
use crate::adapters::system_clock::SystemClock;
use crate::cli::args::{Args, WatchArgs};
use crate::cli::exit::Exit;
use crate::controller::Session;
use crate::controller::look::Eyes;
use crate::controller::post::Post;
use crate::controller::watch::{Signal, Watch};
use crate::memory;
use crate::model::claim::Claimant;
use crate::model::desired::Desired;
use crate::ports::progress::Quiet;
use source::Source;
use verdicts::{Verdict, Verdicts};

/// How long messages may take to be delivered at the end; what is left is for the next start.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub(super) async fn run(args: &Args, how: &WatchArgs) -> Result<Exit, Failure> {
    let (touched, touches) = unbounded_channel();
    let mut source = Source::open(args, how, &touched)?;
    let origin = source.begin(args).await?;
    let mut reading = load::reading_to_go_on(args, &origin)?;
    let store = FileStore::new(&reading.state);
    let _lock = store.lock()?;
    reading.in_force.keep(&reading.state);
    // What the file says by now may be newer than what is in force.
    let _ = touched.send(()); // it is listened to until the end
    let now = reading.watcher.eyes.clock.now();
    reading.watcher.memory = memory::after_restart(reading.watcher.memory, now);
    let desired = Arc::clone(&reading.watcher.desired);
    let claimant = load::claimant(&reading.state, "watch")?;
    reading.watcher.eyes.us = Some(claimant.id.clone());
    let hands = load::hands(&desired, &reading.reader, Arc::new(Quiet), &claimant);

    let spool = Arc::new(FileSpool::new(&reading.state));
    let (clock, messenger) = (Arc::new(SystemClock), Arc::new(Messenger::default()));
    let post = Post::new(&desired, clock, messenger, spool);
    source.is_heard_by(&post);
    let (send, signals) = unbounded_channel();
    let verdicts = Arc::new(Verdicts::new(
        touched.clone(),
        FileOrders::new(&reading.state),
    ));
    let orders_watch = follow_orders(&reading.state, send.clone(), touched)?;
    let access = Access {
        reader: Arc::clone(&reading.reader),
        state: reading.state.clone(),
        claimant,
    };
    let reload = Reload {
        args: args.clone(),
        source,
        origin,
        desired: Arc::clone(&desired),
        access,
        refused: None,
        verdicts: Arc::clone(&verdicts),
    };
    tokio::spawn(reload.run(touches, send.clone()));
    tokio::spawn(pass_signals(send));
    tracing::info!(
        cluster = %desired.cluster, revision = %desired.revision, commit = desired.commit.as_ref().map(|c| c.id.short()),
        "watching"
    );
    let session = Session::new(reading.watcher, Arc::new(store));
    let watch = Watch::new(session, hands, verdicts, signals).heard_by(Arc::clone(&post) as _);
    let result = watch.run().await;
    post.close(LAST_WORDS).await;
    drop(orders_watch);
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

/// How machines are reached; kept over edits, so that open connections are.
struct Access {
    reader: Arc<SshReader>,
    state: PathBuf,
    claimant: Arc<Claimant>,
}

/// Reads the file again whenever it may be another one, and passes on what really differs.
struct Reload {
    args: Args,
    source: Source,
    /// Where the newest state is that may be applied.
    origin: Origin,
    /// What was passed on last.
    desired: Arc<Desired>,
    access: Access,
    /// What was last said to be wrong.
    refused: Option<String>,
    /// What the controller says of what was passed on.
    verdicts: Arc<Verdicts>,
}

impl Reload {
    async fn run(mut self, mut touches: UnboundedReceiver<()>, send: UnboundedSender<Signal>) {
        while self.source.wait(&mut touches).await {
            self.heed_verdicts();
            if let Err(why) = self.renew().await {
                if !self.pass_on(Some(Signal::Refused(why)), &send) {
                    return;
                }
                continue;
            }
            let read = load::in_force(&self.args, &self.origin);
            // Touched while it was read: it may have half of an edit in it.
            if !touches.is_empty() {
                continue;
            }
            let signal = self.news(read);
            if !self.pass_on(signal, &send) {
                return;
            }
        }
    }

    fn heed_verdicts(&mut self) {
        for verdict in self.verdicts.take() {
            match verdict {
                Verdict::InForce(desired) => self.source.accept(&desired),
                Verdict::Waits(pending) => self.source.waits(&self.origin, &pending),
            }
        }
    }

    /// Finds out where the newest state is; an error says why it is not applied.
    async fn renew(&mut self) -> Result<(), String> {
        if let Some(origin) = self.source.news(&self.access.state).await? {
            self.origin = origin;
        }
        Ok(())
    }

    /// What is new in what was read; none: nothing.
    fn news(&mut self, read: Result<InForce, Failure>) -> Option<Signal> {
        match read {
            Ok(new) => {
                let state = |desired: &Desired| (desired.revision.clone(), desired.commit.clone());
                if new.snapshot.is_none() {
                    self.source.is_held(&self.origin);
                }
                if state(&new.desired) == state(&self.desired) {
                    return self.refused.is_some().then_some(Signal::Restored);
                }
                new.keep(&self.access.state);
                Some(edited(&mut self.desired, new.desired, &mut self.access))
            }
            Err(failure) => {
                self.source.refuse(&self.origin, &failure.brief());
                Some(Signal::Refused(failure.to_string()))
            }
        }
    }

    /// Passes a signal on; false where nobody listens any more. What is wrong is said once, however often it is found.
    fn pass_on(&mut self, signal: Option<Signal>, send: &UnboundedSender<Signal>) -> bool {
        let Some(signal) = signal else { return true };
        let why = match &signal {
            Signal::Refused(why) => Some(why.clone()),
            Signal::Edited(..) | Signal::Restored | Signal::Ordered | Signal::Stop => None,
        };
        if why.is_some() && why == self.refused {
            return true;
        }
        self.refused = why;
        send.send(signal).is_ok()
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
