//! Witnesses: each must be a machine of its own. One that is lost with a host, or that we make, shows nothing of our network.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::model::policy::Witness;
use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::Draft;
use crate::spec::source::At;

use super::addresses::{Reservation, Reserved};

pub fn check(cx: &Context<'_>, draft: &Draft, reserved: &BTreeMap<Ipv4Addr, Vec<Reserved>>) {
    for witness in &draft.safety.witnesses {
        if let Some(problem) = reserved_address(witness, reserved)
            .or_else(|| named_host(witness, draft))
            .or_else(|| of_guests(witness, draft))
        {
            cx.push(problem.help(
                "a witness shows that our network works while hosts are lost: name another machine, such as a router",
            ));
        }
    }
}

fn reserved_address(
    witness: &At<Witness>,
    reserved: &BTreeMap<Ipv4Addr, Vec<Reserved>>,
) -> Option<Problem> {
    let owners = reserved.get(&witness.value.ipv4()?)?;
    let owner = owners
        .iter()
        .find(|owner| owner.kind != Reservation::Gateway)?;
    let message = format!("the witness {} is {}", witness.value, owner.what);
    Some(Problem::new(witness.span, message).also(owner.span, "here"))
}

/// One that is named as a host is.
fn named_host(witness: &At<Witness>, draft: &Draft) -> Option<Problem> {
    let machine = witness.value.machine();
    let hosts = draft.hosts.iter();
    let mut hosts = hosts.filter_map(|host| Some((host, host.address.as_ref()?)));
    let (host, address) = hosts.find(|(_, address)| address.value == machine)?;
    let message = format!(
        "the witness {} is the host `{}`",
        witness.value, host.id.value
    );
    Some(Problem::new(witness.span, message).also(address.span, "its address"))
}

fn of_guests(witness: &At<Witness>, draft: &Draft) -> Option<Problem> {
    let address = witness.value.ipv4()?;
    let pools = draft.hosts.iter();
    let mut pools = pools.flat_map(|host| host.pool.iter().map(move |range| (host, range)));
    let (host, range) =
        pools.find(|(_, range)| range.value.0 <= address && address <= range.value.1)?;
    let message = format!(
        "the witness {} is in the pool of `{}`",
        witness.value, host.id.value
    );
    Some(Problem::new(witness.span, message).also(range.span, "the pool"))
}
