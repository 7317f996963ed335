//! The network between controller, clients and hosts: who sees whom.

use std::collections::BTreeSet;

use crate::model::id::HostId;
use crate::model::scenario::Node;

/// Which cables are cut.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    cut: BTreeSet<HostId>,
    sides: Vec<BTreeSet<Node>>,
}

impl Wire {
    /// Cuts a host off.
    pub fn cut(&mut self, host: &HostId) {
        self.cut.insert(host.clone());
    }

    /// Connects a host again.
    pub fn heal(&mut self, host: &HostId) {
        self.cut.remove(host);
    }

    /// Splits the network into these sides; whoever is on none of them is on the first one, and a witness where clients
    /// are. Who is on two sides sees both. No sides: it is whole.
    pub fn split(&mut self, sides: Vec<BTreeSet<Node>>) {
        self.sides = sides;
    }

    /// Whether two see each other. Everybody sees itself.
    pub fn joins(&self, one: &Node, other: &Node) -> bool {
        one == other || !self.is_cut(one) && !self.is_cut(other) && self.share_a_side(one, other)
    }

    /// Whether all see each other.
    pub fn is_whole(&self) -> bool {
        self.cut.is_empty() && self.sides.is_empty()
    }

    fn is_cut(&self, node: &Node) -> bool {
        match node {
            Node::Host(host) => self.cut.contains(host),
            Node::Controller | Node::Second | Node::Clients | Node::Witness(_) => false,
        }
    }

    fn share_a_side(&self, one: &Node, other: &Node) -> bool {
        if self.sides.is_empty() {
            return true;
        }
        let (one, other) = (self.sides_of(one), self.sides_of(other));
        one.iter().any(|side| other.contains(side))
    }

    fn sides_of(&self, node: &Node) -> Vec<usize> {
        let sides = self.sides.iter().enumerate();
        let named: Vec<usize> = sides
            .filter(|(_, side)| side.contains(node))
            .map(|(number, _)| number)
            .collect();
        match (named.is_empty(), node) {
            (false, _) => named,
            (true, Node::Witness(_)) => self.sides_of(&Node::Clients),
            (true, Node::Controller | Node::Second | Node::Clients | Node::Host(_)) => vec![0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::Witness;

    fn host(name: &str) -> Node {
        Node::Host(name.parse().unwrap())
    }

    #[test]
    fn a_host_that_is_cut_off_sees_only_itself() {
        let mut wire = Wire::default();
        wire.cut(&"a".parse().unwrap());
        assert!(wire.joins(&host("a"), &host("a")));
        assert!(!wire.joins(&host("a"), &Node::Controller));
        assert!(wire.joins(&host("b"), &Node::Controller));
    }

    #[test]
    fn who_is_on_two_sides_sees_both_and_joins_nobody_else() {
        let mut wire = Wire::default();
        let witness = Node::Witness(Witness::Url("http://w".to_owned()));
        let both = |one: Node| [one, host("b")].into();
        wire.split(vec![both(host("a")), both(Node::Clients)]);
        assert!(wire.joins(&host("b"), &host("a")) && wire.joins(&host("b"), &Node::Clients));
        assert!(!wire.joins(&host("a"), &Node::Clients));
        assert!(wire.joins(&witness, &Node::Clients) && !wire.joins(&witness, &host("a")));
        wire.split(vec![[Node::Controller].into(), [witness.clone()].into()]);
        assert!(!wire.joins(&witness, &Node::Controller));
    }

    #[test]
    fn who_is_named_on_no_side_is_on_the_first() {
        let mut wire = Wire::default();
        wire.split(vec![[Node::Controller].into(), [host("b")].into()]);
        assert!(wire.joins(&host("a"), &Node::Controller));
        assert!(!wire.joins(&host("a"), &host("b")));
        assert!(!wire.joins(&Node::Clients, &host("b")));
    }
}
