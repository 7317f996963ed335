//! What is expected, at a time or at the end.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::Reader;
use crate::model::condition::HostCondition;
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::scenario::{Expectation, Expected};
use crate::spec::problem::{Problem, did_you_mean, slip_of};
use crate::spec::source::{At, Span};
use crate::spec::tree::{Entry, Kind};
use crate::spec::words::{self, Wrong};

/// Whom an expectation is about.
enum About {
    Vip(Ipv4Addr),
    Group(GroupId),
    Instance(InstanceId),
    Host(HostId),
}

impl Reader<'_> {
    /// All that stands below an `expect`.
    pub(super) fn expectations(&self, entry: &Entry) -> Vec<Expectation> {
        let Kind::Map(entries) = &entry.value.kind else {
            let text = "`expect` must be a mapping";
            let help = "write `random: { available: 3 }`, `vip ADDRESS: { held: true }`, `host b: { state: fenced }` or `converged: true`";
            self.cx.push(Problem::new(entry.span, text).help(help));
            return Vec::new();
        };
        let all = entries.iter().flat_map(|entry| self.expected(entry));
        all.collect()
    }

    fn expected(&self, entry: &Entry) -> Vec<Expectation> {
        let expectation = |span: Span, what| Expectation {
            line: Some(self.line(span)),
            what,
        };
        if entry.key == "converged" {
            let so = self.text(entry).and_then(|t| self.flag("converged", &t));
            let said = so.map(|so| expectation(entry.span, Expected::Converged(so)));
            return said.into_iter().collect();
        }
        let Some(about) = self.about(entry) else {
            return Vec::new();
        };
        let Kind::Map(entries) = &entry.value.kind else {
            let text = format!(
                "`{}` must be a mapping, not {}",
                entry.key,
                entry.value.describe()
            );
            let problem = Problem::new(entry.value.span, text);
            self.cx.push(problem.help(about.known()));
            return Vec::new();
        };
        let said = entries.iter().filter_map(|clause| {
            let what = self.clause(&about, clause)?;
            Some(expectation(clause.span, what))
        });
        said.collect()
    }

    fn about(&self, entry: &Entry) -> Option<About> {
        let name = entry.key.as_str();
        if let Some(address) = name.strip_prefix("vip ") {
            let text = At {
                value: address.trim(),
                span: entry.span,
            };
            let read = |text: &str| self.vip(text);
            return self
                .cx
                .convert("vip", &text, read)
                .map(|at| About::Vip(at.value));
        }
        if let Some(host) = name.strip_prefix("host ") {
            return self.host(host.trim(), entry.span).map(About::Host);
        }
        let mut groups = self.states.iter().flat_map(|s| s.groups.keys());
        match groups.find(|group| group.as_str() == name) {
            Some(group) => Some(About::Group(group.clone())),
            None => self.about_instance(name, entry.span),
        }
    }

    /// An instance; what is none is a slip of whatever something can be expected of.
    fn about_instance(&self, name: &str, span: Span) -> Option<About> {
        let instances = self.states.iter().flat_map(|s| s.instances());
        let instances: BTreeSet<InstanceId> = instances.map(|(instance, _)| instance).collect();
        let found = name.parse().ok().filter(|i| instances.contains(i));
        if found.is_none() {
            let states = || self.states.iter();
            let groups = states().flat_map(|s| s.groups.keys().map(ToString::to_string));
            let hosts = states().flat_map(|s| s.hosts.keys().map(|host| format!("host {host}")));
            let vips = states().flat_map(|s| s.load_balancers());
            let vips = vips.map(|(_, lb)| format!("vip {}", lb.vip.addr()));
            let known = groups.chain(vips).chain(hosts);
            let known = known.chain(instances.iter().map(ToString::to_string));
            let known: BTreeSet<String> = known.chain(["converged".to_owned()]).collect();
            let help = self.cx.did_you_mean(name, known.iter().map(String::as_str));
            let text = format!("nothing is called {} here", words::quoted(name));
            self.cx.push(Problem::new(span, text).help_if(help));
        }
        found.map(About::Instance)
    }

    fn vip(&self, text: &str) -> Result<Ipv4Addr, Wrong> {
        let vip = words::address(text)?;
        let all = self.states.iter().flat_map(|s| s.load_balancers());
        let known: Vec<Ipv4Addr> = all.map(|(_, lb)| lb.vip.addr()).collect();
        match known.contains(&vip) {
            true => Ok(vip),
            false => {
                let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                let help = format!("the VIPs are {}", known.join(", "));
                Err(Wrong::new(format!("{vip} is no VIP of this cluster"), help))
            }
        }
    }

    fn clause(&self, about: &About, clause: &Entry) -> Option<Expected> {
        let text = self.text(clause)?;
        let at_most = |text: &str| words::moment(text);
        match (about, clause.key.as_str()) {
            (About::Vip(vip), "holder") => {
                let holder = self.instance(text.value, text.span)?;
                Some(Expected::Holder(*vip, holder))
            }
            (About::Vip(vip), "held") => Some(Expected::Held(*vip, self.flag("held", &text)?)),
            (About::Vip(vip), "downtime") => {
                let most = self.cx.convert("downtime", &text, at_most)?;
                Some(Expected::VipDowntime(*vip, most.value))
            }
            (About::Group(group), "available") => {
                let number = self.cx.convert("available", &text, number)?;
                Some(Expected::Available(group.clone(), number.value))
            }
            (About::Group(group), "serving") => {
                let number = self.cx.convert("serving", &text, number)?;
                Some(Expected::Serving(group.clone(), number.value))
            }
            (About::Group(group), "downtime") => {
                let most = self.cx.convert("downtime", &text, at_most)?;
                Some(Expected::ServiceDowntime(group.clone(), most.value))
            }
            (About::Instance(instance), "host") => {
                let host = self.host(text.value, text.span)?;
                Some(Expected::On(instance.clone(), host))
            }
            (About::Instance(instance), "serves") => {
                let serves = self.flag("serves", &text)?;
                Some(Expected::Serves(instance.clone(), serves))
            }
            (About::Host(host), "state") => {
                let state = self.cx.convert("state", &text, condition)?;
                Some(Expected::HostIs(host.clone(), state.value))
            }
            (_, key) => {
                let text = format!("{} can't be expected of it", words::quoted(key));
                let near = slip_of(key, about.keys().iter().copied());
                let near = near.map(|key| format!("did you mean `{key}`?"));
                let problem = Problem::new(clause.span, text).help(about.known());
                self.cx.push(problem.help_if(near));
                None
            }
        }
    }

    fn flag(&self, path: &str, text: &At<&str>) -> Option<bool> {
        let read = |text: &str| match text {
            "true" | "yes" => Ok(true),
            "false" | "no" => Ok(false),
            _ => Err(Wrong::new(
                format!("{} is neither true nor false", words::quoted(text)),
                "write `true` or `false`",
            )),
        };
        self.cx.convert(path, text, read).map(|at| at.value)
    }
}

impl About {
    fn keys(&self) -> &'static [&'static str] {
        match self {
            About::Vip(_) => &["holder", "held", "downtime"],
            About::Group(_) => &["available", "serving", "downtime"],
            About::Host(_) => &["state"],
            About::Instance(_) => &["host", "serves"],
        }
    }

    fn known(&self) -> &'static str {
        match self {
            About::Vip(_) => "of a VIP it can be `holder: INSTANCE`, `held: true`, `downtime: 5s`",
            About::Group(_) => {
                "of a service it can be `available: 3` (at least), `serving: 3` (exactly), `downtime: 5s`"
            }
            About::Host(_) => "of a host it can be `state: fenced`",
            About::Instance(_) => "of an instance it can be `host: NAME`, `serves: true`",
        }
    }
}

fn condition(text: &str) -> Result<HostCondition, Wrong> {
    let names = HostCondition::ALL.map(|state| state.to_string());
    let mut all = HostCondition::ALL.into_iter();
    all.find(|state| state.to_string() == text).ok_or_else(|| {
        let help = did_you_mean(text, names.iter().map(String::as_str));
        let text = format!("{} is no state of a host", words::quoted(text));
        Wrong::new(text, help.unwrap_or_default())
    })
}

fn number(text: &str) -> Result<u32, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("{} is not a whole number", words::quoted(text)),
            "write how many instances must serve",
        )
    })
}
