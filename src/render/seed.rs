//! The NoCloud seed: what a fresh guest is told about itself before anybody can log in to it
//! (<https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html>). A subset of YAML that small readers,
//! like the one of Alpine, understand as well as cloud-init does.

use super::GuestContext;
use super::quote::yaml;
use crate::model::action::{Machine, Seed};
use crate::model::desired::Desired;
use crate::model::mark::Mark;

/// The seed of a guest.
pub fn seed(desired: &Desired, guest: &GuestContext<'_>, machine: &Machine, mark: &Mark) -> Seed {
    Seed {
        meta_data: meta_data(guest, machine, mark),
        user_data: user_data(desired, guest),
        network_config: network_config(guest, machine),
    }
}

/// The id is new with every life of the instance: that is what makes cloud-init apply the seed.
fn meta_data(guest: &GuestContext<'_>, machine: &Machine, mark: &Mark) -> String {
    let id = format!("{}-{}", machine.domain, mark.generation);
    let name = guest.instance.to_string();
    format!(
        "instance-id: {}\nlocal-hostname: {}\n",
        yaml(&id),
        yaml(&name)
    )
}

fn user_data(desired: &Desired, guest: &GuestContext<'_>) -> String {
    let name = yaml(&guest.instance.to_string());
    let keys = list(2, desired.ssh.authorized_keys.iter().map(|key| key.trim()));
    let mut text = format!("#cloud-config\nhostname: {name}\ndisable_root: false\n");
    if !keys.is_empty() {
        text += &format!("ssh_authorized_keys:\n{keys}");
    }
    text
}

/// `gateway4` is old-fashioned, and the one form that all readers understand: cloud-init before 22.4.3 stops at
/// `to: default` (Debian 12: <https://github.com/canonical/cloud-init/issues/3988>) and makes of `to: 0.0.0.0/0` a call
/// of `route`, which Debian 12 lacks; Alpine's tiny-cloud knows no routes.
fn network_config(guest: &GuestContext<'_>, machine: &Machine) -> String {
    let network = guest.network;
    let mac = serde_json::Value::from(machine.mac.as_str());
    let prefix = network.cidr.prefix_len();
    let mut text = format!(
        "version: 2\nethernets:\n  primary:\n    match:\n      macaddress: {mac}\n    set-name: eth0\n    addresses:\n      - {}/{prefix}\n",
        guest.address
    );
    if let Some(gateway) = network.gateway {
        text += &format!("    gateway4: {gateway}\n");
    }
    if !network.dns.is_empty() {
        let servers: String = network
            .dns
            .iter()
            .map(|server| format!("        - {server}\n"))
            .collect();
        text += &format!("    nameservers:\n      addresses:\n{servers}");
    }
    text
}

fn list<'a>(indent: usize, items: impl Iterator<Item = &'a str>) -> String {
    items
        .map(|item| format!("{:indent$}- {}\n", "", yaml(item)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{Sample, machine, mark};

    fn shown(sample: &Sample) -> String {
        let seed = seed(&sample.desired, &sample.guest(), &machine(), &mark());
        format!(
            "# meta-data\n{}# user-data\n{}# network-config\n{}",
            seed.meta_data, seed.user_data, seed.network_config
        )
    }

    #[test]
    fn a_guest_learns_its_name_its_keys_and_its_address() {
        insta::assert_snapshot!(shown(&Sample::service()));
    }

    #[test]
    fn an_isolated_network_has_neither_routes_nor_name_servers() {
        let mut sample = Sample::service();
        sample.network.gateway = None;
        sample.network.dns.clear();
        sample.desired.ssh.authorized_keys.clear();
        insta::assert_snapshot!(shown(&sample));
    }

    #[test]
    fn a_key_with_a_strange_comment_stays_one_string() {
        let mut sample = Sample::service();
        let key = "ssh-ed25519 AAAA: x #\"y\"\n- ssh-rsa EVIL";
        sample.desired.ssh.authorized_keys = vec![key.to_owned()];
        let seed = seed(&sample.desired, &sample.guest(), &machine(), &mark());
        let read: serde_json::Value = serde_saphyr::from_str(&seed.user_data).unwrap();
        assert_eq!(read["ssh_authorized_keys"], serde_json::json!([key]));
    }
}
