//! What `reconcile watch` follows: a file of this machine, or a branch of a repository.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::branch::Branch;
use crate::cli::args::{Args, WatchArgs};
use crate::cli::commands::Failure;
use crate::cli::commands::origin::Origin;
use crate::controller::post::Post;
use crate::model::desired::Desired;
use crate::model::gate::Pending;

/// How long the file must be left alone before it is read: editors write in several steps.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// What is followed.
pub(super) enum Source {
    /// A file; as long as this lives, changes beside it are told.
    File(
        #[expect(dead_code, reason = "it watches until it is dropped")] notify::RecommendedWatcher,
    ),
    /// A branch.
    Branch(Box<Branch>),
}

impl Source {
    /// The one that the arguments say. That something was `touched` says when to look again.
    pub fn open(
        args: &Args,
        how: &WatchArgs,
        touched: &UnboundedSender<()>,
    ) -> Result<Source, Failure> {
        match Branch::open(args, how)? {
            Some(branch) => Ok(Source::Branch(Box::new(branch))),
            None => Ok(Source::File(follow_file(args, touched.clone())?)),
        }
    }

    /// Where the state is that is applied first.
    pub async fn begin(&mut self, args: &Args) -> Result<Origin, Failure> {
        match self {
            Source::File(_) => Origin::of(args),
            Source::Branch(branch) => branch.begin(args).await,
        }
    }

    /// Returns when there may be something new; false at the end.
    pub async fn wait(&mut self, touches: &mut UnboundedReceiver<()>) -> bool {
        match self {
            Source::File(_) if touches.recv().await.is_none() => return false,
            Source::File(_) => {}
            Source::Branch(branch) => tokio::select! {
                touched = touches.recv() => if touched.is_none() { return false },
                () = branch.wait() => {}
            },
        }
        while tokio::time::timeout(DEBOUNCE, touches.recv())
            .await
            .is_ok_and(|touched| touched.is_some())
        {}
        true
    }

    /// Where the newest state is, if it is elsewhere than before. An error says why what is new there is not applied.
    pub async fn news(&mut self, state: &Path) -> Result<Option<Origin>, String> {
        match self {
            Source::File(_) => Ok(None),
            Source::Branch(branch) => branch.news(state).await,
        }
    }

    /// From now on, somebody hears what is known of a branch.
    pub fn is_heard_by(&mut self, post: &Arc<Post>) {
        if let Source::Branch(branch) = self {
            branch.is_heard_by(Arc::clone(post) as _);
        }
    }

    /// This state of the file is in force: that of the newest commit, or of an earlier one.
    pub fn accept(&mut self, desired: &Desired) {
        if let (Source::Branch(branch), Some(commit)) = (self, &desired.commit) {
            branch.accept(commit, &desired.cluster);
        }
    }

    /// What was read from `origin` is held back by an order.
    pub fn is_held(&mut self, origin: &Origin) {
        if let Source::Branch(branch) = self {
            let help = "reconcile orders shows who holds it".to_owned();
            branch.refuse(origin, "its state of the file is held back", Some(help));
        }
    }

    /// What was read from `origin` is held by guards.
    pub fn waits(&mut self, origin: &Origin, pending: &Pending) {
        let Source::Branch(branch) = self else { return };
        let commit = origin.commit.as_ref().map(|(commit, _)| commit);
        if commit != pending.commit.as_ref() {
            return;
        }
        let guards = pending.guards.iter();
        let why: Vec<String> = guards
            .map(|guard| format!("{}: {}", guard.guard.word(), guard.text))
            .collect();
        let help = pending.guards.iter().find_map(|guard| guard.help.clone());
        branch.refuse(origin, &format!("it waits: {}", why.join("; ")), help);
    }

    /// What was read from `origin` can't be used.
    pub fn refuse(&mut self, origin: &Origin, why: &str) {
        if let Source::Branch(branch) = self {
            branch.refuse(origin, why, None);
        }
    }
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
