//! What virsh, ip and guests say → facts. Pure parsers; who asks is in `controller`, and how in `adapters`.

pub mod parse_answer;
pub mod parse_claim;
pub mod parse_domain;
pub mod parse_event;
pub mod parse_guest;
pub mod parse_host;
pub mod parse_neighbours;
pub mod parse_survey;
