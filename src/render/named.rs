//! One template by its name, for `reconcile render`.

use super::builtin::Builtin;
use super::{GuestContext, RenderError, Upstream, domain, engine, file, guest_config, variables};
use crate::model::action::{FormerDisk, GuestConfig, Machine, RenderedFile};
use crate::model::desired::{Desired, Init, Role};
use crate::model::id::DomainName;
use crate::model::mark::{Mark, Stage};

/// The text of the built-in template `name`, or of the file with the path `name`, as `guest` gets it.
pub fn render_named(
    desired: &Desired,
    guest: &GuestContext<'_>,
    upstreams: &[Upstream],
    name: &str,
) -> Result<String, RenderError> {
    match Builtin::named(name) {
        Some(Builtin::Domain) => domain::domain_xml(
            desired,
            &sample(desired, guest),
            &sample_mark(desired, guest),
        ),
        Some(Builtin::Interfaces) => {
            let variables = variables::guest_variables(desired, guest, upstreams)?;
            Ok(file::interfaces(desired, &variables)?.content)
        }
        Some(Builtin::Nginx) => match guest.group.role {
            Role::Service(_) => Err(error(
                name,
                format!("{} is no load balancer", guest.group.id),
            )),
            Role::LoadBalancer(_) => {
                let variables = variables::guest_variables(desired, guest, upstreams)?;
                engine::render(Builtin::Nginx.template(desired), &variables)
            }
        },
        Some(
            builtin @ (Builtin::Run | Builtin::Systemd | Builtin::Openrc | Builtin::Supervise),
        ) => {
            let config = guest_config(desired, guest, upstreams)?;
            let file = of_process(builtin, config);
            file.map(|file| file.content).ok_or_else(|| {
                error(
                    name,
                    format!("{} has no process of ours: no `run`", guest.group.id),
                )
            })
        }
        None => {
            let config = guest_config(desired, guest, upstreams)?;
            let file = config.files.iter().find(|file| file.path == name);
            file.map(shown).ok_or_else(|| unknown(&config, name))
        }
    }
}

fn shown(file: &RenderedFile) -> String {
    match file.secret {
        true => "(hidden: the whole file is a secret)\n".to_owned(),
        false => file.content.clone(),
    }
}

fn of_process(builtin: Builtin, config: GuestConfig) -> Option<RenderedFile> {
    let mut daemon = config.daemon?;
    match builtin {
        Builtin::Run => Some(daemon.script),
        Builtin::Systemd => daemon.units.remove(&Init::Systemd),
        Builtin::Openrc => daemon.units.remove(&Init::Openrc),
        Builtin::Supervise => daemon.units.remove(&Init::None),
        Builtin::Nginx | Builtin::Interfaces | Builtin::Domain => None,
    }
}

fn error(name: &str, message: String) -> RenderError {
    RenderError {
        template: name.to_owned(),
        line: None,
        message,
    }
}

fn unknown(config: &GuestConfig, name: &str) -> RenderError {
    let known = Builtin::ALL.map(Builtin::name).join(", ");
    let paths: Vec<_> = config.files.iter().map(|file| file.path.as_str()).collect();
    let files = match paths.is_empty() {
        true => String::new(),
        false => format!("; and the files {}", paths.join(", ")),
    };
    let message = format!("there is no such template or file; there is {known}{files}");
    error(name, message)
}

/// A machine to show `domain.xml` with: what only a plan knows stands there as zeros.
fn sample(desired: &Desired, guest: &GuestContext<'_>) -> Machine {
    let domain = DomainName::new(&desired.cluster, guest.instance);
    let storage = desired
        .hosts
        .get(guest.host)
        .map(|host| host.storage.as_str());
    let storage = storage.unwrap_or("/var/lib/libvirt/images");
    let on_host = |path: &str| match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{storage}/{path}"),
    };
    let image = guest.image;
    Machine {
        uuid: "00000000-0000-0000-0000-000000000000".to_owned(),
        mac: "52:54:00:00:00:00".to_owned(),
        cpus: guest.group.cpus,
        memory: guest.group.memory,
        disk_size: guest.group.disk,
        disk: format!("{storage}/{domain}.qcow2"),
        former_disk: FormerDisk::Replaced,
        base: on_host(&image.disk.path),
        seed: None,
        kernel: image.kernel.as_ref().map(|file| on_host(&file.path)),
        initrd: image.initrd.as_ref().map(|file| on_host(&file.path)),
        cmdline: image.cmdline.clone(),
        bridge: guest.network.bridge.clone(),
        kvm: false,
        domain,
    }
}

fn sample_mark(desired: &Desired, guest: &GuestContext<'_>) -> Mark {
    Mark {
        cluster: desired.cluster.clone(),
        instance: guest.instance.clone(),
        address: guest.address,
        moving_to: None,
        port: guest.group.port(),
        digest: "0".to_owned(),
        generation: "0".to_owned(),
        stage: Stage::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::OnChange;
    use crate::render::samples::{Sample, file};

    #[test]
    fn every_builtin_template_can_be_shown_for_a_load_balancer() {
        let sample = Sample::balancer();
        for builtin in Builtin::ALL {
            let text = render_named(&sample.desired, &sample.guest(), &[], builtin.name());
            assert!(text.unwrap().contains("web"), "{}", builtin.name());
        }
    }

    #[test]
    fn a_file_is_shown_by_its_path_and_without_its_secrets() {
        let mut sample = Sample::service();
        let spec = file(
            "/etc/app.conf",
            "token {{secret.token}}\n",
            OnChange::Nothing,
        );
        sample.group.files = vec![spec];
        let shown = |name| crate::render::render_named(&sample.desired, &sample.guest(), &[], name);
        assert_eq!(shown("/etc/app.conf").unwrap(), "token (secret token)\n");
        assert!(
            shown("run.sh")
                .unwrap()
                .contains("export TOKEN='(secret token)'")
        );
        insta::assert_snapshot!(shown("/etc/app").unwrap_err(), @"/etc/app: there is no such template or file; there is nginx.conf, interfaces, domain.xml, run.sh, systemd.service, openrc.init, supervise.sh; and the files /etc/network/interfaces, /etc/app.conf");
        insta::assert_snapshot!(shown("nginx.conf").unwrap_err(), @"nginx.conf: random is no load balancer");
    }
}
