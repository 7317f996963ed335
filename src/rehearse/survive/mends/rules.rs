//! Looser rules of placement, and instances farther apart.

use std::collections::BTreeSet;

use super::{Facts, MOST_HOSTS, Mend, both};
use crate::model::desired::Group;
use crate::model::id::{HostId, InstanceId};
use crate::model::policy::{HostChoice, PlacementRules};

impl Facts<'_> {
    /// Looser rules of placement, and instances farther apart.
    pub(super) fn rules(&self) -> Vec<Mend> {
        let groups = self.troubled();
        let rules = groups.flat_map(|group| {
            let wider = self.wider(group);
            let apart = self.apart(group);
            let further = [both(&wider, &apart), two_of(&wider)].concat();
            [wider, apart, further].concat()
        });
        rules.collect()
    }

    /// Hosts that the rules of a group leave out may be taken too.
    fn wider(&self, group: &Group) -> Vec<Mend> {
        let rules = &group.placement;
        let written = |choices: Vec<String>| format!("[{}]", choices.join(", "));
        let key = |name: &str| format!("{}.placement.{name}", group.key());
        let mut mends = Vec::new();
        if !rules.pin.is_empty() {
            mends.push(Mend::new(
                format!("no pins for {}", group.id),
                [(key("pin"), String::new())],
            ));
        }
        mends.extend(self.other_pins(group, rules));
        let wishes = [
            ("anti_affinity", &rules.anti_affinity, "apart"),
            ("affinity", &rules.affinity, "together"),
        ];
        for (name, wish, what) in wishes
            .iter()
            .filter(|(_, wish, _)| !wish.required.is_empty())
        {
            let all = wish.required.union(&wish.preferred);
            let all = written(all.map(ToString::to_string).collect());
            let text = format!("{} only preferred {what}", group.id);
            mends.push(Mend::new(
                text,
                [(key(name), format!("{{ preferred: {all} }}"))],
            ));
        }
        if !rules.hosts.required.is_empty() {
            mends.extend(self.left_out(rules).into_iter().map(|choice| {
                let all = rules
                    .hosts
                    .required
                    .iter()
                    .chain([&choice])
                    .map(choice_text);
                let text = format!("{} may also be on {}", group.id, choice_text(&choice));
                Mend::new(text, [(key("hosts"), written(all.collect()))])
            }));
        }
        mends
    }

    /// Another host for a pinned instance.
    fn other_pins(&self, group: &Group, rules: &PlacementRules) -> Vec<Mend> {
        let lost = &self.loss.hosts;
        let pins = rules.pin.iter().filter(|(_, host)| lost.contains(*host));
        let mends = pins.flat_map(|(index, _)| {
            let hosts = self.survivors().take(MOST_HOSTS);
            hosts.map(move |host| {
                let key = format!("{}.placement.pin.{index}", group.key());
                let text = format!("{} on host {}", InstanceId::new(&group.id, *index), host.id);
                Mend::new(text, [(key, host.id.to_string())])
            })
        });
        mends.collect()
    }

    /// What could be added to the hosts that may be taken: other values of the labels that are named, or other hosts.
    fn left_out(&self, rules: &PlacementRules) -> BTreeSet<HostChoice> {
        let named = &rules.hosts.required;
        let labels: BTreeSet<&String> = named
            .iter()
            .filter_map(|choice| match choice {
                HostChoice::Label(name, _) => Some(name),
                HostChoice::Host(_) => None,
            })
            .collect();
        let choices = self.survivors().flat_map(|host| {
            let values = host.labels.iter().filter(|(name, _)| labels.contains(name));
            let values = values.map(|(name, value)| HostChoice::Label(name.clone(), value.clone()));
            let itself = labels.is_empty().then(|| HostChoice::Host(host.id.clone()));
            values.chain(itself).collect::<Vec<_>>()
        });
        choices.filter(|choice| !named.contains(choice)).collect()
    }

    /// Instances spread over the label whose value was lost.
    fn apart(&self, group: &Group) -> Vec<Mend> {
        let labels: BTreeSet<&String> = self
            .desired
            .hosts
            .values()
            .flat_map(|host| host.labels.keys())
            .filter(|label| !group.placement.spread.contains(*label))
            .filter(|label| self.lost_as_one(label))
            .collect();
        let spread = labels.into_iter().map(|label| {
            let all = [std::slice::from_ref(label), &group.placement.spread].concat();
            let key = format!("{}.placement.spread", group.key());
            let text = format!("{} spread over the values of {label}", group.id);
            Mend::new(text, [(key, format!("[{}]", all.join(", ")))])
        });
        spread.collect()
    }

    /// Whether the lost hosts are all those with one value of a label.
    fn lost_as_one(&self, label: &str) -> bool {
        let value = |host: &HostId| self.desired.hosts.get(host)?.labels.get(label);
        let mut values = self.loss.hosts.iter().map(value);
        let first = values.next().flatten();
        first.is_some() && values.all(|value| value == first)
    }
}

/// Any two that are about other keys.
fn two_of(mends: &[Mend]) -> Vec<Mend> {
    let keys = |mend: &Mend| mend.changes.keys().cloned().collect::<BTreeSet<_>>();
    let pairs = mends.iter().enumerate().flat_map(|(n, one)| {
        let others = mends[n + 1..].iter();
        let others = others.filter(move |other| keys(one).is_disjoint(&keys(other)));
        others.map(move |other| one.and(other))
    });
    pairs.collect()
}

fn choice_text(choice: &HostChoice) -> String {
    match choice {
        HostChoice::Host(host) => host.to_string(),
        HostChoice::Label(name, value) => format!("{name}={value}"),
    }
}
