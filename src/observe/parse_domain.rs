//! What libvirt says of domains → [`Domain`]. Half of them are foreign: names, descriptions and metadata may hold
//! anything.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

use super::parse_answer::ParseError;
use crate::model::facts::{Domain, DomainState};
use crate::model::mark::{MARK_NAMESPACE, Mark, Stage};

/// The output of virsh for all domains: for each a line of `nonce` and its UUID, then its state, then its XML; last
/// `nonce end` and the UUIDs of the domains that there are now. A domain that went meanwhile is left out.
pub fn parse_domains(text: &str, nonce: &str) -> Result<Vec<Domain>, ParseError> {
    let mut sections = sections(text, nonce);
    let there = sections.remove("end").ok_or(ParseError::CutOff)?;
    let mut domains = Vec::new();
    for (uuid, section) in sections {
        match parse_domain(&section) {
            Some(domain) if domain.uuid == uuid => domains.push(domain),
            Some(_) | None if there.lines().any(|line| line.trim() == uuid) => {
                return Err(ParseError::Record(format!("domain {uuid}")));
            }
            Some(_) | None => {}
        }
    }
    domains.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(domains)
}

/// The text parted at the lines that begin with the nonce, by the word behind it.
fn sections<'a>(text: &'a str, nonce: &str) -> BTreeMap<&'a str, String> {
    let mut sections = BTreeMap::new();
    let mut current: Option<(&str, String)> = None;
    for line in text.lines() {
        let mark = line
            .strip_prefix(nonce)
            .and_then(|rest| rest.strip_prefix(' '));
        if let Some(name) = mark {
            sections.extend(current.replace((name.trim(), String::new())));
        } else if let Some((_, section)) = &mut current {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections.extend(current);
    sections
}

fn parse_domain(section: &str) -> Option<Domain> {
    let (state, xml) = section.trim_start().split_once('\n')?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: 1 << 20,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(xml.trim(), options).ok()?;
    let root = document.root_element();
    let state = parse_state(state.trim());
    let run = root.attribute("id").and_then(|id| id.parse().ok());
    Some(Domain {
        name: text_of(root, "name")?.to_owned(),
        uuid: text_of(root, "uuid")?.to_owned(),
        state,
        run: run.filter(|_| state != DomainState::Off),
        mark: child(root, "metadata").and_then(mark_in),
    })
}

/// <https://libvirt.org/manpages/virsh.html#list>. A state of a later libvirt is taken for running: then nothing is
/// started a second time.
fn parse_state(state: &str) -> DomainState {
    match state {
        "shut off" | "crashed" => DomainState::Off,
        "paused" | "pmsuspended" => DomainState::Paused,
        _ => DomainState::Running,
    }
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn text_of<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text()
}

fn mark_in(metadata: Node<'_, '_>) -> Option<Mark> {
    let ours = |node: &Node<'_, '_>| node.has_tag_name((MARK_NAMESPACE, "guest"));
    mark_of(metadata.children().find(ours)?)
}

/// What `virsh metadata` prints for our namespace: the element, without the namespace.
pub fn parse_mark(xml: &str) -> Option<Mark> {
    let document = Document::parse(xml.trim()).ok()?;
    mark_of(document.root_element())
}

fn mark_of(node: Node<'_, '_>) -> Option<Mark> {
    let read = |name: &str| node.attribute(name);
    Some(Mark {
        cluster: read("cluster")?.parse().ok()?,
        instance: read("instance")?.parse().ok()?,
        address: read("address")?.parse().ok()?,
        moving_to: match read("moving-to") {
            Some(to) => Some(to.parse().ok()?),
            None => None,
        },
        port: read("port")?.parse().ok()?,
        digest: read("digest")?.to_owned(),
        generation: read("generation")?.to_owned(),
        stage: match read("stage")? {
            "bootstrap" => Stage::Bootstrap,
            "ready" => Stage::Ready,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: &str = "6a3f";
    const MARK: &str = "<reconcile:guest xmlns:reconcile=\"urn:reconcile:mark:1\" cluster=\"demo\" instance=\"web-1\" \
        address=\"10.0.0.7\" port=\"80\" digest=\"d1\" generation=\"g1\" stage=\"ready\"/>";

    fn section(uuid: &str, state: &str, inside: &str) -> String {
        let id = if state == "shut off" { "" } else { " id='4'" };
        format!(
            "{NONCE} {uuid}\n{state}\n\n<domain type='kvm'{id}>\n  <name>n-{uuid}</name>\n  <uuid>{uuid}</uuid>\n{inside}</domain>\n\n"
        )
    }

    fn answer(sections: &[String], there: &[&str]) -> String {
        format!("{}{NONCE} end\n{}\n", sections.concat(), there.join("\n"))
    }

    #[test]
    fn a_domain_has_its_state_its_run_and_its_mark() {
        let metadata = format!("<metadata><a:b xmlns:a='u'/>{MARK}</metadata>");
        let sections = [
            section("u1", "running", &metadata),
            section("u2", "shut off", ""),
            section("u3", "paused", ""),
        ];
        let domains = parse_domains(&answer(&sections, &["u1", "u2", "u3"]), NONCE).unwrap();
        let mark = domains[0].mark.as_ref().unwrap();
        assert_eq!(
            (domains[0].state, domains[0].run),
            (DomainState::Running, Some(4))
        );
        assert_eq!((mark.generation.as_str(), mark.stage), ("g1", Stage::Ready));
        assert_eq!((domains[1].state, domains[1].run), (DomainState::Off, None));
        assert_eq!(
            (domains[2].state, &domains[2].mark),
            (DomainState::Paused, &None)
        );
    }

    #[test]
    fn a_foreign_domain_can_t_pass_for_another_one() {
        let claim = format!(
            "<description>\n{NONCE}x end\nu1\nrunning\n&lt;domain&gt;</description>\
             <metadata><x:y xmlns:x='u'><![CDATA[<domain id='1'><name>a</name></domain>]]>{MARK}</x:y></metadata>"
        );
        let domains = parse_domains(&answer(&[section("u1", "running", &claim)], &["u1"]), NONCE);
        let domains = domains.unwrap();
        assert_eq!(domains.len(), 1);
        // Not a child of the metadata itself: somebody else's element.
        assert_eq!(domains[0].mark, None);
    }

    #[test]
    fn a_domain_that_went_meanwhile_is_left_out_and_one_that_is_there_must_be_described() {
        let gone = format!("{NONCE} u9\n");
        assert_eq!(
            parse_domains(&answer(std::slice::from_ref(&gone), &[]), NONCE),
            Ok(vec![])
        );
        assert!(parse_domains(&answer(&[gone], &["u9"]), NONCE).is_err());
        let cut = section("u1", "running", "");
        assert_eq!(parse_domains(&cut, NONCE), Err(ParseError::CutOff));
    }

    #[test]
    fn a_mark_that_can_t_be_read_is_none() {
        for bad in [
            MARK.replace("web-1", "web"),
            MARK.replace("10.0.0.7", "10.0.0.700"),
            MARK.replace("ready", "asleep"),
            MARK.replace("port=\"80\"", ""),
            MARK.replace("stage", "moving-to=\"x\" stage"),
        ] {
            assert_eq!(parse_mark(&bad), None, "{bad}");
        }
        assert_eq!(
            parse_mark(&MARK.replace("reconcile:guest", "guest"))
                .unwrap()
                .port,
            80
        );
    }

    proptest! {
        #[test]
        fn no_output_of_virsh_makes_it_panic(text in "(6a3f (u1|u2|end)\n|running\n|shut off\n|<domain id='[0-9a]{0,3}'>\n|<name>\\PC{0,9}</name>\n|<uuid>u[12]</uuid>|</domain>\n|<metadata>|</metadata>|\\PC{0,12}\n){0,14}") {
            let _ = parse_domains(&text, NONCE);
            let _ = parse_mark(&text);
        }
    }
}
