//! Why no host can take an instance, and the smallest change by which one could: in words.

use std::collections::BTreeMap;

use super::board::Board;
use super::filter::{Kind, Question, Rejection, whole};
use crate::model::id::{GroupId, InstanceId};
use crate::model::plan::NoticeKind;
use crate::model::unit::Bytes;

/// So many hosts are named each; more are counted.
const FEW: usize = 4;

/// Why every host rejects, and what would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Blocked, or only waiting: for a host that came back a moment ago.
    pub kind: NoticeKind,
    /// Why: `a: memory 200MiB free, 512MiB needed; b: drained`.
    pub text: String,
    /// The smallest change that would make it possible.
    pub help: Option<String>,
}

type Refused<'b, 'a> = (&'b str, Vec<Rejection<'a>>);

/// Puts together why no host can take this instance.
pub fn refusal(board: &Board<'_>, group: usize, index: u32) -> Refusal {
    let instance = InstanceId::new(&board.groups[group].group.id, index);
    let rejections = |host| {
        board.rejections(Question {
            group,
            index: Some(index),
            host,
        })
    };
    let all: Vec<Refused<'_, '_>> = board
        .hosts
        .iter()
        .enumerate()
        .map(|(host, room)| {
            (
                room.host.id.as_str(),
                without_itself(rejections(host), &instance),
            )
        })
        .collect();
    let rules = &board.groups[group].rules;
    let (bound, by_disk) = (rules.pin_of(index), rules.disk_of(index).is_some());
    let head = match (bound, by_disk) {
        (Some(host), true) => format!("its disk is on host {host}, which can't take it"),
        (Some(_), false) => "it is pinned, and its host can't take it".to_owned(),
        (None, _) => "no host can take it".to_owned(),
    };
    let is_meant = |name: &str| bound.is_none_or(|host| name == host.as_str());
    let candidates = all.into_iter().filter(|(name, _)| is_meant(name));
    let candidates: Vec<Refused<'_, '_>> = candidates.collect();
    let waits = candidates.iter().any(|(_, why)| is_rejoining(why));
    let (kind, help) = match waits {
        true => (NoticeKind::Waiting, None),
        false => {
            let help = help(board, &instance, &candidates).into_iter();
            let free = bound.map(|host| match by_disk {
                true => format!(
                    "let {instance} begin with an empty disk elsewhere: remove {instance}.qcow2.kept on host {host}"
                ),
                false => format!("let {instance} run elsewhere: take its `pin` away"),
            });
            let help: Vec<String> = help.chain(free).collect();
            (
                NoticeKind::Blocked,
                (!help.is_empty()).then(|| help.join("; or ")),
            )
        }
    };
    Refusal {
        kind,
        text: format!("{head}: {}", reasons(&candidates)),
        help,
    }
}

/// What else there is, where an instance that has to leave is the rival that is still there.
fn without_itself<'a>(
    why: impl Iterator<Item = Rejection<'a>>,
    instance: &InstanceId,
) -> Vec<Rejection<'a>> {
    let itself = |why: &Rejection<'_>| matches!(why, Rejection::Rival(rival) if rival == instance);
    let all: Vec<Rejection<'a>> = why.collect();
    match all.iter().all(itself) {
        true => all,
        false => all.into_iter().filter(|why| !itself(why)).collect(),
    }
}

/// Whether a host lacks nothing but time.
fn is_rejoining(why: &[Rejection<'_>]) -> bool {
    matches!(why, [Rejection::Rejoining { .. }])
}

/// What each host lacks; where all lack the same, or there are many hosts, that is said once.
fn reasons(refused: &[Refused<'_, '_>]) -> String {
    let mut texts = refused.iter().map(|(_, why)| words(why));
    let Some(first) = texts.next() else {
        return "there is none".to_owned();
    };
    if refused.len() > 1 && texts.all(|text| text == first) {
        return first;
    }
    if refused.len() > FEW {
        return counted(refused);
    }
    let each = refused
        .iter()
        .map(|(host, why)| format!("{host}: {}", words(why)));
    each.collect::<Vec<_>>().join("; ")
}

/// All reasons of one host.
pub fn words(why: &[Rejection<'_>]) -> String {
    let words: Vec<String> = why.iter().map(ToString::to_string).collect();
    words.join(", ")
}

fn counted(refused: &[Refused<'_, '_>]) -> String {
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    for first in refused.iter().filter_map(|(_, why)| why.first()) {
        *kinds.entry(first.kind()).or_default() += 1;
    }
    let mut kinds: Vec<(Kind, usize)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, hosts)| (std::cmp::Reverse(*hosts), *kind));
    let each = kinds.iter().map(|(kind, hosts)| kind.of_many(*hosts));
    each.collect::<Vec<_>>().join(", ")
}

/// What to change on the host that lacks the least.
fn help(board: &Board<'_>, instance: &InstanceId, refused: &[Refused<'_, '_>]) -> Option<String> {
    let nearest = refused.iter().min_by_key(|(host, why)| {
        (
            why.len(),
            why.first().map(Rejection::kind),
            shortage(why),
            *host,
        )
    });
    let (host, why) = nearest?;
    match why.as_slice() {
        [Rejection::Apart(near)] if !refused.iter().any(|(_, why)| lacks_room(why)) => {
            Some(rule_of_company(&instance.group, near))
        }
        why => remedies(board, instance, host, why),
    }
}

/// Whether the company is on a host, and only room for this one is not.
fn lacks_room(why: &[Rejection<'_>]) -> bool {
    let room = |why: &Rejection<'_>| {
        matches!(
            why.kind(),
            Kind::Memory | Kind::Cpus | Kind::Disk | Kind::NoAddress
        )
    };
    !why.is_empty() && why.iter().all(room)
}

/// Where the company is, a rule forbids it to be: more room would not help.
fn rule_of_company(group: &GroupId, near: &GroupId) -> String {
    format!(
        "let {group} be where {near} is: `placement.hosts`, `pin` and `anti_affinity` of both; or only prefer its company: \
         `affinity: {{ preferred: [{near}] }}`"
    )
}

/// What to change so that nothing of this stands in the way; none where something can't be helped.
pub fn remedies(
    board: &Board<'_>,
    instance: &InstanceId,
    host: &str,
    why: &[Rejection<'_>],
) -> Option<String> {
    let each = why
        .iter()
        .map(|why| remedy(board, instance, host, why))
        .collect::<Option<Vec<String>>>()?;
    (!each.is_empty()).then(|| each.join("; and "))
}

fn shortage(why: &[Rejection<'_>]) -> u64 {
    match why.first() {
        Some(Rejection::Memory { free, needed } | Rejection::Disk { free, needed }) => {
            needed.0.saturating_sub(free.0)
        }
        Some(_) | None => 0,
    }
}

fn remedy(
    board: &Board<'_>,
    instance: &InstanceId,
    host: &str,
    why: &Rejection<'_>,
) -> Option<String> {
    let group = &instance.group;
    Some(match why {
        Rejection::Drained { .. } => format!("take host {host} back: reconcile undrain {host}"),
        Rejection::Leaving => format!("put host {host} back into `hosts`"),
        Rejection::Paused => format!("let host {host} go on: reconcile resume host/{host}"),
        Rejection::LeftOut => format!("leave --exclude host/{host} out"),
        Rejection::NoAddress => "enlarge a pool, or lower `replicas`".to_owned(),
        Rejection::Memory { free, needed } => {
            let missing = Bytes(needed.0.saturating_sub(free.0));
            format!(
                "free {} of memory on host {host}, lower `memory` of {group}, or add a host",
                up(missing)
            )
        }
        Rejection::Cpus { .. } => {
            format!("raise `overcommit` of host {host}, lower `cpus` of {group}, or add a host")
        }
        Rejection::Disk { free, needed } => {
            let missing = up(Bytes(needed.0.saturating_sub(free.0)));
            let side = board.group_no(group).map(|group| board.groups[group].group);
            match side.is_some_and(|group| group.disk.is_some()) {
                true => {
                    format!("free {missing} of disk on host {host}, or lower `disk` of {group}")
                }
                false => format!("free space on the disk of host {host}"),
            }
        }
        Rejection::Rival(rival) | Rejection::Kept(rival) => apart_from(board, instance, rival),
        Rejection::Apart(near) => format!(
            "make room where {near} is, or only prefer its company: `affinity: {{ preferred: [{near}] }}`"
        ),
        Rejection::NotRequired => {
            format!("let {group} run on host {host}, too: `placement.hosts`")
        }
        Rejection::Pinned(_)
        | Rejection::DiskElsewhere(_)
        | Rejection::Rejoining { .. }
        | Rejection::Tried => return None,
        Rejection::Unseen => {
            let known = board.hosts.iter().any(|room| room.host.id.as_str() == host);
            return known.then(|| format!("bring host {host} back"));
        }
    })
}

fn apart_from(board: &Board<'_>, instance: &InstanceId, rival: &InstanceId) -> String {
    let (own, other) = (&instance.group, &rival.group);
    let side = board.group_no(own).map(|group| board.groups[group].group);
    let says_so = side.is_some_and(|g| g.placement.anti_affinity.required.contains(other));
    let (who, whom) = if says_so { (own, other) } else { (other, own) };
    let wish = format!(
        "only prefer that they are apart: `anti_affinity: {{ preferred: [{whom}] }}` of {who}"
    );
    let number = board.group_no(own);
    let chosen = number.is_some_and(|group| board.groups[group].rules.allowed.is_some());
    let more = match chosen {
        true => format!("allow {own} more hosts: `placement.hosts`"),
        false => "add a host".to_owned(),
    };
    match own == other {
        true => format!("{more}, lower `replicas`, or {wish}"),
        false => format!("{more}, or {wish}"),
    }
}

/// In whole MiB, rounded up: what is missing.
pub fn up(bytes: Bytes) -> Bytes {
    whole(Bytes(bytes.0.next_multiple_of(1 << 20)))
}
