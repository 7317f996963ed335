//! What users notice of a plan: of each action, and in all. Pure.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::text;
use crate::model::plan::{Interruption, Plan};
use crate::model::unit::span;

/// So many things that are interrupted are named.
const NAMED: usize = 10;

/// As much of what is interrupted as is named in a summary.
const SHORT: usize = 120;

/// One thing that is interrupted, by however many actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cost<'a> {
    /// What.
    pub what: &'a str,
    /// For about how long in all; none: for good.
    #[serde(rename = "about_ms", serialize_with = "in_millis")]
    pub about: Option<Duration>,
    /// Whether all of that was measured on this cluster.
    pub measured: bool,
}

fn in_millis<S: Serializer>(about: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    about.map(|about| about.as_millis()).serialize(serializer)
}

impl<'a> Cost<'a> {
    /// All that a plan interrupts, in the order in which it is.
    pub fn all(plan: &'a Plan) -> Vec<Cost<'a>> {
        let mut costs: Vec<Cost<'a>> = Vec::new();
        for one in plan.actions.iter().filter_map(|a| a.interrupts.as_ref()) {
            let measured = one.measured.is_some();
            match costs.iter_mut().find(|cost| cost.what == one.what) {
                Some(cost) => {
                    let both = cost.about.zip(one.about);
                    cost.about = both.map(|(sum, more)| sum.saturating_add(more));
                    cost.measured &= measured;
                }
                None => costs.push(Cost {
                    what: &one.what,
                    about: one.about,
                    measured,
                }),
            }
        }
        costs
    }

    fn words(&self) -> String {
        let how = match self.measured {
            true => "measured",
            false => "assumed",
        };
        let what: String = text::clean(self.what).chars().take(SHORT).collect();
        format!("{what} {}", lasting(self.about, how))
    }
}

/// `It interrupts new connections to 192.168.10.120 for about 2 s (measured).` None where nothing is interrupted.
pub fn sentence(plan: &Plan) -> Option<String> {
    let costs = Cost::all(plan);
    let mut named: Vec<String> = costs.iter().take(NAMED).map(Cost::words).collect();
    let more = costs.len().saturating_sub(NAMED);
    named.extend((more > 0).then(|| format!("{more} more")));
    (!named.is_empty()).then(|| format!("It interrupts {}.", text::list(&named)))
}

/// `new connections to 192.168.10.120 for about 1.2 s (measured, 10 times)`
pub fn noticed(interruption: &Interruption) -> String {
    let how = match interruption.measured {
        None => "assumed".to_owned(),
        Some(1) => "measured, once".to_owned(),
        Some(times) => format!("measured, {times} times"),
    };
    let what = text::clean(&interruption.what);
    format!("{what} {}", lasting(interruption.about, &how))
}

fn lasting(about: Option<Duration>, how: &str) -> String {
    match about {
        Some(about) => format!("for about {} ({how})", span(about)),
        None => "for good".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn what_several_actions_interrupt_is_added_up() {
        let mut plan = samples::failover();
        let of = |what: &str, about, measured| {
            Some(Interruption {
                what: what.to_owned(),
                about: Some(Duration::from_millis(about)),
                measured,
            })
        };
        plan.actions[0].interrupts = of("web", 8_000, Some(10));
        plan.actions[1].interrupts = of("web", 9_000, Some(1));
        plan.actions[2].interrupts = of("api", 30_000, None);
        let told = "It interrupts web for about 17 s (measured) and api for about 30 s (assumed).";
        assert_eq!(sentence(&plan).as_deref(), Some(told));
        plan.actions[2].interrupts = of("web", 30_000, None);
        plan.actions[3].interrupts = Some(Interruption {
            about: None,
            ..of("web", 0, None).unwrap()
        });
        assert_eq!(
            sentence(&plan).as_deref(),
            Some("It interrupts web for good.")
        );
        assert_eq!(sentence(&samples::nothing_to_do()), None);
    }

    #[test]
    fn whoever_reads_it_knows_how_sure_it_is() {
        let of = |measured| {
            noticed(&Interruption {
                what: "web".into(),
                about: Some(Duration::from_secs(8)),
                measured,
            })
        };
        assert_eq!(of(Some(10)), "web for about 8 s (measured, 10 times)");
        assert_eq!(of(Some(1)), "web for about 8 s (measured, once)");
        assert_eq!(of(None), "web for about 8 s (assumed)");
    }
}
