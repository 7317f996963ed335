//! Files that include others: that it is one cluster, that every place names its file, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::model::desired::{Desired, Line};
use crate::spec::tests::{Memory, SMALL, good};
use crate::spec::{SpecErrors, parse, parse_with_sources};

const HOSTS: &str = "hosts: { a: { address: a.example, pool: 10.0.0.10-10.0.0.19 } }\n";
const API: &str = "# the service\nservices: { api: { image: alpine, port: 8080 } }\n";

fn main_file(include: &str) -> String {
    let left = SMALL
        .lines()
        .filter(|l| !l.starts_with("hosts:") && !l.starts_with("services:"));
    let left: Vec<&str> = left.collect();
    format!("include: {include}\n{}\n", left.join("\n"))
}

fn refused(include: &str, files: &[(&str, &str)]) -> SpecErrors {
    let read = parse(
        "cluster.yaml",
        main_file(include).as_bytes(),
        &Memory::with(files),
    );
    read.map(|_| panic!("{include} was accepted")).unwrap_err()
}

/// All but what tells the files apart.
fn meaning(desired: Desired) -> Desired {
    Desired {
        revision: crate::model::desired::Revision(String::new()),
        lines: Default::default(),
        ..desired
    }
}

#[test]
fn what_is_included_counts_as_if_it_stood_in_the_file() {
    let files = Memory::with(&[("hosts.yaml", HOSTS), ("services/api.yaml", API)]);
    for include in [
        "[hosts.yaml, services/*.yaml]",
        "'**/*.yaml'",
        "[./hosts.yaml, '**/a*', '*']",
    ] {
        let desired = good(&main_file(include), &files);
        assert_eq!(meaning(desired), meaning(good(SMALL, &files)), "{include}");
    }
}

#[test]
fn every_line_names_its_file_as_the_user_would() {
    let files = Memory::with(&[("hosts.yaml", HOSTS), ("services/api.yaml", API)]);
    let text = main_file("'**/*.yaml'");
    let desired = parse("specs/demo.yaml", text.as_bytes(), &files).unwrap();
    let api = desired.lines.of("services.api.memory").unwrap();
    let file = Some("specs/services/api.yaml".into());
    assert_eq!(api, Line { line: 2, file });
    assert_eq!(api.place("specs/demo.yaml"), "specs/services/api.yaml:2");
    let include = desired.lines.of("include").unwrap();
    assert_eq!(include.place("specs/demo.yaml"), "specs/demo.yaml:1");
}

#[test]
fn the_revision_and_what_is_kept_are_of_all_files() {
    let read = |api: &str| {
        let files = Memory::with(&[("hosts.yaml", HOSTS), ("services/api.yaml", api)]);
        let text = main_file("'**/*.yaml'");
        parse_with_sources("cluster.yaml", text.as_bytes(), &files).unwrap()
    };
    let (first, sources) = read(API);
    let names: Vec<_> = sources
        .iter()
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_eq!(names, ["hosts.yaml", "services/api.yaml"]);
    assert_ne!(
        first.revision,
        read(&API.replace("8080", "8081")).0.revision
    );
    assert_eq!(first.revision, read(API).0.revision);
}

#[test]
fn programs_are_told_the_file_of_an_error_where_it_is_another_one() {
    let twice = API.replace("port: 8080", "port: 0");
    let files = [
        ("hosts.yaml", HOSTS),
        ("more.yaml", HOSTS),
        ("services/api.yaml", &twice),
    ];
    let errors = refused("'**/*.yaml'", &files);
    let json = serde_json::to_value(errors.errors()).unwrap();
    assert_eq!(
        (&json[0]["file"], &json[0]["line"]),
        (&"more.yaml".into(), &1.into())
    );
    assert_eq!(json[0]["related"][0]["file"], "hosts.yaml");
    assert_eq!(
        (&json[1]["file"], &json[1]["line"]),
        (&"services/api.yaml".into(), &2.into())
    );
    let own = refused("nobody.yaml", &[]);
    assert!(
        serde_json::to_value(own.errors()).unwrap()[0]
            .get("file")
            .is_none()
    );
}

#[test]
fn what_all_files_cost_together_is_bounded() {
    let many: Vec<String> = (0..=MAX_FILES).map(|n| format!("f{n}.yaml")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    assert!(
        refused("'f*.yaml'", &many)
            .to_string()
            .contains("more than 1000 files are included")
    );

    let comment = format!("# {}\n", "x".repeat(MAX_FILE / 2));
    let large = [("a.yaml", comment.as_str()), ("b.yaml", &comment)];
    assert!(
        refused("'*.yaml'", &large)
            .to_string()
            .contains("more than 4 MiB together")
    );

    let entries = |from: usize| {
        let names: Vec<String> = (from..from + 40_000)
            .map(|n| format!("  h{n}: x\n"))
            .collect();
        format!("hosts:\n{}", names.concat())
    };
    let texts = [0, 40_000, 80_000].map(entries);
    let values = [
        ("a.yaml", &*texts[0]),
        ("b.yaml", &*texts[1]),
        ("c.yaml", &*texts[2]),
    ];
    assert!(
        refused("'*.yaml'", &values)
            .to_string()
            .contains("more than 100000 values together")
    );
}

proptest! {
    #[test]
    fn it_does_not_matter_in_which_files_entries_stand(places in prop::collection::vec(0usize..4, 8)) {
        let entries = [
            ("hosts", "a: { address: a.example, pool: 10.0.0.10-10.0.0.19 }"),
            ("hosts", "b: { address: b.example, pool: 10.0.0.20-10.0.0.29 }"),
            ("images", "alpine: { path: alpine.qcow2 }"),
            ("services", "api: { image: alpine, port: 8080 }"),
            ("services", "batch: { image: debian, port: 8081 }"),
            ("images", "debian: { path: debian.qcow2 }"),
            ("networks", "lan: { cidr: 10.0.0.0/24 }"),
            ("load_balancers", "web: { vip: 10.0.0.100/24, image: alpine, routes: { /: api } }"),
        ];
        let text = |places: &[usize], place: usize| {
            let mut sections: BTreeMap<&str, String> = BTreeMap::new();
            for ((section, entry), _) in entries.iter().zip(places).filter(|(_, at)| **at == place) {
                *sections.entry(section).or_default() += &format!("  {entry}\n");
            }
            sections.iter().map(|(name, all)| format!("{name}:\n{all}")).collect::<String>()
        };
        let names = ["0.yaml", "a/1.yaml", "b/2.yaml", "3.yaml"];
        let texts: Vec<String> = (0..4).map(|place| text(&places, place)).collect();
        let files: Vec<(&str, &str)> = names.iter().copied().zip(texts.iter().map(String::as_str)).skip(1).collect();
        let main = format!("cluster: c\ninclude: '**/[123].yaml'\n{}", texts[0]);
        let whole = format!("cluster: c\n{}", text(&[0; 8], 0));
        prop_assert_eq!(
            meaning(good(&main, &Memory::with(&files))),
            meaning(good(&whole, &Memory::default()))
        );
    }
}
