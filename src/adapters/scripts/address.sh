# address.sh: what the scripts share that change a guest's addresses.

# Sets `interface` to the one with this hardware address.
interface_of() { # MAC
  for interface in /sys/class/net/*; do
    read_value "$interface/address"
    interface=${interface##*/}
    [ "$value" != "$1" ] || return 0
  done
  moved "the guest that answers has no interface with $1: it is another one"
}

# Sets `interface` and `cidr` to where an address is; fails if it is nowhere.
holds() { # ADDRESS
  addresses=$(ip -o -4 addr show) || fail "can't list the addresses of the guest"
  while read -r _ interface _ cidr _; do
    case $cidr in "$1" | "$1"/*) return 0 ;; esac
  done <<ADDRESSES
$addresses
ADDRESSES
  return 1
}

# Without this the kernel takes all other addresses of a network away together with its first.
keep_other_addresses() { echo 1 > "/proc/sys/net/ipv4/conf/$interface/promote_secondaries"; }

# Tells the neighbours where an address is now. The first word goes out at once; two more follow by themselves, for one
# may get lost. Few distributions bring an arping. Without one the kernel is made to speak: it announces all addresses of
# an interface when its hardware address is set, also to what it was.
announce() { # ADDRESS
  if command -v arping >/dev/null 2>&1; then
    arping -q -U -c 3 -w 3 -I "$interface" "$1" </dev/null >/dev/null 2>&1 &
  elif echo 1 > "/proc/sys/net/ipv4/conf/$interface/arp_notify" && kernel_announces; then
    { sleep 1; kernel_announces; sleep 1; kernel_announces; } </dev/null >/dev/null 2>&1 &
  else
    echo "no arping in the guest: neighbours learn late where $1 is" >&2
  fi
}
kernel_announces() {
  read_value "/sys/class/net/$interface/address"
  ip link set dev "$interface" address "$value"
}
