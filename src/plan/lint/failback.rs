//! What the file says and what changes nothing: warnings of `validate`.

use crate::model::desired::{Desired, Group};
use crate::model::plan::{Notice, NoticeKind};

/// Groups whose instances may go back to better hosts, where none is better, or none may go.
pub fn idle_failback(desired: &Desired) -> impl Iterator<Item = Notice> {
    let groups = desired.groups.values().filter(|g| g.placement.failback);
    groups.filter_map(|group| {
        let (why, help) = why_idle(group)?;
        Some(Notice {
            kind: NoticeKind::Warning,
            subject: group.id.to_string(),
            text: format!("`failback` of {} does nothing: {why}", group.id),
            help: Some(help.to_owned()),
            line: desired
                .lines
                .of(&format!("{}.placement.failback", group.key())),
        })
    })
}

fn why_idle(group: &Group) -> Option<(&'static str, &'static str)> {
    let rules = &group.placement;
    let wishes = [&rules.affinity.preferred, &rules.anti_affinity.preferred];
    let wishes = !rules.hosts.preferred.is_empty() || wishes.iter().any(|w| !w.is_empty());
    let pinned = (1..=group.replicas).all(|index| rules.pin.contains_key(&index));
    match (group.stateful, wishes) {
        (true, _) => Some((
            "what is `stateful` stays where its disk is",
            "remove `failback`",
        )),
        (false, false) => Some((
            "nothing is preferred, so no host is better than another",
            "name the better hosts: `hosts: { preferred: […] }`, or remove `failback`",
        )),
        (false, true) if pinned => Some(("all its instances are pinned", "remove `failback`")),
        (false, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::Line;
    use crate::spec::{NoFiles, parse};

    fn warned(group: &str) -> Vec<String> {
        let text = format!(
            "cluster: demo\nnetworks: {{ lan: {{ cidr: 10.0.0.0/16 }} }}\nhosts:\n  a: {{ address: 10.0.0.2, pool: 10.0.1.1-10.0.1.9 }}\n\
             images: {{ alpine: {{ path: /a.qcow2 }} }}\nservices:\n  \
             api: {{ image: alpine, port: 80, run: x, {group} }}\n"
        );
        let desired = parse("x", text.as_bytes(), &NoFiles).unwrap_or_else(|e| panic!("{e}"));
        let warned = idle_failback(&desired).map(|notice| {
            assert_eq!(notice.line, Some(Line::of(7)));
            notice.text
        });
        warned.collect()
    }

    #[test]
    fn failback_needs_something_that_is_preferred() {
        let rules = |rules: &str| warned(&format!("placement: {{ failback: yes{rules} }}"));
        assert_eq!(
            rules(""),
            [
                "`failback` of api does nothing: nothing is preferred, so no host is better than another"
            ]
        );
        assert_eq!(rules(", hosts: { required: a }").len(), 1);
        assert_eq!(rules(", hosts: { preferred: a }, pin: { 1: a }").len(), 1);
        assert!(rules(", hosts: { preferred: a }").is_empty());
        assert!(rules(", anti_affinity: { preferred: api }").is_empty());
        let stateful = "stateful: yes, placement: { failback: yes, hosts: { preferred: a } }";
        assert!(warned(stateful)[0].contains("stays where its disk is"));
        assert!(warned("placement: { failback: no }").is_empty());
    }
}
