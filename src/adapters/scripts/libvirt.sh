# libvirt.sh: what every script for hosts shares.

# What we keep on a host until it boots again: locks, and whether KVM works.
locks=/run/reconcile

# A libvirtd that hangs must not leave a hanging virsh behind every round.
vsh() { timeout "${VIRSH_LIMIT:-20}" virsh -q -c qemu:///system "$@"; }
