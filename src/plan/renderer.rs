//! Rendering, remembered: a guest's files are rendered anew only when something that goes into them changed. Still a
//! pure function; the memory only spares work between rounds. One renderer belongs to one desired state.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::action::GuestConfig;
use crate::model::desired::Desired;
use crate::model::id::{HostId, InstanceId};
use crate::render::{self, GuestContext, RenderError, Upstream};

/// What a rendered configuration depends on, besides the desired state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    instance: InstanceId,
    host: HostId,
    address: Ipv4Addr,
    upstreams: Vec<Upstream>,
}

/// How many configurations are remembered before all are forgotten: a rolling change makes a few per guest.
const CAPACITY: usize = 400_000;

/// Renders and remembers.
#[derive(Debug, Default)]
pub struct Renderer {
    known: Mutex<HashMap<Key, Arc<GuestConfig>>>,
}

impl Renderer {
    /// The configuration of a guest.
    pub fn guest_config(
        &self,
        desired: &Desired,
        guest: &GuestContext<'_>,
        upstreams: &[Upstream],
    ) -> Result<Arc<GuestConfig>, RenderError> {
        let key = Key {
            instance: guest.instance.clone(),
            host: guest.host.clone(),
            address: guest.address,
            upstreams: upstreams.to_vec(),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = known.get(&key) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(render::guest_config(desired, guest, upstreams)?);
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(key, Arc::clone(&config));
        Ok(config)
    }
}
