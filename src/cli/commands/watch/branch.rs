//! The branch that `reconcile watch --repo` follows: asked at a steady pace, and at once on a SIGHUP or when an order changes.
//! What is known of it is kept, so that the commit in force stays in force while the repository can't be reached.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::adapters::file_orders::FileOrders;
use crate::adapters::followed_store::FollowedStore;
use crate::adapters::git::{GitRepository, Signers};
use crate::adapters::system_clock::SystemClock;
use crate::cli::args::{Args, WatchArgs};
use crate::cli::commands::Failure;
use crate::cli::commands::load;
use crate::cli::commands::origin::{self, Origin};
use crate::controller::commits::{Follower, News, Refusal, Rules};
use crate::model::commit::Commit;
use crate::model::followed::Followed;
use crate::model::id::ClusterName;
use crate::ports::clock::Clock as _;
use crate::ports::herald::{Herald, Nobody};
use crate::ports::orders::OrdersView as _;

/// A branch that is followed.
pub(super) struct Branch {
    follower: Follower,
    store: FollowedStore,
    path: PathBuf,
    every: Duration,
    hangups: Signal,
    /// Who tells people elsewhere.
    herald: Arc<dyn Herald>,
}

impl Branch {
    /// The one that the arguments name; none: they name a file.
    pub fn open(args: &Args, how: &WatchArgs) -> Result<Option<Branch>, Failure> {
        let (Some(url), Some(store)) = (&args.global.repo, origin::followed_store(args)?) else {
            return Ok(None);
        };
        let (branch, path) = (&args.global.branch, args.global.file.clone());
        if path.is_absolute() {
            return Err(Failure::Other(format!(
                "{} is a path on this machine\n  help: with --repo, -f names the path in the repository",
                path.display()
            )));
        }
        let signers = Signers {
            ssh: how.allowed_signers.as_ref().map(|file| absolute(file)),
            pgp: how.keyring.as_ref().map(|file| absolute(file)),
        };
        for file in signers.ssh.iter().chain(&signers.pgp) {
            let readable = std::fs::File::open(file);
            readable.map_err(|error| {
                Failure::Other(format!("can't read {}: {error}", file.display()))
            })?;
        }
        let rules = Rules {
            signed: signers.are_named(),
            rewritten: how.force,
        };
        let known = store
            .load()
            .map_err(|error| origin::unreadable(&store, &error))?;
        let followed =
            known.unwrap_or_else(|| Followed::new(url, branch, &path.display().to_string()));
        store
            .make()
            .map_err(|error| origin::unreadable(&store, &error))?;
        let repository = GitRepository::new(&store.directory, &location(url), branch, signers);
        let hangups = signal(SignalKind::hangup());
        Ok(Some(Branch {
            follower: Follower::new(Arc::new(repository), rules, followed),
            store,
            path,
            every: how.every,
            herald: Arc::new(Nobody),
            hangups: hangups
                .map_err(|error| Failure::Other(format!("can't listen for signals: {error}")))?,
        }))
    }

    /// From now on, somebody hears what is known of it.
    pub fn is_heard_by(&mut self, herald: Arc<dyn Herald>) {
        herald.followed(&self.follower.followed);
        self.herald = herald;
    }

    /// The commit that was in force, whatever the branch says by now; else the newest one that may be applied and can be read.
    pub async fn begin(&mut self, args: &Args) -> Result<Origin, Failure> {
        if let Some(origin) = self.in_force() {
            return Ok(origin);
        }
        let state = self.state(args);
        match self.look(state.as_deref()).await {
            News::None => Err(Failure::Other(
                "the files of the commit in force are gone: remove the state of the repository"
                    .to_owned(),
            )),
            News::Commit(commit, files) => {
                let origin = Origin::of_commit(&self.path, &files, *commit);
                match load::in_force(args, &origin) {
                    Ok(_) => Ok(origin),
                    Err(failure) => {
                        self.refuse(&origin, &failure.brief(), None);
                        Err(failure)
                    }
                }
            }
            News::Refused(commit, refusal) => Err(Failure::Other(refused(&commit, &refusal))),
            News::Unreachable(why) => Err(Failure::Other(unreachable(&why))),
        }
    }

    /// Returns when the repository is to be asked again.
    pub async fn wait(&mut self) {
        tokio::select! {
            () = tokio::time::sleep(self.every) => {}
            _ = self.hangups.recv() => {}
        }
    }

    /// See [`super::source::Source::news`].
    pub async fn news(&mut self, state: &Path) -> Result<Option<Origin>, String> {
        match self.look(Some(state)).await {
            News::None => Ok(None),
            News::Commit(commit, files) => Ok(Some(Origin::of_commit(&self.path, &files, *commit))),
            News::Refused(commit, refusal) => Err(refused(&commit, &refusal)),
            News::Unreachable(why) => Err(unreachable(&why)),
        }
    }

    /// See [`super::source::Source::accept`].
    pub fn accept(&mut self, commit: &Commit, cluster: &ClusterName) {
        let known = &self.follower.followed;
        if known.applied.as_ref() != Some(commit) || known.refused.is_some() {
            let now = SystemClock.now();
            self.follower.apply(commit, cluster, now);
            self.keep();
        }
    }

    /// A commit can't be used.
    pub fn refuse(&mut self, origin: &Origin, why: &str, help: Option<String>) {
        let applied = self.follower.followed.applied.as_ref();
        let commit = origin.commit.as_ref().map(|(commit, _)| commit);
        // What is in force stays so, also where a secret that it needs is gone by now.
        let Some(commit) = commit.filter(|commit| applied != Some(*commit)) else {
            return;
        };
        let refusal = Refusal {
            why: why.to_owned(),
            help,
        };
        self.follower.refuse(commit, &refusal, SystemClock.now());
        self.keep();
    }

    async fn look(&mut self, state: Option<&Path>) -> News {
        let orders = state.and_then(|state| FileOrders::new(state).read().ok());
        let approved = orders.unwrap_or_default().approved;
        let approved = approved.into_keys().collect();
        let news = self.follower.look(&approved, SystemClock.now()).await;
        self.keep();
        news
    }

    /// The state directory of the cluster, where that is known.
    fn state(&self, args: &Args) -> Option<PathBuf> {
        let cluster = self.follower.followed.cluster.as_ref()?;
        load::state(args, cluster).ok()
    }

    fn in_force(&self) -> Option<Origin> {
        let commit = self.follower.followed.applied.clone()?;
        let files = self.store.files_of(&commit.id);
        let origin = Origin::of_commit(&self.path, &files, commit);
        origin.file.is_file().then_some(origin)
    }

    /// Where that fails, the work goes on: a full disk must not keep anything from being healed.
    fn keep(&self) {
        self.herald.followed(&self.follower.followed);
        if let Err(error) = self.store.save(&self.follower.followed) {
            tracing::warn!(%error, "what is known of the repository can't be kept");
        }
    }
}

/// A path is the same wherever git is run.
fn location(url: &str) -> String {
    match Path::new(url).exists() {
        true => absolute(Path::new(url)).display().to_string(),
        false => url.to_owned(),
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn refused(commit: &Commit, refusal: &Refusal) -> String {
    let help = refusal
        .help
        .as_ref()
        .map(|help| format!("\n  help: {help}"));
    format!(
        "commit {} by {} ({}) is not applied: {}{}",
        commit.id,
        commit.author,
        commit.subject,
        refusal.why,
        help.unwrap_or_default()
    )
}

fn unreachable(why: &str) -> String {
    format!("the repository can't be reached: {why}")
}
