//! How long what interrupts a service takes on this cluster: measured when it is done, kept for a while, told as the median.
//! Losing it loses nothing but that: it is measured anew.

use std::time::Duration;

use crate::model::action::Operation;
use crate::model::id::GroupId;
use crate::model::memory::{Doing, Memory};
use crate::model::plan::{Action, Outcome};

/// So many are kept: enough that one odd one counts for nothing, few enough that a new image shows soon.
const KEPT: usize = 10;

/// An action took so long. What was not done, or was so already, says nothing.
pub fn measure(memory: &mut Memory, action: &Action, outcome: &Outcome, took: Duration) {
    let (Some((group, doing)), Outcome::Changed) = (doing(&action.operation), outcome) else {
        return;
    };
    let all = memory.took.entry(group.clone()).or_default();
    let kept = all.entry(doing).or_default();
    kept.push(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    kept.drain(..kept.len().saturating_sub(KEPT));
}

/// How long it takes to do all of these one after the other, and how often that was measured; none: not each of them was.
pub fn typical(memory: &Memory, group: &GroupId, doings: &[Doing]) -> Option<(Duration, usize)> {
    let all = memory.took.get(group)?;
    let (mut sum, mut times) = (Duration::ZERO, KEPT);
    for doing in doings {
        let kept = all.get(doing)?;
        sum += Duration::from_millis(median(kept)?);
        times = times.min(kept.len());
    }
    Some((sum, times))
}

fn median(kept: &[u64]) -> Option<u64> {
    let mut sorted = kept.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// What is done to whom, where that is measured.
fn doing(operation: &Operation) -> Option<(&GroupId, Doing)> {
    match operation {
        Operation::Create(build) | Operation::Recreate(build) => {
            Some((&build.mark.instance.group, Doing::Build))
        }
        Operation::Configure(set_up) => {
            set_up.healthy.as_ref()?;
            let doing = match set_up.starts {
                true => Doing::SetUp,
                false => Doing::Restart,
            };
            Some((&set_up.guest.instance.group, doing))
        }
        Operation::Bootstrap(first) => Some((&first.guest.instance.group, Doing::Bootstrap)),
        Operation::Rebind(rebind) => Some((&rebind.guest.instance.group, Doing::Rebind)),
        Operation::AddVip(vip) => Some((&vip.balancer, Doing::AddVip)),
        Operation::CopyImage(_)
        | Operation::Fence(_)
        | Operation::Destroy(_)
        | Operation::Sweep(_)
        | Operation::DropVip(_)
        | Operation::SetMark(_)
        | Operation::FenceHost(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(millis: &[u64]) -> Memory {
        let mut memory = Memory::default();
        let all = memory.took.entry("web".parse().unwrap()).or_default();
        all.insert(Doing::Build, millis.to_vec());
        all.insert(Doing::SetUp, vec![500]);
        memory
    }

    #[test]
    fn one_odd_one_counts_for_nothing() {
        let web = "web".parse().unwrap();
        let of = |millis: &[u64]| typical(&measured(millis), &web, &[Doing::Build]);
        assert_eq!(of(&[8, 9, 8_000]), Some((Duration::from_millis(9), 3)));
        assert_eq!(of(&[8]), Some((Duration::from_millis(8), 1)));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn what_is_done_one_after_the_other_is_added_up_and_counts_as_often_as_each_was_measured() {
        let (web, memory) = ("web".parse().unwrap(), measured(&[100, 200, 300]));
        let both = typical(&memory, &web, &[Doing::Build, Doing::SetUp]);
        assert_eq!(both, Some((Duration::from_millis(700), 1)));
        assert_eq!(
            typical(&memory, &web, &[Doing::Build, Doing::Restart]),
            None
        );
        assert_eq!(typical(&memory, &"other".parse().unwrap(), &[]), None);
    }
}
