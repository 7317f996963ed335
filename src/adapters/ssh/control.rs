//! The directory of the control sockets: short, for a socket's path has at most 107 bytes and ssh itself adds 17 to
//! it for a moment; and private, for whoever can open a socket can use the connection.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use openssh::Session;
use tempfile::TempDir;

const PREFIX: &str = "reconcile-ssh-";
/// `/reconcile-ssh-XXXXXX/c-XXXXXX/master` and ssh's 17 bytes after this base: some 60.
const LONGEST_BASE: usize = 45;

/// A directory that is there as long as this process.
pub(super) struct ControlDir {
    dir: TempDir,
    // Held for as long as the process lives: whoever finds it free finds the leftovers of a dead one.
    _lock: File,
}

impl ControlDir {
    pub(super) fn new() -> io::Result<Self> {
        Self::below(&base())
    }

    fn below(base: &Path) -> io::Result<Self> {
        clear_leftovers(base);
        let mut private = tempfile::Builder::new();
        private.permissions(Permissions::from_mode(0o700));
        let dir = private.prefix(PREFIX).tempdir_in(base)?;
        // Visible only when it is held: nobody may take a process that is just starting for a dead one.
        let lock = File::create(dir.path().join("lock.new"))?;
        lock.lock()?;
        fs::rename(dir.path().join("lock.new"), dir.path().join("lock"))?;
        Ok(Self { dir, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }
}

fn base() -> PathBuf {
    // ssh replaces what follows a percent sign in the path of a socket.
    let plain = |dir: &PathBuf| !dir.as_os_str().as_encoded_bytes().contains(&b'%');
    let short = |dir: &PathBuf| dir.as_os_str().len() <= LONGEST_BASE;
    let fits = |dir: &PathBuf| dir.is_absolute() && dir.is_dir() && short(dir) && plain(dir);
    let candidates = [
        std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
        Some(std::env::temp_dir()),
    ];
    let found = candidates.into_iter().flatten().find(fits);
    found.unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Ends the connections of processes that were killed, and removes their directories. What can't be removed (somebody
/// else's) stays.
fn clear_leftovers(base: &Path) {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let ours = entries.filter(|e| e.file_name().to_string_lossy().starts_with(PREFIX));
    for dir in ours.map(|entry| entry.path()) {
        let Ok(lock) = File::open(dir.join("lock")) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            end_connections(&dir);
            let _ = fs::remove_dir_all(&dir);
        }
    }
}

fn end_connections(dir: &Path) {
    let links = fs::read_dir(dir).into_iter().flatten().flatten();
    for link in links.filter(|link| link.path().join("master").exists()) {
        // Adopting the directory is enough: a session that is dropped ends its connection.
        if let Ok(adopted) = adopt(link.path()) {
            drop(Session::new_native_mux(adopted));
        }
    }
}

/// `TempDir` can't take over a directory that is there: what is in it moves into a new one beside it.
fn adopt(old: PathBuf) -> io::Result<TempDir> {
    let parent = old.parent().unwrap_or(Path::new("/"));
    let new = tempfile::Builder::new().prefix("c-").tempdir_in(parent)?;
    fs::rename(old.join("master"), new.path().join("master"))?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_private_and_goes_with_its_owner() {
        let base = tempfile::tempdir().unwrap();
        let control = ControlDir::below(base.path()).unwrap();
        let mode = fs::metadata(control.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(control);
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_has_stays() {
        let base = tempfile::tempdir().unwrap();
        let living = ControlDir::below(base.path()).unwrap();
        let dead = base.path().join(format!("{PREFIX}dead"));
        fs::create_dir_all(dead.join("c-1")).unwrap();
        fs::write(dead.join("lock"), "").unwrap();
        fs::write(dead.join("c-1/master"), "").unwrap();
        let other = ControlDir::below(base.path()).unwrap();
        assert!(!dead.exists());
        assert!(living.path().exists() && other.path().exists());
    }
}
