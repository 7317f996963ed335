//! Traces: everything that a run could have written, on hosts and in guests, to be compared with what it was before.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::lab::{Domain, HOSTS, Lab};

/// What was there at one moment: file by file, domain by domain, process by process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace(BTreeMap<String, String>);

impl Trace {
    /// Hosts only: their domains with number and mark, and the files of libvirt.
    #[track_caller]
    pub fn of_hosts(lab: &Lab) -> Trace {
        let mut trace = Trace::default();
        for domain in lab.domains() {
            trace.0.insert(
                format!("domain {}:{}", domain.host, domain.name),
                format!("{domain:?}"),
            );
        }
        for host in HOSTS {
            // What runs changes the disk that it runs on, so of that only the existence counts.
            trace.files(host, &lab.host_files(host).join("var/lib/libvirt/images"));
            trace.files(host, &lab.host_files(host).join("etc/libvirt/qemu"));
            trace.files(host, &lab.host_files(host).join("root"));
        }
        trace
    }

    /// Hosts, and the inside of these guests: files with their inode and time, and nginx's processes.
    #[track_caller]
    pub fn of_all(lab: &Lab, guests: &[Domain]) -> Trace {
        let mut trace = Trace::of_hosts(lab);
        for guest in guests {
            let script = "find /etc /run/reconcile /root /var/lib ! -type d -exec stat -c '%n=%i %Y %s' {} + 2>/dev/null; \
                          for p in $(pidof nginx stateless); do echo \"process $p=$(cat /proc/$p/comm)\"; done";
            for line in lab.in_guest(&guest.address, script).lines() {
                let (what, how) = line.split_once('=').unwrap_or((line, ""));
                trace
                    .0
                    .insert(format!("guest {}:{what}", guest.instance), how.to_owned());
            }
        }
        trace
    }

    fn files(&mut self, host: &str, below: &Path) {
        for entry in std::fs::read_dir(below).into_iter().flatten().flatten() {
            let (path, Ok(meta)) = (entry.path(), entry.metadata()) else {
                continue;
            };
            if meta.is_dir() {
                self.files(host, &path);
                continue;
            }
            let grows = path.extension().is_some_and(|e| e == "qcow2");
            let how = match grows {
                true => format!("{}", meta.ino()),
                false => format!(
                    "{} {}.{} {}",
                    meta.ino(),
                    meta.mtime(),
                    meta.mtime_nsec(),
                    meta.size()
                ),
            };
            self.0
                .insert(format!("file {host}:{}", path.display()), how);
        }
    }

    /// How many things there are: a trace of nothing shows nothing.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Nothing was written, started or removed since `before`.
    #[track_caller]
    pub fn assert_same_as(&self, before: &Trace) {
        let keys: std::collections::BTreeSet<&String> =
            self.0.keys().chain(before.0.keys()).collect();
        let changed: Vec<String> = keys
            .into_iter()
            .filter(|key| self.0.get(*key) != before.0.get(*key))
            .map(|key| format!("{key}: {:?} → {:?}", before.0.get(key), self.0.get(key)))
            .collect();
        assert!(changed.is_empty(), "left traces:\n{}", changed.join("\n"));
    }
}
