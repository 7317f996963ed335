//! What a build does to the disks of a simulated host.

use super::cluster::host_answers;
use super::world::{OVERLAY, World};
use crate::model::action::{Build, FormerDisk};
use crate::model::id::HostId;
use crate::ports::ActError;

/// Makes the disk and the seed of a guest, or takes the disk of an earlier life.
pub(super) fn make_disks(world: &mut World, host: &HostId, build: &Build) -> Result<(), ActError> {
    host_answers(world, host)?;
    let state = world.host_mut(host)?;
    if !state.files.contains_key(&build.machine.base) {
        return Err(ActError::Failed(format!(
            "the base image {} is not on this host",
            build.machine.base
        )));
    }
    if state.free().is_some_and(|free| free < OVERLAY) {
        let text = format!("{}: no space left on device", build.machine.disk);
        return Err(ActError::Failed(text));
    }
    if build.machine.former_disk == FormerDisk::Used {
        state.take_back(&build.machine.disk);
    }
    let disks = [Some(build.machine.disk.clone()), build.machine.seed.clone()];
    state.volumes.extend(disks.into_iter().flatten());
    Ok(())
}
