//! The play itself: controllers over one simulated cluster, and the scenario's events at their times.

mod orders;

use std::sync::Arc;
use std::time::Duration;

use super::command;
use super::expect::{Facts, instead};
use super::happen::{self, Found};
use super::meter::measure;
use super::record::Record;
use super::report::{Placed, Rehearsal, Unmet, What, Who};
use super::seat::Seat;
use super::sight;
use crate::model::desired::Desired;
use crate::model::id::InstanceId;
use crate::model::scenario::{ControllerEvent, Event, Expectation, Happening, OwnDisk, Scenario};
use crate::ports::clock::Clock;
use crate::sim::chance::Chance;
use crate::sim::clock::EPOCH;
use crate::sim::cluster::Cluster;
use crate::sim::world::{Rounds, World};

/// All that takes part.
pub struct Stage<'a> {
    scenario: &'a Scenario,
    seed: u64,
    /// The state of the file that is applied.
    desired: Arc<Desired>,
    /// Every state of the file so far; the last one is what it says now.
    states: Vec<Arc<Desired>>,
    /// When each but the first of them was written.
    edits: Vec<Duration>,
    cluster: Arc<Cluster>,
    record: Arc<Record>,
    first: Seat,
    second: Seat,
    unmet: Vec<Unmet>,
    expectations: usize,
    began_with: (usize, usize),
}

impl<'a> Stage<'a> {
    /// Everything in its place, and nothing runs. To be made inside of the runtime that plays it.
    pub fn new(desired: &Arc<Desired>, scenario: &'a Scenario, seed: u64) -> Stage<'a> {
        let cluster = Cluster::new(Arc::clone(desired));
        let record = Record::new(Arc::clone(&cluster));
        prepare(&mut cluster.world(), scenario, seed);
        Stage {
            scenario,
            seed,
            began_with: (desired.hosts.len(), desired.instances().count()),
            desired: Arc::clone(desired),
            states: vec![Arc::clone(desired)],
            edits: Vec::new(),
            first: Seat::new(&record, &cluster, Who::Controller),
            second: Seat::new(&record, &cluster.second(seed), Who::Second),
            cluster,
            record,
            unmet: Vec::new(),
            expectations: 0,
        }
    }
}

/// A world with hardware, chance, and a controller that never stands still.
fn prepare(world: &mut World, scenario: &Scenario, seed: u64) {
    world.chance = Some(Chance::new(seed));
    world.rounds = Rounds::Overlap;
    world.strict = false;
    equip(world, scenario);
}

/// Hosts that are new get their hardware.
fn equip(world: &mut World, scenario: &Scenario) {
    let like = world
        .desired
        .instances()
        .next()
        .map(|(instance, _)| instance);
    for (id, host) in world.hosts.iter_mut().filter(|(_, h)| h.machine.is_none()) {
        let said = scenario.machines.get(id).cloned();
        host.machine = Some(said.unwrap_or_default());
        host.move_neighbours_in(like.as_ref());
    }
}

impl Stage<'_> {
    /// Plays all events, and goes on for a while.
    pub async fn play(mut self, afterwards: Duration) -> Rehearsal {
        let live = tokio::spawn(Arc::clone(&self.cluster).live());
        let meter = tokio::spawn(measure(Arc::clone(&self.cluster), Arc::clone(&self.record)));
        self.start_first();
        let scenario = self.scenario;
        for event in &scenario.events {
            self.wait_until(event.at).await;
            self.take(event).await;
        }
        self.wait_until(scenario.last() + afterwards).await;
        self.expect(&scenario.expect, false);
        self.still_runs();
        let report = self.report();
        live.abort();
        meter.abort();
        self.first.kill().await;
        self.second.kill().await;
        report
    }

    fn start_first(&mut self) {
        {
            let mut world = self.cluster.world();
            // What was to kill the last one is over.
            (world.halted, world.halt_at) = (false, None);
            world.vigil.renewed = world.now;
        }
        if let Err(error) = self.first.start(&self.to_follow(), &self.states) {
            self.breaks(format!("the controller did not start: {error}"));
        }
    }

    /// Lets time pass. On the way, orders end, and a controller dies that was to die at an effect.
    async fn wait_until(&mut self, at: Duration) {
        let until = EPOCH.plus(at);
        loop {
            let (next, over) = match command::next_end(&self.cluster.world(), until) {
                Some((end, over)) => (end, over),
                None => (until, Vec::new()),
            };
            let left = next.since(self.cluster.now());
            let cluster = Arc::clone(&self.cluster);
            tokio::select! {
                biased;
                () = cluster.killed.notified() => {
                    self.first.kill().await;
                    self.attend();
                    cluster.world().halted = false;
                    self.happens("the controller dies", true);
                }
                () = cluster.rolled_back.notified() => self.give_up(),
                () = cluster.clock.sleep(left) => {
                    self.end(&over);
                    if next == until {
                        return;
                    }
                }
            }
        }
    }

    fn happens(&self, text: &str, failure: bool) {
        let text = text.to_owned();
        self.record
            .push(Who::World, What::Happens { text, failure });
    }

    async fn take(&mut self, event: &Event) {
        let mut text = event.what.to_string();
        let found = match &event.what {
            Happening::Expect(expectations) => {
                // What was changed at this very moment is measured first.
                tokio::task::yield_now().await;
                return self.expect(expectations, true);
            }
            Happening::Host(host, what) => {
                let to_host = |world: &mut World| happen::to_host(world, host, *what);
                self.tell_first(&text, event, to_host)
            }
            Happening::Instance(instance, what) => {
                let to = |world: &mut World| happen::to_instance(world, instance, *what);
                self.tell_first(&text, event, to)
            }
            Happening::Service(group, what) => {
                let to = |world: &mut World| happen::to_service(world, group, *what);
                self.tell_first(&text, event, to)
            }
            Happening::Address(address, what) => {
                let to = |world: &mut World| happen::to_address(world, *address, *what);
                self.tell_first(&text, event, to)
            }
            Happening::Partition(sides) => {
                let split = |world: &mut World| {
                    world.wire.split(sides.clone());
                    Found::Yes
                };
                self.tell_first(&text, event, split)
            }
            Happening::Command { command, .. } => return self.command(&text, command),
            Happening::Edit(desired, _) => {
                self.happens(&text, false);
                self.record.asked();
                self.states.push(Arc::clone(desired));
                self.edits.push(event.at);
                self.apply();
                Found::Yes
            }
            Happening::Controller(what) => {
                self.happens(&text, event.what.is_failure());
                self.happen_to_controller(*what).await;
                Found::Yes
            }
        };
        if found == Found::No {
            text += " (there is nothing that it could happen to)";
            self.happens(&text, false);
        }
    }

    /// The world changes, and the timeline says so before it says what follows from it.
    fn tell_first(
        &self,
        text: &str,
        event: &Event,
        change: impl FnOnce(&mut World) -> Found,
    ) -> Found {
        let found = change(&mut self.cluster.world());
        if found == Found::Yes {
            self.happens(text, event.what.is_failure());
            self.cluster.changed();
        }
        found
    }

    async fn happen_to_controller(&mut self, event: ControllerEvent) {
        match event {
            ControllerEvent::Crash => self.first.kill().await,
            ControllerEvent::CrashAfter(effects) => {
                let mut world = self.cluster.world();
                world.halt_at = Some(world.effects + effects as usize);
            }
            ControllerEvent::Restart => {
                self.first.kill().await;
                self.start_first();
            }
            ControllerEvent::Second if self.second.running.is_some() => {}
            ControllerEvent::Second => {
                let now = self.cluster.clock.now();
                self.cluster.world().vigil.second_since.get_or_insert(now);
                if let Err(error) = self.second.start(&self.desired, &self.states) {
                    self.breaks(format!("the second controller did not start: {error}"));
                }
            }
            ControllerEvent::SecondEnds => self.second.kill().await,
            ControllerEvent::Clock(hours) => self.first.store.set_clock(hours),
            ControllerEvent::Disk(disk) => {
                self.first.store.disk(disk);
                self.cluster.world().unkept = disk == OwnDisk::ReadOnly;
            }
        }
        self.attend();
    }

    /// The laws know whether a controller is at work.
    fn attend(&self) {
        let at_work = self.first.running.is_some() || self.second.running.is_some();
        self.cluster.world().vigil.unattended = !at_work;
    }

    fn expect(&mut self, expectations: &[Expectation], told: bool) {
        for expectation in expectations {
            let (now, text) = (self.record.now(), expectation.what.to_string());
            let but = {
                let facts = Facts {
                    world: &self.cluster.world(),
                    meter: &self.record.meter(),
                    now,
                    open: self.leader().voice.open(),
                    hosts: self.leader().voice.hosts(),
                };
                instead(&expectation.what, &facts)
            };
            self.expectations += 1;
            if told {
                let what = What::Expected {
                    text: text.clone(),
                    but: but.clone(),
                };
                self.record.push(Who::World, what);
            }
            self.unmet.extend(but.map(|but| Unmet {
                at_ms: now,
                line: expectation.line,
                expected: text,
                but,
            }));
        }
    }

    /// Whose word counts: that of the second one where it is the only one.
    fn leader(&self) -> &Seat {
        match (&self.first.running, &self.second.running) {
            (None, Some(_)) => &self.second,
            (Some(_), _) | (None, None) => &self.first,
        }
    }

    /// A controller never ends by itself.
    fn still_runs(&self) {
        for seat in [&self.first, &self.second] {
            if seat.running.as_ref().is_some_and(|r| r.task.is_finished()) {
                self.breaks("a controller ended by itself".to_owned());
            }
        }
    }

    fn breaks(&self, law: String) {
        let world = self.cluster.world();
        let mut broken = world
            .broken
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        broken.push(law);
    }

    fn report(&mut self) -> Rehearsal {
        let lasted_ms = self.record.now();
        let world = self.cluster.world();
        self.record.laws(&world);
        let targets = self.record.meter().targets(lasted_ms);
        let left = self.leader().voice.left();
        let failures = self.record.failures(&targets, &left);
        let lanes = self.record.meter().lanes(lasted_ms);
        let (broken, timeline) = self.record.take();
        Rehearsal {
            cluster: self.desired.cluster.to_string(),
            about: self.scenario.about.clone(),
            seed: self.seed,
            hosts: self.began_with.0,
            instances: self.began_with.1,
            lasted_ms,
            timeline,
            targets,
            lanes,
            failures,
            placement: placement(&world, &self.desired),
            left,
            unmet: std::mem::take(&mut self.unmet),
            expectations: self.expectations,
            broken,
        }
    }
}

fn placement(world: &World, desired: &Desired) -> Vec<Placed> {
    let all = desired.instances();
    all.map(|(instance, _)| placed(world, &instance)).collect()
}

fn placed(world: &World, instance: &InstanceId) -> Placed {
    let found = sight::best(world, instance);
    let vips = found.iter().flat_map(|(.., d)| &d.guest.addresses);
    Placed {
        instance: instance.to_string(),
        host: found.map(|(id, ..)| id.to_string()),
        address: found.and_then(|(.., d)| Some(world.ours(d)?.address)),
        vips: vips.filter(|a| a.vip).map(|a| a.address).collect(),
        serves: found.is_some_and(|(_, host, d)| world.serves(host, d)),
    }
}

#[cfg(test)]
mod tests;
