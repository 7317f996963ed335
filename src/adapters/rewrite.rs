//! Replaces a file of the user by another text: all or nothing, with its mode and owner, and only while it is what was read.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

/// Replaces what `path` leads to. A link stays one: the file behind it is replaced.
///
/// # Errors
/// It is not `old` any more, or can't be written with the same mode and owner. Then it is as it was.
pub fn rewrite(path: &Path, old: &[u8], new: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut fresh = tempfile::NamedTempFile::new_in(directory)?;
    fresh.write_all(new)?;
    let about = fs::metadata(&path)?;
    let made = fresh.as_file().metadata()?;
    if (made.uid(), made.gid()) != (about.uid(), about.gid()) {
        fchown(fresh.as_file(), Some(about.uid()), Some(about.gid()))?;
    }
    // After the owner: a change of that takes some bits away.
    fresh.as_file().set_permissions(about.permissions())?;
    fresh.as_file().sync_all()?;
    if fs::read(&path)? != old {
        return Err(io::Error::other("somebody changed it meanwhile"));
    }
    fresh.persist(&path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_mode_the_owner_and_a_link_stay() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        let before = fs::metadata(&file).unwrap();
        rewrite(&link, b"old", b"new").unwrap();
        let after = fs::metadata(&file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(after.permissions().mode(), before.permissions().mode());
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "theirs").unwrap();
        let error = rewrite(&file, b"old", b"new").unwrap_err();
        assert!(error.to_string().contains("somebody changed it"));
        assert_eq!(fs::read(&file).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
