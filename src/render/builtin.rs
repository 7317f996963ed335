//! The built-in templates, and the user's in place of them. The texts live in `templates/`; what each is for stands
//! in its own head.

use std::sync::LazyLock;

use crate::model::desired::{Desired, Engine, Template};

/// A template that `reconcile` brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// `nginx.conf`.
    Nginx,
    /// `/etc/network/interfaces`.
    Interfaces,
    /// A libvirt domain.
    Domain,
    /// The script that becomes the process.
    Run,
    /// A unit of systemd.
    Systemd,
    /// An init script of OpenRC.
    Openrc,
    /// A supervising loop for guests without any of them.
    Supervise,
}

impl Builtin {
    /// All of them.
    pub const ALL: [Builtin; 7] = [
        Builtin::Nginx,
        Builtin::Interfaces,
        Builtin::Domain,
        Builtin::Run,
        Builtin::Systemd,
        Builtin::Openrc,
        Builtin::Supervise,
    ];

    /// Its name: the file's name in `templates/`, and the key to replace it by in `cluster.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Builtin::Nginx => "nginx.conf",
            Builtin::Interfaces => "interfaces",
            Builtin::Domain => "domain.xml",
            Builtin::Run => "run.sh",
            Builtin::Systemd => "systemd.service",
            Builtin::Openrc => "openrc.init",
            Builtin::Supervise => "supervise.sh",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Builtin::Nginx => include_str!("../../templates/nginx.conf"),
            Builtin::Interfaces => include_str!("../../templates/interfaces"),
            Builtin::Domain => include_str!("../../templates/domain.xml"),
            Builtin::Run => include_str!("../../templates/run.sh"),
            Builtin::Systemd => include_str!("../../templates/systemd.service"),
            Builtin::Openrc => include_str!("../../templates/openrc.init"),
            Builtin::Supervise => include_str!("../../templates/supervise.sh"),
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.name() == name)
    }

    /// The template to use: the user's where there is one.
    pub fn template(self, desired: &Desired) -> &Template {
        desired
            .templates
            .get(self.name())
            .unwrap_or_else(|| self.original())
    }

    /// The template as it was brought along.
    pub fn original(self) -> &'static Template {
        static ORIGINALS: LazyLock<[Template; Builtin::ALL.len()]> = LazyLock::new(|| {
            Builtin::ALL.map(|builtin| Template {
                name: builtin.name().to_owned(),
                text: builtin.text().to_owned(),
                engine: Engine::Handlebars,
            })
        });
        &ORIGINALS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_template_compiles_and_is_documented_in_its_head() {
        for builtin in Builtin::ALL {
            let template = builtin.original();
            assert_eq!(template.name, builtin.name());
            assert_eq!(super::super::check(template), Ok(()));
            assert!(template.text.starts_with("{{!--"), "{}", builtin.name());
            assert!(template.text.contains("templates:"), "{}", builtin.name());
        }
    }
}
