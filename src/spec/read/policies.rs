//! `safety:`, `rebalance:`, and the budget and restarts of a group.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::model::policy::{Budget, LeasePolicy, MaxDestroy, Rebalance, Restarts, Safety, Witness};
use crate::model::unit;
use crate::spec::fields::{Fields, Single};
use crate::spec::problem::Problem;
use crate::spec::source::At;
use crate::spec::words::{self, Amount, WitnessWord, Wrong};

use super::{Names, NetworkDraft};

/// With less time, every restart of a switch would be the loss of a host.
const LEAST_RECOVERY: Duration = Duration::from_secs(5);
/// A lease is renewed several times before it lapses.
const LEAST_TTL: Duration = Duration::from_secs(3);
/// Whoever waits for less has no time for clocks that differ.
const LEAST_MARGIN: Duration = Duration::from_secs(1);

/// `safety:`.
pub struct SafetyDraft {
    /// How many hosts may be lost.
    pub spare: Option<At<u32>>,
    /// The witnesses that are written, each at its place.
    pub witnesses: Vec<At<Witness>>,
    /// The finished thing.
    pub built: Option<Safety>,
}

/// Reads `safety:`. Gateways are those of `networks`.
pub fn safety(root: &Fields<'_>, networks: &[NetworkDraft], names: &Names) -> SafetyDraft {
    let Some(fields) = root.object("safety") else {
        return SafetyDraft {
            spare: None,
            witnesses: Vec::new(),
            built: None,
        };
    };
    let spare = fields.get("spare", words::hosts);
    let recover_after = fields.get("recover_after", at_least(LEAST_RECOVERY));
    let rejoin_after = fields.get("rejoin_after", words::pause);
    let brake = fields.get("brake", |text| words::percent(text, 1, 100));
    let brake_window = fields.get("brake_window", words::span);
    let written = written_witnesses(&fields, networks);
    let witnesses = match fields.entry("witnesses") {
        Some(_) => without_repeats(written.iter().map(|at| at.value.clone())),
        None => usual_witnesses(networks, names),
    };
    let lease = lease(&fields);
    let max_destroy = max_destroy(&fields);
    let built = || {
        Some(Safety {
            recover_after: recover_after?.value,
            rejoin_after: rejoin_after?.value,
            brake: brake?.value,
            brake_window: brake_window?.value,
            witnesses,
            spare: spare?.value,
            max_destroy: max_destroy?,
            lease: lease?,
        })
    };
    let built = built();
    SafetyDraft {
        spare,
        witnesses: written,
        built,
    }
}

fn max_destroy(safety: &Fields<'_>) -> Option<MaxDestroy> {
    let fields = safety.object("max_destroy")?;
    let count = fields.number("count");
    let percent = fields.get("percent", |text| words::percent(text, 0, 100));
    Some(MaxDestroy {
        count: count?.value,
        percent: percent?.value,
    })
}

fn lease(safety: &Fields<'_>) -> Option<LeasePolicy> {
    let fields = safety.object("lease")?;
    let ttl = fields.get("ttl", at_least(LEAST_TTL));
    let margin = fields.get("margin", at_least(LEAST_MARGIN));
    let watchdog = fields.get("watchdog", words::device);
    Some(LeasePolicy {
        ttl: ttl?.value,
        margin: margin?.value,
        watchdog: watchdog.map(|device| device.value),
    })
}

fn at_least(least: Duration) -> impl Fn(&str) -> Result<Duration, Wrong> {
    move |text| {
        let span = words::pause(text)?;
        match span < least {
            true => Err(Wrong::new(
                format!("{text} is too short"),
                format!("the least is {}", unit::span(least).replace(' ', "")),
            )),
            false => Ok(span),
        }
    }
}

/// Of two hosts that don't see each other, neither could tell who is cut off, so there the gateway is asked where nothing
/// is written.
fn usual_witnesses(networks: &[NetworkDraft], names: &Names) -> Vec<Witness> {
    let two = names.hosts.as_ref().is_some_and(|hosts| hosts.len() == 2);
    let gateways = gateways(networks).map(Witness::Address);
    without_repeats(gateways.filter(|_| two))
}

fn gateways(networks: &[NetworkDraft]) -> impl Iterator<Item = Ipv4Addr> + '_ {
    networks.iter().filter_map(|net| Some(net.gateway?.value))
}

fn written_witnesses(fields: &Fields<'_>, networks: &[NetworkDraft]) -> Vec<At<Witness>> {
    if fields.entry("witnesses").is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for item in fields.list("witnesses", Single::Allowed) {
        let Some(word) = item.get(fields.cx, words::witness) else {
            continue;
        };
        let at = |value| At {
            value,
            span: word.span,
        };
        match word.value {
            WitnessWord::One(witness) => found.push(at(witness)),
            WitnessWord::Gateways => {
                if gateways(networks).next().is_none()
                    && networks.iter().all(|net| net.built.is_some())
                {
                    let problem = Problem::new(word.span, "no network has a gateway");
                    fields
                        .push(problem.help(
                            "add `gateway:` to a network, or write an address or a URL here",
                        ));
                }
                found.extend(gateways(networks).map(|gateway| at(Witness::Address(gateway))));
            }
        }
    }
    found
}

fn without_repeats(witnesses: impl Iterator<Item = Witness>) -> Vec<Witness> {
    witnesses.fold(Vec::new(), |mut once, witness| {
        if !once.contains(&witness) {
            once.push(witness);
        }
        once
    })
}

/// Reads `rebalance:`; where it is not written, nothing is moved.
pub fn rebalance(root: &Fields<'_>) -> Option<Rebalance> {
    root.entry("rebalance")?;
    let fields = root.object("rebalance")?;
    let threshold = fields.get("threshold", |text| words::percent(text, 1, 100));
    let hold = fields.get("hold", words::pause);
    let margin = fields.get("margin", |text| words::percent(text, 1, 100));
    let cooldown = fields.get("cooldown", words::pause);
    Some(Rebalance {
        threshold: threshold?.value,
        hold: hold?.value,
        margin: margin?.value,
        cooldown: cooldown?.value,
    })
}

/// How much of a group may be away, each part at its place.
pub struct BudgetDraft {
    /// `min_available`, in instances.
    pub min_available: Option<At<u32>>,
    /// `max_unavailable`, in instances.
    pub max_unavailable: Option<At<u32>>,
    /// `surge`, in instances.
    pub surge: Option<At<u32>>,
    /// The finished thing.
    pub built: Option<Budget>,
}

/// Reads the budget of a group.
pub fn budget(fields: &Fields<'_>, replicas: Option<At<u32>>) -> BudgetDraft {
    let amount = |name, of: fn(Amount, u32) -> u32| {
        let amount = fields.get(name, words::amount)?;
        Some(At {
            value: of(amount.value, replicas?.value),
            span: amount.span,
        })
    };
    let min_available = amount("min_available", Amount::at_least);
    let max_unavailable = amount("max_unavailable", Amount::at_most);
    let surge = amount("surge", Amount::at_least);
    let settle = fields.get("settle", words::pause);
    report_both(fields);
    let built = || {
        let replicas = replicas?.value;
        let away = max_unavailable.map(|most| replicas.saturating_sub(most.value));
        let least = min_available.map(|least| least.value).or(away);
        let surge = surge?.value;
        // Who has others made first wants none to be missing.
        let usual = match surge {
            0 => Budget::of(replicas).min_available,
            _ => replicas,
        };
        Some(Budget {
            min_available: least.unwrap_or(usual),
            surge,
            settle: settle?.value,
            given: least.is_some() || surge > 0,
        })
    };
    let built = built();
    BudgetDraft {
        min_available,
        max_unavailable,
        surge,
        built,
    }
}

fn report_both(fields: &Fields<'_>) {
    let (one, other) = ("min_available", "max_unavailable");
    if let (Some(least), Some(most)) = (fields.entry(one), fields.entry(other)) {
        let message = format!("`{}` has both `{one}` and `{other}`", fields.path);
        let (early, late) = (least.span.min(most.span), least.span.max(most.span));
        let problem = Problem::new(late, message).also(early, "the other one");
        fields.push(problem.help("they say the same from two sides: keep one of the two"));
    }
}

/// Reads what is done with instances that don't come up.
pub fn restarts(group: &Fields<'_>) -> Option<Restarts> {
    let fields = group.object("restart")?;
    let max_restarts = fields.number("max_restarts");
    let max_relocations = fields.number("max_relocations");
    let pause = fields.get("pause", words::span);
    let longest = fields.get("longest_pause", words::span);
    if let (Some(pause), Some(longest)) = (pause, longest)
        && longest.value < pause.value
    {
        let written = fields
            .entry("longest_pause")
            .map_or(pause.span, |_| longest.span);
        let message = format!(
            "the pause in `{}` is longer than the longest, {}",
            fields.path,
            unit::span(longest.value)
        );
        let problem = Problem::new(written, message);
        fields.push(problem.help("make `longest_pause` as long as `pause` at least"));
    }
    Some(Restarts {
        max_restarts: max_restarts?.value,
        max_relocations: max_relocations?.value,
        pause: pause?.value,
        longest_pause: longest?.value,
    })
}
