//! `services:`, and what services and load balancers have in common.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::desired::{FileSpec, Group, Heartbeat, Role, Service};
use crate::model::id::{GroupId, ImageId};
use crate::model::policy::Restarts;
use crate::model::unit::Bytes;
use crate::spec::fields::{Fields, Named};
use crate::spec::keys::SERVICE;
use crate::spec::problem::Problem;
use crate::spec::source::At;
use crate::spec::words;

use super::placement::placement;
use super::policies::{budget, restarts};
use super::{BudgetDraft, GroupDraft, PlacementDraft, files, id};

/// Less memory than this boots no kernel.
const LEAST_MEMORY: Bytes = Bytes(32 << 20);
/// Less than this is no disk.
const LEAST_DISK: Bytes = Bytes(1 << 20);
/// With less time to boot than this, a guest would never live.
const LEAST_GRACE: Duration = Duration::from_secs(1);

/// All services whose name is one.
pub fn services(root: &Fields<'_>) -> Vec<GroupDraft> {
    root.names("services")
        .iter()
        .filter_map(|entry| service(root, entry))
        .collect()
}

fn service(root: &Fields<'_>, entry: &Named<'_>) -> Option<GroupDraft> {
    let id = id::<GroupId>(root.cx, entry);
    let fields = entry.fields(root.cx, &SERVICE)?;
    let port = fields.number::<u16>("port");
    not_of_sshd(&fields, port.as_ref());
    let run = fields.get("run", words::text);
    let run = run.and_then(|run| root.cx.template_text(&fields.path_of("run"), run));
    let mut common = Common::read(&fields, port);
    common.stateful = fields.flag("stateful").is_some_and(|flag| flag.value);
    let role = || {
        Some(Role::Service(Service {
            port: port?.value,
            run: run.map(|run| run.text),
        }))
    };
    common.draft(id?, role(), None)
}

/// What services and load balancers have in common.
pub struct Common {
    replicas: Option<At<u32>>,
    image: Option<At<String>>,
    cpus: Option<At<u32>>,
    memory: Option<At<Bytes>>,
    disk: Option<At<Bytes>>,
    env: BTreeMap<String, String>,
    files: files::Files,
    stateful: bool,
    protect: bool,
    placement: PlacementDraft,
    budget: BudgetDraft,
    restarts: Option<Restarts>,
    /// How each shows that it lives.
    pub heartbeat: Option<At<Heartbeat>>,
}

impl Common {
    /// Reads the common keys of a group that serves on `port`.
    pub fn read(fields: &Fields<'_>, port: Option<At<u16>>) -> Self {
        let replicas = fields.number("replicas");
        Self {
            replicas,
            image: fields.get("image", |text| Ok(text.to_owned())),
            cpus: fields.number("cpus"),
            memory: fields.get("memory", |text| words::size(text, LEAST_MEMORY)),
            disk: fields.get("disk", |text| words::size(text, LEAST_DISK)),
            env: env(fields),
            files: files::files(fields),
            stateful: false,
            protect: fields.flag("protect").is_some_and(|flag| flag.value),
            placement: placement(fields),
            budget: budget(fields, replicas),
            restarts: restarts(fields),
            heartbeat: heartbeat(fields, port),
        }
    }

    /// The draft of the group.
    pub fn draft(
        self,
        id: At<GroupId>,
        role: Option<Role>,
        balancer: Option<super::BalancerDraft>,
    ) -> Option<GroupDraft> {
        let built = self.build(&id.value, role);
        Some(GroupDraft {
            id,
            replicas: self.replicas,
            image: self.image,
            placement: self.placement,
            budget: self.budget,
            files: self.files.places,
            balancer,
            built,
        })
    }

    fn build(&self, id: &GroupId, role: Option<Role>) -> Option<Group> {
        Some(Group {
            id: id.clone(),
            replicas: self.replicas?.value,
            image: self.image.as_ref()?.value.parse::<ImageId>().ok()?,
            cpus: self.cpus?.value,
            memory: self.memory?.value,
            disk: self.disk.map(|disk| disk.value),
            heartbeat: self.heartbeat.as_ref()?.value.clone(),
            files: self
                .files
                .built
                .iter()
                .cloned()
                .collect::<Option<Vec<FileSpec>>>()?,
            env: self.env.clone(),
            stateful: self.stateful,
            protect: self.protect,
            placement: self.placement.build()?,
            budget: self.budget.built.clone()?,
            extra: 0,
            surged: 0,
            restarts: self.restarts.clone()?,
            role: role?,
        })
    }
}

fn env(fields: &Fields<'_>) -> BTreeMap<String, String> {
    let entries = fields.names("env");
    let read = |entry: &Named<'_>| {
        let name = fields.cx.convert(&entry.path, &entry.name, words::variable);
        let value = entry.get(fields.cx, words::value)?;
        // Values are templates too: a service may want to know its own address.
        let value = fields.cx.template_text(&entry.path, value)?;
        Some((name?.value, value.text))
    };
    entries.iter().filter_map(read).collect()
}

fn heartbeat(fields: &Fields<'_>, port: Option<At<u16>>) -> Option<At<Heartbeat>> {
    let inner = fields.object("heartbeat")?;
    let path = inner.get("path", words::url_path);
    let own_port = inner.number::<u16>("port");
    not_of_sshd(&inner, own_port.as_ref());
    let (every, timeout) = (
        inner.get("every", words::span),
        inner.get("timeout", words::span),
    );
    let retries = inner.number("retries");
    let grace = inner.get("grace", words::span);
    if let Some(short) = grace.filter(|grace| grace.value < LEAST_GRACE) {
        let problem = Problem::new(
            short.span,
            format!(
                "`{}` is too short for a guest to boot",
                inner.path_of("grace")
            ),
        );
        inner.push(problem.help("the least is 1s, and the default of 2m is right for most"));
    }
    let path = path?;
    let value = Heartbeat {
        path: path.value,
        port: own_port.or(port)?.value,
        every: every?.value,
        timeout: timeout?.value,
        retries: retries?.value,
        grace: grace?.value,
    };
    Some(At {
        value,
        span: path.span,
    })
}

/// Guests are managed over their sshd, so nothing else can be served there.
pub fn not_of_sshd(fields: &Fields<'_>, port: Option<&At<u16>>) {
    if let Some(port) = port.filter(|port| port.value == 22) {
        let problem = Problem::new(port.span, "port 22 is that of the guest's sshd");
        fields.push(problem.help("its guests are managed over it: serve on another port"));
    }
}
