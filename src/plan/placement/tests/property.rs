//! Whatever the hosts, the groups, their rules and what exists.
