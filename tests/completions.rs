//! Completion with the real binary: by a shell that runs its script, and by what the others ask.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const CLUSTER: &str = "cluster: demo
nonsense: somebody is typing
include: services/*.yaml
hosts: { a: { address: 127.0.0.1 }, b: }
load_balancers: { web: { replicas: 2 } }
";

fn lab() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("specs/services")).unwrap();
    fs::write(dir.path().join("specs/cluster.yaml"), CLUSTER).unwrap();
    let service = "services: { api: { image: x }, hidden: { replicas: 0 } }\n";
    fs::write(dir.path().join("specs/services/api.yaml"), service).unwrap();
    dir
}

fn reconcile(lab: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile"));
    command.current_dir(lab).env("HOME", lab);
    for name in ["RECONCILE_STATE_DIR", "RECONCILE_REPO", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    command
}

/// What is offered for the last word of a line, as fish asks.
fn offered(lab: &Path, line: &str) -> Vec<String> {
    let mut command = reconcile(lab);
    command.env("RECONCILE_COMPLETE", "fish").arg("--");
    let output = command.args(line.split(' ')).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{line}: {output:?}"
    );
    let told = String::from_utf8(output.stdout).unwrap();
    let names = told.lines().filter_map(|line| line.split('\t').next());
    names.map(str::to_owned).collect()
}

#[test]
fn hosts_groups_and_instances_of_the_file_are_offered_where_they_belong() {
    let lab = lab();
    let offered = |line: &str| {
        offered(
            lab.path(),
            &format!("reconcile -f specs/cluster.yaml {line}"),
        )
    };
    let instances = ["api-1", "web-1", "web-2"];
    for line in [
        "why ",
        "retry ",
        "history --instance ",
        "render nginx.conf --for ",
    ] {
        assert_eq!(offered(line), instances, "{line}");
    }
    for line in [
        "why api-1 ",
        "drain ",
        "undrain ",
        "fence confirm ",
        "fence test ",
        "fence retract ",
    ] {
        assert_eq!(offered(line), ["a", "b"], "{line}");
    }
    assert_eq!(offered("why w"), ["web-1", "web-2"]);
    let scopes = [
        "cluster",
        "service/api",
        "service/hidden",
        "service/web",
        "host/a",
        "host/b",
    ];
    assert_eq!(offered("pause "), scopes);
    assert_eq!(offered("resume service/w"), ["service/web"]);
    assert!(offered("drain -").contains(&"--reason".to_owned()));
}

#[test]
fn where_there_is_no_file_nothing_is_offered_and_nothing_is_said_or_made() {
    let lab = lab();
    fs::write(lab.path().join("broken.yaml"), "hosts: { a: {").unwrap();
    for file in ["nobody.yaml", "broken.yaml", "specs"] {
        let offered = offered(lab.path(), &format!("reconcile -f {file} why web"));
        assert_eq!(offered, [""; 0], "{file}");
    }
    let repo = "reconcile --repo nowhere.git why web";
    assert_eq!(offered(lab.path(), repo), [""; 0]);
    let left = fs::read_dir(lab.path()).unwrap().count();
    assert_eq!(left, 2, "only the two that were there");
}

#[test]
fn a_shell_that_runs_the_script_completes() {
    let lab = lab();
    let binary = Path::new(env!("CARGO_BIN_EXE_reconcile")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let script = r#"
        source <(reconcile completions bash)
        COMP_WORDS=(reconcile -f specs/cluster.yaml drain ""); COMP_CWORD=4; COMP_TYPE=9
        _clap_complete_reconcile reconcile "" drain
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script])
        .current_dir(lab.path())
        .env("PATH", path);
    let output = bash.env("HOME", lab.path()).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "a\nb\n",
        "{output:?}"
    );
}
