//! Against real repositories on this machine, made by the real `git`.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::*;
use crate::model::commit::Signature;

/// A bare repository, and somebody's checkout of it.
struct Lab {
    dir: TempDir,
}

impl Lab {
    fn new() -> Lab {
        let lab = Lab {
            dir: tempfile::tempdir().unwrap(),
        };
        lab.run("git", &["init", "--quiet", "--bare", "origin.git"]);
        lab.run("git", &["init", "--quiet", "-b", "main", "work"]);
        lab
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let command = Command::new(program)
            .args(args)
            .current_dir(self.dir.path())
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&command.stderr).into_owned();
        assert!(command.status.success(), "{program} {args:?}: {said}");
        String::from_utf8(command.stdout).unwrap()
    }

    fn git(&self, args: &[&str]) -> String {
        let who = [
            "-C",
            "work",
            "-c",
            "user.name=Anna",
            "-c",
            "user.email=anna@example.org",
        ];
        self.run("git", &[&who, args].concat())
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.dir.path().join("work").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits all there is, and pushes it.
    fn commit(&self, options: &[&str]) -> CommitId {
        self.git(&["add", "--all"]);
        self.git(
            &[
                options,
                &["commit", "--quiet", "--allow-empty", "-m", "a subject"],
            ]
            .concat(),
        );
        self.push();
        self.git(&["rev-parse", "HEAD"]).trim().parse().unwrap()
    }

    fn push(&self) {
        self.git(&["push", "--quiet", "--force", "../origin.git", "HEAD:main"]);
    }

    fn repository(&self, signers: Signers) -> GitRepository {
        let url = self.dir.path().join("origin.git");
        GitRepository::new(
            &self.dir.path().join("state"),
            url.to_str().unwrap(),
            "main",
            signers,
        )
    }

    /// A key for signing, and the options by which a commit is signed with it.
    fn ssh_key(&self, name: &str) -> (String, Vec<String>) {
        let path = self.dir.path().join(name);
        let path = path.to_str().unwrap();
        self.run(
            "ssh-keygen",
            &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path],
        );
        let public = fs::read_to_string(format!("{path}.pub")).unwrap();
        let sign = [
            "-c",
            "gpg.format=ssh",
            "-c",
            &format!("user.signingKey={path}"),
            "-c",
            "commit.gpgSign=true",
        ];
        (public, sign.map(str::to_owned).to_vec())
    }

    /// A file of allowed signers, each with a public key.
    fn allowed(&self, signers: &[(&str, &str)]) -> Signers {
        let file = self.dir.path().join("allowed_signers");
        let lines = signers.iter().map(|(who, key)| format!("{who} {key}"));
        fs::write(&file, lines.collect::<String>()).unwrap();
        Signers {
            ssh: Some(file),
            pgp: None,
        }
    }
}

#[tokio::test]
async fn a_branch_is_followed_and_each_commit_has_its_own_files() {
    let lab = Lab::new();
    lab.write("cluster.yaml", "one");
    lab.write("services/api.yaml", "api");
    let first = lab.commit(&[]);
    let repository = lab.repository(Signers::default());
    assert_eq!(repository.fetch().await.unwrap(), first);
    let files = repository.files(&first).await.unwrap();
    assert_eq!(
        fs::read_to_string(files.join("services/api.yaml")).unwrap(),
        "api"
    );

    lab.write("cluster.yaml", "two");
    let second = lab.commit(&[]);
    assert_eq!(repository.fetch().await.unwrap(), second);
    let newer = repository.files(&second).await.unwrap();
    assert_eq!(
        fs::read_to_string(files.join("cluster.yaml")).unwrap(),
        "one"
    );
    assert_eq!(
        fs::read_to_string(newer.join("cluster.yaml")).unwrap(),
        "two"
    );
    assert!(!newer.join(".git").exists());

    let about = repository.about(&second).await.unwrap();
    assert_eq!(about.author, "Anna <anna@example.org>");
    assert_eq!(
        (about.subject.as_str(), about.signature),
        ("a subject", Signature::Missing)
    );
}

#[tokio::test]
async fn a_rewritten_branch_does_not_descend_from_what_it_was() {
    let lab = Lab::new();
    lab.write("cluster.yaml", "one");
    let first = lab.commit(&[]);
    lab.write("cluster.yaml", "two");
    let second = lab.commit(&[]);
    let repository = lab.repository(Signers::default());
    repository.fetch().await.unwrap();
    assert!(repository.descends(&second, &first).await.unwrap());
    assert!(repository.descends(&second, &second).await.unwrap());
    assert!(!repository.descends(&first, &second).await.unwrap());

    lab.git(&["commit", "--quiet", "--amend", "-m", "another one"]);
    lab.push();
    let rewritten = repository.fetch().await.unwrap();
    assert!(!repository.descends(&rewritten, &second).await.unwrap());
    let nowhere = "daa85f87f8b307dd5d64832c1b7494559ce8d8f5".parse().unwrap();
    assert!(!repository.descends(&rewritten, &nowhere).await.unwrap());
}

#[tokio::test]
async fn a_repository_that_is_not_there_or_has_no_such_branch_is_unreachable_and_nothing_is_lost() {
    let lab = Lab::new();
    lab.write("cluster.yaml", "one");
    let first = lab.commit(&[]);
    let repository = lab.repository(Signers::default());
    repository.fetch().await.unwrap();
    let origin = lab.dir.path().join("origin.git");
    fs::rename(&origin, lab.dir.path().join("moved.git")).unwrap();
    let error = repository.fetch().await.unwrap_err();
    assert!(
        matches!(&error, RepositoryError::Unreachable(why) if why.contains("origin.git")),
        "{error:?}"
    );
    assert!(repository.files(&first).await.is_ok());

    fs::rename(lab.dir.path().join("moved.git"), &origin).unwrap();
    lab.git(&["push", "--quiet", "../origin.git", ":main"]);
    let error = repository.fetch().await.unwrap_err();
    assert!(
        matches!(&error, RepositoryError::Unreachable(why) if why.contains("main")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_signature_proves_who_made_a_commit_only_where_somebody_is_named() {
    let lab = Lab::new();
    let (anna, sign) = lab.ssh_key("anna");
    let (eve, _) = lab.ssh_key("eve");
    let sign: Vec<&str> = sign.iter().map(String::as_str).collect();
    let signed = lab.commit(&sign);
    let unsigned = lab.commit(&[]);
    let signature = async |signers: Signers, id: &CommitId| {
        let repository = lab.repository(signers);
        repository.fetch().await.unwrap();
        repository.about(id).await.unwrap().signature
    };
    let by = "anna@example.org".to_owned();
    assert_eq!(
        signature(lab.allowed(&[("anna@example.org", &anna)]), &signed).await,
        Signature::Good { by }
    );
    let unknown = signature(lab.allowed(&[("eve@example.org", &eve)]), &signed).await;
    assert!(
        matches!(&unknown, Signature::Unknown { key } if key.starts_with("SHA256:")),
        "{unknown:?}"
    );
    assert_eq!(
        signature(lab.allowed(&[("anna@example.org", &anna)]), &unsigned).await,
        Signature::Missing
    );
    assert_eq!(
        signature(Signers::default(), &signed).await,
        Signature::Unchecked
    );
}

#[tokio::test]
async fn only_keys_of_the_named_keyring_count() {
    let lab = Lab::new();
    let home = lab.dir.path().join("gnupg");
    fs::create_dir(&home).unwrap();
    let gpg = |args: &[&str]| {
        let home = ["--homedir", home.to_str().unwrap(), "--batch", "--quiet"];
        lab.run("gpg", &[&home, args].concat())
    };
    gpg(&[
        "--passphrase",
        "",
        "--quick-generate-key",
        "anna@example.org",
        "ed25519",
        "sign",
    ]);
    let program = lab.dir.path().join("gpg.sh");
    fs::write(
        &program,
        format!(
            "#!/bin/sh\nexec gpg --homedir '{}' \"$@\"\n",
            home.display()
        ),
    )
    .unwrap();
    lab.run("chmod", &["+x", "gpg.sh"]);
    let signed = lab.commit(&[
        "-c",
        &format!("gpg.program={}", program.display()),
        "-c",
        "user.signingKey=anna@example.org",
        "-c",
        "commit.gpgSign=true",
    ]);
    let keyring = lab.dir.path().join("keys.asc");
    fs::write(&keyring, gpg(&["--armor", "--export"])).unwrap();
    let pgp = lab.repository(Signers {
        ssh: None,
        pgp: Some(keyring),
    });
    pgp.fetch().await.unwrap();
    let good = pgp.about(&signed).await.unwrap().signature;
    assert!(
        matches!(&good, Signature::Good { by } if by.contains("anna@example.org")),
        "{good:?}"
    );

    let (eve, _) = lab.ssh_key("eve");
    let other = lab.repository(lab.allowed(&[("eve@example.org", &eve)]));
    let unknown = other.about(&signed).await.unwrap().signature;
    assert!(matches!(unknown, Signature::Unknown { .. }), "{unknown:?}");
    // What gpg started for this home ends with it.
    lab.run(
        "gpgconf",
        &["--homedir", home.to_str().unwrap(), "--kill", "all"],
    );
}

#[tokio::test]
async fn a_commit_that_would_fill_the_disk_is_refused_and_leaves_nothing() {
    let lab = Lab::new();
    // Every level holds the one below it ten times: 100,000 files in six objects.
    let text = lab.dir.path().join("work/x");
    fs::write(&text, "x").unwrap();
    let mut object = lab.git(&["hash-object", "-w", "x"]).trim().to_owned();
    let mut kind = "100644 blob";
    for _ in 0..5 {
        let lines: String = (0..10)
            .map(|n| format!("{kind} {object}\tf{n}\n"))
            .collect();
        fs::write(lab.dir.path().join("tree"), lines).unwrap();
        let made = "git -C work mktree < tree";
        object = lab.run("sh", &["-c", made]).trim().to_owned();
        kind = "040000 tree";
    }
    let bomb = lab.git(&["commit-tree", "-m", "bomb", &object]);
    lab.git(&["reset", "--quiet", "--soft", bomb.trim()]);
    lab.push();
    let repository = lab.repository(Signers::default());
    let id = repository.fetch().await.unwrap();
    let error = repository.files(&id).await.unwrap_err();
    assert!(
        error.to_string().contains("more than 20000 files"),
        "{error}"
    );
    let left = fs::read_dir(lab.dir.path().join("state/commits")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[tokio::test]
async fn links_are_kept_as_links() {
    let lab = Lab::new();
    lab.write("cluster.yaml", "one");
    symlink("cluster.yaml", lab.dir.path().join("work/inside")).unwrap();
    symlink("/etc/hostname", lab.dir.path().join("work/outside")).unwrap();
    let id = lab.commit(&[]);
    let repository = lab.repository(Signers::default());
    repository.fetch().await.unwrap();
    let files = repository.files(&id).await.unwrap();
    assert!(
        fs::symlink_metadata(files.join("outside"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(fs::read_to_string(files.join("inside")).unwrap(), "one");
}
