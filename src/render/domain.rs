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
