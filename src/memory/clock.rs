//! A memory from before the clock was set back: what it dates later than now happened by now. Else nothing would be patient
//! enough before that moment comes. Pure.

use crate::model::memory::{GuestMemory, HostMemory, Memory};
use crate::model::time::Timestamp;

/// No moment in memory is later than `now`.
pub(super) fn not_after(memory: &mut Memory, now: Timestamp) {
    let hosts = memory.hosts.values_mut().flat_map(of_host);
    let guests = memory.guests.values_mut().flat_map(of_guest);
    let holders = memory.holders.values_mut();
    let holders = holders.chain(memory.former_holders.values_mut());
    let inherited = memory.inherited.values_mut().flat_map(|inherited| {
        let fenced = inherited.fenced.iter_mut().map(|evidence| &mut evidence.at);
        fenced.chain([&mut inherited.since])
    });
    let pending = memory.pending.iter_mut().map(|pending| &mut pending.since);
    let brake = memory.brake.iter_mut().map(|brake| &mut brake.since);
    let others = [
        &mut memory.uneven_since,
        &mut memory.evened_out,
        &mut memory.in_minority,
        &mut memory.minority_since,
        &mut memory.took_over,
    ];
    hosts
        .chain(guests)
        .chain(holders.map(|holder| &mut holder.since))
        .chain(memory.foreign.values_mut().map(|foreign| &mut foreign.seen))
        .chain(memory.busy.values_mut().map(|busy| &mut busy.since))
        .chain(inherited)
        .chain(pending)
        .chain(brake)
        .chain(others.into_iter().flatten())
        .for_each(|at| *at = now.min(*at));
}

// Both name every field: whoever adds a moment is told of this place.

fn of_host(host: &mut HostMemory) -> Vec<&mut Timestamp> {
    let HostMemory {
        seen,
        since,
        alive,
        guests: _,
        disks,
        definition: _,
        fenced,
        armed: _,
        doubted: _,
        guard_knows: _,
        alone_since,
        fence_failures: _,
        fence_failed,
        switching_off: _,
        back,
        missed: _,
        returns: _,
    } = host;
    let moments = [seen, alive, alone_since, fence_failed, back];
    let evidence = fenced.iter_mut().map(|evidence| &mut evidence.at);
    let moments = moments.into_iter().flatten().chain(evidence);
    moments.chain(disks.values_mut()).chain([since]).collect()
}

fn of_guest(guest: &mut GuestMemory) -> Vec<&mut Timestamp> {
    let GuestMemory {
        run: _,
        since,
        healthy_since,
        worked_on,
        answered: _,
        failing_since,
        trials: _,
        crashes: _,
        last_attempt,
        failed,
        started,
        not_built: _,
        revision: _,
        built: _,
        adopted: _,
        ended: _,
        tried: _,
        failed_with: _,
        mended,
    } = guest;
    let moments = [
        healthy_since,
        worked_on,
        failing_since,
        last_attempt,
        failed,
        started,
    ];
    let mended = mended.iter_mut();
    let mended = mended.flat_map(|mended| [&mut mended.since, &mut mended.last]);
    let moments = moments.into_iter().flatten().chain(mended);
    moments.chain([since]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_later_than_now_is_now_and_what_was_before_stays() {
        let mut memory = Memory::default();
        let host = memory.hosts.entry("a".parse().unwrap()).or_default();
        (host.seen, host.since) = (Some(Timestamp(90)), Timestamp(20));
        let guest = memory.guests.entry("one-1".parse().unwrap()).or_default();
        (guest.since, guest.failed) = (Timestamp(51), Some(Timestamp(50)));
        memory.in_minority = Some(Timestamp(3_600_000));
        not_after(&mut memory, Timestamp(50));
        let (host, guest) = (
            memory.hosts.values().next().unwrap(),
            memory.guests.values().next().unwrap(),
        );
        assert_eq!(
            (host.seen, host.since),
            (Some(Timestamp(50)), Timestamp(20))
        );
        assert_eq!(
            (guest.since, guest.failed),
            (Timestamp(50), Some(Timestamp(50)))
        );
        assert_eq!(memory.in_minority, Some(Timestamp(50)));
    }
}
