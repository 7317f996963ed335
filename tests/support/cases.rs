//! Directories of `fixtures/`, each of which is a case, and what is written down in them. `BLESS=1` writes down what is
//! shown now; `CASE=name` walks only the cases with that in their names.

use std::fs;
use std::path::{Path, PathBuf};

/// The directory of the cases of this kind.
pub fn root(kind: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    fixtures.join(kind)
}

/// The cases of this kind, which are `least` at the least, by name.
pub fn cases(kind: &str, least: usize) -> Vec<PathBuf> {
    let entries = fs::read_dir(root(kind)).unwrap();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    assert!(found.len() >= least, "only {} cases", found.len());
    let only = std::env::var("CASE").unwrap_or_default();
    found.retain(|case| case.to_string_lossy().contains(&only));
    found.sort();
    found
}

/// Whether what is shown is what the file says.
pub fn is_written_down(file: &Path, shown: &str) -> bool {
    if std::env::var_os("BLESS").is_some() {
        fs::write(file, shown).unwrap();
    }
    fs::read_to_string(file).unwrap_or_default() == shown
}
