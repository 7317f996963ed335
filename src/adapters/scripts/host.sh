# host.sh: what the scripts that act on hosts share: locks, and looking at the one domain that a script is about.

# One action at a time works on a domain, whoever started it; a killed one lets go by itself.
lock() { # NAME
  mkdir -p "$locks"
  exec 9>"$locks/$1.lock"
  flock -w 20 9 || fail "another action is still at work on $1 on this host"
}
# Whoever makes disks shares this one; who sweeps up disks has it alone.
lock_storage() { # -s|-x
  mkdir -p "$locks"
  exec 8>"$locks/storage.lock"
  flock "$1" -w 20 8 || fail "another action is still at work on the disks of this host"
}

# The size in bytes that a guest sees of a disk or an image.
virtual_size() { # FILE
  qemu-img info -U --output=json "$1" | sed -n 's/^    "virtual-size": \([0-9]*\).*/\1/p'
}

# Keeps a disk under another name. One that was put aside earlier is not overwritten.
put_aside() { # DISK
  [ -e "$1" ] || return 0
  [ ! -e "$1.kept" ] || mv -- "$1.kept" "$1.kept-$(date +%s)" || fail "can't keep $1.kept"
  mv -- "$1" "$1.kept" || fail "can't keep $1"
}

list_domains() { # --name|--uuid [--all]
  vsh list "$@" || fail "libvirt does not answer"
}

# Looks for $DOMAIN, and sets `found`: empty, or its generation. A domain of that name or UUID that is not the one
# ends the script. In a subshell `fail` would only end that, hence the `|| exit`.
look() {
  local_names=$(list_domains --all --name) || exit 1
  local_uuids=$(list_domains --all --uuid) || exit 1
  found=
  if line_of "$local_names" "$DOMAIN"; then
    other=$(vsh domuuid "$DOMAIN") || fail "libvirt does not tell the UUID of $DOMAIN"
    [ "$other" = "$UUID" ] ||
      moved "a domain named $DOMAIN exists on this host and is not ours (UUID $other): rename or remove it there, or rename the cluster or the group"
  elif line_of "$local_uuids" "$UUID"; then
    moved "the UUID $UUID belongs to another domain on this host: $(vsh domname "$UUID")"
  else
    return 0
  fi
  found=$(generation)
  [ -n "$found" ] ||
    moved "the domain $DOMAIN on this host has no mark of ours: rename or remove it there, or rename the cluster or the group"
}

# The generation in the mark of $UUID.
generation() {
  vsh metadata "$UUID" urn:reconcile:mark:1 2>/dev/null | sed -n 's/.*[[:space:]]generation="\([^"]*\)".*/\1/p'
}

active() {
  local_active=$(list_domains --uuid) || exit 1
  line_of "$local_active" "$UUID"
}

# Ends $UUID and sees that it has ended. libvirt waits ten seconds for a QEMU that is stopped or hangs before it kills
# it for good; nobody's service should be away that long.
end_domain() {
  active || return 0
  VIRSH_LIMIT=1 vsh destroy "$UUID" >/dev/null 2>&1 || kill_qemu
  tries=0
  while active; do
    tries=$((tries + 1))
    [ $tries -lt 150 ] || fail "$DOMAIN does not end: $(vsh destroy "$UUID" 2>&1)"
    sleep 0.1
  done
}

# Only the process that libvirt calls this domain's, and only if it says so itself.
kill_qemu() {
  pid=$(cat "/run/libvirt/qemu/$DOMAIN.pid" 2>/dev/null)
  [ -n "$pid" ] || return 0
  if tr '\0' ' ' < "/proc/$pid/cmdline" | grep -qF -- "-uuid $UUID "; then kill -KILL "$pid"; fi
}
