//! Runs a case, and says what is wrong with how it went.

use std::sync::Arc;
use std::time::Duration;

use reconcile::model::desired::Desired;
use reconcile::model::scenario::Scenario;
use reconcile::rehearse::{Rehearsal, rehearse};
use reconcile::spec::scenario::{Cluster, parse_scenario};
use reconcile::spec::{NoFiles, parse};

use super::case::Case;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What, without names and figures: what stays the same while a case shrinks.
    pub kind: String,
    /// What, as it was found.
    pub text: String,
}

/// Reads a case as the product would.
pub fn read(case: &Case) -> Result<(Arc<Desired>, Scenario), String> {
    let text = case.cluster_yaml();
    let desired = parse("cluster.yaml", text.as_bytes(), &NoFiles);
    let desired = Arc::new(desired.map_err(|errors| errors.to_string())?);
    let cluster = Cluster {
        name: "cluster.yaml",
        bytes: text.as_bytes(),
        files: &NoFiles,
        desired: Arc::clone(&desired),
    };
    let text = case.scenario_yaml("campaign");
    let scenario = parse_scenario("scenario.yaml", text.as_bytes(), &cluster);
    Ok((desired, scenario.map_err(|errors| errors.to_string())?))
}

/// Runs a case.
pub fn run(case: &Case) -> Result<Rehearsal, String> {
    let (desired, scenario) = read(case)?;
    let lasts = Duration::from_secs(case.lasts);
    rehearse(&desired, &scenario, case.seed, lasts).map_err(|error| error.to_string())
}

/// What is wrong with a case; none: nothing.
pub fn judge(case: &Case) -> Option<Wrong> {
    match run(case) {
        Ok(rehearsal) => wrong(&rehearsal),
        Err(text) => Some(Wrong {
            kind: text.lines().next().unwrap_or_default().to_owned(),
            text,
        }),
    }
}

/// What is wrong with a rehearsal; a broken law before anything else.
pub fn wrong(rehearsal: &Rehearsal) -> Option<Wrong> {
    let law = rehearsal.broken.first().cloned();
    let unmet = || {
        let unmet = rehearsal.unmet.first()?;
        Some(format!(
            "not so at the end: {}, but {}",
            unmet.expected, unmet.but
        ))
    };
    let text = law.or_else(unmet)?;
    Some(Wrong {
        kind: kind(&text),
        text,
    })
}

/// A text without what differs from case to case.
fn kind(text: &str) -> String {
    if text.starts_with("not so at the end") {
        return "not as desired at the end".to_owned();
    }
    let first = text.split(['\n', ';', ':']).next().unwrap_or_default();
    let is_name = |word: &&str| !word.contains(|c: char| c.is_ascii_digit());
    let words: Vec<&str> = first
        .split_whitespace()
        .filter(is_name)
        .filter(|w| w.len() > 1)
        .collect();
    words.join(" ")
}
