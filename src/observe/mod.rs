//! What virsh, ip and guests say → facts (pure parsers), and the collectors that ask all machines at once.

pub mod parse_answer;
pub mod parse_domain;
pub mod parse_guest;
pub mod parse_host;
pub mod parse_neighbours;
