//! Operators' orders as a file in the state directory: `orders.json`, replaced as a whole under a lock of its own, so
//! that commands can change it while a controller runs. Its turns are lines of the history.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file_store::{FileStore, error, patiently, replace};
use crate::model::orders::Orders;
use crate::model::time::Timestamp;
use crate::ports::orders::{Change, OrdersDesk, OrdersView};
use crate::ports::store::StoreError;

/// The file's name in the state directory.
pub const ORDERS_FILE: &str = "orders.json";

/// A change takes milliseconds: whoever has the lock for so long hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// The orders in a state directory.
#[derive(Debug, Clone)]
pub struct FileOrders {
    store: FileStore,
    path: PathBuf,
    lock: PathBuf,
}

impl FileOrders {
    /// Those in `dir`.
    pub fn new(dir: &Path) -> Self {
        FileOrders {
            store: FileStore::new(dir),
            path: dir.join(ORDERS_FILE),
            lock: dir.join("orders.lock"),
        }
    }

    /// As long as the file lives, nobody else changes the orders.
    fn lock(&self) -> Result<File, StoreError> {
        self.store.make_dir()?;
        let failed = error("can't lock", &self.lock);
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let file = options.open(&self.lock).map_err(&failed)?;
        match patiently(&file, PATIENCE) {
            Ok(()) => Ok(file),
            Err(TryLockError::Error(other)) => Err(failed(other)),
            Err(TryLockError::WouldBlock) => Err(failed(io::Error::new(
                ErrorKind::WouldBlock,
                format!("another command has it for {} s", PATIENCE.as_secs()),
            ))),
        }
    }

    fn write(&self, orders: &Orders) -> io::Result<()> {
        replace(&self.path, &serde_json::to_vec_pretty(orders)?)
    }
}

impl OrdersView for FileOrders {
    fn read(&self) -> Result<Orders, StoreError> {
        let failed = error("can't read the orders in", &self.path);
        match fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|broken| failed(mend(&broken))),
            Err(absent) if absent.kind() == ErrorKind::NotFound => Ok(Orders::default()),
            Err(other) => Err(failed(other)),
        }
    }
}

/// Orders are not set aside as a broken memory is: nobody would notice that a pause is gone.
fn mend(broken: &serde_json::Error) -> io::Error {
    let text = format!(
        "{broken}\n  help: mend the file, or remove it: then nothing is ordered, and what is still wanted has to be \
         ordered again"
    );
    io::Error::new(ErrorKind::InvalidData, text)
}

impl OrdersDesk for FileOrders {
    fn change(&self, now: Timestamp, change: Change<'_>) -> Result<Orders, StoreError> {
        let _lock = self.lock()?;
        let before = self.read()?;
        let mut orders = before.clone().in_force(now);
        let turns = change(&mut orders);
        if orders != before {
            self.write(&orders)
                .map_err(error("can't write", &self.path))?;
        }
        for turn in &turns {
            self.store.append(turn)?;
        }
        Ok(orders)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::file_store::write_beside;
    use super::*;
    use crate::model::orders::{Order, OrderEntry, OrderKey, Turn};
    use crate::model::plan::Record;

    const NOW: Timestamp = Timestamp(1_000);

    fn order(until: Option<i64>) -> Order {
        Order {
            by: "anna@ops".into(),
            at: Timestamp(1),
            reason: None,
            until: until.map(Timestamp),
            to: None,
        }
    }

    fn drained(host: &str) -> OrderKey {
        OrderKey::Drained(host.parse().unwrap())
    }

    fn drain(desk: &FileOrders, host: &str, until: Option<i64>) {
        let mut give = |orders: &mut Orders| {
            orders.put(drained(host), order(until));
            vec![OrderEntry {
                at: NOW,
                by: "anna@ops".into(),
                key: drained(host),
                turn: Turn::Given,
                reason: None,
                until: None,
            }]
        };
        desk.change(NOW, &mut give).unwrap();
    }

    fn hosts(desk: &FileOrders) -> Vec<String> {
        let orders = desk.read().unwrap();
        orders.drained.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_ordered_is_read_and_in_the_history() {
        let dir = tempfile::tempdir().unwrap();
        let desk = FileOrders::new(&dir.path().join("deep/er"));
        assert_eq!(desk.read().unwrap(), Orders::default());
        drain(&desk, "a", None);
        assert_eq!(hosts(&desk), ["a"]);
        let records = desk.store.records().unwrap();
        assert!(matches!(&records[..], [Record::Order(entry)] if entry.key == drained("a")));
    }

    #[test]
    fn what_has_ended_is_dropped_at_the_next_change() {
        let dir = tempfile::tempdir().unwrap();
        let desk = FileOrders::new(dir.path());
        drain(&desk, "a", Some(NOW.0));
        assert_eq!(hosts(&desk), ["a"]);
        drain(&desk, "b", None);
        assert_eq!(hosts(&desk), ["b"]);
    }

    #[test]
    fn broken_orders_are_an_error_that_names_the_file_and_are_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let desk = FileOrders::new(dir.path());
        for broken in ["{\"drained\": {", "{\"unheard-of\": 1}", ""] {
            fs::write(&desk.path, broken).unwrap();
            let error = desk.read().unwrap_err();
            assert!(error.path.ends_with("orders.json"), "{error}");
            assert!(error.source.to_string().contains("help: mend the file"));
            desk.change(NOW, &mut |_| Vec::new()).unwrap_err();
            assert_eq!(fs::read_to_string(&desk.path).unwrap(), broken);
        }
    }

    #[test]
    fn commands_at_the_same_time_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let names: Vec<String> = (10..30).map(|n| format!("h{n}")).collect();
        std::thread::scope(|scope| {
            for name in &names {
                scope.spawn(|| drain(&FileOrders::new(dir.path()), name, None));
            }
        });
        let desk = FileOrders::new(dir.path());
        assert_eq!(hosts(&desk), names);
        assert_eq!(desk.store.records().unwrap().len(), names.len());
    }

    /// In a process of its own: it dies with the lock in its hands, and the new content written beside the old one.
    #[test]
    fn a_writer_that_is_killed_before_its_content_is_in_place_changes_nothing() {
        if let Some(dir) = std::env::var_os("RECONCILE_TEST_DIES_IN") {
            let desk = FileOrders::new(Path::new(&dir));
            let _lock = desk.lock().unwrap();
            write_beside(&desk.path, b"{\"drained\": {\"").unwrap();
            std::process::abort();
        }
        let dir = tempfile::tempdir().unwrap();
        let desk = FileOrders::new(dir.path());
        drain(&desk, "a", None);
        let killed = Command::new(std::env::current_exe().unwrap())
            .args(["a_writer_that_is_killed", "--test-threads=1"])
            .env("RECONCILE_TEST_DIES_IN", dir.path())
            .output()
            .unwrap();
        assert!(!killed.status.success());
        assert!(dir.path().join("orders.json.new").exists());
        assert_eq!(hosts(&desk), ["a"]);
        drain(&desk, "b", None);
        assert_eq!(hosts(&desk), ["a", "b"]);
    }
}
