//! The ports over OpenSSH, virsh, HTTP, files and the system clock.

pub mod spec_files;
