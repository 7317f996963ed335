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
        Some(host) => format!("{install}; then: reconcile fence test {host}"),
        None => install,
    }
}

/// Distributions have one package with all agents, or one for each that is named like its program.
pub fn what_to_install(program: &str) -> String {
    match program.strip_prefix("fence_") {
        Some(kind) => {
            let package = format!("fence-agents-{}", kind.replace('_', "-"));
            format!("install the package fence-agents, or {package}")
        }
        None => "put the program there, and make it executable".to_owned(),
    }
}

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
    fn a_program_of_ones_own_is_put_where_the_file_says() {
        let notice = said("/opt/switch-off", &["a"]);
        assert!(notice.text.ends_with("it can't switch off host a"));
        assert_eq!(
            notice.help.unwrap(),
            "put the program there, and make it executable; then: reconcile fence test a"
        );
    }
}
