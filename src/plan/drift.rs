//! What of a guest's files and process differs from what is desired, and what bringing it there would mean.

use std::collections::BTreeMap;

use crate::model::action::{GuestConfig, RenderedFile};
use crate::model::facts::{DaemonFacts, GuestFacts, GuestFile};
use crate::model::plan::{ChangeKind, FileChange};
use crate::model::secret::Secret;
use crate::render::{daemon, diff};

/// The difference between a guest and its configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drift {
    /// Files that change.
    pub changes: Vec<FileChange>,
    /// The process is started or started anew.
    pub restart: bool,
    /// The process reads its files again.
    pub reload: bool,
    /// The process runs now: a restart is noticed.
    pub running: bool,
}

impl Drift {
    /// Nothing differs.
    pub fn is_none(&self) -> bool {
        self.changes.is_empty() && !self.restart && !self.reload
    }

    /// Whether removing it interrupts the service.
    pub fn interrupts(&self) -> bool {
        self.restart && self.running
    }

    /// Whether a process that does not run is started.
    pub fn starts(&self) -> bool {
        self.restart && !self.running
    }

    /// Of the files whose content differed in a former life, tells what differs from that.
    pub fn tell_as(&mut self, former: Drift) {
        for change in former
            .changes
            .into_iter()
            .filter(|c| c.kind == ChangeKind::Content)
        {
            let same = self.changes.iter_mut().find(|c| c.path == change.path);
            if let Some(new) = same {
                *new = change;
            }
        }
    }

    /// In words: `2 files, restart`.
    pub fn words(&self) -> String {
        let files = match self.changes.len() {
            0 => None,
            1 => Some(self.changes.iter().map(|c| c.path.clone()).collect()),
            n => Some(format!("{n} files")),
        };
        let process = match (self.restart, self.running, self.reload) {
            (true, true, _) => Some("restart".to_owned()),
            (true, false, _) => Some("start".to_owned()),
            (false, _, true) => Some("reload".to_owned()),
            (false, _, false) if files.is_none() => Some("its mark".to_owned()),
            (false, _, false) => None,
        };
        [files, process]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// A guest as it was seen, against what it shall have. `asked` gives the configuration that it was asked about: the
/// content of a file that agrees with it was not sent. It is called only where a file differs.
pub fn of_facts<'a>(
    facts: &'a GuestFacts,
    asked: impl Fn() -> Option<&'a GuestConfig>,
    config: &GuestConfig,
    secrets: &BTreeMap<String, Secret>,
) -> Drift {
    let mut drift = Drift::default();
    let wanted = config.files.iter().chain(unit_files(facts, config));
    drift.changes = wanted
        .filter_map(|file| {
            let seen = facts.files.get(&file.path);
            change(
                seen,
                |seen| content(seen, &file.path, &asked),
                file,
                secrets,
            )
        })
        .collect();
    if let Some(daemon) = &config.daemon {
        let absent = DaemonFacts::default();
        let seen = facts.daemon.as_ref().unwrap_or(&absent);
        drift.running = seen.running;
        drift.restart = !seen.running || seen.started.as_deref() != Some(&daemon.revision);
        drift.reload = !drift.restart && seen.loaded.as_deref() != Some(&daemon.loads);
    }
    drift
}

/// Whether nobody touched a guest, and all that differs is what its process loads: that is desired to be otherwise since.
pub fn is_as_we_left_it(facts: &GuestFacts, config: &GuestConfig, drift: &Drift) -> bool {
    let is_loaded = |path: &str| daemon::reloaded(&config.files).any(|file| file.path == path);
    let sums = daemon::reloaded(&config.files).map(|file| facts.files.get(&file.path));
    let sums: Option<Vec<&str>> = sums.map(|seen| Some(seen?.sha256.as_str())).collect();
    let known = facts.daemon.as_ref().and_then(|d| d.loaded.as_ref());
    let untouched = sums.is_some_and(|sums| known == Some(&daemon::loads(sums.into_iter())));
    untouched && !drift.restart && drift.changes.iter().all(|change| is_loaded(&change.path))
}

/// A guest as an earlier action of the same plan leaves it, against what it shall have after a later one.
pub fn of_planned(
    before: &GuestConfig,
    after: &GuestConfig,
    secrets: &BTreeMap<String, Secret>,
) -> Drift {
    let mut drift = Drift {
        running: true,
        ..Drift::default()
    };
    drift.changes = after
        .files
        .iter()
        .filter(|file| !before.files.contains(file))
        .map(|file| {
            let old = before.files.iter().find(|b| b.path == file.path);
            content_change(old.map(|o| o.content.as_str()), file, secrets)
        })
        .collect();
    let revision = |c: &GuestConfig| c.daemon.as_ref().map(|d| d.revision.clone());
    let loads = |c: &GuestConfig| c.daemon.as_ref().map(|d| d.loads.clone());
    drift.restart = revision(before) != revision(after);
    drift.reload = !drift.restart && loads(before) != loads(after);
    drift
}

/// The files of the process: its script, and the unit for the guest's init.
fn unit_files<'a>(
    facts: &GuestFacts,
    config: &'a GuestConfig,
) -> impl Iterator<Item = &'a RenderedFile> {
    let init = facts.init;
    config.daemon.iter().flat_map(move |daemon| {
        let init = match daemon.init {
            crate::model::desired::Init::Auto => init,
            known => Some(known),
        };
        let unit = init.and_then(|init| daemon.units.get(&init));
        std::iter::once(&daemon.script).chain(unit)
    })
}

/// What stands in a file: as it was read, or as it was known to be.
fn content<'a>(
    seen: &'a GuestFile,
    path: &str,
    asked: impl Fn() -> Option<&'a GuestConfig>,
) -> Option<&'a str> {
    let known = || {
        let asked = asked()?;
        let mut files = asked
            .files
            .iter()
            .chain(asked.daemon.iter().map(|d| &d.script));
        files
            .find(|f| f.path == path && f.sha256 == seen.sha256)
            .map(|f| f.content.as_str())
    };
    seen.content.as_deref().or_else(known)
}

fn change<'a>(
    seen: Option<&'a GuestFile>,
    content: impl Fn(&'a GuestFile) -> Option<&'a str>,
    file: &RenderedFile,
    secrets: &BTreeMap<String, Secret>,
) -> Option<FileChange> {
    let Some(seen) = seen else {
        return Some(content_change(None, file, secrets));
    };
    if seen.sha256 != file.sha256 {
        let old = content(seen).unwrap_or("(content not known)\n");
        return Some(content_change(Some(old), file, secrets));
    }
    let same_owner = seen.owner == file.owner || seen.owner.split(':').next() == Some(&file.owner);
    (seen.mode != file.mode || !same_owner).then(|| FileChange {
        path: file.path.clone(),
        kind: ChangeKind::Attributes,
        diff: format!(
            "{:04o} {} → {:04o} {}\n",
            seen.mode, seen.owner, file.mode, file.owner
        ),
    })
}

fn content_change(
    old: Option<&str>,
    file: &RenderedFile,
    secrets: &BTreeMap<String, Secret>,
) -> FileChange {
    let kind = match (file.secret, old) {
        (true, _) => ChangeKind::Hidden,
        (false, None) => ChangeKind::New,
        (false, Some(_)) => ChangeKind::Content,
    };
    let diff = match kind {
        ChangeKind::Hidden => String::new(),
        ChangeKind::New | ChangeKind::Content | ChangeKind::Attributes => {
            diff(&file.path, old, &file.content, secrets)
        }
    };
    FileChange {
        path: file.path.clone(),
        kind,
        diff,
    }
}
