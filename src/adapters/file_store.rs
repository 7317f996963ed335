//! Memory and history as files in the state directory: `memory.json`, replaced as a whole, and `history.jsonl`, one
//! line an action. What is acknowledged is on the disk. Whoever only reads needs no lock and sees whole states.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::model::memory::Memory;
use crate::model::plan::HistoryEntry;
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
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) => return Err(failed(held(&mut file))),
        }
        let pid = std::process::id().to_string();
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(pid.as_bytes()));
        written.map_err(failed)?;
        Ok(StoreLock { _file: file })
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

    /// A name in a directory survives a crash only when the directory itself is on the disk.
    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn replace_memory(&self, memory: &Memory) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(memory)?;
        let fresh = self.dir.join("memory.json.new");
        let mut file = File::create(&fresh)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&fresh, self.memory())?;
        self.sync_dir()
    }

    fn append(&self, entry: &HistoryEntry) -> io::Result<()> {
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
        cut_torn_line(&mut file)?;
        file.write_all(&line)?;
        file.sync_data()?;
        if new { self.sync_dir() } else { Ok(()) }
    }

    /// Unreadable memory is kept for whoever wants to know why, under another name.
    fn set_aside(&self, error: &serde_json::Error) {
        let aside = self.dir.join("memory.json.unreadable");
        let kept = fs::rename(self.memory(), &aside);
        tracing::warn!(
            file = %self.memory().display(), kept = kept.is_ok(), %error,
            "the memory is unreadable; it begins anew, and the next rounds are more careful"
        );
    }
}

fn held(file: &mut File) -> io::Error {
    let mut pid = String::new();
    // Who holds it is a courtesy; that it is held is certain.
    let _ = file.take(20).read_to_string(&mut pid);
    let who = match pid.trim() {
        "" => "another process".to_owned(),
        pid => format!("process {pid}"),
    };
    io::Error::new(
        ErrorKind::WouldBlock,
        format!("{who} is at work on this cluster"),
    )
}

/// Leaves the file's end behind its last whole line. A process that was killed may have written half of one.
fn cut_torn_line(file: &mut File) -> io::Result<()> {
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
    file.seek(SeekFrom::Start(end)).map(|_| ())
}

fn error<'a>(what: &'static str, path: &'a Path) -> impl Fn(io::Error) -> StoreError + use<'a> {
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
            self.set_aside(&error);
            Memory::default()
        }))
    }

    fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
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
}

impl Store for FileStore {
    fn save(&self, memory: &Memory) -> Result<(), StoreError> {
        self.make_dir()?;
        self.replace_memory(memory)
            .map_err(error("can't write", &self.memory()))
    }

    fn record(&self, entry: &HistoryEntry) -> Result<(), StoreError> {
        self.make_dir()?;
        self.append(entry)
            .map_err(error("can't write", &self.history_file()))
    }
}

#[cfg(test)]
mod tests {
    use crate::model::desired::Revision;
    use crate::model::memory::HostMemory;
    use crate::model::plan::{Motive, Outcome, Reason, ReasonCode};
    use crate::model::time::Timestamp;

    use super::*;

    fn entry(summary: &str) -> HistoryEntry {
        HistoryEntry {
            at: Timestamp(1),
            took_ms: 2,
            revision: Revision("abc".into()),
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
}
