//! The names in a file, whatever else is wrong with it: for completion while somebody types. Checks nothing, and reads no
//! other file than those that are included.

use std::rc::Rc;

use super::context::Context;
use super::source::Source;
use super::tree::{Kind, Node};
use super::{SpecFiles, compose, include, keys};
use crate::model::id::{ClusterName, GroupId, HostId, InstanceId};

/// More instances of a group are not listed.
const MAX_INSTANCES: u32 = 10_000;

/// The names in a file. Only what may be a name is one: they get into a shell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// The cluster.
    pub cluster: Option<ClusterName>,
    /// Hosts, in the order of the file.
    pub hosts: Vec<HostId>,
    /// Services, then load balancers, each with its number of instances.
    pub groups: Vec<(GroupId, u32)>,
}

impl Outline {
    /// All instances, in order.
    pub fn instances(&self) -> impl Iterator<Item = InstanceId> {
        self.groups.iter().flat_map(|(group, replicas)| {
            let numbers = 1..=(*replicas).min(MAX_INSTANCES);
            numbers.map(|index| InstanceId::new(group, index))
        })
    }
}

/// Reads the names; none of a file that is no YAML.
pub fn outline(file_name: &str, bytes: &[u8], files: &dyn SpecFiles) -> Outline {
    let (source, None) = Source::read(file_name, bytes) else {
        return Outline::default();
    };
    let (root, problems) = compose::compose(&source);
    let Some(root) = root else {
        return Outline::default();
    };
    let cx = Context::new(files, source, problems);
    let root = include::resolve(&cx, Rc::clone(&root)).unwrap_or(root);
    let named = |section: &str| value(&root, section).map_or(&[][..], Node::entries);
    let groups = [
        ("services", &keys::SERVICE),
        ("load_balancers", &keys::BALANCER),
    ];
    let groups = groups.into_iter().flat_map(|(section, object)| {
        let usual = object.key("replicas").and_then(|key| key.default());
        named(section).iter().filter_map(move |entry| {
            let replicas = value(&entry.value, "replicas").and_then(text).or(usual);
            let replicas = replicas.and_then(|text| text.parse().ok());
            Some((entry.key.parse().ok()?, replicas.unwrap_or(0)))
        })
    });
    Outline {
        cluster: value(&root, "cluster")
            .and_then(text)
            .and_then(|name| name.parse().ok()),
        hosts: named("hosts")
            .iter()
            .filter_map(|entry| entry.key.parse().ok())
            .collect(),
        groups: groups.collect(),
    }
}

fn value<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let mut entries = node.entries().iter();
    entries
        .find(|entry| entry.key == key)
        .map(|entry| &*entry.value)
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(text, _) => Some(text),
        Kind::Nothing | Kind::List(_) | Kind::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::tests::Memory;

    fn told(text: &str, files: &[(&str, &str)]) -> String {
        let found = outline("cluster.yaml", text.as_bytes(), &Memory::with(files));
        let hosts: Vec<_> = found.hosts.iter().map(HostId::to_string).collect();
        let instances: Vec<_> = found.instances().map(|id| id.to_string()).collect();
        format!("{} / {}", hosts.join(" "), instances.join(" "))
    }

    #[test]
    fn names_are_found_in_a_file_that_is_not_valid_yet() {
        let text = "cluster: demo\nnonsense: 1\ninclude: '*.yaml'\nhosts: { b: , a: { pool: oops } }\nload_balancers: { web: }\n";
        let more =
            "services:\n  api: { replicas: 3 }\n  one: { image: x }\n  none: { replicas: 0 }\n";
        let told = told(text, &[("more.yaml", more)]);
        assert_eq!(told, "b a / api-1 api-2 api-3 one-1 web-1 web-2");
    }

    #[test]
    fn where_an_included_file_is_missing_the_others_names_are_still_there() {
        let text = "include: [nobody.yaml]\nhosts: { a: }\n";
        assert_eq!(told(text, &[]), "a / ");
    }

    #[test]
    fn what_is_no_name_gets_into_no_shell() {
        let text = "hosts: { '$(reboot)': , 'a b': , a: }\nservices: { '`x`': , x: { replicas: 99999999 } }\n";
        let told = told(text, &[]);
        assert!(
            told.starts_with("a / x-1 ") && !told.contains(['$', '`', '(']),
            "{}",
            &told[..40]
        );
        assert_eq!(told.split(' ').count(), 2 + 10_000);
        assert_eq!(
            super::outline("x", b"{[", &Memory::default()),
            Outline::default()
        );
    }
}
