//! `placement:` of a group.

use std::collections::BTreeSet;

use crate::model::policy::{HostChoice, PlacementRules, Wishes};
use crate::spec::fields::{Fields, Named, Single};
use crate::spec::form::Object;
use crate::spec::keys::policies::{GROUPS_WISHED, HOSTS_WISHED};
use crate::spec::problem::Problem;
use crate::spec::source::At;
use crate::spec::tree::Kind;
use crate::spec::words::{self, Wrong};

/// Where the instances of a group may be, each wish at its place.
#[derive(Default)]
pub struct PlacementDraft {
    /// Labels over whose values they are spread.
    pub spread: Vec<At<String>>,
    /// Groups on the same host.
    pub affinity: Wished<String>,
    /// Groups on other hosts.
    pub anti_affinity: Wished<String>,
    /// Hosts.
    pub hosts: Wished<HostChoice>,
    /// The host of an instance, by its number.
    pub pins: Vec<(At<u32>, At<String>)>,
    failback: bool,
}

/// What must be so, and what would best be so.
pub struct Wished<T> {
    /// It must.
    pub required: Vec<At<T>>,
    /// It would best.
    pub preferred: Vec<At<T>>,
}

impl<T> Default for Wished<T> {
    fn default() -> Self {
        Self {
            required: Vec::new(),
            preferred: Vec::new(),
        }
    }
}

impl<T> Wished<T> {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &At<T>> {
        self.required.iter().chain(&self.preferred)
    }

    fn build<W: Ord>(&self, read: impl Fn(&T) -> Option<W>) -> Option<Wishes<W>> {
        let built = |items: &[At<T>]| -> Option<BTreeSet<W>> {
            items.iter().map(|item| read(&item.value)).collect()
        };
        Some(Wishes {
            required: built(&self.required)?,
            preferred: built(&self.preferred)?,
        })
    }
}

impl PlacementDraft {
    /// The finished thing, where all names can be names.
    pub fn build(&self) -> Option<PlacementRules> {
        let pin =
            |(number, host): &(At<u32>, At<String>)| Some((number.value, host.value.parse().ok()?));
        Some(PlacementRules {
            spread: self.spread.iter().map(|at| at.value.clone()).collect(),
            affinity: self.affinity.build(|name| name.parse().ok())?,
            anti_affinity: self.anti_affinity.build(|name| name.parse().ok())?,
            hosts: self.hosts.build(|choice| Some(choice.clone()))?,
            pin: self.pins.iter().map(pin).collect::<Option<_>>()?,
            failback: self.failback,
        })
    }
}

/// Reads the placement of a group. What can't be read is noted, and left out.
pub fn placement(group: &Fields<'_>) -> PlacementDraft {
    let Some(fields) = group.object("placement") else {
        return PlacementDraft::default();
    };
    let hosts = wished(&fields, "hosts", &HOSTS_WISHED, words::host_choice);
    PlacementDraft {
        spread: items(&fields, "spread", words::label),
        affinity: wished(&fields, "affinity", &GROUPS_WISHED, any),
        anti_affinity: wished(&fields, "anti_affinity", &GROUPS_WISHED, any),
        hosts,
        pins: pins(&fields),
        failback: fields.flag("failback").is_some_and(|flag| flag.value),
    }
}

/// Whether a name names something is seen when all names are known.
fn any(text: &str) -> Result<String, Wrong> {
    Ok(text.to_owned())
}

/// A plain list is what must be so.
fn wished<T>(
    fields: &Fields<'_>,
    name: &str,
    object: &'static Object,
    read: fn(&str) -> Result<T, Wrong>,
) -> Wished<T> {
    let Some(entry) = fields.entry(name) else {
        return Wished::default();
    };
    let path = fields.path_of(name);
    match &entry.value.kind {
        Kind::Map(_) => Fields::open(fields.cx, &entry.value, object, &path, entry.span)
            .map(|inner| Wished {
                required: some(&inner, "required", read),
                preferred: items(&inner, "preferred", read),
            })
            .unwrap_or_default(),
        Kind::Nothing | Kind::Scalar(..) | Kind::List(_) => Wished {
            required: some(fields, name, read),
            preferred: Vec::new(),
        },
    }
}

/// An empty list of what must be so could mean nothing, or that nothing will do.
fn some<T>(fields: &Fields<'_>, name: &str, read: fn(&str) -> Result<T, Wrong>) -> Vec<At<T>> {
    if fields.is_empty(name) {
        let path = fields.path_of(name);
        let problem = Problem::new(fields.span_of(name), format!("`{path}` is empty"));
        fields.push(problem.help("name one at least, or remove the key"));
    }
    items(fields, name, read)
}

fn items<T>(fields: &Fields<'_>, name: &str, read: fn(&str) -> Result<T, Wrong>) -> Vec<At<T>> {
    fields
        .list(name, Single::Allowed)
        .iter()
        .filter_map(|item| item.get(fields.cx, read))
        .collect()
}

fn pins(fields: &Fields<'_>) -> Vec<(At<u32>, At<String>)> {
    let read = |entry: &Named<'_>| {
        let number = fields
            .cx
            .convert(&entry.path, &entry.name, words::instance_number);
        let host = entry.get(fields.cx, any);
        Some((number?, host?))
    };
    fields.names("pin").iter().filter_map(read).collect()
}
