//! `reconcile fence test`: asks each fencing device of a host whether it works. Switches nothing.

use std::time::{Duration, Instant};

use super::desk::unknown_host;
use super::{Failure, load, print};
use crate::adapters::fence_agent::FenceAgents;
use crate::adapters::ssh_reader::SshReader;
use crate::cli::args::{Args, Output};
use crate::cli::exit::Exit;
use crate::cli::fence_view::{Answer, Asked, exit_of, fence_json, fence_text};
use crate::cli::style::Style;
use crate::model::desired::{Desired, Host};
use crate::model::facts::{HostFacts, Seen};
use crate::model::id::HostId;
use crate::model::policy::{FenceAgent, Fencing};
use crate::model::unit::span;
use crate::plan::fencing::what_to_install;
use crate::plan::queries::host_query;
use crate::ports::fencer::{FencerView as _, Power};
use crate::ports::guard::{GuardSeen, GuardView as _};
use crate::ports::hypervisor::Hypervisor as _;

pub(super) async fn run(
    args: &Args,
    id: &HostId,
    device: Option<&str>,
    style: &Style,
) -> Result<Exit, Failure> {
    let desired = load::desired(args)?;
    let host = desired.hosts.get(id);
    let host = host.ok_or_else(|| unknown_host(&desired, id))?;
    let devices = chosen(host, device)?;
    let reader = load::reader(&desired, &load::state(args, &desired.cluster)?)?;
    let begin = Instant::now();
    let seen = reader.observe(host, &host_query(&desired, host)).await;
    let look = (seen, begin.elapsed());
    let mut asked = Vec::new();
    for device in devices {
        asked.push(ask(device, &desired, host, &reader, &look).await);
    }
    print(&match args.global.output {
        Output::Text | Output::Markdown => fence_text(id, &asked, style),
        Output::Json => fence_json(id, &asked),
    })?;
    Ok(exit_of(&asked))
}

/// The devices that are asked: all, or those of one name.
fn chosen<'h>(host: &'h Host, name: Option<&str>) -> Result<Vec<&'h Fencing>, Failure> {
    let is = |device: &Fencing, name| name == name_of(device) || name == file_name_of(device);
    let of_name = |device: &&Fencing| name.is_none_or(|name| is(device, name));
    let chosen: Vec<&Fencing> = host.fencing.iter().filter(of_name).collect();
    match (chosen.is_empty(), name) {
        (true, Some(name)) => {
            let known: Vec<&str> = host.fencing.iter().map(name_of).collect();
            Err(Failure::Other(format!(
                "host {} has no fencing device {name}\n  help: it has {}",
                host.id,
                known.join(", ")
            )))
        }
        (_, Some(_) | None) => Ok(chosen),
    }
}

fn name_of(device: &Fencing) -> &str {
    match device {
        Fencing::Agent(agent) => &agent.program,
        Fencing::Libvirt => "libvirt",
        Fencing::Lease => "lease",
        Fencing::Manual => "manual",
    }
}

/// An agent that is given by its path may be called by the last part of that.
fn file_name_of(device: &Fencing) -> &str {
    let name = name_of(device);
    name.rsplit_once('/').map_or(name, |(_, file)| file)
}

type Look = (Seen<HostFacts>, Duration);

async fn ask(
    device: &Fencing,
    desired: &Desired,
    host: &Host,
    reader: &SshReader,
    look: &Look,
) -> Asked {
    let begin = Instant::now();
    let answer = match device {
        Fencing::Agent(agent) => of_agent(agent, host, &look.0).await,
        Fencing::Libvirt => of_libvirt(&look.0),
        Fencing::Lease => of_guard(reader.look(host, &desired.cluster).await),
        Fencing::Manual => Answer::Nobody(format!(
            "a person who looked says it: reconcile fence confirm {}",
            host.id
        )),
    };
    let took = match device {
        Fencing::Libvirt => look.1,
        Fencing::Agent(_) | Fencing::Lease | Fencing::Manual => begin.elapsed(),
    };
    let device = name_of(device).to_owned();
    Asked {
        device,
        answer,
        took,
    }
}

/// A device that calls a host off that answers us belongs to another machine.
async fn of_agent(agent: &FenceAgent, host: &Host, seen: &Seen<HostFacts>) -> Answer {
    if !FenceAgents.is_installed(agent) {
        let help = what_to_install(&agent.program);
        return Answer::Fails(format!("it is not installed on this machine: {help}"));
    }
    match (FenceAgents.power(agent).await, seen.facts()) {
        (Ok(Power::On), _) => Answer::Works(format!("host {} is on", host.id)),
        (Ok(Power::Off), None) => Answer::Works(format!("host {} is off", host.id)),
        (Ok(Power::Off), Some(_)) => Answer::Fails(format!(
            "it says that host {0} is off, and host {0} answers: is it the device of another machine?",
            host.id
        )),
        (Err(error), _) => Answer::Fails(error.to_string()),
    }
}

fn of_libvirt(seen: &Seen<HostFacts>) -> Answer {
    match seen {
        Seen::Yes(facts) => {
            let domains = facts.domains.len();
            let plural = if domains == 1 { "" } else { "s" };
            Answer::Works(format!("it answers, and knows {domains} domain{plural}"))
        }
        Seen::No(unseen) => Answer::Fails(unseen.message.clone()),
    }
}

fn of_guard(seen: Seen<GuardSeen>) -> Answer {
    match seen {
        Seen::Yes(GuardSeen::None) => {
            Answer::Fails("no guard runs there: `reconcile watch` starts it".to_owned())
        }
        Seen::Yes(GuardSeen::Runs(Duration::ZERO)) => Answer::Fails(
            "its guard runs, and its lease is over: `reconcile watch` renews it".to_owned(),
        ),
        Seen::Yes(GuardSeen::Runs(left)) => {
            Answer::Works(format!("its guard runs, with a lease for {}", span(left)))
        }
        Seen::No(unseen) => Answer::Fails(unseen.message),
    }
}
