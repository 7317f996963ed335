//! Whether room is kept for the loss of hosts: those that carry most are taken away, and their guests are placed on
//! the others, by the same rules. Only a check; `admission` asks it, too.

use super::Placer;
use super::admission::Newcomer;
use super::board::{Board, GroupNo, HostNo};
use super::company::Company;
use super::filter::{Kind, Question, Rejection};
use super::reasons::up;
use super::turn::Turn;
use crate::model::id::InstanceId;
use crate::model::plan::{Notice, NoticeKind};
use crate::model::unit::Bytes;

/// What becomes of the guests when hosts are lost.
pub(super) struct Loss<'a> {
    /// The hosts that are left, with all that found a place there.
    board: Board<'a>,
    lost: Vec<HostNo>,
    /// Who found none.
    homeless: Vec<(GroupNo, u32)>,
}

impl<'a> Placer<'a, '_> {
    /// Says so where the guests of the fullest hosts would fit nowhere else.
    pub(super) fn check_spare(&mut self) {
        if self.desired.safety.spare == 0 {
            return;
        }
        let loss = Loss::suffer(self, &[], &[]);
        if !loss.homeless.is_empty() {
            self.notices.push(Notice {
                kind: NoticeKind::Warning,
                subject: "spare".to_owned(),
                text: format!(
                    "no room is kept for the loss of {}: {}",
                    loss.hosts(),
                    loss.who()
                ),
                help: Some(loss.remedy()),
                line: self.desired.lines.of("safety.spare"),
            });
        }
    }

    /// The addresses that are free in the pool of each host.
    fn addresses_left(&self) -> Vec<u64> {
        let hosts = self.board.hosts.iter();
        hosts
            .map(|room| self.addresses.left(&room.host.id))
            .collect()
    }
}

impl<'a> Loss<'a> {
    /// Takes as many hosts away as `spare` says, the fullest ones, and those that are gone. Some guests are not made at all.
    pub(super) fn suffer(
        placer: &Placer<'a, '_>,
        gone: &[HostNo],
        without: &[Newcomer],
    ) -> Loss<'a> {
        let mut board = placer.board.clone();
        let mut addresses = placer.addresses_left();
        for newcomer in without {
            board.remove(newcomer.group, newcomer.index, newcomer.host);
            board.hosts[newcomer.host].spent = false;
            addresses[newcomer.host] += 1;
        }
        let spare = placer.desired.safety.spare as usize;
        let mut lost = fullest(&board, spare);
        lost.extend(gone);
        lost.sort_unstable();
        let homeless = homeless(&mut board, addresses, &lost);
        Loss {
            board,
            lost,
            homeless,
        }
    }

    /// Whether somebody would be left over for want of room. Where rules alone forbid it, no room would help.
    pub(super) fn lacks_room(&self) -> bool {
        let mut groups = self.homeless.iter().map(|(group, _)| *group);
        groups.any(|group| {
            let mut hosts = 0..self.board.hosts.len();
            hosts.any(|host| self.why_not_on(group, host).iter().all(is_room))
        })
    }

    /// Why one more is not made, and what would help.
    pub(super) fn why_not(&self) -> (String, String) {
        let text = format!(
            "with it, no room would be left for the loss of {}: {}",
            self.hosts(),
            self.who()
        );
        (text, self.remedy())
    }

    fn hosts(&self) -> String {
        let names = self.lost.iter().map(|h| &self.board.hosts[*h].host.id);
        let names: Vec<String> = names.map(ToString::to_string).collect();
        let plural = if names.len() == 1 { "" } else { "s" };
        format!("host{plural} {}", names.join(" and "))
    }

    fn who(&self) -> String {
        let first = self.homeless.first().map(|(group, index)| {
            InstanceId::new(&self.board.groups[*group].group.id, *index).to_string()
        });
        let who = match (first, self.homeless.len()) {
            (Some(first), 2..) => format!("{first} and {} more", self.homeless.len() - 1),
            (first, _) => first.unwrap_or_default(),
        };
        format!("{who} ({} of memory) would fit nowhere else", self.needed())
    }

    fn needed(&self) -> Bytes {
        let memory = |(group, _): &(GroupNo, u32)| self.board.groups[*group].group.memory.0;
        up(Bytes(self.homeless.iter().map(memory).sum()))
    }

    fn why_not_on(&self, group: GroupNo, host: HostNo) -> Vec<Rejection<'a>> {
        let ask = Question {
            group,
            index: None,
            host,
        };
        self.board.rejections(ask).collect()
    }

    fn remedy(&self) -> String {
        let rooms = &self.board.hosts;
        let mut groups = self.homeless.iter().map(|(group, _)| *group);
        let first = groups.next().unwrap_or_default();
        let others = (0..rooms.len()).filter(|h| !self.lost.contains(h));
        let roomy = others
            .filter(|h| rooms[*h].closed.is_none())
            .max_by_key(|h| (rooms[*h].memory.left(), std::cmp::Reverse(*h)));
        let why = roomy.map_or_else(Vec::new, |host| self.why_not_on(first, host));
        let name = &self.board.groups[first].group.id;
        match (roomy, why.as_slice()) {
            (Some(host), [Rejection::Memory { .. }]) => {
                let left = rooms[host].memory.left().unwrap_or(0);
                let missing = up(Bytes(self.needed().0.saturating_sub(left)));
                let host = &rooms[host].host.id;
                format!(
                    "add {missing} of memory to host {host}, or a host; or lower `memory` or `replicas` of {name}, or `spare`"
                )
            }
            (Some(_), [Rejection::NoAddress]) => format!(
                "enlarge the pools by {} in all, or add a host; or lower `replicas` of {name}, or `spare`",
                self.homeless.len()
            ),
            _ => format!("add a host; or loosen the placement of {name}, or lower `spare`"),
        }
    }
}

/// What more room on the host would mend.
fn is_room(why: &Rejection<'_>) -> bool {
    matches!(
        why.kind(),
        Kind::Memory | Kind::Cpus | Kind::Disk | Kind::NoAddress
    )
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
fn homeless(
    board: &mut Board<'_>,
    mut addresses: Vec<u64>,
    lost: &[HostNo],
) -> Vec<(GroupNo, u32)> {
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
    for (room, left) in board.hosts.iter_mut().zip(&addresses) {
        room.spent |= *left == 0;
    }
    let mut homeless = Vec::new();
    for (group, who) in guests {
        let mut turn = Turn::new(board, group, Company::default());
        for index in who {
            let Some(host) = turn.best(board) else {
                homeless.push((group, index));
                continue;
            };
            board.settle(group, index, host);
            addresses[host] -= 1;
            board.hosts[host].spent = addresses[host] == 0;
            turn.came(board, host);
        }
    }
    homeless
}
