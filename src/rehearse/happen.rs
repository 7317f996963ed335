//! What a scenario does to the world.

use std::net::Ipv4Addr;

use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::scenario::{AddressEvent, HostEvent, InstanceEvent, Libvirt, ServiceEvent};
use crate::sim::world::{Fault, Link, Stranger, World};

/// Whether there was something that it could happen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It happened.
    Yes,
    /// There is no such thing now.
    No,
}

/// Something happens to a host.
pub fn to_host(world: &mut World, id: &HostId, event: HostEvent) -> Found {
    let boot = world.hosts.get(id).and_then(|h| h.machine.clone());
    let boot = boot.unwrap_or_default().boot;
    let boot = world.takes(&format!("host {id} boots"), boot);
    let (now, up_at) = (world.now, world.now.plus(boot));
    device(world, id, event);
    let wire = &mut world.wire;
    let Some(host) = world.hosts.get_mut(id) else {
        return Found::No;
    };
    match event {
        HostEvent::PowerOff | HostEvent::Reboot => {
            host.power = event == HostEvent::Reboot;
            host.up_at = up_at;
            host.libvirt = Libvirt::Works;
            host.lose_power(now);
        }
        HostEvent::PowerOn if host.power => return Found::No,
        HostEvent::PowerOn => (host.power, host.up_at) = (true, up_at),
        HostEvent::Cut => wire.cut(id),
        HostEvent::Heal => wire.heal(id),
        HostEvent::Libvirt(libvirt) => host.libvirt = libvirt,
        HostEvent::DiskFull => host.disk_full = true,
        HostEvent::DiskFree => host.disk_full = false,
        HostEvent::KeyChanged => host.link = Link::KeyChanged,
        HostEvent::KeyRestored => host.link = Link::Up,
        HostEvent::SshDrops(times) => host.drops = times,
        HostEvent::DeviceLies | HostEvent::DeviceWorks | HostEvent::DeviceFails(_) => {}
    }
    Found::Yes
}

/// Something happens to the fencing device of a host.
fn device(world: &mut World, id: &HostId, event: HostEvent) {
    match event {
        HostEvent::DeviceLies => drop(world.lying_devices.insert(id.clone())),
        HostEvent::DeviceWorks => drop(world.lying_devices.remove(id)),
        HostEvent::DeviceFails(times) => world.faults.push(Fault {
            step: "fence-host".to_owned(),
            subject: id.to_string(),
            times: times as usize,
        }),
        HostEvent::PowerOff
        | HostEvent::PowerOn
        | HostEvent::Reboot
        | HostEvent::Cut
        | HostEvent::Heal
        | HostEvent::Libvirt(_)
        | HostEvent::DiskFull
        | HostEvent::DiskFree
        | HostEvent::KeyChanged
        | HostEvent::KeyRestored
        | HostEvent::SshDrops(_) => {}
    }
}

/// Something happens to a service or load balancer.
pub fn to_service(world: &mut World, group: &GroupId, event: ServiceEvent) -> Found {
    let (state, now) = (&world.desired.revision, world.now);
    match event {
        ServiceEvent::NewStateFails => world.bad_states.fails(group, state, now),
    }
    Found::Yes
}

/// Something happens to an address. A machine that comes to one of ours is not what is rehearsed: nobody would notice.
pub fn to_address(world: &mut World, address: Ipv4Addr, event: AddressEvent) -> Found {
    let [a, b, c, d] = address.octets();
    let stranger = Stranger {
        mac: format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}"),
        since: world.now,
    };
    let ours = world.domains().any(|(.., d)| d.guest.holds(address));
    let before = match event {
        AddressEvent::Foreign if ours => return Found::No,
        AddressEvent::Foreign => world.foreign.insert(address, stranger).is_none(),
        AddressEvent::Free => world.foreign.remove(&address).is_some(),
    };
    if before { Found::Yes } else { Found::No }
}

/// Something happens to an instance, wherever it runs.
pub fn to_instance(world: &mut World, instance: &InstanceId, event: InstanceEvent) -> Found {
    let name = format!("{}-{instance}", world.desired.cluster);
    let mut running = world
        .domains_of(instance)
        .filter(|(_, _, d)| d.run.is_some());
    let Some(host) = running.next().map(|(id, ..)| id.clone()) else {
        return Found::No;
    };
    drop(running);
    match event {
        InstanceEvent::Crash => world.end(&host, &name),
        InstanceEvent::Reboot => world.boot(&host, &name),
        InstanceEvent::Freeze | InstanceEvent::Thaw => {
            if let Some(domain) = world.domain_mut(&instance.to_string()) {
                domain.guest.frozen = event == InstanceEvent::Freeze;
            }
        }
        InstanceEvent::ServiceFails(times) => {
            world.bad_starts.insert(instance.to_string(), times);
            let domain = world.domain_mut(&instance.to_string());
            if let Some(process) = domain.and_then(|d| d.guest.process.as_mut()) {
                process.dead = true;
            }
        }
        InstanceEvent::BootFails(times) => {
            world.bad_disks.insert(instance.to_string(), times as usize);
            world.end(&host, &name);
        }
    }
    Found::Yes
}
