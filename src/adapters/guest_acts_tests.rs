//! The script that configures guests under systemd and OpenRC, run by this machine's shell against stand-ins for
//! `systemctl`, `rc-service` and `rc-update` that keep a log and start the process. busybox' init and guests without
//! one are tried on real guests, in `tests/ssh_lab`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sha2::{Digest, Sha256};

use super::*;
use crate::model::desired::OnChange;

/// What every stand-in does: writes down how it was called, and answers.
const SYSTEMCTL: &str = r#"echo "systemctl $*" >> "$LOG"
case "$*" in
  '-q is-enabled '*) [ -e "$TOP/enabled-$3" ] ;;
  '-q enable '*) touch "$TOP/enabled-$3" ;;
  '-q disable --now '*) rm "$TOP/enabled-$4" && touch "$TOP/stopped" ;;
  '-q is-active '*) [ ! -e "$TOP/stopped" ] ;;
  '-q stop '*) touch "$TOP/stopped" ;;
  'restart '*) kill "$(cat "$TOP/run/web.pid" 2>/dev/null)" 2>/dev/null; setsid "$TOP/web.run" </dev/null >/dev/null 2>&1 & ;;
esac"#;
const RC_SERVICE: &str = r#"echo "rc-service $*" >> "$LOG"
case "$*" in
  *' status') false ;;
  *' stop') kill "$(cat "$TOP/run/web.pid" 2>/dev/null)" 2>/dev/null ;;
  *' start') setsid "$TOP/web.run" </dev/null >/dev/null 2>&1 & ;;
esac"#;
const RC_UPDATE: &str = r#"echo "rc-update $*" >> "$LOG""#;

struct Guest {
    top: tempfile::TempDir,
}

impl Guest {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("bin")).unwrap();
        for (name, text) in [
            ("systemctl", SYSTEMCTL),
            ("rc-service", RC_SERVICE),
            ("rc-update", RC_UPDATE),
        ] {
            let path = top.path().join("bin").join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(top.path().join("enabled-nginx"), "").unwrap();
        Self { top }
    }

    fn top(&self) -> &Path {
        self.top.path()
    }

    fn file(&self, name: &str, content: &str) -> RenderedFile {
        let meta = fs::metadata(self.top()).unwrap();
        let id = |what: &str| {
            let output = Command::new("stat")
                .args(["-c", what])
                .arg(self.top())
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        assert_eq!(id("%u"), meta.uid().to_string());
        RenderedFile {
            path: self.top().join(name).display().to_string(),
            content: content.to_owned(),
            sha256: Sha256::digest(content)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            mode: 0o755,
            owner: id("%U:%G"),
            on_change: OnChange::Nothing,
            validate: None,
            secret: false,
        }
    }

    fn config(&self, init: Init, revision: &str, loads: &str, unit: &str) -> GuestConfig {
        let run = self.top().join("run").display().to_string();
        let script = format!(
            "#!/bin/sh\necho {loads} > {run}/web.loaded\necho $$ > {run}/web.pid\necho {revision} > {run}/web.started\nexec sleep 60\n"
        );
        let daemon = Daemon {
            name: "web".parse().unwrap(),
            init,
            units: BTreeMap::from([
                (Init::Systemd, self.file("etc/reconcile-web.service", unit)),
                (Init::Openrc, self.file("etc/reconcile-web", unit)),
            ]),
            script: self.file("web.run", &script),
            revision: revision.to_owned(),
            loads: loads.to_owned(),
            replaces: Some("nginx".to_owned()),
        };
        GuestConfig {
            files: Vec::new(),
            daemon: Some(daemon),
        }
    }

    /// Runs the script; returns how it ended, and what the stand-ins were asked for.
    fn configure(&self, config: &GuestConfig) -> (Output, String) {
        let log = self.top().join("log");
        let _ = fs::remove_file(&log);
        let script = configure_script(config).unwrap();
        // A second instead of ten.
        let script = script
            .var("BOUND", "20")
            .var("RUN", self.top().join("run").display().to_string());
        let path = format!(
            "{}:{}",
            self.top().join("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let mut shell = Command::new("sh");
        shell
            .arg("-s")
            .env("PATH", path)
            .env("TOP", self.top())
            .env("LOG", &log);
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let text = script.render().unwrap();
        std::io::Write::write_all(&mut shell.stdin.take().unwrap(), &text).unwrap();
        let output = shell.wait_with_output().unwrap();
        (output, fs::read_to_string(&log).unwrap_or_default())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.top().join("run/web.pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

#[track_caller]
fn ended(output: &Output, status: i32) {
    assert_eq!(
        output.status.code(),
        Some(status),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn systemd_gets_the_unit_is_told_of_it_and_restarts_only_when_it_must() {
    let guest = Guest::new();
    let (output, log) = guest.configure(&guest.config(Init::Systemd, "r1", "l1", "unit"));
    ended(&output, 0);
    insta::assert_snapshot!(log, @r"
    systemctl -q is-enabled nginx
    systemctl -q disable --now nginx
    systemctl daemon-reload
    systemctl -q is-enabled reconcile-web.service
    systemctl -q enable reconcile-web.service
    systemctl restart reconcile-web.service
    ");
    let (output, log) = guest.configure(&guest.config(Init::Systemd, "r1", "l1", "unit"));
    ended(&output, 10);
    insta::assert_snapshot!(log, @r"
    systemctl -q is-enabled nginx
    systemctl -q is-active nginx
    systemctl -q is-enabled reconcile-web.service
    ");
    let (output, log) = guest.configure(&guest.config(Init::Systemd, "r2", "l1", "unit"));
    ended(&output, 0);
    assert!(
        log.contains("systemctl restart reconcile-web.service\n") && !log.contains("daemon-reload"),
        "{log}"
    );
    let (output, log) = guest.configure(&guest.config(Init::Systemd, "r2", "l1", "another unit"));
    ended(&output, 0);
    assert!(
        log.contains("daemon-reload") && log.contains("restart"),
        "{log}"
    );
    assert!(
        !guest.top().join("etc/reconcile-web").exists(),
        "that is for OpenRC"
    );
}

#[test]
fn openrc_gets_its_own_file_and_starts_it_at_every_boot() {
    let guest = Guest::new();
    let (output, log) = guest.configure(&guest.config(Init::Openrc, "r1", "l1", "unit"));
    ended(&output, 0);
    insta::assert_snapshot!(log, @r"
    rc-service -q nginx status
    rc-update -q add reconcile-web default
    rc-service -q reconcile-web stop
    rc-service -q reconcile-web start
    ");
    assert!(
        !guest.top().join("etc/reconcile-web.service").exists(),
        "that is for systemd"
    );
    let (output, log) = guest.configure(&guest.config(Init::Openrc, "r1", "l2", "unit"));
    ended(&output, 0);
    assert!(
        !log.contains("nginx"),
        "where ours runs, nothing is in its way, whatever an old script may say: {log}"
    );
}

#[test]
fn a_process_that_does_not_come_up_is_an_error_that_names_its_init() {
    let guest = Guest::new();
    let mut config = guest.config(Init::Systemd, "r1", "l1", "unit");
    // It says that it is of another revision, as one would that somebody else starts.
    config.daemon.as_mut().unwrap().revision = "r9".to_owned();
    let (output, _) = guest.configure(&config);
    ended(&output, 1);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("web was started under systemd and does not run"),
        "{said}"
    );
}
