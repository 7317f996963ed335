//! The files that `cluster.yaml` asks for, from this machine's disks. Reads only; decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::spec::{Pattern, SpecFiles};

/// Larger files are no templates, keys or secrets; images are only digested.
const MAX_READ: u64 = 4 << 20;
/// How many names a pattern is compared with: more are not what a pattern of a cluster's files was meant for.
const MAX_SEARCHED: usize = 100_000;
/// How much of an image is in memory while it is digested.
const CHUNK: usize = 1 << 20;

/// Local files, relative to the directory of `cluster.yaml`. Digests of images are kept as long as the file stays what
/// it is, also in a file of their own, so that no command reads gigabytes to learn what the last one knew.
#[derive(Debug)]
pub struct DiskFiles {
    directory: PathBuf,
    /// What relative paths must stay in.
    root: Option<PathBuf>,
    digests: Mutex<Digests>,
    kept_in: Option<PathBuf>,
    /// What was missing so far; none: nothing may be.
    missing: Option<Mutex<BTreeSet<String>>>,
}

type Digests = BTreeMap<PathBuf, (Stamp, String)>;

/// What shows that a file is the same as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    inode: u64,
    /// Nanoseconds since 1970; a write changes it, and so does whoever sets the time of the last write back.
    changed: i128,
    size: u64,
}

impl Stamp {
    fn of(about: &fs::Metadata) -> Stamp {
        Stamp {
            inode: about.ino(),
            changed: i128::from(about.ctime()) * 1_000_000_000 + i128::from(about.ctime_nsec()),
            size: about.len(),
        }
    }
}

impl DiskFiles {
    /// The files below the directory of `spec_file`.
    pub fn beside(spec_file: &Path) -> Self {
        let directory = Path::new(".").join(spec_file.parent().unwrap_or(Path::new("")));
        Self {
            // Where the working directory is gone, a relative path is as good as any.
            directory: std::path::absolute(&directory).unwrap_or(directory),
            root: None,
            digests: Mutex::default(),
            kept_in: None,
            missing: None,
        }
    }

    /// The same, where relative paths must stay in `root`, whatever links are on the way.
    pub fn within(mut self, root: &Path) -> Self {
        self.root = Some(root.to_owned());
        self
    }

    /// Where a file is; an error if that is not where it may be.
    fn place(&self, path: &Path) -> io::Result<PathBuf> {
        let place = self.resolve(path);
        let Some(root) = self.root.as_ref().filter(|_| path.is_relative()) else {
            return Ok(place);
        };
        match fs::canonicalize(&place)?.starts_with(fs::canonicalize(root)?) {
            true => Ok(place),
            false => Err(io::Error::other(
                "it is outside of the commit: what is on this machine has to be named by its whole path",
            )),
        }
    }

    /// The same, for commands that contact nothing: what only work on machines needs may be missing, and is noted.
    pub fn with_stand_ins(mut self) -> Self {
        self.missing = Some(Mutex::default());
        self
    }

    /// What something else stands for, in order.
    pub fn missing(&self) -> Vec<String> {
        let missing = self.missing.iter();
        let names = missing.flat_map(|m| lock(m).iter().cloned().collect::<Vec<_>>());
        names.collect()
    }

    /// The same, with digests kept in `file`. One that can't be read is begun anew.
    pub fn keeping_digests_in(mut self, file: PathBuf) -> Self {
        let kept = fs::read(&file)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        self.digests = Mutex::new(kept.unwrap_or_default());
        self.kept_in = Some(file);
        self
    }

    fn known(&self, path: &Path, stamp: Stamp) -> Option<String> {
        let digests = lock(&self.digests);
        let (known, digest) = digests.get(path)?;
        (*known == stamp).then(|| digest.clone())
    }

    fn learn(&self, path: PathBuf, stamp: Stamp, digest: &str) {
        let mut digests = lock(&self.digests);
        digests.insert(path, (stamp, digest.to_owned()));
        if let Some(Err(error)) = self.kept_in.as_ref().map(|file| keep(file, &digests)) {
            tracing::debug!(%error, "digests of images are not kept");
        }
    }
}

impl SpecFiles for DiskFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = open(&self.place(path)?)?;
        let mut content = Vec::new();
        file.take(MAX_READ + 1).read_to_end(&mut content)?;
        match content.len() as u64 > MAX_READ {
            true => Err(io::Error::other("it has more than 4 MiB")),
            false => Ok(content),
        }
    }

    fn find(&self, pattern: &Pattern) -> io::Result<Vec<PathBuf>> {
        let mut search = Search {
            files: self,
            pattern,
            looked_at: 0,
            found: Vec::new(),
        };
        search.below(&pattern.start())?;
        Ok(search.found)
    }

    fn digest(&self, path: &Path) -> io::Result<(String, u64)> {
        let path = self.place(path)?;
        let file = open(&path)?;
        let about = file.metadata()?;
        let stamp = Stamp::of(&about);
        if let Some(digest) = self.known(&path, stamp) {
            return Ok((digest, stamp.size));
        }
        let digest = digest_of(file)?;
        self.learn(path, stamp, &digest);
        Ok((digest, stamp.size))
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        self.directory.join(path)
    }

    fn stand_in(&self, what: &str) -> Option<String> {
        lock(self.missing.as_ref()?).insert(what.to_owned());
        Some(format!("(stands for {what})"))
    }
}

/// A search for what a pattern names.
struct Search<'a> {
    files: &'a DiskFiles,
    pattern: &'a Pattern,
    looked_at: usize,
    found: Vec<PathBuf>,
}

impl Search<'_> {
    /// Looks into a directory. Where the pattern begins, it may be a link; further down, links are not followed, so that
    /// none leads round in circles. A directory that is not there has no files.
    fn below(&mut self, directory: &Path) -> io::Result<()> {
        let entries = match self.files.place(directory).and_then(fs::read_dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            self.looked_at += 1;
            if self.looked_at > MAX_SEARCHED {
                let text = format!("there are more than {MAX_SEARCHED} files below its directory");
                return Err(io::Error::other(text));
            }
            let path = directory.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                if self.pattern.goes_into(&path) {
                    self.below(&path)?;
                }
            } else if self.pattern.matches(&path) && fs::metadata(entry.path())?.is_file() {
                self.found.push(path);
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(file: &Path, digests: &Digests) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut temporary = tempfile::NamedTempFile::new_in(directory)?;
    serde_json::to_writer(&mut temporary, digests)?;
    temporary
        .persist(file)
        .map(drop)
        .map_err(|error| error.error)
}

/// Opens a regular file: a pipe would never end, and a directory says so only when it is read.
fn open(path: &Path) -> io::Result<File> {
    match fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

fn digest_of(mut file: File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = file.read(&mut chunk)?;
        match chunk.get(..length) {
            Some([]) | None => break,
            Some(bytes) => hash.update(bytes),
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_follows_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let files = DiskFiles::beside(&directory.path().join("cluster.yaml"));
        fs::write(directory.path().join("disk"), "abc").unwrap();
        let (first, size) = files.digest(Path::new("disk")).unwrap();
        assert!(
            first.starts_with("ba7816bf8f01cfea414140de5dae2223"),
            "{first}"
        );
        assert_eq!(size, 3);
        assert_eq!(files.digest(Path::new("disk")).unwrap().0, first);
        fs::write(directory.path().join("disk"), "abcd").unwrap();
        assert_ne!(files.digest(Path::new("disk")).unwrap().0, first);
    }

    #[test]
    fn a_kept_digest_is_used_only_while_the_file_stays() {
        let directory = tempfile::tempdir().unwrap();
        let kept = directory.path().join("state/digests.json");
        let disk = directory.path().join("disk");
        let digest = || {
            let files = DiskFiles::beside(&directory.path().join("cluster.yaml"));
            files
                .keeping_digests_in(kept.clone())
                .digest(Path::new("disk"))
                .unwrap()
                .0
        };
        fs::write(&disk, "abc").unwrap();
        let first = digest();
        // Proof that the kept one is used: it is given back though it is wrong now.
        let text = fs::read_to_string(&kept).unwrap().replace(&first, "wrong");
        fs::write(&kept, text).unwrap();
        assert_eq!(digest(), "wrong");
        fs::write(&disk, "abcd").unwrap();
        assert_eq!(digest().len(), 64);
        fs::write(&kept, "not JSON").unwrap();
        assert_eq!(digest().len(), 64);
    }

    #[test]
    fn relative_paths_stay_in_their_root_whatever_links_say() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("commit");
        fs::create_dir_all(root.join("deep")).unwrap();
        fs::write(root.join("inside"), "in").unwrap();
        fs::write(directory.path().join("outside"), "out").unwrap();
        std::os::unix::fs::symlink("../inside", root.join("deep/link")).unwrap();
        std::os::unix::fs::symlink("../../outside", root.join("deep/leads-out")).unwrap();
        let files = DiskFiles::beside(&root.join("deep/cluster.yaml")).within(&root);
        for inside in ["../inside", "link"] {
            assert_eq!(files.read(Path::new(inside)).unwrap(), b"in");
        }
        for outside in ["../../outside", "leads-out", "../deep/../../outside"] {
            let error = files.read(Path::new(outside)).unwrap_err().to_string();
            assert!(error.contains("outside of the commit"), "{error}");
            assert!(files.digest(Path::new(outside)).is_err());
        }
        let whole = directory.path().join("outside");
        assert_eq!(files.read(&whole).unwrap(), b"out");
    }

    #[test]
    fn a_pattern_finds_files_and_goes_round_in_no_circle() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("commit");
        for name in [
            "a.yaml",
            "deep/b.yaml",
            "deep/er/c.yaml",
            ".hidden/d.yaml",
            "e.yml",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::create_dir(root.join("directory.yaml")).unwrap();
        for (to, link) in [
            (".", "deep/round"),
            ("..", "round"),
            ("a.yaml", "link.yaml"),
        ] {
            std::os::unix::fs::symlink(to, root.join(link)).unwrap();
        }
        let files = DiskFiles::beside(&root.join("cluster.yaml"));
        let find = |files: &DiskFiles, pattern: &str| {
            let found = files.find(&Pattern::new(pattern).unwrap()).unwrap();
            let mut names: Vec<_> = found.iter().map(|f| f.display().to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(find(&files, "*.yaml"), ["a.yaml", "link.yaml"]);
        let all = ["a.yaml", "deep/b.yaml", "deep/er/c.yaml", "link.yaml"];
        assert_eq!(find(&files, "**/*.yaml"), all);
        assert_eq!(find(&files, "deep/*/c.yaml"), ["deep/er/c.yaml"]);
        assert_eq!(find(&files, "none/*.yaml"), [""; 0]);
        // What is looked into is in the commit, whatever the links say.
        let outside = Pattern::new("round/*.yaml").unwrap();
        let error = files.within(&root).find(&outside).unwrap_err();
        assert!(
            error.to_string().contains("outside of the commit"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let files = DiskFiles::beside(&directory.path().join("cluster.yaml"));
        assert!(files.read(Path::new(".")).is_err());
        assert!(files.digest(Path::new("/dev/zero")).is_err());
        assert_eq!(
            files.read(Path::new("none")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
