//! The file of a simulated cluster: the state of it that is in force, and the machines that it speaks of.

use std::sync::Arc;

use super::state::HostState;
use super::world::World;
use crate::model::desired::Desired;
use crate::model::facts::HostFile;
use crate::model::unit::Bytes;
use crate::plan::machine::{image_files, image_path};

impl World {
    /// Another desired state: hosts that are new to it get their machines, with the images that need no copying.
    pub fn follow(&mut self, desired: Arc<Desired>) {
        self.know_hosts(&desired);
        self.bad_states.follow(&desired.revision, self.now);
        self.desired = desired;
        self.vigil.renewed = self.now;
    }

    /// The machines of this state of the file are there, and at the addresses that it says, before it is in force, too.
    pub fn know_hosts(&mut self, desired: &Desired) {
        for (id, host) in &desired.hosts {
            let state = self.hosts.entry(id.clone()).or_insert_with(HostState::new);
            state.address.clone_from(&host.address);
            for image in desired.images.values() {
                let disk = image_path(host, &image.disk);
                self.provisions.insert(disk, image.provision);
                for file in image_files(image).filter(|f| f.source.is_none()) {
                    let (size, sha256) = (Bytes(64 << 20), None);
                    let there = HostFile { size, sha256 };
                    state.files.entry(image_path(host, file)).or_insert(there);
                }
            }
        }
    }
}
