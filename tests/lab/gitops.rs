//! A branch of a real git repository that a controller follows: what is committed is done on real hosts.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::product::{Product, signal};
use super::traffic::Traffic;
use super::wait::{seconds, until};

/// How long a commit may take until all is as it says: guests are made anew one after the other.
const LIMIT: Duration = seconds(180);

/// A bare repository, and somebody's checkout of it.
struct Repository<'a> {
    product: &'a Product,
}

impl Repository<'_> {
    fn new(product: &Product) -> Repository<'_> {
        let repository = Repository { product };
        repository.run(&["init", "--quiet", "--bare", "cluster.git"]);
        repository.run(&["init", "--quiet", "-b", "main", "work"]);
        repository
    }

    fn path(&self) -> PathBuf {
        self.product.path("cluster.git")
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let who = ["-c", "user.name=Anna", "-c", "user.email=anna@example.org"];
        let mut command = Command::new("git");
        command
            .args(who)
            .args(arguments)
            .current_dir(self.product.path(""));
        super::lab::output(&mut command).expect("git does it")
    }

    /// Commits this as the file, and pushes it. The name of the commit.
    #[track_caller]
    fn commit(&self, spec: &impl std::fmt::Display) -> String {
        std::fs::write(self.product.path("work/cluster.yaml"), spec.to_string())
            .expect("a file can be written");
        self.run(&["-C", "work", "add", "--all"]);
        self.run(&["-C", "work", "commit", "--quiet", "-m", "an edit"]);
        self.run(&[
            "-C",
            "work",
            "push",
            "--quiet",
            "../cluster.git",
            "HEAD:main",
        ]);
        self.run(&["-C", "work", "rev-parse", "HEAD"])
            .trim()
            .to_owned()
    }
}

fn rename(from: &Path, to: &Path) {
    std::fs::rename(from, to).expect("it can be renamed");
}

#[test]
fn what_is_committed_is_done_and_a_bad_commit_changes_nothing() {
    let (product, spec) = Product::converged();
    let repository = Repository::new(&product);
    repository.commit(&spec);
    let watch = product.watch_repository(&repository.path());
    watch.wait_for("watching", seconds(30));

    let from = product.history().len();
    let traffic = Traffic::start(&product.lab, &format!("http://{}/random", spec.vip), 20);
    let five = spec.with(|s| s.replicas = 5);
    let begin = Instant::now();
    let commit = repository.commit(&five);
    until("five instances serve", LIMIT, || {
        let status = product.status();
        let well = |i: &&serde_json::Value| i["healthy"] == true;
        let serving = status["instances"].as_array()?.iter().filter(well).count();
        (serving == 7 && status["followed"]["applied"]["id"] == *commit).then_some(())
    });
    println!(
        "from the push to five instances that serve: {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    product.write(&five);
    product.wait_converged(LIMIT);
    traffic.stop().assert_nothing_failed();
    let history = product.history();
    let made: Vec<_> = history[from..]
        .iter()
        .filter(|entry| entry["action"] == "create")
        .collect();
    assert_eq!(made.len(), 2, "{made:#?}");
    for entry in made {
        assert_eq!(entry["commit"]["id"], commit);
        assert_eq!(entry["commit"]["author"], "Anna <anna@example.org>");
        assert_eq!(entry["commit"]["signature"]["state"], "missing");
    }

    let before = product.lab.domains();
    let bad = repository.commit(&format!("{five}\nreplcias: 7\n"));
    watch.wait_for("replcias", seconds(30));
    let status = product.status();
    assert_eq!(status["followed"]["applied"]["id"], commit);
    assert_eq!(status["followed"]["refused"]["commit"]["id"], bad);
    assert_eq!(
        product.lab.domains(),
        before,
        "a bad commit changes nothing"
    );

    // Killed while the repository is away, it goes on with what was in force, and heals.
    signal(watch.pid(), "KILL");
    drop(watch);
    rename(&repository.path(), &product.path("away.git"));
    let watch = product.watch_repository(&repository.path());
    watch.wait_for("watching", seconds(60));
    let victim = product.lab.domain_of("random-1");
    product.lab.kill_guest(&victim, "KILL");
    product.wait_remade(&victim, seconds(120));
    rename(&product.path("away.git"), &repository.path());
    let back = repository.commit(&spec);
    in_force(&product, &back);
    product.write(&spec);
    product.wait_converged(LIMIT);
    watch.stop();
}

// One story on one lab, too: what was rolled back is followed by an edit that needs a person.
#[test]
fn a_bad_commit_rolls_back_by_itself_and_a_far_reaching_one_waits_for_a_person() {
    let (product, spec) = Product::converged();
    let spec = spec.with(|s| s.changes = "automatic: restart, on_failure: rollback".to_owned());
    let repository = Repository::new(&product);
    let good = repository.commit(&spec);
    product.write(&spec);
    let watch = product.watch_repository(&repository.path());
    in_force(&product, &good);
    product.wait_converged(LIMIT);

    let traffic = Traffic::start(&product.lab, &format!("http://{}/random", spec.vip), 20);
    let begin = Instant::now();
    let bad = repository.commit(&spec.with(|s| s.run = "/bin/false".to_owned()));
    until("it is rolled back", LIMIT, || {
        let said = product.run(&["status"]);
        let words = said.words();
        (words.contains("it failed and was rolled back") && said.code == 3).then_some(())
    });
    let at = begin.elapsed().as_secs_f64();
    until("all are as before", LIMIT, || {
        let status = product.status();
        let well = |i: &&serde_json::Value| i["healthy"] == true;
        let serving = status["instances"].as_array()?.iter().filter(well).count();
        (serving == 5).then_some(())
    });
    println!(
        "from the push to the rollback: {at:.1} s, until all serve: {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    let followed = &product.status()["followed"];
    assert_eq!(
        followed["applied"]["id"], good,
        "the one before it is in force"
    );
    assert_eq!(followed["refused"]["commit"]["id"], bad);

    let larger = spec.with(|s| s.memory = "112MiB".to_owned());
    let commit = repository.commit(&larger);
    until("it waits for a person", LIMIT, || {
        let status = product.status();
        let refused = &status["followed"]["refused"];
        let why = refused["why"].as_str()?;
        (refused["commit"]["id"] == *commit && why.contains("automatic")).then_some(())
    });
    let memory = |product: &Product| {
        let mut all = product.lab.domains();
        all.retain(|domain| domain.instance.starts_with("random-"));
        all.into_iter()
            .map(|domain| domain.memory_kib >> 10)
            .collect::<Vec<_>>()
    };
    assert_eq!(memory(&product), [96, 96, 96], "nothing of it is done");
    let approved = product.run(&["approve", &commit[..12], "--reason", "it is needed"]);
    assert_eq!(approved.code, 0, "{}", approved.all());
    in_force(&product, &commit);
    product.write(&larger);
    product.wait_converged(LIMIT);
    assert_eq!(memory(&product), [112, 112, 112]);
    traffic.stop().assert_nothing_failed();
    watch.stop();
}

fn in_force(product: &Product, commit: &str) {
    until("the commit is in force", LIMIT, || {
        (product.status()["followed"]["applied"]["id"] == *commit).then_some(())
    });
}
