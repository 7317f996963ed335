//! Reading the cluster.yaml of a case: through the real parser, with files that only the test has.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reconcile::model::desired::Desired;
use reconcile::sim::vm::sha256;
use reconcile::spec::{SpecFiles, parse};

/// The files beside a case's cluster.yaml. Images need not exist: their digest is that of their name.
struct CaseFiles(PathBuf);

impl SpecFiles for CaseFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(self.0.join(path))
    }

    fn digest(&self, path: &Path) -> io::Result<(String, u64)> {
        Ok((sha256(&path.to_string_lossy()), 64 << 20))
    }

    fn env(&self, _: &str) -> Option<String> {
        Some("from-the-environment".to_owned())
    }
}

/// The desired state that `text` describes.
pub fn read(text: &str, directory: &Path) -> Arc<Desired> {
    let files = CaseFiles(directory.to_owned());
    let desired = parse("cluster.yaml", text.as_bytes(), &files);
    Arc::new(desired.unwrap_or_else(|errors| panic!("{}: {errors}", directory.display())))
}
