//! Fencing devices whose programs are not on the controller's machine: known before they are needed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::Desired;
use crate::model::id::HostId;
use crate::model::plan::{Notice, NoticeKind};

/// So many hosts are named each; more are counted.
const FEW: usize = 4;

/// A warning for each program that is missing, with what to install.
pub fn missing_agents<'d>(
    desired: &'d Desired,
    missing: &'d BTreeMap<String, BTreeSet<HostId>>,
) -> impl Iterator<Item = Notice> + 'd {
    missing.iter().map(|(program, hosts)| {
        let key = hosts.first().map(|host| format!("hosts.{host}.fencing"));
        Notice {
            kind: NoticeKind::Warning,
            subject: "fencing".to_owned(),
            text: format!(
                "{program} is not installed on this machine: it can't switch off {}",
                named(hosts)
            ),
            help: Some(help(program, hosts)),
            line: key.and_then(|key| desired.lines.of(&key)),
        }
    })
}

fn named(hosts: &BTreeSet<HostId>) -> String {
    let names: Vec<&str> = hosts.iter().take(FEW).map(HostId::as_str).collect();
    let noun = if hosts.len() == 1 { "host" } else { "hosts" };
    let more = match hosts.len().saturating_sub(FEW) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{noun} {}{more}", names.join(", "))
}

fn help(program: &str, hosts: &BTreeSet<HostId>) -> String {
    let install = what_to_install(program);
    match hosts.first() {
        Some(host) if !install.ends_with('?') => {
            format!("{install}; then: reconcile fence test {host}")
        }
        Some(_) | None => install,
    }
}

/// What to do about a program that is not there. Distributions have one package with all agents, or one for each, most of
/// them named like their programs.
pub fn what_to_install(program: &str) -> String {
    if program.contains('/') {
        return "put the program there, and make it executable".to_owned();
    }
    if let Ok(number) = AGENTS.binary_search(&program) {
        let kind = AGENTS[number].trim_start_matches("fence_");
        let package = format!("fence-agents-{}", package_of(kind).replace('_', "-"));
        return format!("install the package fence-agents, or {package}");
    }
    let distances = AGENTS.map(|known| (strsim::damerau_levenshtein(known, program), known));
    match distances.into_iter().min().filter(|(far, _)| *far <= SLIP) {
        Some((_, known)) => format!("did you mean `{known}`?"),
        None => "it is not on PATH: put it there, or write its whole path".to_owned(),
    }
}

/// Names that differ more are no slips.
const SLIP: usize = 2;

/// Some programs are one under several names.
fn package_of(kind: &str) -> &str {
    match kind {
        "idrac" | "ilo3" | "ilo4" | "ilo5" | "imm" | "ipmilanplus" => "ipmilan",
        "ilo3_ssh" | "ilo4_ssh" | "ilo5_ssh" => "ilo_ssh",
        other => other,
    }
}

/// The agents of the family that switch machines, in order
/// (<https://github.com/ClusterLabs/fence-agents/tree/main/agents>).
const AGENTS: [&str; 51] = [
    "fence_amt",
    "fence_amt_ws",
    "fence_apc",
    "fence_apc_snmp",
    "fence_bladecenter",
    "fence_brocade",
    "fence_cdu",
    "fence_cisco_mds",
    "fence_cisco_ucs",
    "fence_compute",
    "fence_cyberpower_ssh",
    "fence_docker",
    "fence_drac",
    "fence_drac5",
    "fence_eaton_snmp",
    "fence_eaton_ssh",
    "fence_emerson",
    "fence_eps",
    "fence_heuristics_ping",
    "fence_hpblade",
    "fence_ibmblade",
    "fence_idrac",
    "fence_ifmib",
    "fence_ilo",
    "fence_ilo2",
    "fence_ilo3",
    "fence_ilo3_ssh",
    "fence_ilo4",
    "fence_ilo4_ssh",
    "fence_ilo5",
    "fence_ilo5_ssh",
    "fence_ilo_moonshot",
    "fence_ilo_mp",
    "fence_ilo_ssh",
    "fence_imm",
    "fence_intelmodular",
    "fence_ipdu",
    "fence_ipmilan",
    "fence_ipmilanplus",
    "fence_kubevirt",
    "fence_netio",
    "fence_openstack",
    "fence_pve",
    "fence_raritan",
    "fence_redfish",
    "fence_rsa",
    "fence_rsb",
    "fence_sanbox2",
    "fence_virsh",
    "fence_vmware_rest",
    "fence_wti",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{NoFiles, parse};

    fn said(program: &str, hosts: &[&str]) -> Notice {
        let text = "cluster: demo\nnetworks:\n  lan: { cidr: 10.0.0.0/16 }\nhosts:\n  a:\n    address: 10.0.0.1\n    \
                    pool: 10.0.1.1-10.0.1.9\n    fencing: manual\nimages:\n  alpine: { path: /a.qcow2 }\nservices:\n  \
                    api: { replicas: 1, image: alpine, memory: 128MiB, port: 80, run: x }\n";
        let desired = parse("cluster.yaml", text.as_bytes(), &NoFiles).unwrap();
        let hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let missing = [(program.to_owned(), hosts)].into();
        missing_agents(&desired, &missing).next().unwrap()
    }

    #[test]
    fn what_to_install_is_said_with_the_hosts_and_the_line() {
        let notice = said("fence_ipmilan", &["a", "b", "c", "d", "e", "f"]);
        assert_eq!(
            notice.text,
            "fence_ipmilan is not installed on this machine: it can't switch off hosts a, b, c, d and 2 more"
        );
        let help = notice.help.unwrap();
        assert!(help.starts_with("install the package fence-agents, or fence-agents-ipmilan;"));
        assert_eq!(notice.line, Some(8));
    }

    #[test]
    fn a_slip_is_told_from_a_program_that_nobody_knows() {
        assert!(AGENTS.is_sorted());
        assert_eq!(
            what_to_install("fence_ipmlan"),
            "did you mean `fence_ipmilan`?"
        );
        let unknown = "it is not on PATH: put it there, or write its whole path";
        assert_eq!(what_to_install("fence_of_ours"), unknown);
        assert!(what_to_install("fence_ilo4").ends_with("or fence-agents-ipmilan"));
        assert!(what_to_install("fence_apc_snmp").ends_with("or fence-agents-apc-snmp"));
    }

    #[test]
    fn a_program_of_ones_own_is_put_where_the_file_says() {
        let notice = said("/opt/switch-off", &["a"]);
        assert!(notice.text.ends_with("it can't switch off host a"));
        assert_eq!(
            notice.help.unwrap(),
            "put the program there, and make it executable; then: reconcile fence test a"
        );
    }
}
