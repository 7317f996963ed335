//! Memory and history as files in the state directory: `memory.json`, replaced as a whole, and `history.jsonl`, one
//! line an action, or an order. What is acknowledged is on the disk. Whoever only reads needs no lock and sees whole
//! states.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde::Serialize;

use super::sight_file;
use crate::model::memory::Memory;
use crate::model::plan::{HistoryEntry, Record, TakeOver};
use crate::model::saved::Applied;
use crate::model::sight::Sight;
use crate::model::time::Timestamp;
use crate::ports::store::{Store, StoreError, StoreView};

/// A state directory. It is made when something is first written to it.
#[derive(Debug, Clone)]
pub struct FileStore {
    dir: PathBuf,
}

/// As long as this lives, no other process works on the same cluster.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

/// Who works on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    /// Nobody.
    None,
    /// A process, and its number where it is known.
    Process(Option<u32>),
}

/// Longer than anybody needs to see whether a lock is held.
const A_MOMENT: Duration = Duration::from_millis(100);

impl FileStore {
    /// The store in `dir`.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Keeps other processes from acting on the same cluster. Ends with this process, however that ends.
    pub fn lock(&self) -> Result<StoreLock, StoreError> {
        let path = self.dir.join("lock");
        self.make_dir()?;
        let failed = error("can't lock", &path);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path);
        let mut file = file.map_err(&failed)?;
        // Whoever only asks for the controller has the lock for a moment, too.
        match patiently(&file, A_MOMENT) {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) => return Err(failed(held(&mut file))),
        }
        let pid = std::process::id().to_string();
        // Who has it is a courtesy, for which there may be no room.
        let _ = file
            .set_len(0)
            .and_then(|()| file.write_all(pid.as_bytes()));
        Ok(StoreLock { _file: file })
    }

    /// Who works on the cluster now.
    pub fn controller(&self) -> Result<Controller, StoreError> {
        let path = self.dir.join("lock");
        let failed = error("can't look at", &path);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(absent) if absent.kind() == ErrorKind::NotFound => return Ok(Controller::None),
            Err(other) => return Err(failed(other)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Controller::None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
            Err(TryLockError::WouldBlock) => Ok(Controller::Process(pid(&mut file))),
        }
    }

    /// When whoever has the lock last wrote memory, or took the lock; none: nobody knows.
    pub fn written(&self) -> Option<Timestamp> {
        let files = [self.memory(), self.dir.join("lock")];
        let times = files.iter().filter_map(|file| fs::metadata(file).ok());
        let times = times.filter_map(|data| data.modified().ok());
        let since = times.max()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Timestamp::default().plus(since))
    }

    /// The history with all that is in it, oldest first.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        self.lines_of_history()
    }

    /// Writes down that a saved plan is begun. Once that is acknowledged, it is never applied again.
    pub fn record_applied(&self, entry: &Applied) -> Result<(), StoreError> {
        self.append(entry)
    }

    /// The lines of the history that are a `T`.
    fn lines_of_history<T: serde::de::DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        let path = self.history_file();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(absent) if absent.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(failed) => return Err(error("can't read", &path)(failed)),
        };
        // A line that can't be read is a torn one, or one of another version: the others are not worth less for it.
        let lines = text.split(|byte| *byte == b'\n');
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }

    fn memory(&self) -> PathBuf {
        self.dir.join("memory.json")
    }

    fn history_file(&self) -> PathBuf {
        self.dir.join("history.jsonl")
    }

    /// Makes the directory, for its owner alone: what machines said may say much of them.
    pub fn make_dir(&self) -> Result<(), StoreError> {
        let mut private = DirBuilder::new();
        let made = private.recursive(true).mode(0o700).create(&self.dir);
        made.map_err(error("can't make the state directory", &self.dir))
    }

    /// Appends a line to the history.
    pub(super) fn append(&self, entry: &impl Serialize) -> Result<(), StoreError> {
        self.make_dir()?;
        self.append_line(entry)
            .map_err(error("can't write", &self.history_file()))
    }

    fn append_line(&self, entry: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let path = self.history_file();
        let new = !path.exists();
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        // The controller and commands that give orders write to it, each for a moment.
        file.lock()?;
        let end = cut_torn_line(&mut file)?;
        let written = file.write_all(&line).and_then(|()| file.sync_data());
        if let Err(failed) = written {
            // It is written again by whoever was told so. If it stays after all, it is there twice, and not torn.
            let _ = file.set_len(end);
            return Err(failed);
        }
        if new { sync_dir(&self.dir) } else { Ok(()) }
    }

    /// Unreadable memory is kept for whoever wants to know why, under another name.
    fn set_aside_unreadable(&self, error: &serde_json::Error) {
        let aside = self.dir.join("memory.json.unreadable");
        let kept = fs::rename(self.memory(), &aside);
        tracing::warn!(
            file = %self.memory().display(), kept = kept.is_ok(), %error,
            "the memory is unreadable; it begins anew, and the next rounds are more careful"
        );
    }
}

/// Locks `file`, waiting at most `span` for others to be done with it.
pub(super) fn patiently(file: &File, span: Duration) -> Result<(), TryLockError> {
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begin.elapsed() < span => {
                std::thread::sleep(Duration::from_millis(10));
            }
            locked => return locked,
        }
    }
}

/// Writes `text` beside `path`, down to the disk.
pub(super) fn write_beside(path: &Path, text: &[u8]) -> io::Result<PathBuf> {
    let fresh = path.with_extension("json.new");
    let mut file = File::create(&fresh)?;
    file.write_all(text)?;
    file.sync_all()?;
    Ok(fresh)
}

/// Replaces `path`, all or nothing.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    fs::rename(write_beside(path, text)?, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// A name in a directory survives a crash only when the directory itself is on the disk.
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The process that wrote its number into the lock. That it holds it is certain, who it is a courtesy.
fn pid(file: &mut File) -> Option<u32> {
    let mut pid = String::new();
    file.take(20).read_to_string(&mut pid).ok()?;
    pid.trim().parse().ok()
}

fn held(file: &mut File) -> io::Error {
    let who = match pid(file) {
        None => "another process".to_owned(),
        Some(pid) => format!("process {pid}"),
    };
    io::Error::new(
        ErrorKind::WouldBlock,
        format!("{who} is at work on this cluster"),
    )
}

/// Leaves the file's end behind its last whole line. A process that was killed may have written half of one.
fn cut_torn_line(file: &mut File) -> io::Result<u64> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut end = length;
    let mut block = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        // At most 4096: it fits.
        let part = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(newline) = part.iter().rposition(|byte| *byte == b'\n') {
            end = start + newline as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length {
        file.set_len(end)?;
    }
    file.seek(SeekFrom::Start(end))
}

pub(super) fn error<'a>(
    what: &'static str,
    path: &'a Path,
) -> impl Fn(io::Error) -> StoreError + use<'a> {
    move |source| StoreError {
        what,
        path: path.display().to_string(),
        source,
    }
}

impl StoreView for FileStore {
    fn load(&self) -> Result<Memory, StoreError> {
        let path = self.memory();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(absent) if absent.kind() == ErrorKind::NotFound => return Ok(Memory::default()),
            Err(failed) => return Err(error("can't read", &path)(failed)),
        };
        Ok(serde_json::from_slice(&text).unwrap_or_else(|error| {
            self.set_aside_unreadable(&error);
            Memory::default()
        }))
    }

    fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        self.lines_of_history()
    }
}

impl Store for FileStore {
    fn save(&self, memory: &Memory) -> Result<(), StoreError> {
        self.make_dir()?;
        let text = serde_json::to_vec_pretty(memory).map_err(io::Error::from);
        text.and_then(|text| replace(&self.memory(), &text))
            .map_err(error("can't write", &self.memory()))
    }

    fn set_aside(&self) -> Result<(), StoreError> {
        let path = self.memory();
        // Where even another name takes room, it has to go.
        let gone = fs::rename(&path, path.with_extension("json.outdated"))
            .or_else(|_| fs::remove_file(&path));
        match gone {
            Err(absent) if absent.kind() == ErrorKind::NotFound => Ok(()),
            gone => gone.and_then(|()| sync_dir(&self.dir)),
        }
        .map_err(error("can't set aside", &path))
    }

    fn record(&self, entry: &HistoryEntry) -> Result<(), StoreError> {
        self.append(entry)
    }

    fn record_take_over(&self, entry: &TakeOver) -> Result<(), StoreError> {
        self.append(entry)
    }

    fn keep_sight(&self, sight: &Sight<'_>) -> Result<(), StoreError> {
        self.make_dir()?;
        let path = sight_file::of_state(&self.dir);
        let text = serde_json::to_vec(sight).map_err(io::Error::from);
        text.and_then(|text| replace(&path, &text))
            .map_err(error("can't write", &path))
    }
}

#[cfg(test)]
mod tests {
    use crate::model::desired::Revision;
    use crate::model::memory::HostMemory;
    use crate::model::plan::{Motive, Outcome, Reason, ReasonCode};

    use super::*;

    fn entry(summary: &str) -> HistoryEntry {
        HistoryEntry {
            at: Timestamp(1),
            took_ms: 2,
            revision: Revision("abc".into()),
            commit: None,
            targets: crate::model::targets::Targets::default(),
            action: "create".into(),
            motive: Motive::Heal,
            instance: Some("web-1".parse().unwrap()),
            host: "a".parse().unwrap(),
            summary: summary.into(),
            reason: Reason {
                code: ReasonCode::Missing,
                text: "x".into(),
                line: None,
            },
            outcome: Outcome::Changed,
        }
    }

    fn summaries(store: &FileStore) -> Vec<String> {
        let history = store.history().unwrap();
        history.into_iter().map(|entry| entry.summary).collect()
    }

    #[test]
    fn what_was_saved_is_loaded_and_nothing_is_an_empty_memory() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(&dir.path().join("deep/er"));
        assert_eq!(store.load().unwrap(), Memory::default());
        let mut memory = Memory::default();
        memory
            .hosts
            .insert("a".parse().unwrap(), HostMemory::default());
        store.save(&memory).unwrap();
        assert_eq!(store.load().unwrap(), memory);
    }

    #[test]
    fn an_unreadable_memory_is_set_aside_and_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path());
        fs::write(store.memory(), "{\"hosts\": 3").unwrap();
        assert_eq!(store.load().unwrap(), Memory::default());
        let kept = fs::read_to_string(dir.path().join("memory.json.unreadable")).unwrap();
        assert_eq!(kept, "{\"hosts\": 3");
        assert!(!store.memory().exists());
    }

    #[test]
    fn a_torn_last_line_is_not_read_and_cut_off_before_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path());
        store.record(&entry("one")).unwrap();
        for torn in ["{\"at\": \"20", &"x".repeat(9_000)] {
            let mut file = OpenOptions::new()
                .append(true)
                .open(store.history_file())
                .unwrap();
            file.write_all(torn.as_bytes()).unwrap();
            assert_eq!(summaries(&store), ["one"]);
        }
        store.record(&entry("two")).unwrap();
        assert_eq!(summaries(&store), ["one", "two"]);
        let text = fs::read_to_string(store.history_file()).unwrap();
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn a_history_that_is_nothing_but_a_torn_line_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path());
        fs::write(store.history_file(), "{").unwrap();
        store.record(&entry("one")).unwrap();
        assert_eq!(summaries(&store), ["one"]);
    }

    #[test]
    fn a_second_lock_names_the_process_that_has_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path());
        let lock = store.lock().unwrap();
        let refused = store.lock().unwrap_err();
        let words = format!("process {} is at work on this cluster", std::process::id());
        assert_eq!(refused.source.to_string(), words);
        drop(lock);
        store.lock().unwrap();
    }

    #[test]
    fn a_memory_that_is_set_aside_counts_as_lost_until_one_is_saved() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path());
        store.set_aside().unwrap();
        let mut memory = Memory::default();
        let host = ("a".parse().unwrap(), HostMemory::default());
        memory.hosts.extend([host]);
        store.save(&memory).unwrap();
        store.set_aside().unwrap();
        assert_eq!(store.load().unwrap(), Memory::default());
        store.save(&memory).unwrap();
        assert_eq!(store.load().unwrap(), memory);
    }
}
