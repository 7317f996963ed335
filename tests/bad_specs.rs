//! Bad input: every directory of `fixtures/bad` has a `cluster.yaml` and, in `expected.txt`, what the user is shown.
//! `BLESS=1 cargo test --test bad_specs` writes what is shown now; read it as somebody at 3 a.m. would.

#[path = "support/cases.rs"]
mod cases;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cases::{cases, is_written_down};
use reconcile::adapters::spec_files::DiskFiles;
use reconcile::model::desired::Desired;
use reconcile::spec::{SpecErrors, parse};

fn read(directory: &Path) -> Result<Desired, SpecErrors> {
    let file = directory.join("cluster.yaml");
    let bytes = fs::read(&file).unwrap();
    parse("cluster.yaml", &bytes, &DiskFiles::beside(&file))
}

fn read_text(text: &str) -> Result<Desired, SpecErrors> {
    let files = DiskFiles::beside(Path::new("/nonexistent/cluster.yaml"));
    parse("cluster.yaml", text.as_bytes(), &files)
}

#[test]
fn every_bad_file_is_refused_with_words_that_help() {
    let mut wrong = String::new();
    for case in cases("bad", 45) {
        let shown = match read(&case) {
            Ok(_) => format!("{} was accepted", case.display()),
            Err(errors) => format!("{errors}\n"),
        };
        if !is_written_down(&case.join("expected.txt"), &shown) {
            let _ = writeln!(wrong, "--- {}\n{shown}", case.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_good_file_is_accepted() {
    for case in cases("good", 1) {
        if let Err(errors) = read(&case) {
            panic!("{}:\n{errors}", case.display());
        }
    }
}

#[test]
fn the_cluster_of_two_laptops_is_accepted() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/two-laptops.yaml");
    let bytes = fs::read(&file).unwrap();
    let desired = parse("two-laptops.yaml", &bytes, &DiskFiles::beside(&file));
    assert_eq!(
        desired
            .unwrap_or_else(|errors| panic!("{errors}"))
            .instances()
            .count(),
        5
    );
}

#[test]
fn where_nothing_is_contacted_what_only_machines_need_may_be_missing() {
    let alone = tempfile::tempdir().unwrap();
    let file = alone.path().join("cluster.yaml");
    let digest = "0123456789abcdef".repeat(4);
    let text = format!(
        "cluster: c
networks: {{ lan: {{ cidr: 10.0.0.0/24 }} }}
hosts: {{ a: {{ address: 10.0.0.2, pool: 10.0.0.10, fencing: {{ agent: fence_x, with: {{ password: \"{{{{secret.B}}}}\" }} }} }} }}
images: {{ i: {{ source: i.qcow2, sha256: {digest} }} }}
services: {{ s: {{ image: i, port: 1, run: /bin/s }} }}
secrets: {{ A: {{ env: RECONCILE_TEST_NOT_SET }}, B: {{ file: b }} }}
ssh: {{ identity: id, known_hosts: hosts, config: config }}
"
    );
    let strict = DiskFiles::beside(&file);
    let shown = parse("cluster.yaml", text.as_bytes(), &strict).unwrap_err();
    assert!(shown.errors().len() >= 6, "{shown}");
    let lenient = DiskFiles::beside(&file).with_stand_ins();
    let read = parse("cluster.yaml", text.as_bytes(), &lenient);
    read.unwrap_or_else(|errors| panic!("{errors}"));
    let missing = lenient.missing();
    assert_eq!(missing.len(), 6, "{missing:?}");
    assert_eq!(
        missing[0],
        "the environment variable RECONCILE_TEST_NOT_SET"
    );
    // What the file itself is made of has to be there, and what is there has to be right.
    let template = format!("{text}templates: {{ nginx.conf: nginx.j2 }}\n");
    for wrong in [
        template,
        text.replace("env: RECONCILE_TEST_NOT_SET", "env: $A"),
    ] {
        let lenient = DiskFiles::beside(&file).with_stand_ins();
        let shown = parse("cluster.yaml", wrong.as_bytes(), &lenient).unwrap_err();
        assert_eq!(shown.errors().len(), 1, "{shown}");
    }
}

#[test]
fn every_spec_to_start_from_can_be_rehearsed_in_a_fresh_clone() {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    for file in fs::read_dir(specs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let lenient = DiskFiles::beside(&file).with_stand_ins();
        let read = parse("cluster.yaml", &fs::read(&file).unwrap(), &lenient);
        read.unwrap_or_else(|errors| panic!("{}:\n{errors}", file.display()));
    }
}

fn refused(text: &str) -> String {
    match read_text(text) {
        Ok(_) => panic!("accepted: {} bytes", text.len()),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn fifty_megabytes_of_nesting_are_refused() {
    let shown = refused(&"[".repeat(50 << 20));
    assert!(
        shown.contains("the file has 50 MiB, and at most 4 are read"),
        "{shown}"
    );
}

#[test]
fn nesting_that_is_small_enough_to_be_read_is_refused_at_its_depth() {
    let block: String = (0..1_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    for text in [
        "[".repeat(4 << 20),
        "{a: ".repeat(1 << 19),
        "- ".repeat(1 << 20),
        block,
    ] {
        let shown = refused(&text);
        assert!(shown.contains("the file is nested too deeply"), "{shown}");
        assert!(shown.len() < 2_000, "{} bytes", shown.len());
    }
}

#[test]
fn aliases_that_multiply_are_refused() {
    // Nine levels of nine would be 3 GB; so would a hundred thousand aliases of a long list.
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        let _ = writeln!(
            laughs,
            "a{level}: &a{level} [{}]",
            vec![before; 9].join(", ")
        );
    }
    let wide = format!(
        "a: &a [{}]\nb: [{}]\n",
        "x, ".repeat(10_000),
        "*a, ".repeat(100_000)
    );
    for text in [laughs, wide] {
        let shown = refused(&text);
        assert!(
            shown.contains("the file has more than 100000 values"),
            "{shown}"
        );
        assert!(shown.len() < 3_000, "{} bytes", shown.len());
    }
}

#[test]
fn aliases_that_pile_up_depth_are_refused() {
    let mut text = String::from("a0: &a0 [[[[[[[[x]]]]]]]]\n");
    for level in 1..100 {
        let _ = writeln!(text, "a{level}: &a{level} [[[[[[[[*a{}]]]]]]]]", level - 1);
    }
    let shown = refused(&text);
    assert!(shown.contains("the file is nested too deeply"), "{shown}");
}

#[test]
fn merge_keys_that_multiply_are_refused() {
    let mut text = String::from("a0: &a0 { k0: 1, k1: 2 }\n");
    for level in 1..60 {
        let _ = writeln!(
            text,
            "a{level}: &a{level} {{ <<: [*a{0}, *a{0}], x{level}: 1 }}",
            level - 1
        );
    }
    assert!(refused(&text).contains("error"));
}

#[test]
fn a_great_many_errors_are_counted_and_some_are_shown() {
    let mut text = String::from("cluster: c\n");
    for number in 0..5_000 {
        let _ = writeln!(text, "unknown-{number}: 1");
    }
    let shown = refused(&text);
    assert!(
        shown.ends_with("5000 errors in cluster.yaml, the first 50 are shown"),
        "{shown}"
    );
}

#[test]
fn a_great_many_wrong_names_take_no_long_time() {
    let mut text = String::from("cluster: c\nimages:\n");
    for number in 0..10_000 {
        let _ = writeln!(text, "  some-image-{number}: {{ path: x }}");
    }
    text += "services:\n";
    for number in 0..8_000 {
        let _ = writeln!(
            text,
            "  some-service-{number}: {{ image: some-other-{number}, port: 1 }}"
        );
    }
    assert!(refused(&text).contains("there is no image"));
}

#[test]
fn a_very_long_line_is_cut_where_it_is_shown() {
    let shown = refused(&format!("cluster: {}\n", "x".repeat(3 << 20)));
    assert!(shown.len() < 4_000, "{} bytes", shown.len());
}

#[test]
fn as_many_hosts_as_fit_into_a_file_are_read_in_one_go() {
    let mut text = String::from("cluster: c\nnetworks: { lan: { cidr: 10.0.0.0/8 } }\nhosts:\n");
    for number in 0..12_000_u32 {
        let start = std::net::Ipv4Addr::from(0x0A00_1000 + number * 16);
        let _ = writeln!(
            text,
            "  h{number}: {{ address: h{number}.example, pool: {start}/28 }}"
        );
    }
    assert_eq!(
        read_text(&text)
            .unwrap_or_else(|errors| panic!("{errors}"))
            .hosts
            .len(),
        12_000
    );
    let overlapping = text.replace("/28 }", "-10.200.0.0 }");
    assert!(refused(&overlapping).contains("overlap"));
}

#[test]
fn a_great_many_groups_that_want_to_be_near_and_apart_take_no_long_time() {
    let mut text = String::from("cluster: c\nnetworks: { lan: { cidr: 10.0.0.0/8 } }\nhosts:\n");
    for number in 0..3_000_u32 {
        let start = std::net::Ipv4Addr::from(0x0A00_1000 + number * 16);
        let _ = writeln!(
            text,
            "  h{number}: {{ address: h{number}.example, pool: {start}/28, labels: {{ rack: r1 }} }}"
        );
    }
    text += "images: { i: { path: x } }\nservices:\n";
    for number in 0..2_000 {
        let next = (number + 1) % 2_000;
        let _ = writeln!(
            text,
            "  s{number}: {{ image: i, port: 1, replicas: 9, placement: {{ hosts: rack=r1, affinity: s{next}, anti_affinity: [s{number}, z] }} }}"
        );
    }
    assert!(refused(&text).contains("there is no group \"z\""));
}
