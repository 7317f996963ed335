//! What was told, and what is not delivered yet, as a file in the state directory: `notify.json`, replaced as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::file_store::{FileStore, error, replace};
use crate::model::event::Undelivered;
use crate::model::id::ReceiverName;
use crate::model::receiver::Queue;
use crate::ports::notifier::Spool;
use crate::ports::store::StoreError;

/// A file in the state directory of a cluster.
#[derive(Debug, Clone)]
pub struct FileSpool {
    store: FileStore,
    file: PathBuf,
}

/// What of the file is for others.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Kept {
    receivers: BTreeMap<ReceiverName, Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    queue: Queue,
}

impl FileSpool {
    /// The one in the state directory of a cluster.
    pub fn new(state: &Path) -> Self {
        FileSpool {
            store: FileStore::new(state),
            file: state.join("notify.json"),
        }
    }

    /// What waits for each receiver. What can't be read is nothing to anybody but the controller.
    pub fn queues(&self) -> BTreeMap<ReceiverName, Queue> {
        let text = self.load().ok().flatten().unwrap_or_default();
        let kept: Kept = serde_json::from_str(&text).unwrap_or_default();
        let queues = kept.receivers.into_iter();
        queues.map(|(name, told)| (name, told.queue)).collect()
    }
}

impl Spool for FileSpool {
    fn load(&self) -> Result<Option<String>, StoreError> {
        match fs::read_to_string(&self.file) {
            Ok(text) => Ok(Some(text)),
            Err(absent) if absent.kind() == ErrorKind::NotFound => Ok(None),
            Err(failed) => Err(error("can't read", &self.file)(failed)),
        }
    }

    fn save(&self, text: &str) -> Result<(), StoreError> {
        self.store.make_dir()?;
        replace(&self.file, text.as_bytes()).map_err(error("can't write", &self.file))
    }

    fn record(&self, entry: &Undelivered) -> Result<(), StoreError> {
        self.store.append(entry)
    }
}
