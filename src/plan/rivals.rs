//! Another controller that works on the cluster: said, with what to do. What is planned stays in the plan; it is not
//! done while the other one has hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Planner;
use crate::model::claim::{Claim, ControllerId};
use crate::model::id::HostId;
use crate::model::plan::{Notice, NoticeKind};
use crate::model::unit::span;

/// What to do about another controller.
pub const HELP: &str =
    "end it (Ctrl-C where it runs), or work there; when it is gone, its claims end within 30 s";

impl Planner<'_> {
    /// Says which other controllers have hosts. Their claims may end at a known time.
    pub(super) fn say_rivals(&mut self) {
        let rivals = &self.round.observed.rivals;
        let notices = by_owner(rivals).into_values().map(|claims| Notice {
            kind: NoticeKind::Warning,
            subject: "cluster".to_owned(),
            text: text(&claims),
            help: Some(HELP.to_owned()),
            line: None,
        });
        self.draft.notices.extend(notices);
        let left = rivals.values().map(|claim| claim.left_s).max();
        if let Some(left) = left {
            let over = Duration::from_secs(left + 1);
            self.draft.look_again_at(self.round.observed.now.plus(over));
        }
    }
}

fn by_owner(rivals: &BTreeMap<HostId, Claim>) -> BTreeMap<&ControllerId, Vec<(&HostId, &Claim)>> {
    let mut owners: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (host, claim) in rivals {
        owners.entry(&claim.owner).or_default().push((host, claim));
    }
    owners
}

/// Another controller, in a line.
pub fn rivals_text(rivals: &BTreeMap<HostId, Claim>) -> String {
    let texts = by_owner(rivals).into_values().map(|claims| text(&claims));
    texts.collect::<Vec<_>>().join("; ")
}

fn text(claims: &[(&HostId, &Claim)]) -> String {
    let hosts: Vec<&str> = claims.iter().map(|(host, _)| host.as_str()).collect();
    let held = claims.iter().map(|(_, claim)| claim.held_s).max();
    let who = claims.first().map_or("", |(_, claim)| &claim.who);
    let plural = if hosts.len() == 1 { "" } else { "s" };
    // Nobody succeeds it as long as most hosts are out of sight.
    if claims.iter().all(|(_, claim)| claim.left_s == 0) {
        return format!(
            "another controller had host{plural} {}, and may work on with hosts that we don't see: {who}",
            hosts.join(", ")
        );
    }
    format!(
        "another controller is at work on it: {who}, for {} on host{plural} {}",
        span(Duration::from_secs(held.unwrap_or(0))),
        hosts.join(", ")
    )
}

#[cfg(test)]
mod tests {

    use super::*;

    fn rivals(said: &[(&str, &str)]) -> BTreeMap<HostId, Claim> {
        let claim = |(host, owner): &(&str, &str)| {
            let claim = Claim {
                owner: owner.parse().unwrap(),
                who: format!("{owner}@ops, watch, pid 7"),
                held_s: 3_600,
                left_s: 21,
                hosts: BTreeMap::new(),
            };
            (host.parse().unwrap(), claim)
        };
        said.iter().map(claim).collect()
    }

    #[test]
    fn it_is_said_who_works_on_which_hosts_and_since_when() {
        assert_eq!(
            rivals_text(&rivals(&[("a", "anna"), ("b", "anna")])),
            "another controller is at work on it: anna@ops, watch, pid 7, for 1h00m on hosts a, b"
        );
        let two = rivals_text(&rivals(&[("a", "anna"), ("b", "bert")]));
        assert_eq!(two.matches("another controller").count(), 2, "{two}");
    }
}
