//! The acts on a host: guests built, fenced and removed, disks swept, marks written.

use std::path::{Component, Path};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::script::{Script, WriteScript};
use super::ssh_reader::{broken, text};
use super::ssh_writer::{SshWriter, senseless};
use super::{endpoints, scripts, seed};
use crate::model::action::{Build, FormerDisk, Leaves, Removal, SetMark, Sweep};
use crate::model::desired::{Host, ImageFile};
use crate::model::mark::MARK_NAMESPACE;
use crate::observe::parse_answer::records;
use crate::observe::parse_domain::parse_mark;
use crate::ports::hypervisor::HypervisorControl;
use crate::ports::{ActError, Effect};

/// Waiting for a lock (20 s), ending the old guest (15 s), starting the new one.
const BUILD: Duration = Duration::from_secs(90);
/// Waiting for a lock, ending a guest.
const END: Duration = Duration::from_secs(60);

#[async_trait]
impl HypervisorControl for SshWriter {
    async fn copy_file(&self, host: &Host, file: &ImageFile) -> Result<Effect, ActError> {
        super::copy::copy_file(self, host, file).await
    }

    async fn build(&self, host: &Host, build: &Build) -> Result<Effect, ActError> {
        let script = build_script(host, build)?;
        let endpoint = endpoints::host(host);
        let (effect, _) = self.act(&endpoint, &script, BUILD).await?;
        if let Some(old) = &build.replaces {
            self.forget_key(old);
        }
        Ok(effect)
    }

    async fn fence(&self, host: &Host, removal: &Removal) -> Result<Effect, ActError> {
        let script = about(&scripts::FENCE, removal);
        let (effect, _) = self.act(&endpoints::host(host), &script, END).await?;
        Ok(effect)
    }

    async fn remove(&self, host: &Host, removal: &Removal) -> Result<Effect, ActError> {
        only_below(&host.storage, &removal.volumes)?;
        only_below(&host.storage, removal.kept.as_slice())?;
        let script = about(&scripts::REMOVE, removal)
            .var("KEPT", removal.kept.as_deref().unwrap_or_default())
            .var("LEAVES", leaves(removal.leaves))
            .args(&removal.volumes);
        let (effect, _) = self.act(&endpoints::host(host), &script, END).await?;
        self.forget_key(&removal.generation);
        Ok(effect)
    }

    async fn sweep(&self, host: &Host, sweep: &Sweep) -> Result<Effect, ActError> {
        only_below(&host.storage, &sweep.volumes)?;
        let domains: Vec<&str> = sweep.domains.iter().map(|domain| domain.as_str()).collect();
        let script = Script::new(&scripts::SWEEP)
            .var("DOMAINS", domains.join("\n"))
            .args(&sweep.volumes);
        let (effect, _) = self.act(&endpoints::host(host), &script, END).await?;
        Ok(effect)
    }

    async fn set_mark(&self, host: &Host, set: &SetMark) -> Result<Effect, ActError> {
        let script = Script::new(&scripts::SET_MARK)
            .var("DOMAIN", set.domain.as_str())
            .var("GENERATION", &set.mark.generation)
            .var("MARK", bare(&crate::render::mark_xml(&set.mark)));
        let endpoint = endpoints::host(host);
        let (_, answer) = self.act(&endpoint, &script, END).await?;
        let text = text(&answer);
        let marks = records(&text).map_err(|error| senseless(broken(&endpoint, error, &answer)))?;
        let mark = |key: &str| {
            let record = marks.iter().find(|record| record.key == key)?;
            parse_mark(&record.text().ok()?)
        };
        if mark("after").as_ref() != Some(&set.mark) {
            let message = format!("libvirt did not keep the mark of {}", set.domain);
            return Err(ActError::Failed(message));
        }
        Ok(if mark("before").as_ref() == Some(&set.mark) {
            Effect::AlreadyDone
        } else {
            Effect::Changed
        })
    }
}

impl SshWriter {
    /// The host key of a life that is over. That it is gone already, or can't be removed, hurts nobody.
    fn forget_key(&self, generation: &str) {
        if let Ok(file) = endpoints::known_hosts(&self.reader.state, generation) {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// The mark without its namespace: libvirt adds that itself, and refuses an element that has it.
pub(super) fn bare(mark: &str) -> String {
    let prefix = format!("<reconcile:guest xmlns:reconcile=\"{MARK_NAMESPACE}\"");
    mark.replacen(&prefix, "<guest", 1)
}

fn about(
    body: &'static super::script::Body<super::script::Write>,
    removal: &Removal,
) -> WriteScript {
    Script::new(body)
        .var("DOMAIN", removal.domain.as_str())
        .var("UUID", &removal.uuid)
        .var("GENERATION", &removal.generation)
}

fn build_script(host: &Host, build: &Build) -> Result<WriteScript, ActError> {
    let machine = &build.machine;
    let written = [Some(machine.disk.clone()), machine.seed.clone()];
    let written: Vec<String> = written.into_iter().flatten().collect();
    only_below(&host.storage, &written)?;
    let image = build.seed.as_ref().map(seed::image).transpose();
    let image = image.map_err(|error| ActError::Failed(format!("{}: {error}", machine.domain)))?;
    let seed_path = machine.seed.as_deref().filter(|_| image.is_some());
    let size = machine.disk_size.map(|size| size.0.to_string());
    Ok(Script::new(&scripts::BUILD)
        .var("DOMAIN", machine.domain.as_str())
        .var("UUID", &machine.uuid)
        .var("GENERATION", &build.mark.generation)
        .var("REPLACES", build.replaces.as_deref().unwrap_or_default())
        .var("MARK", bare(&crate::render::mark_xml(&build.mark)))
        .var("XML", &build.xml)
        .var("DISK", &machine.disk)
        .var("BASE", &machine.base)
        .var("SIZE", size.unwrap_or_default())
        .var("FORMER", former(machine.former_disk))
        .var("SEED", seed_path.unwrap_or_default())
        .var(
            "SEED64",
            image
                .map(|image| STANDARD.encode(image))
                .unwrap_or_default(),
        ))
}

fn former(disk: FormerDisk) -> &'static str {
    match disk {
        FormerDisk::Replaced => "replaced",
        FormerDisk::Used => "used",
        FormerDisk::PutAside => "aside",
        FormerDisk::NotOurs => "not-ours",
    }
}

fn leaves(leaves: Leaves) -> &'static str {
    match leaves {
        Leaves::Nothing => "nothing",
        Leaves::ItsDomain => "its-domain",
    }
}

/// Nothing outside the storage directory is ever written or removed, whatever a plan says.
fn only_below(storage: &str, files: &[String]) -> Result<(), ActError> {
    let storage = Path::new(storage);
    let plain = |path: &Path| {
        let steps = path.components();
        path.is_absolute()
            && steps
                .into_iter()
                .all(|step| matches!(step, Component::RootDir | Component::Normal(_)))
    };
    let below = |file: &&String| {
        let path = Path::new(file.as_str());
        // `components` overlooks a `.` and doubled slashes; a path that has them is not one that we made.
        plain(path) && path.starts_with(storage) && path != storage && !file.ends_with('/')
    };
    match files.iter().find(|file| !below(file)) {
        Some(file) if plain(storage) => Err(ActError::Failed(format!(
            "{file} is not below the storage directory {}: it is not touched",
            storage.display()
        ))),
        Some(_) => Err(ActError::Failed(format!(
            "{} is no storage directory",
            storage.display()
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_outside_the_storage_directory_is_never_touched() {
        let below = |file: &str| only_below("/var/lib/vms", &[file.to_owned()]).is_ok();
        assert!(below("/var/lib/vms/demo/web-1.qcow2"));
        for bad in [
            "/var/lib/vms",
            "/var/lib/vms/",
            "/var/lib/vms/../x",
            "/var/lib/vms2/x",
            "/etc/passwd",
            "var/lib/vms/x",
            "",
        ] {
            assert!(!below(bad), "{bad}");
        }
    }
}
