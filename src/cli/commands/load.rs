//! What most commands begin with: the desired state, the state directory, and the ports over the real world.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Failure;
use crate::adapters::fence_agent::FenceAgents;
use crate::adapters::file_orders::FileOrders;
use crate::adapters::file_store::FileStore;
use crate::adapters::http_heartbeat::HttpHeartbeats;
use crate::adapters::spec_files::DiskFiles;
use crate::adapters::ssh_reader::SshReader;
use crate::adapters::ssh_writer::SshWriter;
use crate::adapters::system_clock::SystemClock;
use crate::adapters::witnesses::NetworkWitnesses;
use crate::cli::args::{Args, state_dir};
use crate::controller::Watcher;
use crate::controller::guards::Leases;
use crate::controller::look::Eyes;
use crate::execute::Hands;
use crate::model::desired::Desired;
use crate::model::id::ClusterName;
use crate::ports::orders::OrdersView;
use crate::ports::progress::Progress;
use crate::ports::store::StoreView;

/// Reads the file that the user named.
pub(super) fn desired(args: &Args) -> Result<Desired, Failure> {
    let file = &args.global.file;
    let source = source(file)?;
    let mut files = DiskFiles::beside(file);
    if let Some(state) = state_base(args) {
        files = files.keeping_digests_in(state.join("digests.json"));
    }
    let name = file.display().to_string();
    crate::spec::parse(&name, &source, &files)
        .map_err(|errors| Failure::Spec { file: name, errors })
}

/// The cluster that the user's file is of, even if nothing else in the file is right: what was done must be readable
/// most of all when something is wrong.
pub(super) fn cluster_name(args: &Args) -> Result<ClusterName, Failure> {
    let source = source(&args.global.file)?;
    let source = String::from_utf8_lossy(&source);
    let mut named = source.lines().filter_map(|l| l.strip_prefix("cluster:"));
    let name = named.next().and_then(|rest| rest.split('#').next());
    match name.and_then(|n| n.trim().trim_matches(['"', '\'']).parse().ok()) {
        Some(name) => Ok(name),
        None => Ok(desired(args)?.cluster),
    }
}

pub(super) fn source(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| {
        Failure::Other(format!(
            "can't read {}: {error}\n  help: name the cluster's file with -f FILE; specs/ has some to start from",
            file.display()
        ))
    })
}

fn state_base(args: &Args) -> Option<PathBuf> {
    state_dir(args.global.state_dir.clone(), |name| std::env::var_os(name))
}

/// The state directory of a cluster.
pub(super) fn state(args: &Args, cluster: &ClusterName) -> Result<PathBuf, Failure> {
    let base = state_base(args);
    let base = base.ok_or_else(|| {
        Failure::Other(
            "there is no place for the state: set HOME, or name one with --state-dir".to_owned(),
        )
    })?;
    Ok(base.join(cluster.as_str()))
}

/// Everything that only looks.
pub(super) struct Reading {
    pub watcher: Watcher,
    pub reader: Arc<SshReader>,
    pub state: PathBuf,
}

/// The ports that look, and what is remembered.
pub(super) fn reading(args: &Args) -> Result<Reading, Failure> {
    let desired = Arc::new(desired(args)?);
    let state = state(args, &desired.cluster)?;
    let reader = reader(&desired, &state)?;
    let memory = FileStore::new(&state).load()?;
    // Without orders that can be read, nothing is begun.
    FileOrders::new(&state).read()?;
    let watcher = Watcher::new(desired, memory, eyes(&reader, &state));
    Ok(Reading {
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
        leases: Leases::default(),
        clock: Arc::new(SystemClock),
        orders: Arc::new(FileOrders::new(state)),
    }
}

/// The ports that act.
pub(super) fn hands(
    desired: &Desired,
    reader: &Arc<SshReader>,
    progress: Arc<dyn Progress>,
) -> Hands {
    let writer = Arc::new(SshWriter::new(Arc::clone(reader), desired.secrets.clone()));
    Hands {
        hypervisor: Arc::clone(&writer) as _,
        guards: Arc::clone(&writer) as _,
        guests: writer as _,
        fencer: Arc::new(FenceAgents),
        heartbeats: Arc::new(HttpHeartbeats),
        clock: Arc::new(SystemClock),
        progress,
        hosts: Arc::new(desired.hosts.clone()),
    }
}
