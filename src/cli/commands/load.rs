//! What most commands begin with: the desired state, the state directory, and the ports over the real world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Failure;
use super::desk::{caller, check_targets};
use super::origin::{self, Origin, followed_cluster, followed_store};
use crate::adapters::controller_id;
use crate::adapters::fence_agent::FenceAgents;
use crate::adapters::file_orders::FileOrders;
use crate::adapters::file_store::FileStore;
use crate::adapters::followed_store::FollowedStore;
use crate::adapters::http_heartbeat::HttpHeartbeats;
use crate::adapters::snapshots::{Snapshot, Snapshots};
use crate::adapters::spec_files::DiskFiles;
use crate::adapters::ssh_reader::SshReader;
use crate::adapters::ssh_writer::SshWriter;
use crate::adapters::system_clock::SystemClock;
use crate::adapters::witnesses::NetworkWitnesses;
use crate::cli::args::{Args, state_dir};
use crate::controller::Watcher;
use crate::controller::guards::Leases;
use crate::controller::look::Eyes;
use crate::execute::{Hands, Permit};
use crate::memory::leaving::with_leaving;
use crate::model::claim::Claimant;
use crate::model::desired::{Desired, Revision};
use crate::model::followed::Followed;
use crate::model::id::ClusterName;
use crate::model::orders::Orders;
use crate::model::targets::Targets;
use crate::ports::clock::Clock;
use crate::ports::orders::OrdersView;
use crate::ports::progress::Progress;
use crate::ports::store::StoreView;

/// The file, and the hosts that left it with guests of ours on them: who can be ordered about.
pub(super) fn known(args: &Args) -> Result<Arc<Desired>, Failure> {
    let file = Arc::new(desired(args)?);
    let memory = FileStore::new(&state(args, &file.cluster)?).load()?;
    Ok(with_leaving(&file, &memory, &file))
}

/// Reads the file that the user named.
pub(super) fn desired(args: &Args) -> Result<Desired, Failure> {
    read(args, &Origin::of(args)?).map(|(desired, _)| desired)
}

/// The same where nothing is contacted, with what is not here and would be needed then.
pub(super) fn checked(args: &Args) -> Result<Checked, Failure> {
    let origin = Origin::of(args)?;
    checked_of(&origin, disk(args, &origin))
}

/// The same of the file at this place, with the files beside it.
pub(super) fn checked_of(origin: &Origin, disk: DiskFiles) -> Result<Checked, Failure> {
    let disk = disk.with_stand_ins();
    let (desired, snapshot) = read_from(origin, &disk)?;
    Ok(Checked {
        desired,
        snapshot,
        not_here: disk.missing(),
    })
}

/// A file that was read where nothing is contacted.
pub(super) struct Checked {
    pub desired: Desired,
    /// What it was read from.
    pub snapshot: Snapshot,
    /// What it refers to, and is not on this machine.
    pub not_here: Vec<String>,
}

/// The same, with what it takes to read it again when it has changed.
fn read(args: &Args, origin: &Origin) -> Result<(Desired, Snapshot), Failure> {
    read_from(origin, &disk(args, origin))
}

fn read_from(origin: &Origin, disk: &DiskFiles) -> Result<(Desired, Snapshot), Failure> {
    let source = origin.source()?;
    let read = crate::spec::parse_with_sources(&origin.name, &source, disk);
    let (mut desired, sources) = read.map_err(|errors| Failure::Spec {
        file: origin.name.clone(),
        errors,
    })?;
    desired.commit = origin.commit.as_ref().map(|(commit, _)| commit.clone());
    let snapshot = Snapshot::of(&source, sources, desired.commit.clone());
    Ok((desired, snapshot))
}

fn disk(args: &Args, origin: &Origin) -> DiskFiles {
    match state_base(args) {
        Ok(state) => origin
            .files()
            .keeping_digests_in(state.join("digests.json")),
        Err(_) => origin.files(),
    }
}

/// The state of the file that is applied: the present one, or the last good one where that is held.
pub(super) fn in_force(args: &Args, origin: &Origin) -> Result<InForce, Failure> {
    let (desired, snapshot) = read(args, origin)?;
    let state = state(args, &desired.cluster)?;
    // Without orders that can be read, nothing is begun.
    let orders = FileOrders::new(&state).read()?.in_force(SystemClock.wall());
    if !orders.held.contains_key(&desired.revision) {
        return Ok(InForce {
            desired,
            snapshot: Some(snapshot),
        });
    }
    let Some(good) = instead_of(&desired.revision, &state, &orders)? else {
        return Err(Failure::Other(nothing_before(&desired.revision)));
    };
    let read = Snapshots::new(&state).read(&good, &origin.name, &disk(args, origin));
    let read =
        read.map_err(|error| Failure::Other(format!("can't read revision {good}: {error}")))?;
    Ok(InForce {
        desired: read.map_err(|errors| Failure::Spec {
            file: origin.name.clone(),
            errors,
        })?,
        snapshot: None,
    })
}

/// The state of the file that a controller goes on with: the one that was in force, whatever the file says by now; where there
/// is none, the present one.
fn to_go_on(args: &Args, origin: &Origin) -> Result<InForce, Failure> {
    let present = in_force(args, origin)?;
    let state = state(args, &present.desired.cluster)?;
    let kept = Snapshots::new(&state);
    let held = FileOrders::new(&state)
        .read()?
        .in_force(SystemClock.wall())
        .held;
    let before = FileStore::new(&state).load()?.in_force;
    let before = before.filter(|before| *before != present.desired.revision);
    let Some(before) = before.filter(|before| !held.contains_key(before) && kept.has(before))
    else {
        return Ok(present);
    };
    match kept.read(&before, &origin.name, &disk(args, origin)) {
        Ok(Ok(desired)) => Ok(InForce {
            desired,
            snapshot: None,
        }),
        // A secret or an image that it needs is gone by now.
        Ok(Err(_)) | Err(_) => Ok(present),
    }
}

/// What is applied.
pub(super) struct InForce {
    pub desired: Desired,
    /// The same to be kept; none where it is a kept one.
    pub snapshot: Option<Snapshot>,
}

impl InForce {
    /// Keeps it, so that it can be gone back to. Where that fails, the work goes on.
    pub fn keep(&self, state: &Path) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let memory = FileStore::new(state).load().unwrap_or_default();
        let needed: Vec<Revision> = memory.in_force.into_iter().chain(memory.good).collect();
        let kept = Snapshots::new(state).keep(&self.desired.revision, snapshot, &needed);
        if let Err(error) = kept {
            tracing::warn!(%error, "this state of the file can't be kept: rollback won't know it");
        }
    }
}

/// The state of the file that takes the place of a held one.
pub(super) fn instead_of(
    held: &Revision,
    state: &Path,
    orders: &Orders,
) -> Result<Option<Revision>, Failure> {
    let (memory, kept) = (FileStore::new(state).load()?, Snapshots::new(state));
    let instead = orders.instead_of(held, &memory.good, |revision| kept.has(revision));
    Ok(instead.cloned())
}

/// What is said where a state of the file is held, and there is none to go back to.
pub(super) fn nothing_before(held: &Revision) -> String {
    format!(
        "there is no state of the file to go back to from {held}: none before it was ever applied in full\n  \
         help: mend the file; or keep it from being applied: reconcile pause"
    )
}

/// The cluster that the user's file is of, even if nothing else in the file is right: what was done must be readable
/// most of all when something is wrong.
pub(super) fn cluster_name(args: &Args) -> Result<ClusterName, Failure> {
    if let Some(cluster) = followed_cluster(args)? {
        return Ok(cluster);
    }
    let source = Origin::of(args)?.source()?;
    let source = String::from_utf8_lossy(&source);
    let mut named = source.lines().filter_map(|l| l.strip_prefix("cluster:"));
    let name = named.next().and_then(|rest| rest.split('#').next());
    match name.and_then(|n| n.trim().trim_matches(['"', '\'']).parse().ok()) {
        Some(name) => Ok(name),
        None => Ok(desired(args)?.cluster),
    }
}

/// The branch that a controller on this machine follows for a cluster: that of the arguments, or the one asked last.
pub(super) fn followed(args: &Args, cluster: &ClusterName) -> Result<Option<Followed>, Failure> {
    if let Some(store) = followed_store(args)? {
        return store
            .load()
            .map_err(|error| origin::unreadable(&store, &error));
    }
    Ok(FollowedStore::of_cluster(&state_base(args)?, cluster).pop())
}

/// The state directory.
pub(super) fn state_base(args: &Args) -> Result<PathBuf, Failure> {
    let base = state_dir(args.global.state_dir.clone(), |name| std::env::var_os(name));
    base.ok_or_else(|| {
        Failure::Other(
            "there is no place for the state: set HOME, or name one with --state-dir".to_owned(),
        )
    })
}

/// The state directory of a cluster.
pub(super) fn state(args: &Args, cluster: &ClusterName) -> Result<PathBuf, Failure> {
    Ok(state_base(args)?.join(cluster.as_str()))
}

/// Everything that only looks.
pub(super) struct Reading {
    pub in_force: InForce,
    pub watcher: Watcher,
    pub reader: Arc<SshReader>,
    pub state: PathBuf,
}

/// The ports that look, and what is remembered.
pub(super) fn reading(args: &Args) -> Result<Reading, Failure> {
    reading_of(args, in_force(args, &Origin::of(args)?)?)
}

/// The same for a controller that goes on with what was in force.
pub(super) fn reading_to_go_on(args: &Args, origin: &Origin) -> Result<Reading, Failure> {
    reading_of(args, to_go_on(args, origin)?)
}

/// The same of a run that is about these.
pub(super) fn reading_about(args: &Args, targets: Targets) -> Result<Reading, Failure> {
    let mut reading = reading(args)?;
    let watcher = &mut reading.watcher;
    check_targets(&targets, &watcher.desired, &watcher.memory)?;
    watcher.targets = targets;
    Ok(reading)
}

fn reading_of(args: &Args, in_force: InForce) -> Result<Reading, Failure> {
    let desired = Arc::new(in_force.desired.clone());
    let state = state(args, &desired.cluster)?;
    let reader = reader(&desired, &state)?;
    let memory = FileStore::new(&state).load()?;
    let watcher = Watcher::new(desired, memory, eyes(&reader, &state));
    Ok(Reading {
        in_force,
        watcher,
        reader,
        state,
    })
}

/// The ports that look, over ssh.
pub(super) fn reader(desired: &Desired, state: &Path) -> Result<Arc<SshReader>, Failure> {
    FileStore::new(state).make_dir()?;
    let reader = SshReader::new(&desired.ssh, state);
    reader
        .map(Arc::new)
        .map_err(|error| Failure::Other(format!("can't prepare ssh: {error}")))
}

/// The ports that look.
pub(super) fn eyes(reader: &Arc<SshReader>, state: &Path) -> Eyes {
    Eyes {
        hypervisor: Arc::clone(reader) as _,
        guests: Arc::clone(reader) as _,
        heartbeats: Arc::new(HttpHeartbeats),
        witnesses: Arc::new(NetworkWitnesses),
        fencers: Arc::new(FenceAgents),
        leases: Leases::default(),
        clock: Arc::new(SystemClock),
        orders: Arc::new(FileOrders::new(state)),
        us: controller_id::known(state),
    }
}

/// Who claims hosts: a command with the lock of the state directory.
pub(super) fn claimant(state: &Path, command: &str) -> Result<Arc<Claimant>, Failure> {
    Ok(Arc::new(Claimant {
        id: controller_id::ensure(state)?,
        who: format!("{}, {command}, pid {}", caller(), std::process::id()),
        hosts: BTreeMap::new(),
    }))
}

/// The ports that act.
pub(super) fn hands(
    desired: &Desired,
    reader: &Arc<SshReader>,
    progress: Arc<dyn Progress>,
    claimant: &Arc<Claimant>,
) -> Hands {
    let writer = Arc::new(SshWriter::new(Arc::clone(reader), desired.secrets.clone()));
    Hands {
        hypervisor: Arc::clone(&writer) as _,
        guards: Arc::clone(&writer) as _,
        claims: Arc::clone(&writer) as _,
        claimant: Arc::clone(claimant),
        permit: Permit::default(),
        guests: writer as _,
        fencer: Arc::new(FenceAgents),
        heartbeats: Arc::new(HttpHeartbeats),
        clock: Arc::new(SystemClock),
        progress,
        hosts: Arc::new(desired.hosts.clone()),
    }
}
