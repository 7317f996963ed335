//! The name of the controller that keeps its memory in a state directory. It is made once: a controller that was killed
//! has its claims on hosts at once when it is started again.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file_store::{error, replace};
use crate::model::claim::ControllerId;
use crate::ports::store::StoreError;

const FILE: &str = "controller.json";

#[derive(Serialize, Deserialize)]
struct Kept {
    id: ControllerId,
    /// A state directory that was copied to another machine is that of another controller.
    machine: String,
}

/// The name that was made, if there is one for this machine.
pub fn known(state: &Path) -> Option<ControllerId> {
    let text = fs::read(state.join(FILE)).ok()?;
    let kept: Kept = serde_json::from_slice(&text).ok()?;
    (kept.machine == machine()).then_some(kept.id)
}

/// The name, made now where there is none. Only whoever has the lock of the state directory may ask.
pub fn ensure(state: &Path) -> Result<ControllerId, StoreError> {
    if let Some(id) = known(state) {
        return Ok(id);
    }
    let path = state.join(FILE);
    make(&path).map_err(error("can't write", &path))
}

fn make(path: &Path) -> io::Result<ControllerId> {
    let random = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    let id: ControllerId = random.trim().parse().map_err(io::Error::other)?;
    let kept = Kept {
        id: id.clone(),
        machine: machine(),
    };
    replace(path, &serde_json::to_vec(&kept)?)?;
    Ok(id)
}

/// What tells this machine from others; empty where nothing does.
fn machine() -> String {
    let named = ["/etc/machine-id", "/proc/sys/kernel/hostname"];
    let mut texts = named
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok());
    let text = texts.find(|text| !text.trim().is_empty());
    text.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_keeps_its_name_and_another_one_has_another() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(known(one.path()), None);
        let id = ensure(one.path()).unwrap();
        assert_eq!(ensure(one.path()).unwrap(), id);
        assert_eq!(known(one.path()), Some(id.clone()));
        assert_ne!(ensure(other.path()).unwrap(), id);
    }

    #[test]
    fn a_state_that_was_copied_to_another_machine_is_another_controller() {
        let state = tempfile::tempdir().unwrap();
        let text = r#"{"id":"0f3a","machine":"of another one"}"#;
        fs::write(state.path().join(FILE), text).unwrap();
        assert_eq!(known(state.path()), None);
        assert_ne!(ensure(state.path()).unwrap().to_string(), "0f3a");
    }

    #[test]
    fn a_name_that_makes_no_sense_is_made_anew() {
        let state = tempfile::tempdir().unwrap();
        for text in ["", "{", r#"{"id":"../x","machine":""}"#] {
            fs::write(state.path().join(FILE), text).unwrap();
            assert!(ensure(state.path()).is_ok(), "{text}");
        }
    }
}
