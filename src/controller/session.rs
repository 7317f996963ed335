//! What a controller has at hand for its rounds: desired state, memory, eyes and store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::agents::Agents;
use super::hosts::HostLooks;
use super::keeper::{Keeper, Line};
use super::look::{Beats, Eyes};
use super::standing::Standing;
use super::unkept;
use crate::execute::Ended;
use crate::memory;
use crate::memory::inherited;
use crate::memory::leaving::with_leaving;
use crate::model::claim::NamedHosts;
use crate::model::commit::Commit;
use crate::model::desired::{Desired, Revision};
use crate::model::facts::Observed;
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::Memory;
use crate::model::plan::{Action, HistoryEntry, Plan, TakeOver};
use crate::model::sight::Sight;
use crate::model::targets::Targets;
use crate::model::time::Timestamp;
use crate::plan::queries::{self, Look};
use crate::plan::{self, Renderer};
use crate::ports::store::{Store, StoreError};

/// How often addresses are probed for one plan before it is taken as it is: each time, some were in foreign hands.
const PROBES: usize = 8;

/// How often what was seen is written down while nothing is done: it may be long.
const SIGHT_PACE: Duration = Duration::from_secs(60);

/// A controller that only looks: rounds without memory being kept.
pub struct Watcher {
    /// What is wanted: the file, and the hosts that leave it.
    pub desired: Arc<Desired>,
    /// What the file says.
    file: Arc<Desired>,
    /// What is remembered.
    pub memory: Memory,
    /// The ports that look.
    pub eyes: Eyes,
    /// What it is about.
    pub targets: Targets,
    renderer: Renderer,
    /// The guests that were looked at in the last round.
    last: Vec<Look>,
    /// Looks at hosts that go on from round to round.
    hosts: HostLooks,
    /// The orders in force.
    standing: Standing,
    /// The programs of fencing devices that are on this machine.
    agents: Agents,
    /// Whether there was a round.
    began: bool,
}

/// What a controller worked with before another desired state was tried.
pub struct Former {
    /// What was wanted.
    pub desired: Arc<Desired>,
    file: Arc<Desired>,
    memory: Memory,
    eyes: Eyes,
    renderer: Renderer,
    last: Vec<Look>,
    agents: Agents,
}

/// What one round saw and decided.
pub struct Round {
    /// What was seen.
    pub observed: Observed,
    /// What to do.
    pub plan: Plan,
    /// The guests that were looked at.
    pub looks: Vec<Look>,
}

impl Watcher {
    /// A controller for this desired state.
    pub fn new(file: Arc<Desired>, memory: Memory, eyes: Eyes) -> Self {
        Watcher {
            desired: with_leaving(&file, &memory, &file),
            file,
            memory,
            eyes,
            targets: Targets::default(),
            renderer: Renderer::default(),
            last: Vec::new(),
            hosts: HostLooks::default(),
            standing: Standing::default(),
            agents: Agents::default(),
            began: false,
        }
    }

    /// Another desired state is looked at and planned for; what was before comes back.
    pub fn try_on(&mut self, file: Arc<Desired>, eyes: Eyes) -> Former {
        // A lease that was given is over when it is over, whatever the file says.
        let leases = self.eyes.leases.clone();
        let former = Former {
            desired: Arc::clone(&self.desired),
            file: std::mem::replace(&mut self.file, file),
            memory: self.memory.clone(),
            eyes: std::mem::replace(&mut self.eyes, Eyes { leases, ..eyes }),
            renderer: std::mem::take(&mut self.renderer),
            last: self.last.clone(),
            agents: std::mem::take(&mut self.agents),
        };
        self.know_leaving();
        former
    }

    /// What was tried is not in force: all is as before, but for what time has done.
    pub fn put_back(&mut self, former: Former) {
        self.desired = former.desired;
        self.file = former.file;
        self.memory = former.memory;
        self.eyes = former.eyes;
        self.renderer = former.renderer;
        self.last = former.last;
        self.agents = former.agents;
    }

    /// The hosts that it works with, for whoever comes after it.
    pub fn hosts(&self) -> NamedHosts {
        inherited::named(&self.memory, &self.desired)
    }

    /// Of these, where guests may be.
    pub fn hosts_left(&self) -> NamedHosts {
        inherited::left(&self.memory, &self.desired)
    }

    /// Nothing rests on the guard of a host any more: it is about to end, whether that is heard of or not.
    pub fn disown(&mut self, host: &HostId) {
        self.eyes.leases.forget(host);
        if let Some(memory) = self.memory.hosts.get_mut(host) {
            memory.armed = false;
        }
    }

    /// Hosts that left the file are known as long as memory knows them.
    fn know_leaving(&mut self) {
        self.desired = with_leaving(&self.file, &self.memory, &self.desired);
    }

    /// What was seen of hosts that are forgotten by now counts no more.
    pub fn let_go(&mut self, observed: &mut Observed) {
        self.know_leaving();
        let known = &self.desired.hosts;
        observed.hosts.retain(|id, _| known.contains_key(id));
    }

    /// One round: look, remember, plan. Addresses that the plan wants to use are probed first.
    pub async fn round(&mut self, beats: &Beats<'_>) -> Round {
        self.know_leaving();
        let (mut observed, looks) = self
            .eyes
            .look(
                &self.desired,
                &self.memory,
                &self.renderer,
                beats,
                (&mut self.hosts, &self.last),
                &mut self.standing,
            )
            .await;
        observed.orders.targets = self.targets.clone();
        let fencers = self.eyes.fencers.as_ref();
        observed.missing_agents = self.agents.missing(&self.desired, fencers);
        self.last = looks.clone();
        let begins = !std::mem::replace(&mut self.began, true);
        // It may have done anything, also to hosts that it did not reach as we do.
        if begins && observed.after_others {
            memory::take_over(&mut self.memory, observed.now);
        }
        self.doubt_leases(&mut observed, begins);
        memory::remember(&mut self.memory, &self.desired, &observed);
        self.let_go(&mut observed);
        let mut plan = self.plan(&observed);
        for _ in 0..PROBES {
            if !self.probe(&plan, &mut observed).await {
                break;
            }
            memory::remember_foreign(&mut self.memory, &observed);
            plan = self.plan(&observed);
        }
        memory::remember_applied(&mut self.memory, &self.desired, &observed, &plan);
        Round {
            observed,
            plan,
            looks,
        }
    }

    /// Another controller is at work, or was since we were: it may renew the leases of hosts that we don't see.
    fn doubt_leases(&mut self, observed: &mut Observed, begins: bool) {
        let others = !observed.rivals.is_empty() || begins && !observed.theirs.is_empty();
        if !others {
            return;
        }
        let unseen = observed.hosts.iter();
        let unseen = unseen.filter(|(_, seen)| seen.facts().is_none());
        let unseen: BTreeSet<HostId> = unseen.map(|(host, _)| host.clone()).collect();
        for host in &unseen {
            let known = self.memory.hosts.get_mut(host);
            known.into_iter().for_each(|known| known.doubted = true);
        }
        self.eyes.leases.doubt(&unseen);
        observed.leases.retain(|host, _| !unseen.contains(host));
    }

    /// A guest's life is ended by us: there is nothing to look at any more.
    fn forget(&mut self, instance: &InstanceId) {
        self.last.retain(|look| look.guest.instance != *instance);
    }

    fn plan(&self, observed: &Observed) -> Plan {
        plan::plan(&self.desired, observed, &self.memory, &self.renderer)
    }

    /// Asks on the wire for addresses that the plan wants to use. False when there is nothing more to learn.
    async fn probe(&self, plan: &Plan, observed: &mut Observed) -> bool {
        let wanted = queries::unprobed(plan, observed, &self.memory);
        let asked = wanted.iter().filter_map(|(id, addresses)| {
            let host = self.desired.hosts.get(id)?;
            let bridge = &self.desired.networks.get(&host.network)?.bridge;
            Some(self.eyes.hypervisor.who_answers(host, bridge, addresses))
        });
        let answers: BTreeMap<_, _> = join_all(asked)
            .await
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        let learnt = !answers.is_empty();
        observed.probed.extend(answers);
        learnt
    }
}

/// A controller that acts: what happens is written down before and after.
pub struct Session {
    /// Its looking half.
    pub watcher: Watcher,
    /// The commits that the states of the file are from which something is done for.
    commits: BTreeMap<Revision, Commit>,
    /// When what was seen was last written down; none: something was done since.
    sight_kept: Option<Timestamp>,
    pub(super) keeper: Keeper,
}

impl Session {
    /// A controller that keeps its memory in `store`.
    pub fn new(watcher: Watcher, store: Arc<dyn Store>) -> Self {
        let mut session = Session {
            watcher,
            commits: BTreeMap::new(),
            sight_kept: None,
            keeper: Keeper::new(store),
        };
        session.know_commit();
        session
    }

    /// The desired state of the last round is in force from now on, unless only some of it is worked on.
    pub fn bring_into_force(&mut self) -> Result<(), StoreError> {
        if self.watcher.targets.is_all() {
            let revision = &self.watcher.desired.revision;
            memory::bring_into_force(&mut self.watcher.memory, revision);
        }
        self.know_commit();
        self.save()
    }

    /// What is in hand belongs to the state of the file that it was decided for, also when a newer one has come.
    fn know_commit(&mut self) {
        let (desired, memory) = (&self.watcher.desired, &self.watcher.memory);
        let in_hand = memory
            .busy
            .values()
            .filter_map(|busy| busy.revision.as_ref());
        let in_hand: BTreeSet<&Revision> = in_hand.collect();
        self.commits
            .retain(|revision, _| in_hand.contains(revision));
        if let Some(commit) = &desired.commit {
            let entry = (desired.revision.clone(), commit.clone());
            self.commits.extend([entry]);
        }
    }

    /// One round, remembered.
    pub async fn round(&mut self, beats: &Beats<'_>) -> Result<Round, StoreError> {
        let round = self.watcher.round(beats).await;
        self.save()?;
        self.keep_sight(&round.observed);
        Ok(round)
    }

    /// Writes down what was seen. Nothing here rests on it: where that fails, the work goes on.
    fn keep_sight(&mut self, observed: &Observed) {
        let is_fresh = |kept: &Timestamp| observed.now.since(*kept) < SIGHT_PACE;
        if self.sight_kept.as_ref().is_some_and(is_fresh) {
            return;
        }
        self.sight_kept = Some(observed.now);
        let sight = Sight::of(
            &self.watcher.desired.cluster,
            observed,
            &self.watcher.memory,
        );
        if let Err(error) = self.keeper.keep_sight(&sight) {
            let why = error.source.to_string();
            tracing::warn!(%error, why, "what was seen can't be written down: plans that are made elsewhere are older");
        }
    }

    /// An action begins, or does not, where whoever comes later has to know of it and can't.
    pub fn begun(&mut self, action: &Action) -> Result<(), StoreError> {
        let now = self.watcher.eyes.clock.now();
        let (desired, before) = (&self.watcher.desired, self.watcher.memory.clone());
        memory::begin(&mut self.watcher.memory, action, &desired.revision, now);
        let needed = self.keeper.is_strict() || unkept::must_be_kept(&action.operation, desired);
        let kept = self.keeper.save_before(&self.watcher.memory, now);
        if needed && kept.is_err() {
            self.watcher.memory = before;
            return kept;
        }
        if let (true, Some(guest)) = (action.operation.ends_a_life(), action.operation.instance()) {
            self.watcher.forget(guest);
        }
        Ok(())
    }

    /// Another controller has ended, for which this one has `waited`.
    pub fn took_over(&mut self, from: &str, waited: Duration) -> Result<(), StoreError> {
        let now = self.watcher.eyes.clock.now();
        memory::take_over(&mut self.watcher.memory, now);
        self.save()?;
        let entry = TakeOver {
            at: now,
            took_over_from: from.to_owned(),
            waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        };
        self.keeper.record(Line::TakeOver(entry), now)
    }

    /// An action has ended. What the history says of it.
    pub fn ended(&mut self, ended: &Ended) -> Result<HistoryEntry, StoreError> {
        let now = self.watcher.eyes.clock.now();
        let revision = memory::revision_of(&self.watcher.memory, &ended.action);
        let revision = revision.unwrap_or_else(|| self.watcher.desired.revision.clone());
        memory::end(
            &mut self.watcher.memory,
            &ended.action,
            (&ended.outcome, ended.took),
            &revision,
            now,
        );
        self.sight_kept = None;
        self.watcher.hosts.outdate(ended.action.operation.host());
        let entry = HistoryEntry {
            at: now,
            took_ms: u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX),
            commit: self.commits.get(&revision).cloned(),
            revision,
            targets: self.watcher.targets.clone(),
            action: ended.action.operation.kind().to_owned(),
            motive: ended.action.motive,
            instance: ended.action.operation.instance().cloned(),
            host: ended.action.operation.host().clone(),
            summary: ended.action.summary.clone(),
            reason: ended.action.reason.clone(),
            outcome: ended.outcome.clone(),
        };
        let line = Line::Action(Box::new(entry.clone()));
        self.keeper.record(line, now)?;
        self.save()?;
        Ok(entry)
    }
}
