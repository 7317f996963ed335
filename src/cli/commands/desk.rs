//! What the commands that give orders have in common: who gives them, which names exist, how the orders are changed,
//! and what is told of it.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::{Failure, load, print};
use crate::adapters::file_orders::FileOrders;
use crate::adapters::file_store::FileStore;
use crate::adapters::system_clock::SystemClock;
use crate::cli::answer::{Answer, Told, answer_json, answer_text};
use crate::cli::args::orders::When;
use crate::cli::args::{Args, Output};
use crate::cli::exit::Exit;
use crate::cli::moment::Zone;
use crate::cli::style::Style;
use crate::model::desired::Desired;
use crate::model::id::{ClusterName, GroupId, HostId, InstanceId};
use crate::model::memory::Memory;
use crate::model::orders::{Order, OrderKey, Orders, Scope};
use crate::model::targets::{Subject, Targets};
use crate::model::time::Timestamp;
use crate::ports::clock::Clock;
use crate::ports::orders::{OrdersDesk, OrdersView};
use crate::spec::did_you_mean;

/// Where orders are given.
pub(super) struct Desk<'a> {
    args: &'a Args,
    /// The state directory.
    pub state: PathBuf,
    /// Memory and history.
    pub store: FileStore,
    orders: FileOrders,
    /// What speaks against what is ordered here.
    pub warnings: Vec<String>,
    /// The present moment.
    pub now: Timestamp,
}

impl<'a> Desk<'a> {
    /// That of the cluster of the user's file. Nothing else of the file need be right: what was ordered can be taken
    /// back most of all when something is wrong.
    pub fn open(args: &'a Args) -> Result<Self, Failure> {
        Self::of(args, &load::cluster_name(args)?)
    }

    fn of(args: &'a Args, cluster: &ClusterName) -> Result<Self, Failure> {
        let state = load::state(args, cluster)?;
        Ok(Desk {
            args,
            store: FileStore::new(&state),
            orders: FileOrders::new(&state),
            state,
            warnings: Vec::new(),
            now: SystemClock.now(),
        })
    }

    /// What is in force.
    pub fn in_force(&self) -> Result<Orders, Failure> {
        Ok(self.orders.read()?.in_force(self.now))
    }

    /// An order of the caller, with what `when` says of it.
    pub fn order(&self, when: &When) -> Result<Order, Failure> {
        let until = match (when.until, when.span) {
            (Some(until), _) => {
                let until = until.resolve(self.now, &Zone::Local.zone());
                Some(until.map_err(|why| Failure::Other(format!("--until: {why}")))?)
            }
            (None, Some(span)) if span.is_zero() => {
                return Err(Failure::Other("--for: it would end at once".to_owned()));
            }
            (None, span) => span.map(|span| self.now.plus(span)),
        };
        Ok(Order {
            by: caller(),
            at: self.now,
            reason: when.reason.clone(),
            until,
            to: None,
        })
    }

    /// Gives an order, and says so.
    pub fn give(&self, key: OrderKey, when: &When) -> Result<Exit, Failure> {
        self.put(key, &self.order(when)?)
    }

    /// Gives this order, and says so.
    pub fn put(&self, key: OrderKey, order: &Order) -> Result<Exit, Failure> {
        self.turn(|orders| vec![Told::give(orders, key.clone(), order.clone())])
    }

    /// Takes an order back, and says so.
    pub fn take_back(&self, key: &OrderKey) -> Result<Exit, Failure> {
        self.turn(|orders| vec![Told::take_back(orders, key)])
    }

    /// Changes the orders, and says what was changed.
    pub fn turn(&self, change: impl Fn(&mut Orders) -> Vec<Told>) -> Result<Exit, Failure> {
        let (by, mut told) = (caller(), Vec::new());
        let left = self.orders.change(self.now, &mut |orders| {
            told = change(orders);
            let turns = told.iter().filter_map(|told| told.entry(self.now, &by));
            turns.collect()
        })?;
        let answer = Answer {
            told,
            left,
            warnings: self.warnings.clone(),
            controller: self.store.controller()?,
            state: self.state.display().to_string(),
            now: self.now,
        };
        let style = Style::of_stdout(self.args.global.no_color);
        print(&match self.args.global.output {
            Output::Text | Output::Markdown => answer_text(&answer, &style),
            Output::Json => answer_json(&answer),
        })
    }

    /// Whether there is such a host. One that left the file may still be ordered about.
    pub fn check_host(&self, host: &HostId, key: &OrderKey) -> Result<(), Failure> {
        self.check(key, |desired| match desired.hosts.contains_key(host) {
            true => Ok(()),
            false => Err(unknown_host(desired, host)),
        })
    }

    /// Whether there is such a thing to be paused.
    pub fn check_scope(&self, scope: &Scope) -> Result<(), Failure> {
        let key = OrderKey::Paused(scope.clone());
        match scope {
            Scope::Cluster => Ok(()),
            Scope::Host(host) => self.check_host(host, &key),
            Scope::Group(group) => self.check_group(group, &key),
        }
    }

    /// Whether there is such a service or load balancer.
    pub fn check_group(&self, group: &GroupId, key: &OrderKey) -> Result<(), Failure> {
        self.check(key, |desired| {
            let names = desired.groups.keys().map(GroupId::as_str);
            match desired.groups.contains_key(group) {
                true => Ok(()),
                false => Err(unknown("service or load balancer", group.as_str(), names)),
            }
        })
    }

    /// Whether there is such an instance.
    pub fn check_instance(&self, instance: &InstanceId) -> Result<(), Failure> {
        let key = OrderKey::Retried(instance.clone());
        self.check(&key, |desired| {
            let names: Vec<String> = desired.instances().map(|(id, _)| id.to_string()).collect();
            let name = instance.to_string();
            match names.contains(&name) {
                true => Ok(()),
                false => Err(unknown("instance", &name, names.iter().map(String::as_str))),
            }
        })
    }

    fn check(
        &self,
        key: &OrderKey,
        exists: impl Fn(&Desired) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.in_force()?.get(key) {
            Some(_) => Ok(()),
            None => exists(load::known(self.args)?.as_ref()),
        }
    }
}

/// Whether there is all that a run is to be about. What a host has still of what left the file may be named, too.
pub(super) fn check_targets(
    targets: &Targets,
    desired: &Desired,
    memory: &Memory,
) -> Result<(), Failure> {
    let found = memory.hosts.values().flat_map(|host| host.guests.keys());
    let wanted = desired.instances().map(|(instance, _)| instance);
    let instances: BTreeSet<InstanceId> = wanted.chain(found.cloned()).collect();
    let mut groups: BTreeSet<&GroupId> = instances.iter().map(|one| &one.group).collect();
    groups.extend(desired.groups.keys());
    for subject in targets.named() {
        match subject {
            Subject::Instance(one) if !instances.contains(one) => {
                let names: Vec<String> = instances.iter().map(InstanceId::to_string).collect();
                let names = names.iter().map(String::as_str);
                return Err(unknown("instance", &one.to_string(), names));
            }
            Subject::Group(one) if !groups.contains(one) => {
                let names = groups.iter().map(|group| group.as_str());
                return Err(unknown("service or load balancer", one.as_str(), names));
            }
            Subject::Host(one) if !desired.hosts.contains_key(one) => {
                return Err(unknown_host(desired, one));
            }
            Subject::Instance(_) | Subject::Group(_) | Subject::Host(_) => {}
        }
    }
    Ok(())
}

pub(super) fn unknown_host(desired: &Desired, host: &HostId) -> Failure {
    let names = desired.hosts.keys().map(HostId::as_str);
    unknown("host", host.as_str(), names)
}

fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> Failure {
    let help = did_you_mean(name, known).map(|help| format!("\n  help: {help}"));
    let help = help.unwrap_or_default();
    Failure::Other(format!("there is no {what} {name} in the file{help}"))
}

/// The name of the user that this process runs as, or the number where no name is known.
fn user_of_process() -> Option<String> {
    let number = std::fs::metadata("/proc/self").ok()?.uid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(name_of(number, &users).unwrap_or_else(|| number.to_string()))
}

/// The name of a user, in the lines of passwd(5).
fn name_of(number: u32, users: &str) -> Option<String> {
    let fields = |line: &str| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        Some((name.to_owned(), number.parse::<u32>().ok()?))
    };
    let mut users = users.lines().filter_map(fields);
    let found = users.find(|(name, known)| *known == number && !name.is_empty());
    found.map(|(name, _)| name)
}

/// Who gives an order: `anna@ops`, also where she does so as root.
pub(super) fn caller() -> String {
    let said = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(said);
    let user = user.or_else(user_of_process);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.map(|name| name.trim().to_owned());
    let host = host.filter(|name| !name.is_empty());
    format!(
        "{}@{}",
        user.unwrap_or_else(|| "somebody".to_owned()),
        host.unwrap_or_else(|| "localhost".to_owned())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number_among_lines_that_make_no_sense() {
        let users = "root:x:0:0::/root:/bin/sh\n\nbroken\n:x:7:\nanna:x:1000:1000:Anna:/home/anna:/bin/sh\n";
        assert_eq!(name_of(1000, users).as_deref(), Some("anna"));
        assert_eq!(name_of(0, users).as_deref(), Some("root"));
        assert_eq!((name_of(7, users), name_of(1, users)), (None, None));
    }
}
