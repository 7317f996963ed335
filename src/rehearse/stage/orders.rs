//! Operators' orders on the stage: commands, orders that end by themselves, and which state of the file is in force.

use std::sync::Arc;

use super::Stage;
use crate::controller::watch::Signal;
use crate::model::command::Command;
use crate::model::desired::Desired;
use crate::model::orders::OrderKey;
use crate::model::unit::span;
use crate::ports::store::StoreView;
use crate::rehearse::command::{self, Done, States};
use crate::rehearse::report::{What, Who};

impl Stage<'_> {
    /// Orders are over, because the time is.
    pub(super) fn end(&self, orders: &[OrderKey]) {
        for key in orders {
            self.cluster.world().orders.take(key);
            let text = format!("{}: the time of that order is over", key.over());
            self.happens(&text, false);
            self.record.asked();
        }
    }

    /// An operator's command; what comes of it is known to the controllers at once.
    pub(super) fn command(&mut self, text: &str, command: &Command) {
        let states = self.states();
        let done = command::obey(&mut self.cluster.world(), command, &states);
        match done {
            Ok(done) => {
                let came_of_it = match done {
                    Done::Nothing => " (nothing was changed)".to_owned(),
                    Done::Changed => self.applied_by_it(&states),
                };
                self.happens(&format!("{text}{came_of_it}"), false);
                self.record.asked();
                self.cluster.changed();
                self.apply();
                self.first.signal(Signal::Ordered);
                self.second.signal(Signal::Ordered);
            }
            Err(why) => {
                let text = text.to_owned();
                self.record.push(Who::World, What::Refused { text, why });
            }
        }
    }

    /// Which state of the file a command brings into force; nothing where it leaves that as it is.
    fn applied_by_it(&self, states: &States) -> String {
        let in_force = states.in_force(&self.cluster.world()).cloned();
        let Some(state) = in_force.filter(|state| !Arc::ptr_eq(state, &self.desired)) else {
            return String::new();
        };
        let place = self.states.iter().position(|s| Arc::ptr_eq(s, &state));
        let edit = place.and_then(|place| self.edits.get(place.checked_sub(1)?));
        let written = edit.map_or("as it was at first".to_owned(), |at| {
            format!("as edited at {}", span(*at))
        });
        format!(" (applied now: the file {written})")
    }

    /// A controller holds a state of the file back by itself.
    pub(super) fn give_up(&mut self) {
        self.apply();
        self.first.signal(Signal::Ordered);
        self.second.signal(Signal::Ordered);
    }

    /// The state of the file that a controller finds when it starts.
    pub(super) fn to_follow(&self) -> Arc<Desired> {
        let states = self.states();
        let found = states.in_force(&self.cluster.world()).cloned();
        found.unwrap_or_else(|| Arc::clone(&self.desired))
    }

    /// The states of the file, as the controllers know them.
    fn states(&self) -> States {
        let memory = self.leader().store.load().unwrap_or_default();
        let guests = memory.guests.iter();
        let in_vain = guests.filter(|(_, guest)| guest.was_in_vain());
        States {
            in_vain: in_vain.map(|(instance, _)| instance.clone()).collect(),
            all: self.states.clone(),
            waits: memory.pending.map(|pending| pending.change),
            good: memory.good,
        }
    }

    /// The controllers follow the state of the file that is in force, where it is another one.
    pub(super) fn apply(&mut self) {
        let states = self.states();
        let in_force = states.in_force(&self.cluster.world()).cloned();
        let Some(desired) = in_force.filter(|d| !Arc::ptr_eq(d, &self.desired)) else {
            return;
        };
        self.desired = Arc::clone(&desired);
        self.cluster.happen(|world| {
            world.know_hosts(&desired);
            super::equip(world, self.scenario);
        });
        self.first.follow(&desired);
        self.second.follow(&desired);
    }
}
