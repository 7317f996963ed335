# hosts.sh: a host's files, its power switch, and the commands over all hosts. Sourced by `lab`.
# Which process is whose is asked of the kernel, never of a pid file: a crash can't leave that answer wrong.

ready_within=60 # seconds; a host needs one or two, unless the machine is busy compiling

host_dir() { echo "$state/hosts/$1"; }
host_exists() {
  host_number "$1" >/dev/null
  [ -d "$(host_dir "$1")" ] || die "the lab '$lab' has no host $1" "run: $self up --hosts ..."
}
hosts_of_lab() { { find "$state/hosts" -maxdepth 1 -name '[a-g]' -printf '%f\n' 2>/dev/null || true; } | sort; }

# A host's disk: made in one piece under another name, so that a killed `up` leaves no half one.
ensure_host_files() {
  local host=$1 dir fs other
  dir=$(host_dir "$host")
  [ ! -d "$dir" ] || return 0
  rm -rf "$dir.new"
  fs=$dir.new/fs
  mkdir -p "$fs"/etc/{libvirt,ssh,sudoers.d} "$fs"/var/{lib,cache}/libvirt "$fs/var/lib/libvirt/images" "$fs/var/log/libvirt/qemu"
  mkdir -m 700 "$fs/root"
  echo "$host" > "$fs/etc/hostname"
  echo '127.0.0.1 localhost' > "$fs/etc/hosts"
  for other in "${all_hosts[@]}"; do echo "$(host_address "$other") $other"; done >> "$fs/etc/hosts"

  # Beside root an ordinary user, who may become root when somebody puts a line into the host's /etc/sudoers.d.
  { cat /etc/passwd; echo 'ops:x:60000:60000::/:/bin/sh'; } > "$fs/etc/passwd"
  { cat /etc/group; echo 'ops:x:60000:'; } > "$fs/etc/group"
  # Passwords of nobody: what the machine's users have stays with it.
  (umask 077; printf '%s:*:::::::\n' root ops > "$fs/etc/shadow")

  # Written anew and not copied from the machine: its own guests must not appear on the host.
  # Every libvirtd on one machine reads the same SMBIOS uuid, and two hosts with one uuid refuse to migrate.
  cat > "$fs/etc/libvirt/libvirtd.conf" <<CONF
host_uuid = "$(cat /proc/sys/kernel/random/uuid)"
auth_unix_rw = "none"
CONF
  # There is no systemd, no cgroup and no user qemu for it here.
  cat > "$fs/etc/libvirt/qemu.conf" <<CONF
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
CONF
  cat > "$fs/etc/ssh/sshd_config" <<CONF
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers root ops
UsePAM no
UseDNS no
PrintMotd no
Subsystem sftp internal-sftp
CONF
  ssh-keygen -q -t ed25519 -N '' -C "$host" -f "$fs/etc/ssh/ssh_host_ed25519_key"
  cp "$state/ssh/id_ed25519.pub" "$fs/etc/ssh/authorized_keys"
  # Copies, for guests lie on top of them and must not feel that the image is built anew.
  cp --reflink=auto "$images"/{vmlinuz,initrd,micro.qcow2} "$fs/var/lib/libvirt/images/"
  mv "$dir.new" "$dir"
}

ensure_operator_files() {
  local ssh=$state/ssh host
  mkdir -p "$state/hosts" "$ssh"
  chmod 700 "$ssh"
  install -m 600 "$images/bootstrap_ed25519" "$ssh/id_ed25519"
  install -m 644 "$images/bootstrap_ed25519.pub" "$ssh/id_ed25519.pub"
  {
    for host in "${all_hosts[@]}"; do printf 'Host %s\n  HostName %s\n' "$host" "$(host_address "$host")"; done
    printf 'Host %s\n  UserKnownHostsFile "%s"\n  StrictHostKeyChecking yes\n' \
      "${all_hosts[*]}" "$ssh/known_hosts"
    # Guests come and go, with new keys on old addresses.
    printf 'Host *\n  User root\n  IdentityFile "%s"\n  IdentitiesOnly yes\n' "$ssh/id_ed25519"
    printf '  UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  LogLevel ERROR\n'
  } > "$ssh/config.new"
  mv "$ssh/config.new" "$ssh/config"
}

write_known_hosts() {
  local host
  for host in $(hosts_of_lab); do
    echo "$(host_address "$host") $(cut -d' ' -f1,2 "$(host_dir "$host")/fs/etc/ssh/ssh_host_ed25519_key.pub")"
  done > "$state/ssh/known_hosts.new"
  mv "$state/ssh/known_hosts.new" "$state/ssh/known_hosts"
}

# The id of a host's first process: the one in its network namespace that is number 1 in a PID namespace.
host_init() {
  local pid status
  for pid in $(ns_pids "$1"); do
    status=$(cat "/proc/$pid/status" 2>/dev/null) || continue
    if [[ $status =~ NSpid:[[:space:]]+[0-9]+[[:space:]]+1$'\n' ]]; then echo "$pid"; return; fi
  done
}

host_namespaces=(--mount --uts --ipc --net --pid)
enter_host() { # INIT COMMAND...
  local init=$1
  shift
  nsenter "${host_namespaces[@]}" --target "$init" -- "$@"
}

start_host() {
  local dir
  dir=$(host_dir "$1")
  # --kill-child: whatever ends `unshare` ends the host.
  setsid env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    ip netns exec "$(ns "$1")" unshare --mount --propagation private --uts --ipc --pid --fork --kill-child --mount-proc \
    "$here/host-init" "$1" "$dir" </dev/null >>"$dir/init.log" 2>&1 9>&- &
}

libvirtd_answers() { timeout 10 nsenter "${host_namespaces[@]}" --target "$1" -- virsh -q list >/dev/null 2>&1; }
sshd_answers() {
  # shellcheck disable=SC2016  # for the inner shell
  [[ $(timeout 2 ip netns exec "$(ns lan)" bash -c 'exec 3<>"/dev/tcp/$0/22" && read -r -u 3 line && echo "$line"' \
    "$(host_address "$1")" 2>/dev/null) == SSH-* ]]
}

wait_for_host() {
  local init deadline=$((SECONDS + ready_within)) seen=''
  while [ $SECONDS -lt $deadline ]; do
    init=$(host_init "$1")
    if [ -n "$init" ]; then
      seen=yes
      if [ -S "/proc/$init/root/run/libvirt/virtlogd-sock" ] && [ -S "/proc/$init/root/run/libvirt/libvirt-sock" ] &&
        libvirtd_answers "$init" && sshd_answers "$1"; then return; fi
    elif [ -n "$seen" ]; then
      break
    fi
    sleep 0.05
  done
  die "host $1 doesn't come up:" "$(tail -n 5 "$(host_dir "$1")/init.log" 2>/dev/null)"
}

# Which hosts the lab has is written down before the first is raised, so that a repair raises them all.
remember_hosts() {
  local wanted=("$@")
  [ ! -s "$state/wanted" ] || mapfile -t -O $# wanted < "$state/wanted"
  [ ${#wanted[@]} -gt 0 ] || wanted=(a b c)
  printf '%s\n' "${wanted[@]}" | sort -u > "$state/wanted.new"
  mv "$state/wanted.new" "$state/wanted"
}

ensure_host() {
  ensure_host_files "$1"
  ensure_cable "$1"
  [ -n "$(host_init "$1")" ] || start_host "$1"
  wait_for_host "$1"
}

cmd_up() {
  local hosts=() host jobs=() failed=''
  case ${1:-} in
    '') ;;
    --hosts) [ $# -eq 2 ] || die "usage: $self up [--hosts a,b,c]"; IFS=, read -ra hosts <<<"$2" ;;
    *) die "usage: $self up [--hosts a,b,c]" ;;
  esac
  for host in "${hosts[@]}"; do host_number "$host" >/dev/null; done
  cmd_image
  lock_lab
  refuse_foreign_lab
  ensure_lan
  ensure_operator_files
  remember_hosts "${hosts[@]}"
  while read -r host; do
    ensure_host "$host" &
    jobs+=($!)
  done < "$state/wanted"
  for host in "${jobs[@]}"; do wait "$host" || failed=yes; done
  write_known_hosts
  [ -z "$failed" ] || exit 1
  say "'$lab' is up: $(hosts_of_lab | paste -sd' ')"
}

# Whoever started the host's processes, they are in its namespace; its first process takes its guests with it.
stop_host() {
  local init
  init=$(host_init "$1")
  [ -z "$init" ] || kill -KILL "$init" 2>/dev/null || true
  empty_ns "$1"
  remove_ns "$1"
}

cmd_off() {
  [ $# -eq 1 ] || die "usage: $self off HOST"
  lock_lab
  refuse_foreign_lab
  host_exists "$1"
  stop_host "$1"
}

cmd_boot() {
  [ $# -eq 1 ] || die "usage: $self boot HOST"
  lock_lab
  refuse_foreign_lab
  host_exists "$1"
  ns_usable lan || die "the lab '$lab' is not up" "run: $self up"
  ensure_host "$1"
}

cmd_on() {
  [ $# -gt 1 ] || die "usage: $self on HOST COMMAND..."
  local host=$1 init
  shift
  host_exists "$host"
  init=$(host_init "$host")
  [ -n "$init" ] || die "host $host is off" "run: $self boot $host"
  exec nsenter "${host_namespaces[@]}" --target "$init" -- "$@"
}

cmd_down() {
  local host
  [ $# -eq 0 ] || [ "$*" = --all ] || die "usage: $self down [--all]"
  lock_lab
  refuse_foreign_lab
  [ "$(readlink /proc/self/ns/net)" != "net:[$(stat -Lc %i "/run/netns/$(ns lan)" 2>/dev/null)]" ] ||
    die "this runs inside the lab that it is to remove"
  for host in "${all_hosts[@]}"; do
    [ ! -e "/run/netns/$(ns "$host")" ] || stop_host "$host"
  done
  empty_ns lan
  remove_ns lan
  rm -rf --one-file-system "$state"
  [ "${1:-}" != --all ] || rm -rf --one-file-system "$images"
  rm -f "$lab_root/$lab.lock"
  rmdir "$lab_root" 2>/dev/null || true
  say "'$lab' is down"
}

cmd_status() {
  local host init libvirtd sshd guests row='%-5s %-13s %-6s %-6s %-9s %-6s %s\n'
  [ -n "$(hosts_of_lab)" ] || die "the lab '$lab' is not up" "run: $self up"
  # shellcheck disable=SC2059  # the format is above
  printf "$row" HOST ADDRESS POWER CABLE LIBVIRTD SSHD GUESTS
  for host in $(hosts_of_lab); do
    init=$(host_init "$host")
    libvirtd=- sshd=- guests=-
    if [ -n "$init" ]; then
      libvirtd=silent sshd=silent
      if guests=$(timeout 10 nsenter "${host_namespaces[@]}" --target "$init" -- virsh -q list --name 2>/dev/null); then
        libvirtd=answers
        guests=$(sed '/^$/d' <<<"$guests" | paste -sd,)
      fi
      ! sshd_answers "$host" || sshd=answers
    fi
    # shellcheck disable=SC2059
    printf "$row" "$host" "$(host_address "$host")" "$([ -n "$init" ] && echo on || echo off)" \
      "$(cable_state "$host")" "$libvirtd" "$sshd" "${guests:--}"
  done
}
