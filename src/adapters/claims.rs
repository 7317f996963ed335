//! Claims on hosts over ssh. A claim ends at an uptime of its host; we stop to act some time before that can be, counted
//! from the moment before we asked, by our own uptime. A renewal that arrives late so makes nobody act for longer: all
//! it does is to make others wait.

use std::time::Duration;

use async_trait::async_trait;

use super::script::{Script, WriteScript};
use super::ssh_reader::{broken, text};
use super::ssh_writer::SshWriter;
use super::system_clock::SystemClock;
use super::{endpoints, scripts};
use crate::model::claim::{Claim, Claimant, MARGIN, Succession, TTL, clean};
use crate::model::desired::Host;
use crate::model::facts::{Unseen, UnseenKind};
use crate::model::id::ClusterName;
use crate::observe::parse_claim::{parse_claim_answer, write_names};
use crate::ports::claim::{Claims, Held, Lost};
use crate::ports::clock::Clock;
use crate::ports::{ActError, Effect};

/// How long a renewal may take before it counts as failed: less than what is left when the next one is due.
const RENEWAL: Duration = Duration::from_secs(8);

#[async_trait]
impl Claims for SshWriter {
    async fn keep(
        &self,
        host: &Host,
        cluster: &ClusterName,
        claimant: &Claimant,
        succession: Succession,
        held: Held<'_>,
    ) -> Lost {
        loop {
            let asked = SystemClock.uptime();
            match self.take(host, cluster, (claimant, succession)).await {
                Ok(claim) if claim.owner == claimant.id => held(asked.plus(TTL - MARGIN)),
                Ok(claim) => return Lost::To(claim),
                Err(unseen) => return Lost::Unseen(unseen),
            }
            SystemClock.sleep(TTL / 3).await;
        }
    }

    async fn release(
        &self,
        host: &Host,
        cluster: &ClusterName,
        claimant: &Claimant,
    ) -> Result<Effect, ActError> {
        let script = Script::new(&scripts::RELEASE_CLAIM)
            .var("CLAIM", endpoints::claim(cluster))
            .var("OWNER", claimant.id.to_string())
            .var("HOSTS", write_names(&claimant.hosts));
        let (effect, _) = self.act(&endpoints::host(host), &script, RENEWAL).await?;
        Ok(effect)
    }
}

impl SshWriter {
    /// Takes the claim, or renews it, where nobody else has it. The claim that is in force then.
    async fn take(
        &self,
        host: &Host,
        cluster: &ClusterName,
        (claimant, succession): (&Claimant, Succession),
    ) -> Result<Claim, Unseen> {
        let endpoint = endpoints::host(host);
        let script = keep_script(&endpoints::claim(cluster), claimant, succession);
        let acted = self.act(&endpoint, &script, RENEWAL).await;
        let (_, answer) = acted.map_err(|error| match error {
            ActError::Unreachable(unseen) => unseen,
            ActError::Moved(message) | ActError::Failed(message) => {
                Unseen::new(UnseenKind::Broken, message)
            }
        })?;
        parse_claim_answer(&text(&answer)).map_err(|error| broken(&endpoint, error, &answer))
    }
}

fn keep_script(file: &str, claimant: &Claimant, succession: Succession) -> WriteScript {
    let open = match succession {
        Succession::Open => "yes",
        Succession::Closed => "",
    };
    Script::new(&scripts::KEEP_CLAIM)
        .var("CLAIM", file)
        .var("OWNER", claimant.id.to_string())
        .var("WHO", clean(&claimant.who))
        .var("HOSTS", write_names(&claimant.hosts))
        .var("OPEN", open)
        .var("TTL", TTL.as_secs().to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output, Stdio};

    use super::*;
    use crate::model::claim::ControllerId;
    use crate::model::id::HostId;

    /// A host's file, and shells that run the scripts on it.
    struct Place {
        dir: tempfile::TempDir,
        shell: &'static [&'static str],
    }

    fn shells() -> Vec<&'static [&'static str]> {
        let known: [&[&str]; 3] = [&["sh"], &["bash", "--posix"], &["busybox", "sh"]];
        let there = |shell: &&[&str]| {
            let mut command = Command::new(shell[0]);
            let said = command.args(&shell[1..]).args(["-c", "true"]).status();
            said.is_ok_and(|status| status.success())
        };
        known.into_iter().filter(there).collect()
    }

    fn named(host: &str, whose: &[&str]) -> (HostId, BTreeSet<ControllerId>) {
        let whose = whose.iter().map(|id| id.parse().unwrap());
        (host.parse().unwrap(), whose.collect())
    }

    fn claimant(id: &str) -> Claimant {
        Claimant {
            id: id.parse().unwrap(),
            who: format!("{id}@ops, watch, pid 7\n'$(id)`"),
            hosts: [named("b", &[]), named("c-1", &["a", "0f"])].into(),
        }
    }

    impl Place {
        fn new(shell: &'static [&'static str]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            Place { dir, shell }
        }

        fn file(&self) -> PathBuf {
            self.dir.path().join("lib/claim-demo")
        }

        fn run(&self, script: &WriteScript) -> Output {
            self.run_text(&script.render().unwrap())
        }

        fn run_text(&self, text: &[u8]) -> Output {
            let mut child = Command::new(self.shell[0])
                .args(&self.shell[1..])
                .arg("-s")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(text).unwrap();
            child.wait_with_output().unwrap()
        }

        fn take(&self, id: &str) -> Claim {
            self.ask(id, Succession::Open)
        }

        fn ask(&self, id: &str, succession: Succession) -> Claim {
            let path = self.file().display().to_string();
            let output = self.run(&keep_script(&path, &claimant(id), succession));
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{output:?}");
            parse_claim_answer(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
        }

        fn release(&self, id: &str) -> Option<i32> {
            let script = Script::new(&scripts::RELEASE_CLAIM)
                .var("CLAIM", self.file().display().to_string())
                .var("OWNER", id)
                .var("HOSTS", "c-1");
            self.run(&script).status.code()
        }

        /// The claim as a look finds it.
        fn left(&self) -> Claim {
            let path = self.file().display().to_string();
            let script = Script::new(&scripts::OBSERVE_HOST).var("CLAIM", path);
            let output = self.run_text(&script.render().unwrap());
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let records = crate::observe::parse_answer::records(&said).unwrap();
            let record = records.iter().find(|record| record.key == "claim");
            crate::observe::parse_claim::parse_claim(record.unwrap()).unwrap()
        }

        fn write(&self, text: &str) {
            std::fs::create_dir_all(self.file().parent().unwrap()).unwrap();
            std::fs::write(self.file(), text).unwrap();
        }
    }

    fn everywhere(test: impl Fn(&Place)) {
        for shell in shells() {
            test(&Place::new(shell));
        }
    }

    fn boot() -> String {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        id.trim().to_owned()
    }

    fn uptime() -> u64 {
        let text = std::fs::read_to_string(Path::new("/proc/uptime")).unwrap();
        text.split('.').next().unwrap().parse().unwrap()
    }

    #[test]
    fn without_a_majority_a_claim_that_ran_out_stays_with_whom_it_was() {
        everywhere(|place| {
            let asked = |id| place.ask(id, Succession::Closed).owner.to_string();
            for of in [boot().as_str(), "an-earlier-boot"] {
                place.write(&format!("other 1 1 {of} other@ops"));
                assert_eq!(asked("us"), "other");
                assert_eq!(asked("other"), "other");
                place.write(&format!("us 1 1 {of} us@ops"));
                assert_eq!(asked("us"), "us");
            }
            assert_eq!(place.release("us"), Some(0));
            assert_eq!(asked("other"), "other", "it was given up");
        });
    }

    #[test]
    fn who_comes_first_has_the_host_until_it_lets_go() {
        everywhere(|place| {
            let claim = place.take("a");
            assert_eq!(claim.owner.to_string(), "a");
            assert_eq!(claim.who, "a@ops, watch, pid 7'$(id)`");
            assert!((29..=30).contains(&claim.left_s), "{claim:?}");
            assert_eq!(place.take("b").owner.to_string(), "a");
            assert_eq!(place.release("b"), Some(10), "it is none of its own");
            assert_eq!(place.take("a").owner.to_string(), "a");
            assert_eq!(write_names(&claim.hosts), "b c-1@0f,a");
            assert_eq!(place.release("a"), Some(0));
            assert_eq!(place.release("a"), Some(10), "it is gone already");
            assert_eq!(
                write_names(&place.left().hosts),
                "c-1",
                "what was left is known"
            );
            assert_eq!(place.take("b").owner.to_string(), "b");
        });
    }

    #[test]
    fn a_claim_that_is_over_is_anybodys_and_a_renewed_one_keeps_its_beginning() {
        everywhere(|place| {
            let now = uptime();
            place.write(&format!(
                "a {} {} {} anna@ops\n",
                now + 5,
                now.saturating_sub(60),
                boot()
            ));
            assert_eq!(place.take("b").owner.to_string(), "a");
            let renewed = place.take("a");
            assert!(renewed.held_s >= 60 && renewed.left_s >= 29, "{renewed:?}");
            place.write(&format!("a {now} 1 {} anna@ops\n", boot()));
            let taken = place.take("b");
            assert_eq!((taken.owner.to_string().as_str(), taken.held_s), ("b", 0));
        });
    }

    #[test]
    fn a_boot_ends_a_claim() {
        everywhere(|place| {
            let end = uptime() + 25;
            place.write(&format!("a {end} 1 an-earlier-boot anna@ops\n"));
            assert_eq!(place.take("b").owner.to_string(), "b");
        });
    }

    #[test]
    fn a_file_that_makes_no_sense_is_no_claim() {
        everywhere(|place| {
            for text in [
                "",
                "\n",
                "a",
                "a b c d\n",
                "a 99999999999 x boot who\n",
                "a -5 1 boot who",
            ] {
                place.write(text);
                assert_eq!(place.take("b").owner.to_string(), "b", "{text:?}");
            }
        });
    }

    #[test]
    fn of_many_that_ask_at_once_exactly_one_gets_it() {
        everywhere(|place| {
            let owners: Vec<String> = std::thread::scope(|scope| {
                let all = ["a", "b", "c", "d", "e"].map(|id| scope.spawn(|| place.take(id)));
                all.map(|one| one.join().unwrap().owner.to_string()).into()
            });
            assert!(owners.iter().all(|owner| *owner == owners[0]), "{owners:?}");
        });
    }
}
