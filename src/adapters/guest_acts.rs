//! The acts in a guest: files and process, addresses, VIPs.

use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;

use super::script::{ReadScript, Script, WriteScript};
use super::ssh_reader::RUN;
use super::ssh_writer::SshWriter;
use super::{endpoints, scripts};
use crate::model::action::{
    Bootstrap, Daemon, GuestConfig, GuestNetwork, GuestRef, Rebind, RenderedFile, VipMove,
};
use crate::model::desired::Init;
use crate::model::facts::{Unseen, UnseenKind};
use crate::ports::guest::{GuestControl, Settle};
use crate::ports::{ActError, Effect};

/// The login itself; whoever waits for a guest asks again.
const REACH: Duration = Duration::from_secs(5);
/// Files checked, a process ended and started: each has its own bound in the script.
const CONFIGURE: Duration = Duration::from_secs(90);
/// A few commands, and three seconds for connections to end.
const ADDRESS: Duration = Duration::from_secs(15);

#[async_trait]
impl GuestControl for SshWriter {
    async fn reach(&self, guest: &GuestRef) -> Result<(), ActError> {
        let endpoint = self.reader.guest_endpoint(guest)?;
        let script: ReadScript = Script::new(&scripts::REACH);
        let answer = self.reader.access.run(&endpoint, &script, REACH).await?;
        match answer.status {
            0 => Ok(()),
            _ => Err(ActError::Unreachable(Unseen::new(
                UnseenKind::Refused,
                format!(
                    "{}: {} has no shell for us: {}",
                    endpoint.name, guest.user, answer.stderr
                ),
            ))),
        }
    }

    async fn configure(&self, guest: &GuestRef, config: &GuestConfig) -> Result<Effect, ActError> {
        let script = configure_script(config)?;
        let effect = self.act_in(guest, &script, CONFIGURE).await;
        effect.map_err(|error| with_real_paths(error, config))
    }

    async fn bootstrap(&self, bootstrap: &Bootstrap) -> Result<Effect, ActError> {
        let network = &bootstrap.network;
        let script = add_address_script(network, bootstrap.guest.address, None);
        let endpoint = endpoints::bootstrap(bootstrap);
        let added = self.act(&endpoint, &script, ADDRESS).await;
        // The next guest at this address is another one.
        self.access.forget(&endpoint).await;
        added.map(|(effect, _)| effect)
    }

    async fn add_address(&self, rebind: &Rebind) -> Result<Effect, ActError> {
        let script = add_address_script(&rebind.network, rebind.to, Some(rebind.fallback));
        self.act_in(&rebind.guest, &script, ADDRESS).await
    }

    async fn settle(&self, settle: &Settle<'_>) -> Result<Effect, ActError> {
        let gateway = settle.network.gateway.map(|gateway| gateway.to_string());
        let script = Script::new(&scripts::SETTLE)
            .var("RUN", RUN)
            .var("MAC", &settle.network.mac)
            .var("ADDRESS", settle.guest.address.to_string())
            .var("OLD", settle.old.to_string())
            .var("GATEWAY", gateway.unwrap_or_default())
            .var("NAME", settle.guest.instance.to_string())
            .args(words("always", settle.interfaces)?);
        self.act_in(settle.guest, &script, ADDRESS).await
    }

    async fn add_vip(&self, vip: &VipMove) -> Result<Effect, ActError> {
        let script = Script::new(&scripts::ADD_VIP)
            .var("VIP", vip.vip.addr().to_string())
            .var("PREFIX", vip.vip.prefix_len().to_string())
            .var("HOLDER", vip.guest.address.to_string());
        self.act_in(&vip.guest, &script, ADDRESS).await
    }

    async fn drop_vip(&self, vip: &VipMove) -> Result<Effect, ActError> {
        let quiet = vip
            .quiet_port
            .map(|port| kernel_socket(vip.vip.addr(), port));
        let script = Script::new(&scripts::DROP_VIP)
            .var("VIP", vip.vip.addr().to_string())
            .var("QUIET", quiet.unwrap_or_default());
        self.act_in(&vip.guest, &script, ADDRESS).await
    }
}

impl SshWriter {
    async fn act_in(
        &self,
        guest: &GuestRef,
        script: &WriteScript,
        limit: Duration,
    ) -> Result<Effect, ActError> {
        let endpoint = self.reader.guest_endpoint(guest)?;
        let (effect, _) = self.act(&endpoint, script, limit).await?;
        Ok(effect)
    }
}

fn add_address_script(
    network: &GuestNetwork,
    address: Ipv4Addr,
    fallback: Option<Duration>,
) -> WriteScript {
    let fallback = fallback.map(|span| span.as_secs().max(1).to_string());
    Script::new(&scripts::ADD_ADDRESS)
        .var("RUN", RUN)
        .var("MAC", &network.mac)
        .var("ADDRESS", address.to_string())
        .var("PREFIX", network.prefix.to_string())
        .var("FALLBACK", fallback.unwrap_or_default())
}

/// As `/proc/net/tcp` shows an end of a connection: the address in the kernel's order of bytes, in hex.
fn kernel_socket(address: Ipv4Addr, port: u16) -> String {
    format!("{:08X}:{port:04X}", u32::from_ne_bytes(address.octets()))
}

fn configure_script(config: &GuestConfig) -> Result<WriteScript, ActError> {
    let mut files = Vec::new();
    for file in &config.files {
        files.extend(words("always", file)?);
    }
    let script = Script::new(&scripts::CONFIGURE).var("RUN", RUN);
    let Some(daemon) = &config.daemon else {
        return Ok(without_daemon(script).args(files));
    };
    files.extend(words("always", &daemon.script)?);
    for (init, unit) in &daemon.units {
        files.extend(words(init_word(*init), unit)?);
    }
    Ok(with_daemon(script, daemon).args(files))
}

/// A validator saw the file under its temporary name; people know it by its own.
fn with_real_paths(error: ActError, config: &GuestConfig) -> ActError {
    let ActError::Failed(message) = error else {
        return error;
    };
    let real = |message: String, file: &RenderedFile| match file.path.rsplit_once('/') {
        // As `beside` in write_files.sh makes it.
        Some((dir, name)) => message.replace(&format!("{dir}/.{name}.reconcile-new"), &file.path),
        None => message,
    };
    ActError::Failed(config.files.iter().fold(message, real))
}

fn without_daemon(script: WriteScript) -> WriteScript {
    let names = [
        "DAEMON",
        "UNIT_SYSTEMD",
        "UNIT_OPENRC",
        "UNIT_BUSYBOX",
        "UNIT_NONE",
    ];
    let script = script.var("INIT", init_word(Init::Auto));
    names
        .into_iter()
        .fold(script, |script, name| script.var(name, ""))
}

fn with_daemon(script: WriteScript, daemon: &Daemon) -> WriteScript {
    let unit = |init| {
        daemon
            .units
            .get(&init)
            .map_or("", |unit| unit.path.as_str())
    };
    script
        .var("INIT", init_word(daemon.init))
        .var("DAEMON", daemon.name.as_str())
        .var("REVISION", &daemon.revision)
        .var("LOADS", &daemon.loads)
        .var("REPLACES", daemon.replaces.as_deref().unwrap_or_default())
        .var("SCRIPT", &daemon.script.path)
        .var("UNIT_SYSTEMD", unit(Init::Systemd))
        .var("UNIT_OPENRC", unit(Init::Openrc))
        .var("UNIT_BUSYBOX", unit(Init::Busybox))
        .var("UNIT_NONE", unit(Init::None))
}

fn init_word(init: Init) -> &'static str {
    match init {
        Init::Auto => "auto",
        Init::Systemd => "systemd",
        Init::Openrc => "openrc",
        Init::Busybox => "busybox",
        Init::None => "none",
    }
}

/// A file as the parameters of `put_files`. The script keeps lists of paths, one a line.
fn words(when: &'static str, file: &RenderedFile) -> Result<[String; 7], ActError> {
    if !file.path.starts_with('/')
        || file.path.contains(char::is_control)
        || file.path.ends_with('/')
    {
        return Err(ActError::Failed(format!(
            "{:?} is no path for a file",
            file.path
        )));
    }
    Ok([
        when.to_owned(),
        file.path.clone(),
        file.sha256.clone(),
        format!("{:o}", file.mode),
        file.owner.clone(),
        file.validate
            .as_ref()
            .map(|command| quiet(file, command))
            .unwrap_or_default(),
        file.content.clone(),
    ])
}

/// A validator may repeat what it reads: of a secret file it may only say whether it is good.
fn quiet(file: &RenderedFile, command: &str) -> String {
    if !file.secret {
        return command.to_owned();
    }
    format!(
        "{{\n{command}\n}} >/dev/null 2>&1 || {{ echo '(not shown: the file is a secret)'; exit 1; }}"
    )
}

#[cfg(test)]
#[path = "guest_acts_tests.rs"]
mod inits;

#[cfg(test)]
mod tests {
    use super::*;

    fn file(secret: bool) -> RenderedFile {
        RenderedFile {
            path: "/etc/x/y.conf".into(),
            content: "x".into(),
            sha256: "0".into(),
            mode: 0o644,
            owner: "root:root".into(),
            on_change: crate::model::desired::OnChange::Nothing,
            validate: Some("cat \"$1\"; false # really".into()),
            secret,
        }
    }

    #[test]
    fn an_error_has_the_path_that_people_know() {
        let config = GuestConfig {
            files: vec![file(false)],
            daemon: None,
        };
        let error = ActError::Failed("bad: /etc/x/.y.conf.reconcile-new:3".into());
        let shown = with_real_paths(error, &config);
        assert_eq!(shown, ActError::Failed("bad: /etc/x/y.conf:3".into()));
    }

    #[test]
    fn what_a_validator_says_of_a_secret_file_is_not_repeated() {
        let [.., validate, _] = words("always", &file(true)).unwrap();
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "hunter2").unwrap();
        let mut shell = std::process::Command::new("sh");
        let output = shell
            .args(["-c", &validate, "sh"])
            .arg(secret.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success());
        assert!(
            said.contains("not shown") && !said.contains("hunter2"),
            "{said}"
        );
    }

    #[test]
    fn an_end_of_a_connection_is_written_as_the_kernel_writes_it() {
        let shown = kernel_socket(Ipv4Addr::new(192, 168, 10, 120), 80);
        assert_eq!(
            shown,
            if cfg!(target_endian = "little") {
                "780AA8C0:0050"
            } else {
                "C0A80A78:0050"
            }
        );
    }
}
