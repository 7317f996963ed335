//! What virsh, ip and guests say → facts (pure parsers), and the collectors that ask all machines at once.
