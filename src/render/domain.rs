//! The libvirt domain of a guest, and the mark in its metadata.

use std::fmt::Write as _;

use serde_json::json;

use super::builtin::Builtin;
use super::engine::{Variables, render};
use super::{RenderError, quote};
use crate::model::action::Machine;
use crate::model::desired::Desired;
use crate::model::mark::{MARK_NAMESPACE, Mark, Stage};

/// The domain XML. The result is read back once: whatever a template made of it, the mark is in it.
pub fn domain_xml(
    desired: &Desired,
    machine: &Machine,
    mark: &Mark,
) -> Result<String, RenderError> {
    let variables = Variables::new(json!({
        "cluster": mark.cluster,
        "instance": mark.instance,
        "group": mark.instance.group,
        "index": mark.instance.index,
        "address": mark.address,
        "port": mark.port,
        "name": machine.domain,
        "uuid": machine.uuid,
        "mac": machine.mac,
        "mark": mark_xml(mark),
        "memory_kib": machine.memory.kib(),
        "cpus": machine.cpus,
        "kvm": machine.kvm,
        "kernel": machine.kernel,
        "initrd": machine.initrd,
        "cmdline": machine.cmdline,
        "disk": machine.disk,
        "seed": machine.seed,
        "bridge": machine.bridge,
    }));
    let template = Builtin::Domain.template(desired);
    let xml = render(template, &variables)?;
    match xml.contains(MARK_NAMESPACE) {
        true => Ok(xml),
        false => Err(RenderError {
            template: template.name.clone(),
            line: None,
            message: "the mark is missing: put {{mark}} into <metadata>".to_owned(),
        }),
    }
}

/// The mark as an XML element.
pub fn mark_xml(mark: &Mark) -> String {
    let stage = match mark.stage {
        Stage::Bootstrap => "bootstrap",
        Stage::Ready => "ready",
    };
    let attributes = [
        ("cluster", Some(mark.cluster.to_string())),
        ("instance", Some(mark.instance.to_string())),
        ("address", Some(mark.address.to_string())),
        ("moving-to", mark.moving_to.map(|to| to.to_string())),
        ("port", Some(mark.port.to_string())),
        ("digest", Some(mark.digest.clone())),
        ("generation", Some(mark.generation.clone())),
        ("stage", Some(stage.to_owned())),
    ];
    let mut element = format!("<reconcile:guest xmlns:reconcile=\"{MARK_NAMESPACE}\"");
    for (name, value) in attributes {
        if let Some(value) = value {
            // Writing to a String does not fail.
            let _ = write!(element, " {name}=\"{}\"", quote::xml(&value));
        }
    }
    element + "/>"
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::model::desired::{Engine, Template};
    use crate::render::samples::{Sample, machine, mark};

    #[test]
    fn a_guest_with_a_boot_loader_and_a_seed_under_kvm() {
        let desired = Sample::service().desired;
        insta::assert_snapshot!(domain_xml(&desired, &machine(), &mark()).unwrap());
    }

    #[test]
    fn a_guest_that_boots_a_kernel_under_emulation() {
        let desired = Sample::service().desired;
        let machine = Machine {
            kvm: false,
            seed: None,
            kernel: Some("/var/lib/reconcile/vmlinuz".to_owned()),
            initrd: Some("/var/lib/reconcile/initrd".to_owned()),
            cmdline: Some("console=ttyS0 quiet".to_owned()),
            ..machine()
        };
        insta::assert_snapshot!(domain_xml(&desired, &machine, &mark()).unwrap());
    }

    #[test]
    fn no_value_can_write_xml_of_its_own() {
        const HOSTILE: &str = "'/><evil a=\"{{mark}}\">&amp;<!-- $(id)\u{1b}";
        let desired = Sample::service().desired;
        let machine = Machine {
            disk: HOSTILE.to_owned(),
            bridge: HOSTILE.to_owned(),
            kernel: Some(HOSTILE.to_owned()),
            cmdline: Some(HOSTILE.to_owned()),
            ..machine()
        };
        let mark = Mark {
            digest: HOSTILE.to_owned(),
            ..mark()
        };
        let xml = domain_xml(&desired, &machine, &mark).unwrap();
        let document = roxmltree::Document::parse(&xml).unwrap();
        assert!(!document.descendants().any(|node| node.has_tag_name("evil")));
        let cmdline = document
            .descendants()
            .find(|node| node.has_tag_name("cmdline"));
        let read = HOSTILE.replace('\u{1b}', "\u{fffd}");
        assert_eq!(cmdline.unwrap().text(), Some(read.as_str()));
    }

    #[test]
    fn a_mark_is_one_element_and_says_where_its_guest_moves_to() {
        insta::assert_snapshot!(mark_xml(&mark()), @r#"<reconcile:guest xmlns:reconcile="urn:reconcile:mark:1" cluster="demo" instance="random-1" address="192.168.10.11" port="8080" digest="d1635" generation="g1" stage="ready"/>"#);
        let moving = Mark {
            moving_to: Some(Ipv4Addr::new(192, 168, 10, 12)),
            stage: Stage::Bootstrap,
            ..mark()
        };
        insta::assert_snapshot!(mark_xml(&moving), @r#"<reconcile:guest xmlns:reconcile="urn:reconcile:mark:1" cluster="demo" instance="random-1" address="192.168.10.11" moving-to="192.168.10.12" port="8080" digest="d1635" generation="g1" stage="bootstrap"/>"#);
    }

    #[test]
    fn a_domain_of_the_users_without_the_mark_is_refused() {
        let mut desired = Sample::service().desired;
        let template = Template {
            name: "my.xml".to_owned(),
            text: "<domain><name>{{xml name}}</name></domain>".to_owned(),
            engine: Engine::Handlebars,
        };
        desired.templates.insert("domain.xml".to_owned(), template);
        let error = domain_xml(&desired, &machine(), &mark()).unwrap_err();
        insta::assert_snapshot!(error, @"my.xml: the mark is missing: put {{mark}} into <metadata>");
    }
}
