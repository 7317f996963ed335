//! Scripts and units as guests get them, and what a real shell makes of them.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::render::guest_config;
use crate::render::samples::{Sample, file};

fn daemon_of(sample: &Sample) -> Daemon {
    let config = guest_config(&sample.desired, &sample.guest(), &[]).unwrap();
    config.daemon.unwrap()
}

/// A file as it would be on a guest, but with its directories below `root`.
fn put(root: &Path, file: &RenderedFile) -> String {
    let at = root.display();
    let text = ["/run/reconcile", "/etc/reconcile", "/var/log"]
        .iter()
        .fold(file.content.clone(), |text, path| {
            text.replace(path, &format!("{at}{path}"))
        });
    let path = format!("{at}{}", file.path);
    std::fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(file.mode);
    std::fs::set_permissions(&path, mode).unwrap();
    path
}

fn read(root: &Path, name: &str) -> String {
    let path = format!("{}/run/reconcile/{name}", root.display());
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

#[test]
fn the_script_and_the_units_of_a_service() {
    let daemon = daemon_of(&Sample::service());
    assert_eq!(daemon.replaces, None);
    assert_eq!(
        (&*daemon.script.path, daemon.script.mode),
        ("/etc/reconcile/random.run", 0o700)
    );
    insta::assert_snapshot!("run", daemon.script.content);
    for (init, unit) in &daemon.units {
        let name = format!("{init:?}").to_lowercase();
        insta::assert_snapshot!(
            name,
            format!("{} {:o}\n{}", unit.path, unit.mode, unit.content)
        );
    }
    assert!(!daemon.units.contains_key(&Init::Busybox));
}

#[test]
fn a_load_balancer_runs_nginx_in_place_of_that_of_the_distribution() {
    let daemon = daemon_of(&Sample::balancer());
    assert_eq!(daemon.replaces.as_deref(), Some("nginx"));
    let last = daemon.script.content.lines().last();
    assert_eq!(
        last,
        Some("exec nginx -c /etc/nginx/nginx.conf -g 'daemon off;'")
    );
}

#[test]
fn a_service_that_its_image_starts_has_no_process_of_ours() {
    let mut sample = Sample::service();
    if let Role::Service(service) = &mut sample.group.role {
        service.run = None;
    }
    let config = guest_config(&sample.desired, &sample.guest(), &[]).unwrap();
    assert_eq!(config.daemon, None);
}

#[test]
fn the_script_becomes_the_process_and_says_what_it_was_started_with() {
    let root = tempfile::tempdir().unwrap();
    let conf = root.path().join("a 'b'.conf").display().to_string();
    let mut sample = Sample::service();
    sample.group.files = vec![file(&conf, "x\n", OnChange::Reload)];
    sample.run("sh -c 'echo $$; echo \"$TOKEN\"'");
    let daemon = daemon_of(&sample);
    std::fs::write(&conf, "x\n").unwrap();

    let script = put(root.path(), &daemon.script);
    let output = Command::new(script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let pid = read(root.path(), "random.pid");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown, format!("{pid}\ns3cr3t'value\n"));
    assert_eq!(read(root.path(), "random.started"), daemon.revision);
    assert_eq!(read(root.path(), "random.loaded"), daemon.loads);
}

#[test]
fn a_process_without_files_to_reload_has_loaded_what_it_should() {
    let root = tempfile::tempdir().unwrap();
    let mut sample = Sample::service();
    sample.run("true");
    let daemon = daemon_of(&sample);
    let status = Command::new(put(root.path(), &daemon.script)).status();
    assert!(status.unwrap().success());
    assert_eq!(read(root.path(), "random.loaded"), daemon.loads);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_environment_arrives_in_the_process_unchanged(
        value in "[^\0{]*|[`$()'\"\\\\\n; é💥]{0,20}",
    ) {
        let root = tempfile::tempdir().unwrap();
        let mut sample = Sample::service();
        sample.group.env.insert("HOSTILE".to_owned(), value.clone());
        sample.run("printenv HOSTILE");
        let output = Command::new(put(root.path(), &daemon_of(&sample).script)).output();
        prop_assert_eq!(output.unwrap().stdout, format!("{value}\n").into_bytes());
    }
}

#[test]
fn what_no_shell_can_hold_is_refused() {
    let refused = |name: &str, value: &str| {
        let mut sample = Sample::service();
        sample.group.env.insert(name.to_owned(), value.to_owned());
        let error = guest_config(&sample.desired, &sample.guest(), &[]).unwrap_err();
        error.to_string()
    };
    insta::assert_snapshot!(refused("A;id", "x"), @"services.random.env.A;id: a variable has only letters, digits and '_' in its name");
    insta::assert_snapshot!(refused("A", "x\0"), @"services.random.env.A: a variable can't hold a NUL character");
    insta::assert_snapshot!(refused("A", "{{env.NAME}}"), @"services.random.env.A:1: there is no `env.NAME` here");
}

#[test]
fn only_what_needs_a_restart_is_another_revision() {
    let with = |change: &dyn Fn(&mut Sample)| {
        let mut sample = Sample::service();
        sample.group.files = vec![
            file("/restart", "1", OnChange::Restart),
            file("/reload", "1", OnChange::Reload),
            file("/nothing", "1", OnChange::Nothing),
        ];
        change(&mut sample);
        let daemon = daemon_of(&sample);
        (daemon.revision, daemon.loads)
    };
    let text = |sample: &mut Sample, index: usize| {
        sample.group.files[index].template.text = "2".to_owned();
    };
    let (revision, loads) = with(&|_| {});

    let restarted = with(&|sample| text(sample, 0));
    assert!(restarted.0 != revision && restarted.1 == loads);
    let reloaded = with(&|sample| text(sample, 1));
    assert!(reloaded.0 == revision && reloaded.1 != loads);
    let nothing = with(&|sample| text(sample, 2));
    assert_eq!(nothing, (revision.clone(), loads.clone()));

    let run = with(&|sample| sample.run("serve"));
    let env = with(&|sample| drop(sample.group.env.insert("B".to_owned(), String::new())));
    assert!(run.0 != revision && env.0 != revision);
    let another = file("/another", "1", OnChange::Reload);
    let another = with(&|sample| sample.group.files.push(another.clone()));
    assert!(another.0 == revision && another.1 != loads);
}

#[test]
fn the_supervising_loop_starts_the_process_again_and_ends_it_with_itself() {
    let root = tempfile::tempdir().unwrap();
    let mut sample = Sample::service();
    sample.run("sleep 60");
    let daemon = daemon_of(&sample);
    put(root.path(), &daemon.script);
    let script = put(root.path(), &daemon.units[&Init::None]);
    let mut supervisor = Command::new(&script).process_group(0).spawn().unwrap();
    let pid_other_than = |former: &str| {
        wait_for(|| {
            let pid = read(root.path(), "random.pid");
            (pid != former && is_alive(&pid)).then_some(pid)
        })
    };

    let first = pid_other_than("");
    let second_loop = Command::new(&script).status().unwrap();
    assert!(second_loop.success(), "a second loop ends at once");
    signal("KILL", &first);
    let second = pid_other_than(&first);
    signal("HUP", &supervisor.id().to_string());
    signal("TERM", &supervisor.id().to_string());
    assert!(supervisor.wait().unwrap().success());
    assert!(!is_alive(&second), "the process ends with its loop");
}

fn wait_for<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_alive(pid: &str) -> bool {
    !pid.is_empty() && Path::new("/proc").join(pid).exists()
}

fn signal(signal: &str, pid: &str) {
    let status = Command::new("kill").args(["-s", signal, pid]).status();
    assert!(status.unwrap().success());
}
