//! `reconcile why INSTANCE [HOST]`: why an instance is where it is, or goes where it goes, and why not elsewhere.

use super::{Failure, load, print};
use crate::cli::args::{Args, Output, WhyArgs};
use crate::cli::exit::Exit;
use crate::cli::style::Style;
use crate::cli::why_view::{WhyReport, why_text};
use crate::controller::look::Beats;
use crate::model::desired::Desired;
use crate::model::id::{HostId, InstanceId};
use crate::plan::why;
use crate::spec::did_you_mean;

pub(super) async fn run(args: &Args, asked: &WhyArgs, style: &Style) -> Result<Exit, Failure> {
    let mut reading = load::reading(args)?;
    known(&reading.watcher.desired, asked)?;
    let round = reading.watcher.round(&Beats::Ask).await;
    let desired = std::sync::Arc::clone(&reading.watcher.desired);
    let memory = &reading.watcher.memory;
    let why = why(&desired, &round.observed, memory, &asked.instance);
    let why = why.ok_or_else(|| no_instance(&desired, &asked.instance))?;
    let report = WhyReport::of(&desired, &round.observed, &why, asked.host.as_ref());
    print(&match args.global.output {
        Output::Text | Output::Markdown => why_text(&report, style),
        Output::Json => report.json(),
    })?;
    Ok(Exit::of_notices(&round.plan))
}

/// Names are checked before anybody is asked.
fn known(desired: &Desired, asked: &WhyArgs) -> Result<(), Failure> {
    let group = desired.group_of(&asked.instance);
    if !group.is_some_and(|g| (1..=g.replicas).contains(&asked.instance.index)) {
        return Err(no_instance(desired, &asked.instance));
    }
    match &asked.host {
        Some(host) if !desired.hosts.contains_key(host) => Err(no_host(desired, host)),
        Some(_) | None => Ok(()),
    }
}

fn no_instance(desired: &Desired, instance: &InstanceId) -> Failure {
    let help = match desired.group_of(instance).map(|group| group.replicas) {
        Some(0) => Some(format!("{} has `replicas: 0`", instance.group)),
        Some(replicas) => Some(format!(
            "{0} has {replicas}, from {0}-1 to {0}-{replicas}",
            instance.group
        )),
        None => {
            let groups = desired.groups.keys().map(|group| group.as_str());
            did_you_mean(instance.group.as_str(), groups)
        }
    };
    no_such("instance", instance, help)
}

fn no_host(desired: &Desired, host: &HostId) -> Failure {
    let hosts = desired.hosts.keys().map(|host| host.as_str());
    no_such("host", host, did_you_mean(host.as_str(), hosts))
}

fn no_such(kind: &str, name: &dyn std::fmt::Display, help: Option<String>) -> Failure {
    let help = help.map_or_else(String::new, |help| format!("\n  help: {help}"));
    Failure::Other(format!("there is no {kind} {name}{help}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::healthy_world;

    fn refused(instance: &str, host: Option<&str>) -> String {
        let asked = WhyArgs {
            instance: instance.parse().unwrap(),
            host: host.map(|host| host.parse().unwrap()),
        };
        let result = known(&healthy_world().desired, &asked);
        result.map_or_else(|failure| failure.to_string(), |()| String::new())
    }

    #[test]
    fn a_slip_in_a_name_is_met_with_the_name() {
        assert_eq!(refused("random-1", Some("a")), "");
        let said = "there is no instance randm-1\n  help: did you mean `random`?";
        assert_eq!(refused("randm-1", None), said);
        let said = "there is no instance random-9\n  help: random has 3, from random-1 to random-3";
        assert_eq!(refused("random-9", None), said);
        let said = "there is no host z\n  help: known here: a, b, c";
        assert_eq!(refused("random-1", Some("z")), said);
    }
}
