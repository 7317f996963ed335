//! A guest's files and its process.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use reconcile::model::action::{Daemon, GuestConfig, GuestRef, RenderedFile};
use reconcile::model::desired::{Init, OnChange};
use reconcile::model::mark::Stage;
use reconcile::ports::guest::GuestControl;
use reconcile::ports::hypervisor::HypervisorControl;
use reconcile::ports::{ActError, Effect};

use super::fixture::Lab;
use super::machine::{build, digest, file, host, removal};
use super::script::output;

/// What becomes the process: as the run script that is rendered for guests.
fn daemon(revision: &str, init: Init, reloads: &[&RenderedFile]) -> Daemon {
    let list: String = reloads
        .iter()
        .map(|file| format!(" {}", file.path))
        .collect();
    let script = format!(
        "#!/bin/sh\nmkdir -p /run/reconcile\nfor f in{list}; do sha256sum < \"$f\"; done | sha256sum | cut -d ' ' -f 1 > /run/reconcile/web.loaded\n\
         echo $$ > /run/reconcile/web.pid\necho {revision} > /run/reconcile/web.started\nexec {NGINX}\n"
    );
    // As the one that is rendered for guests: of two, the second ends.
    let supervise = "#!/bin/sh\nread -r other < /run/reconcile/web.supervisor && kill -0 $other && exit\n\
         echo $$ > /run/reconcile/web.supervisor\nwhile :; do /etc/reconcile/web.run; sleep 1; done\n";
    let executable = |path: &str, content: &str| RenderedFile {
        mode: 0o755,
        ..file(path, content)
    };
    let sums: String = reloads
        .iter()
        .map(|file| format!("{}  -\n", file.sha256))
        .collect();
    Daemon {
        name: "web".parse().unwrap(),
        init,
        units: BTreeMap::from([(
            Init::None,
            executable("/etc/reconcile/web.supervise", supervise),
        )]),
        script: executable("/etc/reconcile/web.run", &script),
        revision: revision.into(),
        loads: digest(&sums),
        replaces: None,
    }
}

fn nginx(answer: &str) -> RenderedFile {
    let content = format!(
        "user www-data;\nworker_processes 1;\npid /run/nginx.pid;\nerror_log /var/log/nginx/error.log;\nevents {{ }}\n\
         http {{ access_log off; server {{ listen 80; location / {{ return 200 '{answer}'; }} }} }}\n"
    );
    RenderedFile {
        on_change: OnChange::Reload,
        validate: Some("nginx -t -q -c \"$1\"".into()),
        ..file("/etc/nginx/nginx.conf", &content)
    }
}

const NGINX: &str = "nginx -c /etc/nginx/nginx.conf -g 'daemon off;'";

fn hostile() -> RenderedFile {
    file("/etc/it's $(a) file", "'\"`$(touch /tmp/owned)`\n\\n ü\n")
}

fn secret() -> RenderedFile {
    RenderedFile {
        mode: 0o600,
        owner: "www-data:www-data".into(),
        ..file("/srv/deep/er/secret", "x")
    }
}

/// A guest that is being configured, and who keeps its process up.
struct Trial {
    lab: Lab,
    guest: GuestRef,
    init: Init,
}

impl Trial {
    /// Everything that `answer` and `revision` say, as a configuration.
    fn config(&self, answer: &str, revision: &str) -> GuestConfig {
        let conf = nginx(answer);
        GuestConfig {
            daemon: Some(daemon(revision, self.init, &[&conf])),
            files: vec![hostile(), secret(), conf],
        }
    }

    async fn configure(&self, config: &GuestConfig) -> Result<Effect, ActError> {
        self.lab.writer.configure(&self.guest, config).await
    }

    fn get(&self) -> String {
        let url = format!("http://{}/", self.guest.address);
        output(Command::new("curl").args(["-s", "-m", "3", &url])).unwrap_or_default()
    }

    async fn answers(&self, text: &str) {
        let begin = Instant::now();
        while self.get() != text {
            assert!(begin.elapsed() < Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The ids of nginx' workers, and that of the process itself.
    fn pids(&self) -> (String, String) {
        let said = self.lab.in_guest(&self.guest, PIDS);
        let (workers, process) = said.trim().rsplit_once(' ').expect("it has workers");
        (workers.to_owned(), process.to_owned())
    }

    async fn differs(&self, file: &RenderedFile) -> bool {
        let facts = self.lab.look(&self.guest, &[file]).await;
        facts.files[&file.path].content.is_some()
    }
}

const PIDS: &str =
    "read -r pid < /run/reconcile/web.pid; echo $(cat /proc/$pid/task/$pid/children) $pid";

#[tokio::test]
async fn a_guest_s_files_and_its_process_under_its_init_become_what_is_desired() {
    becomes_what_is_desired("conf", "192.168.10.70", Init::Auto).await;
}

#[tokio::test]
async fn a_guest_s_files_and_its_process_without_an_init_become_what_is_desired() {
    becomes_what_is_desired("bare", "192.168.10.79", Init::None).await;
}

async fn becomes_what_is_desired(group: &str, address: &str, init: Init) {
    let (lab, a) = (Lab::new(), host("a"));
    let built = build(group, address, &format!("g-{group}"), Stage::Ready);
    let guest = lab.boot(&built).await;
    let trial = Trial { lab, guest, init };
    first_configuration(&trial).await;
    reload(&trial).await;
    invalid_file(&trial).await;
    restart(&trial).await;
    killed_process(&trial).await;
    trial.lab.writer.remove(&a, &removal(&built)).await.unwrap();
}

async fn first_configuration(trial: &Trial) {
    let one = trial.config("one", "r1");
    assert_eq!(trial.configure(&one).await, Ok(Effect::Changed));
    trial.answers("one").await;
    let before = trial.pids();
    assert_eq!(trial.configure(&one).await, Ok(Effect::AlreadyDone));
    assert_eq!(trial.pids(), before);

    let files = [&hostile(), &secret(), &nginx("other")];
    let facts = trial.lab.look(&trial.guest, &files).await;
    assert_eq!(facts.init, Some(Init::Busybox));
    assert_eq!(facts.files[&hostile().path].content, None);
    let secret = &facts.files[&secret().path];
    let (mode, owner) = (secret.mode, secret.owner.as_str());
    assert_eq!((mode, owner), (0o600, "www-data:www-data"));
    let conf = &facts.files[&nginx("").path];
    assert_eq!(conf.content, Some(nginx("one").content));
    let (seen, wanted) = (facts.daemon.unwrap(), one.daemon.unwrap());
    assert!(seen.running);
    assert_eq!(seen.started, Some(wanted.revision));
    assert_eq!(seen.loaded, Some(wanted.loads));
}

/// Keeps the process and changes its workers.
async fn reload(trial: &Trial) {
    let before = trial.pids();
    let two = trial.config("two", "r1");
    assert_eq!(trial.configure(&two).await, Ok(Effect::Changed));
    // The old workers are gone: not one request more is answered by them.
    assert_eq!(trial.get(), "two");
    let after = trial.pids();
    assert_ne!(after.0, before.0);
    assert_eq!(after.1, before.1);
}

/// Is not put in place, and neither is what came before it.
async fn invalid_file(trial: &Trial) {
    let before = trial.pids();
    let mut bad = trial.config("thr'ee", "r1");
    bad.files[0] = file(&hostile().path, "new");
    let Err(ActError::Failed(message)) = trial.configure(&bad).await else {
        panic!()
    };
    assert!(
        message.contains("not valid") && message.contains("nginx"),
        "{message}"
    );
    assert!(!trial.differs(&hostile()).await);
    assert!(!trial.differs(&nginx("two")).await);
    assert_eq!(trial.pids(), before);
}

/// Another revision is another process.
async fn restart(trial: &Trial) {
    let before = trial.pids();
    let three = trial.config("two", "r2");
    assert_eq!(trial.configure(&three).await, Ok(Effect::Changed));
    trial.answers("two").await;
    assert_ne!(trial.pids().1, before.1);
}

/// Is started again by whatever keeps it up.
async fn killed_process(trial: &Trial) {
    let (workers, process) = trial.pids();
    trial
        .lab
        .in_guest(&trial.guest, &format!("kill -9 {process} {workers}"));
    trial.answers("two").await;
    assert_ne!(trial.pids().1, process);
}
