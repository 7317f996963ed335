//! What `survey.sh` tells of one foreign domain → [`Surveyed`]. It is foreign: names and descriptions may hold anything.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use roxmltree::{Document, Node};

use super::parse_answer::{ParseError, Record, records};
use crate::model::adoption::Surveyed;
use crate::model::unit::Bytes;

/// More than any host has.
const MOST_KIB: u64 = 1 << 40;

/// What a domain is made of, and which addresses it has.
///
/// # Errors
/// The answer was cut off, or makes no sense.
pub fn parse_survey(answer: &str) -> Result<Surveyed, ParseError> {
    let records = records(answer)?;
    let record = |key: &'static str| {
        let found = records.iter().find(|record| record.key == key);
        found.ok_or(ParseError::Missing(key))
    };
    let text = |key: &'static str| record(key).and_then(Record::text);
    let xml = record("xml")?;
    let mut surveyed = Surveyed::default();
    let macs = parse_xml(&xml.text()?, &mut surveyed).ok_or_else(|| xml.error())?;
    let info = text("info")?;
    surveyed.is_defined = info
        .lines()
        .any(|line| words(line) == ["Persistent:", "yes"]);
    let (leases, table) = (text("addresses")?, text("neighbours")?);
    let known = leases
        .lines()
        .filter_map(lease)
        .chain(table.lines().filter_map(neighbour));
    let its = known.filter(|(mac, _)| macs.contains(mac));
    surveyed.addresses = its.map(|(_, address)| address).collect();
    Ok(surveyed)
}

fn words(line: &str) -> Vec<&str> {
    line.split_ascii_whitespace().collect()
}

/// Fills in what the description says; the hardware addresses of its interfaces.
fn parse_xml(xml: &str, surveyed: &mut Surveyed) -> Option<BTreeSet<String>> {
    let document = Document::parse(xml.trim()).ok()?;
    let root = document.root_element();
    surveyed.cpus = child(root, "vcpu")?.text()?.trim().parse().ok()?;
    surveyed.memory = memory(child(root, "memory")?)?;
    let devices = child(root, "devices")?;
    let interfaces = devices
        .children()
        .filter(|node| node.has_tag_name("interface"));
    let mut macs = BTreeSet::new();
    for interface in interfaces {
        let mac = child(interface, "mac").and_then(|mac| mac.attribute("address"));
        macs.extend(mac.map(str::to_ascii_lowercase));
        let bridge = child(interface, "source").and_then(|source| source.attribute("bridge"));
        surveyed.bridges.extend(bridge.map(str::to_owned));
    }
    let disks = devices.children().filter(|node| {
        node.has_tag_name("disk") && node.attribute("device").is_none_or(|what| what == "disk")
    });
    let sources = disks.filter_map(|disk| {
        let source = child(disk, "source")?;
        let mut places = ["file", "dev", "name", "volume"].into_iter();
        places.find_map(|place| source.attribute(place))
    });
    surveyed.disks = sources.map(str::to_owned).collect();
    Some(macs)
}

/// `<memory unit='KiB'>524288</memory>`; libvirt itself always writes KiB.
fn memory(node: Node<'_, '_>) -> Option<Bytes> {
    let is_kib = node.attribute("unit").is_none_or(|unit| unit == "KiB");
    let kib: u64 = node.text()?.trim().parse().ok()?;
    (is_kib && kib <= MOST_KIB).then_some(Bytes(kib << 10))
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

/// ` vnet0  52:54:00:00:00:01  ipv4  10.0.0.7/24`.
fn lease(line: &str) -> Option<(String, Ipv4Addr)> {
    match words(line)[..] {
        [_, mac, "ipv4", address] => {
            let (address, _) = address.split_once('/')?;
            Some((mac.to_ascii_lowercase(), address.parse().ok()?))
        }
        _ => None,
    }
}

/// `10.0.0.7 dev br0 lladdr 52:54:00:00:00:01 REACHABLE`.
fn neighbour(line: &str) -> Option<(String, Ipv4Addr)> {
    let words = words(line);
    let at = words.iter().position(|word| *word == "lladdr")?;
    Some((
        words.get(at + 1)?.to_ascii_lowercase(),
        words.first()?.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    const XML: &str = "<domain type='kvm' id='3'><name>db</name><memory unit='KiB'>524288</memory><vcpu placement='static'>2</vcpu>
        <devices><disk type='file' device='cdrom'><source file='/cd.iso'/></disk>
        <disk type='file' device='disk'><source file='/vms/db.qcow2'/></disk>
        <disk type='block'><source dev='/dev/vg/db'/></disk>
        <interface type='bridge'><mac address='52:54:00:AA:00:01'/><source bridge='br0'/></interface></devices></domain>";

    fn answer(xml: &str, info: &str, addresses: &str, neighbours: &str) -> String {
        let record = |key, text: &str| format!("{key} <base64\n{}\n.\n", STANDARD.encode(text));
        format!(
            "reconcile-answer\n{}{}{}{}end\n",
            record("xml", xml),
            record("info", info),
            record("addresses", addresses),
            record("neighbours", neighbours)
        )
    }

    #[test]
    fn a_domain_is_told_with_the_addresses_of_its_own_interfaces() {
        let leases = " Name  MAC address  Protocol  Address\n---\n lo  00:00:00:00:00:00  ipv4  127.0.0.1/8\n vnet0  52:54:00:aa:00:01  ipv4  10.0.0.7/24\n";
        let table = "10.0.0.7 dev br0 lladdr 52:54:00:aa:00:01 STALE\n10.0.0.8 dev br0 lladdr 52:54:00:aa:00:02 REACHABLE\n10.0.0.9 dev br0 FAILED\n";
        let surveyed = parse_survey(&answer(XML, "Persistent:     yes\n", leases, table)).unwrap();
        let expected = Surveyed {
            cpus: 2,
            memory: Bytes(512 << 20),
            bridges: BTreeSet::from(["br0".to_owned()]),
            disks: vec!["/vms/db.qcow2".to_owned(), "/dev/vg/db".to_owned()],
            addresses: BTreeSet::from([Ipv4Addr::new(10, 0, 0, 7)]),
            is_defined: true,
        };
        assert_eq!(surveyed, expected);
    }

    #[test]
    fn a_description_can_t_claim_to_be_defined_and_one_without_sense_is_an_error() {
        let xml = XML.replace(
            "<name>",
            "<description>\nPersistent: yes\n</description><name>",
        );
        let surveyed = parse_survey(&answer(&xml, "Persistent: no\n", "", "")).unwrap();
        assert!(!surveyed.is_defined && surveyed.addresses.is_empty());
        let cut = XML.replace("<vcpu placement='static'>2</vcpu>", "");
        assert!(parse_survey(&answer(&cut, "", "", "")).is_err());
        assert!(parse_survey("reconcile-answer\n").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "\\PC{0,40}", more in "( vnet0| lladdr| ipv4| 10.0.0.7/24|\n){0,9}") {
            let _ = parse_survey(&answer(&text, &more, &more, &more));
        }
    }
}
