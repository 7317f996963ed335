//! Whether room is kept for the loss of hosts: those that carry most are taken away, and their guests are placed on
//! the others, by the same rules. Only a check: where the room is missing, that is said.

use super::Placer;
use super::board::{Board, GroupNo, HostNo};
use super::company::Company;
use super::filter::Rejection;
use super::reasons::up;
use super::turn::Turn;
use crate::model::id::{HostId, InstanceId};
use crate::model::plan::{Notice, NoticeKind};
use crate::model::unit::Bytes;

impl<'a> Placer<'a, '_> {
    /// Says so where the guests of the fullest hosts would fit nowhere else.
    pub(super) fn check_spare(&mut self) {
        let spare = self.desired.safety.spare as usize;
        if spare == 0 {
            return;
        }
        let mut board = self.board.clone();
        let lost = fullest(&board, spare);
        let homeless = homeless(&mut board, &lost);
        if !homeless.is_empty() {
            self.notices.push(self.no_spare(&board, &lost, &homeless));
        }
    }

    fn no_spare(&self, board: &Board<'a>, lost: &[HostNo], homeless: &[(GroupNo, u32)]) -> Notice {
        let names: Vec<&HostId> = lost.iter().map(|h| &board.hosts[*h].host.id).collect();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let memory = |(group, _): &(GroupNo, u32)| board.groups[*group].group.memory.0;
        let needed = up(Bytes(homeless.iter().map(memory).sum()));
        let first = homeless.first().map(|(group, index)| {
            InstanceId::new(&board.groups[*group].group.id, *index).to_string()
        });
        let who = match (first, homeless.len()) {
            (Some(first), 2..) => format!("{first} and {} more", homeless.len() - 1),
            (first, _) => first.unwrap_or_default(),
        };
        Notice {
            kind: NoticeKind::Warning,
            subject: "spare".to_owned(),
            text: format!(
                "no room is kept for the loss of host{} {}: {who} ({needed} of memory) would fit nowhere else",
                if names.len() == 1 { "" } else { "s" },
                names.join(" and "),
            ),
            help: Some(remedy(board, lost, homeless, needed)),
            line: self.desired.lines.of("safety.spare"),
        }
    }
}

/// The hosts that take guests and carry most memory, then by name.
fn fullest(board: &Board<'_>, hosts: usize) -> Vec<HostNo> {
    let open = |h: &HostNo| board.hosts[*h].closed.is_none();
    let mut fullest: Vec<HostNo> = (0..board.hosts.len()).filter(open).collect();
    fullest.sort_by_key(|h| std::cmp::Reverse(board.hosts[*h].memory.taken));
    fullest.truncate(hosts);
    fullest.sort_unstable();
    fullest
}

/// Who finds no place when these hosts are lost. Those pinned to them are not asked for one.
fn homeless(board: &mut Board<'_>, lost: &[HostNo]) -> Vec<(GroupNo, u32)> {
    for host in lost {
        board.hosts[*host].closed = Some(Rejection::Unseen);
    }
    let mut guests: Vec<(GroupNo, Vec<u32>)> = Vec::new();
    for group in super::order::order(board) {
        let homes = board.homes(group).filter(|(host, _)| lost.contains(host));
        let there: Vec<(HostNo, Vec<u32>)> = homes.map(|(h, who)| (h, who.to_vec())).collect();
        let mut moved = Vec::new();
        for (host, who) in there {
            for index in who {
                board.remove(group, index, host);
                if board.groups[group].rules.pin_of(index).is_none() {
                    moved.push(index);
                }
            }
        }
        guests.push((group, moved));
    }
    guests.retain(|(_, who)| !who.is_empty());
    let mut homeless = Vec::new();
    for (group, who) in guests {
        let mut turn = Turn::new(board, group, Company::default());
        for index in who {
            match turn.best(board) {
                Some(host) => {
                    board.settle(group, index, host);
                    turn.came(board, host);
                }
                None => homeless.push((group, index)),
            }
        }
    }
    homeless
}

fn remedy(
    board: &Board<'_>,
    lost: &[HostNo],
    homeless: &[(GroupNo, u32)],
    needed: Bytes,
) -> String {
    let mut groups = homeless.iter().map(|(group, _)| *group);
    let first = groups.next().unwrap_or_default();
    let others = (0..board.hosts.len()).filter(|h| !lost.contains(h));
    let roomy = others
        .filter(|h| board.hosts[*h].closed.is_none())
        .max_by_key(|h| (board.hosts[*h].memory.left(), std::cmp::Reverse(*h)));
    let only_memory = roomy.is_some_and(|h| {
        let mut why = board.rejections(super::filter::Question {
            group: first,
            index: None,
            host: h,
        });
        matches!(
            (why.next(), why.next()),
            (Some(Rejection::Memory { .. }), None)
        )
    });
    let name = &board.groups[first].group.id;
    match roomy.filter(|_| only_memory) {
        Some(host) => format!(
            "add {} of memory to host {}, or a host; or lower `memory` or `replicas` of {name}, or `spare`",
            up(Bytes(needed.0.saturating_sub(
                board.hosts[host].memory.left().unwrap_or(0)
            ))),
            board.hosts[host].host.id
        ),
        None => format!("add a host; or loosen the placement of {name}, or lower `spare`"),
    }
}
