//! What `ip neigh show dev BRIDGE` says after a question on the wire → who answered.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::parse_answer::{ParseError, records};
use crate::model::facts::Answer;

/// Who answered for each of `asked`. An address that the table does not have is an error, not silence.
pub fn parse_neighbours(
    answer: &str,
    asked: &[Ipv4Addr],
) -> Result<BTreeMap<Ipv4Addr, Answer>, ParseError> {
    let records = records(answer)?;
    let table = records.iter().find(|record| record.key == "neighbours");
    let table = table.ok_or(ParseError::Missing("neighbours"))?.text()?;
    let seen: BTreeMap<Ipv4Addr, Answer> = table.lines().filter_map(neighbour).collect();
    let one = |address: &Ipv4Addr| {
        let answer = seen.get(address).cloned();
        answer
            .map(|answer| (*address, answer))
            .ok_or_else(|| ParseError::Record(format!("neighbour {address}")))
    };
    asked.iter().map(one).collect()
}

/// `10.0.0.7 lladdr 52:54:00:00:00:01 REACHABLE`, `10.0.0.8 FAILED`.
fn neighbour(line: &str) -> Option<(Ipv4Addr, Answer)> {
    let mut words = line.split_ascii_whitespace();
    let address = words.next()?.parse().ok()?;
    let mut rest = words.skip_while(|word| *word != "lladdr");
    let answer = match rest.nth(1) {
        Some(mac) => Answer::Taken {
            mac: mac.to_ascii_lowercase(),
        },
        None => Answer::Silence,
    };
    Some((address, answer))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn answer(table: &str) -> String {
        format!(
            "reconcile-answer\nneighbours <base64\n{}\n.\nend\n",
            STANDARD.encode(table)
        )
    }

    #[test]
    fn whoever_has_a_hardware_address_answered() {
        let ip = |n| Ipv4Addr::new(10, 0, 0, n);
        let table = "10.0.0.1 lladdr 52:54:00:AA:00:01 router STALE\n10.0.0.2 FAILED \n10.0.0.3 INCOMPLETE \nfe80::1 lladdr x STALE\n";
        let seen = parse_neighbours(&answer(table), &[ip(1), ip(2), ip(3)]).unwrap();
        let mac = "52:54:00:aa:00:01".to_owned();
        assert_eq!(seen[&ip(1)], Answer::Taken { mac });
        assert_eq!(
            (&seen[&ip(2)], &seen[&ip(3)]),
            (&Answer::Silence, &Answer::Silence)
        );
    }

    #[test]
    fn an_address_that_is_not_in_the_table_was_not_asked_for() {
        assert!(parse_neighbours(&answer(""), &[Ipv4Addr::LOCALHOST]).is_err());
    }
}
