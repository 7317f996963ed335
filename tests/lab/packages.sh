# packages.sh: what the lab needs from Debian, and `lab install`. Sourced by `lab`.
# It never starts a service on the machine and never touches one that runs there.

# A command that proves that its package is there, and the package.
needed=(
  virsh:libvirt-clients libvirtd:libvirt-daemon-system virtlogd:libvirt-daemon
  qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils
  sshd:openssh-server ssh:openssh-client ip:iproute2
  unshare:util-linux nsenter:util-linux flock:util-linux setsid:util-linux
  mkfs.ext4:e2fsprogs mkfs.vfat:dosfstools mcopy:mtools
  cpio:cpio debootstrap:debootstrap modprobe:kmod lz4:lz4 readelf:binutils
  cc:build-essential sudo:sudo tcpdump:tcpdump ping:iputils-ping arping:iputils-arping curl:curl git:git gpg:gnupg
)

# Prints the packages whose command is missing, one a line; nothing when all is there.
missing_packages() {
  local pair
  for pair in "${needed[@]}"; do
    command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
  done | sort -u
}

require_packages() {
  local missing
  missing=$(missing_packages | paste -sd' ')
  [ -z "$missing" ] || die "missing packages: $missing" "run: $self install"
}

candidate_version() { apt-cache policy "$1" | awk '/Candidate:/ { print $2 }'; }

cmd_install() {
  [ $# -eq 0 ] || die "install takes no arguments"
  local missing version package policy=/usr/sbin/policy-rc.d
  local apt=(apt-get -q -o DPkg::Lock::Timeout=300)
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} -eq 0 ]; then
    say "everything is installed"
    return
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${apt[@]}" update

  # qemu-utils may be here already from backports, and then blocks the distribution's qemu-system-x86.
  # Both are built from one source, so both get the one version that the repositories offer for the latter.
  version=$(candidate_version qemu-system-x86)
  local wanted=()
  for package in "${missing[@]}"; do
    case $package in
      qemu-*) wanted+=("qemu-system-x86=$version" "qemu-utils=$version") ;;
      *) wanted+=("$package") ;;
    esac
  done

  # The lab starts its own daemons in its own namespaces; those of the machine stay as they are.
  if [ ! -e $policy ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod +x $policy
  fi
  "${apt[@]}" install -y --no-install-recommends --allow-downgrades "${wanted[@]}"
  missing=("$(missing_packages)")
  [ -z "${missing[*]}" ] || die "still missing after the installation: ${missing[*]}"
  say "installed"
}
