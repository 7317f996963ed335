# guests.sh: what the lab does to guests from outside: signals, and guests that are not reconcile's. Sourced by `lab`.

cmd_kill_guest() {
  [ $# -eq 2 ] || [ $# -eq 3 ] || die "usage: $self kill-guest HOST DOMAIN [SIGNAL]"
  local init
  host_exists "$1"
  init=$(host_init "$1")
  [ -n "$init" ] || die "host $1 is off"
  [ -s "/proc/$init/root/run/libvirt/qemu/$2.pid" ] || die "no guest '$2' runs on host $1"
  # shellcheck disable=SC2016  # for the inner shell: the number counts only inside the host
  enter_host "$init" sh -c 'kill -s "$1" "$(cat "/run/libvirt/qemu/$0.pid")"' "$2" "${3:-KILL}"
}

# A NoCloud seed of exactly the shape that `reconcile` writes.
write_seed() { # FILE NAME ADDRESS MAC
  local work
  work=$(mktemp -d)
  cat > "$work/meta-data" <<YAML
instance-id: $2-$(date +%s%N)
local-hostname: $2
YAML
  cat > "$work/network-config" <<YAML
version: 2
ethernets:
  primary:
    match:
      macaddress: "$4"
    set-name: eth0
    addresses:
      - $3/24
    gateway4: $lan_address
    nameservers:
      addresses:
        - $lan_address
YAML
  cat > "$work/user-data" <<YAML
#cloud-config
hostname: $2
disable_root: false
ssh_authorized_keys:
  - $(cat "$state/ssh/id_ed25519.pub")
YAML
  truncate -s 256K "$1"
  mkfs.vfat -n CIDATA "$1" >/dev/null
  mcopy -i "$1" "$work"/{meta-data,network-config,user-data} ::
  rm -rf "$work"
}

# Why it says what it says is in README.md, "The domain that boots fastest".
guest_xml() { # NAME MAC
  local dir=/var/lib/libvirt/images
  cat <<XML
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$dir/vmlinuz</kernel>
    <initrd>$dir/initrd</initrd>
    <cmdline>$(guest_cmdline)</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='$dir/$1.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$dir/$1-seed.img'/>
      <target dev='vdb' bus='virtio'/>
      <readonly/>
    </disk>
    <interface type='bridge'>
      <mac address='$2'/>
      <source bridge='br0'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <serial type='file'><source path='/var/log/libvirt/$1-console.log'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
XML
}

guest_cmdline() {
  echo console=ttyS0 net.ifnames=0 quiet mitigations=off no_timer_check tsc=reliable random.trust_cpu=on \
    cryptomgr.notests 8250.nr_uarts=1 i8042.nopnp i8042.noaux rcupdate.rcu_expedited=1
}

cmd_foreign() {
  [ $# -eq 3 ] || die "usage: $self foreign HOST NAME ADDRESS"
  local host=$1 name=$2 address=$3 init disks mac
  host_exists "$host"
  [[ $name =~ ^[a-zA-Z0-9][a-zA-Z0-9._-]*$ ]] || die "a guest can't be called '$name'"
  [[ $address =~ ^192\.168\.10\.[0-9]{1,3}$ ]] || die "the address must be in 192.168.10.0/24, not '$address'"
  init=$(host_init "$host")
  [ -n "$init" ] || die "host $host is off" "run: $self boot $host"
  disks=$(host_dir "$host")/fs/var/lib/libvirt/images
  mac=52:54:00:$(printf '%s' "$host$name" | sha256sum | sed 's/\(..\)\(..\)\(..\).*/\1:\2:\3/')
  # A whole copy: it depends on nothing that reconcile knows.
  cp --reflink=auto "$disks/micro.qcow2" "$disks/$name.qcow2"
  write_seed "$disks/$name-seed.img" "$name" "$address" "$mac"
  guest_xml "$name" "$mac" | enter_host "$init" virsh -q define /dev/stdin
  enter_host "$init" virsh -q start "$name"
}
