//! The language of a case's steps.txt: one step per line. What it shows becomes the case's plan.txt.
//!
//!     converge                         plan and act until nothing is to do, and show nothing of it
//!     edit OLD => NEW                  change the file, wherever OLD stands
//!     plan                             show the plan
//!     apply                            carry it out, and show what did not go well
//!     wait SECONDS, memory-lost, restart, lenient (faults are under way: requests may fail)
//!     kill|freeze|stop-service|reboot|undefine|never-boots INSTANCE
//!     write INSTANCE PATH TEXT, chmod INSTANCE PATH MODE
//!     unreachable|libvirt-broken|key-changed|power-off|back HOST
//!     foreign-domain HOST NAME, foreign-address ADDRESS, leftover HOST FILE, no-image HOST
//!     take-vip INSTANCE, lose-vip INSTANCE, moving INSTANCE ADDRESS
//!     order pause|resume SCOPE, order drain|undrain|confirm HOST, order retry INSTANCE (each may end in: for SECONDS),
//!     order disarm|arm
//!     target SUBJECT…, target SUBJECT… but SUBJECT…, target but SUBJECT…, target (everything again): what the run is about
//!     bad-disks INSTANCE NUMBER (the next ones can't be booted)
//!     fail STEP SUBJECT TIMES, crash-after EFFECTS
//!
//! Every case ends with: plan, apply, and the plan after that, which must have no action.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use reconcile::cli::plan_json::plan_json;
use reconcile::cli::plan_schema;
use reconcile::cli::plan_text::{NewFiles, plan_text};
use reconcile::cli::style::Style;
use reconcile::model::facts::HostFile;
use reconcile::model::id::HostId;
use reconcile::model::orders::{Order, OrderKey};
use reconcile::model::plan::{HistoryEntry, Outcome, Plan};
use reconcile::model::scenario::Libvirt;
use reconcile::model::targets::Targets;
use reconcile::model::time::Timestamp;
use reconcile::model::unit::Bytes;
use reconcile::ports::clock::Clock;
use reconcile::sim::vm::{FileState, Guest, address_of};
use reconcile::sim::world::{DomainState, Fault, Link, Stranger, World};

use super::json_schema;
use super::lab::Lab;
use super::spec;

/// One run of a case.
pub struct Script<'a> {
    lab: Lab,
    directory: &'a Path,
    text: String,
    plan: Option<Plan>,
    shown: String,
}

impl<'a> Script<'a> {
    /// A run that begins with an empty cluster.
    pub fn new(yaml: &str, directory: &'a Path) -> Self {
        let lab = Lab::new(spec::read(yaml, directory));
        Script {
            lab,
            directory,
            text: yaml.to_owned(),
            plan: None,
            shown: String::new(),
        }
    }

    /// Runs all steps, and then to the end. What was shown.
    pub async fn run(mut self, steps: &str) -> String {
        for step in steps
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
        {
            self.step(step).await;
        }
        self.until_converged().await;
        self.shown
    }

    async fn until_converged(&mut self) {
        if self.plan.is_none() {
            self.show_plan().await;
        }
        for _ in 0..8 {
            let good = self.apply().await;
            let plan = self.lab.settled().await;
            let empty = plan.actions.is_empty();
            self.show(plan);
            if empty {
                self.lab.what_is_said_is_so();
                return;
            }
            assert!(
                !good,
                "all went well, and yet there is more to do:\n{}",
                self.shown
            );
        }
        panic!("there is no end:\n{}", self.shown);
    }

    async fn step(&mut self, step: &str) {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        if verb != "converge" && verb != "plan" && verb != "apply" && self.plan.is_none() {
            let _ = writeln!(self.shown, "> {step}");
        }
        match verb {
            "converge" => drop(self.lab.converge().await),
            "plan" => self.show_plan().await,
            "apply" => drop(self.apply().await),
            "wait" => {
                self.lab
                    .cluster
                    .clock
                    .sleep(Duration::from_secs(rest.parse().unwrap()))
                    .await
            }
            "edit" => self.edit(rest),
            "target" => {
                self.plan = None;
                self.lab.aim(targets(rest));
            }
            "restart" => self.lab.restart(),
            "memory-lost" => {
                self.lab.store.forget();
                self.lab.restart();
            }
            _ => event(&mut self.lab.cluster.world(), verb, rest),
        }
    }

    fn edit(&mut self, change: &str) {
        let (old, new) = change
            .split_once(" => ")
            .unwrap_or((change.trim_end_matches(" =>"), ""));
        let (old, new) = (old.replace("\\n", "\n"), new.replace("\\n", "\n"));
        assert!(
            self.text.contains(&old),
            "{old:?} does not stand in the file:\n{}",
            self.text
        );
        self.text = self.text.replace(&old, &new);
        self.lab.follow(spec::read(&self.text, self.directory));
    }

    async fn show_plan(&mut self) {
        let plan = self.lab.plan().await;
        self.show(plan);
    }

    fn show(&mut self, plan: Plan) {
        fits_the_schema(&plan);
        let now = self.lab.cluster.clock.now();
        self.shown += &plan_text(&plan, now, NewFiles::Counted, &Style::plain(110));
        self.shown += "\n";
        self.plan = Some(plan);
    }

    /// Whether all went well.
    async fn apply(&mut self) -> bool {
        if self.plan.is_none() {
            self.show_plan().await;
        }
        let plan = self.plan.take().expect("it was just shown");
        if plan.actions.is_empty() {
            return false;
        }
        let Some(ended) = self.lab.carry_out(&plan).await else {
            self.shown += "> apply\nkilled in the middle\n\n";
            self.lab.restart();
            return false;
        };
        self.shown += "> apply\n";
        let bad: Vec<&HistoryEntry> = ended.iter().filter(|e| !e.outcome.is_good()).collect();
        for entry in &bad {
            let _ = writeln!(
                self.shown,
                "{} {}: {}",
                entry.action,
                entry.summary,
                outcome(&entry.outcome)
            );
        }
        self.shown += "\n";
        bad.is_empty()
    }
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Changed => "done".to_owned(),
        Outcome::AlreadyDone => "was done already".to_owned(),
        Outcome::Skipped(why) => format!("skipped: {why}"),
        Outcome::Failed(why) => format!("failed: {why}"),
    }
}

fn targets(words: &str) -> Targets {
    let (only, except) = words.split_once("but").unwrap_or((words, ""));
    let read = |words: &str| {
        words
            .split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect()
    };
    Targets {
        only: read(only),
        except: read(except),
    }
}

/// Something happens to the cluster.
pub fn event(world: &mut World, verb: &str, rest: &str) {
    let mut words = rest.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default();
    match verb {
        "lenient" => world.strict = false,
        "order" => order(world, word(), word(), word()),
        "kill" => domain_mut(world, word()).end(),
        "freeze" => domain_mut(world, word()).guest.frozen = true,
        "stop-service" => {
            domain_mut(world, word())
                .guest
                .process
                .as_mut()
                .expect("it runs one")
                .dead = true
        }
        "never-boots" => domain_mut(world, word()).guest.broken = true,
        "reboot" => {
            let (host, name) = place(world, word());
            world.boot(&host, &name);
        }
        "undefine" => undefine(world, word()),
        "write" | "chmod" => write(world, verb, word(), word(), word()),
        "take-vip" | "lose-vip" => vip(world, verb, word()),
        "moving" => {
            let domain = domain_mut(world, word());
            domain.mark.as_mut().expect("it is ours").moving_to = Some(word().parse().unwrap());
        }
        "foreign-address" => drop(world.foreign.insert(word().parse().unwrap(), stranger())),
        "foreign-address-gone" => drop(world.foreign.remove(&word().parse().unwrap())),
        "fail" => {
            let (step, subject) = (word().to_owned(), word().to_owned());
            world.faults.push(Fault {
                step,
                subject,
                times: word().parse().unwrap_or(1),
            });
        }
        "bad-disks" => {
            let instance = word().to_owned();
            world.bad_disks.insert(instance, word().parse().unwrap());
        }
        "crash-after" => world.halt_at = Some(world.effects + word().parse::<usize>().unwrap()),
        _ => host_event(world, verb, word(), word()),
    }
}

/// An operator gives an order, or takes one back.
fn order(world: &mut World, verb: &str, about: &str, rest: &str) {
    let key = match verb {
        "pause" | "resume" => OrderKey::Paused(about.parse().unwrap()),
        "drain" | "undrain" => OrderKey::Drained(about.parse().unwrap()),
        "confirm" => OrderKey::Confirmed(about.parse().unwrap()),
        "retry" => OrderKey::Retried(about.parse().unwrap()),
        "disarm" | "arm" => OrderKey::Disarmed,
        other => panic!("no such order: {other}"),
    };
    if matches!(verb, "resume" | "undrain" | "arm") {
        world.orders.take(&key).expect("it was ordered");
        return;
    }
    let seconds = rest.strip_prefix("for ").map(|n| n.parse().unwrap());
    let order = Order {
        by: "anna@ops".to_owned(),
        at: world.now,
        reason: Some("kernel update".to_owned()),
        until: seconds.map(|n| world.now.plus(Duration::from_secs(n))),
        to: None,
    };
    world.orders.put(key, order);
}

fn host_event(world: &mut World, verb: &str, host: &str, what: &str) {
    let id = host.parse().unwrap();
    let state = world
        .hosts
        .get_mut(&id)
        .unwrap_or_else(|| panic!("no host {host}: {verb}"));
    match verb {
        "unreachable" => state.link = Link::Unreachable,
        "libvirt-broken" => state.libvirt = Libvirt::Fails,
        "key-changed" => state.link = Link::KeyChanged,
        "power-off" => {
            state.power = false;
            state.domains.values_mut().for_each(DomainState::end);
        }
        "back" => (state.link, state.libvirt, state.power) = (Link::Up, Libvirt::Works, true),
        "foreign-domain" => {
            let uuid = "11111111-2222-4333-8444-555555555555".to_owned();
            let domain = DomainState {
                uuid,
                mark: None,
                run: Some(4711),
                guest: Guest::default(),
            };
            state.domains.insert(what.to_owned(), domain);
        }
        "leftover" => drop(
            state
                .volumes
                .insert(format!("/var/lib/libvirt/images/reconcile/demo/{what}")),
        ),
        "no-image" => state.files.clear(),
        "image" => drop(state.files.insert(
            what.to_owned(),
            HostFile {
                size: Bytes(64 << 20),
                sha256: None,
            },
        )),
        other => panic!("no such step: {other}"),
    }
}

fn domain_mut<'a>(world: &'a mut World, instance: &str) -> &'a mut DomainState {
    let found = world.domain_mut(instance);
    found.unwrap_or_else(|| panic!("there is no {instance}"))
}

fn place(world: &World, instance: &str) -> (HostId, String) {
    let id = instance.parse().unwrap();
    let host = world.domains_of(&id).next().expect("it exists").0.clone();
    (host, format!("{}-{instance}", world.desired.cluster))
}

fn undefine(world: &mut World, instance: &str) {
    let name = format!("{}-{instance}", world.desired.cluster);
    world
        .hosts
        .values_mut()
        .for_each(|h| drop(h.domains.remove(&name)));
}

fn write(world: &mut World, verb: &str, instance: &str, path: &str, what: &str) {
    let files = &mut domain_mut(world, instance).guest.files;
    let new = FileState::new("", 0o644, "root:root");
    let file = files.entry(path.to_owned()).or_insert(new);
    match verb {
        "chmod" => file.mode = u32::from_str_radix(what, 8).unwrap(),
        _ => file.write(&what.replace("\\n", "\n")),
    }
}

fn vip(world: &mut World, verb: &str, instance: &str) {
    let vip = world
        .desired
        .load_balancers()
        .next()
        .expect("there is a VIP")
        .1
        .vip
        .addr();
    let addresses = &mut domain_mut(world, instance).guest.addresses;
    match verb {
        "take-vip" => addresses.push(address_of(vip, true)),
        _ => addresses.retain(|a| a.address != vip),
    }
}

/// A machine that always answered.
fn stranger() -> Stranger {
    Stranger {
        mac: "02:00:00:00:00:99".to_owned(),
        since: Timestamp::default(),
    }
}

/// Programs find in every plan what they were promised, and no key that nobody told them of.
fn fits_the_schema(plan: &Plan) {
    let schema = json_schema::strict(plan_schema::json_schema());
    let plan = serde_json::from_str(&plan_json(plan)).unwrap();
    assert_eq!(json_schema::refused(&schema, &plan, ""), [""; 0]);
}
