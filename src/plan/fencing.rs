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
    let kind = program.trim_start_matches("fence_");
    let known = || AGENTS.split(' ');
    if known().any(|known| known == kind) {
        let package = package_of(kind).replace('_', "-");
        return format!("install the package fence-agents, or {package}");
    }
    // Of a short name, two letters more or less make another one.
    let slip = if kind.len() > SHORT { 2 } else { 1 };
    let near = known().map(|known| (strsim::damerau_levenshtein(known, kind), known));
    match near.min().filter(|(far, _)| *far <= slip) {
        Some((_, known)) => format!("did you mean `fence_{known}`?"),
        None => "it is not on PATH: put it there, or write its whole path".to_owned(),
    }
}

/// Longer names than this are seldom near each other.
const SHORT: usize = 4;

/// Some programs are one under several names.
fn package_of(kind: &str) -> String {
    let package = match kind {
        "xvm" => return "fence-virt".to_owned(),
        "idrac" | "ilo3" | "ilo4" | "ilo5" | "imm" | "ipmilanplus" => "ipmilan",
        "ilo3_ssh" | "ilo4_ssh" | "ilo5_ssh" => "ilo_ssh",
        other => other,
    };
    format!("fence-agents-{package}")
}

/// The programs of the family, without their `fence_`
/// (<https://github.com/ClusterLabs/fence-agents/tree/main/agents>).
const AGENTS: &str = "ahv aliyun alom amt amt_ws apc apc_snmp aws aws_vpc aws_vpc_net azure_arm bladecenter brocade cdu \
    cisco_mds cisco_ucs compute crosslink cyberpower_ssh docker drac drac5 dummy eaton_snmp eaton_ssh ecloud \
    emerson eps evacuate gce hds_cb hetzner_cloud heuristics_ping heuristics_resource hpblade ibm_powervs \
    ibm_vpc ibmblade ibmz idrac ifmib ilo ilo2 ilo3 ilo3_ssh ilo4 ilo4_ssh ilo5 ilo5_ssh ilo_moonshot ilo_mp \
    ilo_ssh imm intelmodular ipdu ipmilan ipmilanplus ironic kdump kubevirt ldom lindypdu lpar mpath netio \
    nova nutanix_ahv openstack ovh ovh_cloud_rest ovm powerman pve raritan raritan_px3 rcd_serial redfish \
    rhevm rsa rsb sanbox2 sbd scsi shelly_gen2 skalar tripplite_snmp vbox virsh vmware vmware_rest \
    vmware_soap vmware_vcloud wti xenapi xvm zvmip";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::Line;
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
        assert_eq!(notice.line, Some(Line::of(8)));
    }

    #[test]
    fn a_slip_is_told_from_a_program_that_nobody_knows() {
        assert!(AGENTS.split(' ').is_sorted());
        assert_eq!(
            what_to_install("fence_ipmlan"),
            "did you mean `fence_ipmilan`?"
        );
        let unknown = "it is not on PATH: put it there, or write its whole path";
        assert_eq!(what_to_install("fence_of_ours"), unknown);
        assert!(what_to_install("fence_aws").ends_with("or fence-agents-aws"));
        assert!(what_to_install("fence_xvm").ends_with("or fence-virt"));
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
