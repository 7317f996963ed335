use super::*;
use crate::spec::NoFiles;
use crate::spec::tests::Memory;

const HEAD: &str = "\
# The cluster of the second floor.
cluster: demo
networks: { lan: { cidr: 10.0.0.0/16, gateway: 10.0.0.1, bridge: br0 } }
hosts:
  a: { address: 10.0.0.11, pool: 10.0.1.1-10.0.1.30 } # the old one
  b:
    address: 10.0.0.12
    pool:
      - 10.0.2.1-10.0.2.30 # of the rack
images: { alpine: { path: /alpine.qcow2 } }
";

fn db() -> Amendment {
    Amendment::Service {
        id: "db".parse().unwrap(),
        keys: [("image", "alpine"), ("memory", "2GiB"), ("port", "5432")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec(),
    }
}

fn pool(host: &str, address: &str) -> Amendment {
    Amendment::Pool {
        host: host.parse().unwrap(),
        address: address.parse().unwrap(),
    }
}

fn replicas(id: &str, replicas: u32) -> Amendment {
    let id = id.parse().unwrap();
    Amendment::Replicas { id, replicas }
}

/// What is another one afterwards.
fn changed(text: &str, amendments: &[Amendment]) -> String {
    let amended = amend("cluster.yaml", text.as_bytes(), &NoFiles, amendments);
    let amended = amended.unwrap_or_else(|error| panic!("{error}"));
    let diff = similar::TextDiff::from_lines(text, &amended.text);
    diff.unified_diff().context_radius(1).to_string()
}

fn refused(text: &str, amendment: Amendment) -> String {
    let amended = amend("cluster.yaml", text.as_bytes(), &NoFiles, &[amendment]);
    amended.unwrap_err().to_string()
}

#[test]
fn a_service_goes_behind_the_others_as_they_are_written() {
    let block = "services:\n  web: # ours\n    image: alpine\n    port: 80\n\n  # later: cache\n\nnotify: {}\n";
    insta::assert_snapshot!("block", changed(&format!("{HEAD}{block}"), &[db()]));
    let braces = "services: { web: { image: alpine, port: 80 } } # all of them\n";
    insta::assert_snapshot!("braces", changed(&format!("{HEAD}{braces}"), &[db()]));
    let deep = "services:\n      web: { image: alpine, port: 80 }";
    insta::assert_snapshot!("deep", changed(&format!("{HEAD}{deep}"), &[db()]));
}

#[test]
fn where_there_is_no_service_yet_the_section_is_made() {
    insta::assert_snapshot!("none", changed(HEAD, &[db()]));
    insta::assert_snapshot!(
        "empty",
        changed(&format!("{HEAD}services: # none yet\n"), &[db()])
    );
    insta::assert_snapshot!(
        "empty braces",
        changed(&format!("{HEAD}services: {{}}\n"), &[db()])
    );
}

#[test]
fn a_pool_gets_one_more_address_as_it_is_written() {
    insta::assert_snapshot!(
        "pools",
        changed(HEAD, &[pool("a", "10.0.9.1"), pool("b", "10.0.9.2")])
    );
    let list = HEAD.replace("pool: 10.0.1.1-10.0.1.30", "pool: [10.0.1.1, 10.0.1.3]");
    insta::assert_snapshot!("list", changed(&list, &[pool("a", "10.0.9.1")]));
}

#[test]
fn a_number_of_instances_is_replaced_or_written_first() {
    let web = "services:\n  web:\n    # how many\n    replicas: 2 # for now\n    image: alpine\n    port: 80\n  api:\n    image: alpine\n    port: 80\n  lib: { image: alpine, port: 81 }\n";
    let text = format!("{HEAD}{web}");
    let all = [replicas("web", 3), replicas("api", 2), replicas("lib", 2)];
    insta::assert_snapshot!("replicas", changed(&text, &all));
}

#[test]
fn line_ends_and_the_byte_order_mark_stay() {
    let text = format!("\u{FEFF}{}", HEAD.replace('\n', "\r\n"));
    let amended = amend("cluster.yaml", text.as_bytes(), &NoFiles, &[db()]).unwrap();
    assert!(amended.text.starts_with(&text));
    assert!(!amended.text.replace("\r\n", "").contains('\n'));
}

#[test]
fn what_would_change_something_else_is_refused() {
    let shared = "services:\n  web: &web { image: alpine, port: 80, replicas: 1 }\n  api: *web\n";
    let text = format!("{HEAD}{shared}");
    insta::assert_snapshot!(refused(&text, replicas("api", 2)));
    // What an included file says is not here.
    let files = Memory::with(&[("web.yaml", "services: { web: { image: alpine, port: 80 } }")]);
    let text = format!("include: web.yaml\n{HEAD}");
    let amended = amend(
        "cluster.yaml",
        text.as_bytes(),
        &files,
        &[replicas("web", 2)],
    );
    assert!(matches!(amended, Err(AmendError::NoPlace(_))));
    assert!(amend("cluster.yaml", text.as_bytes(), &files, &[db()]).is_ok());
}

#[test]
fn what_would_not_be_valid_is_told_with_its_place() {
    let error = refused(HEAD, pool("a", "10.0.2.7"));
    assert!(error.contains("10.0.2.7"), "{error}");
}
