# network.sh: the wires: the operator's namespace with the bridge of the LAN, and one namespace and cable a host.
# Sourced by `lab`. Every function is idempotent; interface names live in namespaces, so labs can't clash.

lan_address=192.168.10.254
ns() { echo "rec-$lab-$1"; }
all_hosts=(a b c d e f g) # up to .8: .9 is where a guest without a seed wakes up

host_number() { # a is 2, b is 3: the last part of its address
  [[ $1 =~ ^[a-g]$ ]] || die "no host can be called '$1'" "hosts are a to g"
  echo $(($(printf '%d' "'$1") - 95))
}
host_address() { echo "192.168.10.$(host_number "$1")"; }

ns_usable() { ip -n "$(ns "$1")" link show lo >/dev/null 2>&1; }

# A name without a namespace behind it is what `ip netns add` leaves when it is killed half-way.
ensure_ns() {
  ns_usable "$1" && return
  ip netns del "$(ns "$1")" 2>/dev/null || true
  ip netns add "$(ns "$1")"
  ip -n "$(ns "$1")" link set lo up
}

ns_pids() { ! ns_usable "$1" || ip netns pids "$(ns "$1")"; }

# Ends every process in a namespace, by its id, and waits until they are gone.
empty_ns() {
  local pids tries
  for ((tries = 0; tries < 500; tries++)); do
    pids=$(ns_pids "$1")
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086  # a list
    kill -KILL $pids 2>/dev/null || true
    sleep 0.02
  done
  die "processes in $(ns "$1") don't end:" "$(paste -sd' ' <<<"$pids")"
}

# Another checkout on this machine may have a lab of the same name. Whose it is, is written on its bridge.
refuse_foreign_lab() {
  local owner
  ns_usable lan || return 0
  owner=$(ip -n "$(ns lan)" link show br-lan 2>/dev/null | sed -n 's/^ *alias //p') || true
  [ -z "$owner" ] || [ "$owner" = "$state" ] || die "a lab '$lab' of another checkout is up: $owner" "set LAB to another name"
}

ensure_lan() {
  local lan
  lan=$(ns lan)
  ensure_ns lan
  if ! ip -n "$lan" link show br-lan >/dev/null 2>&1; then
    # Its own address, as for br0 below: who asks with the address of a host that is switched off leads its peers astray.
    ip -n "$lan" link add br-lan address 52:54:00:a8:0a:fe type bridge mcast_snooping 0
  fi
  ip -n "$lan" link set br-lan alias "$state"
  ip -n "$lan" addr replace $lan_address/24 dev br-lan
  ip -n "$lan" link set br-lan up
}

# The host's bridge br0 with its network card eth0, and the cable from there into the LAN.
ensure_cable() {
  local host=$1 lan name mac
  lan=$(ns lan) name=$(ns "$1")
  mac=$(printf '52:54:00:a8:0a:%02x' "$(host_number "$host")")
  ensure_ns "$host"
  if ! ip -n "$name" link show br0 >/dev/null 2>&1; then
    # Its own address: a bridge without one takes the lowest of its ports', and changes it when a guest comes.
    ip -n "$name" link add br0 address "$mac" type bridge mcast_snooping 0
  fi
  if ! ip -n "$lan" link show "v-$host" >/dev/null 2>&1 || ! ip -n "$name" link show eth0 >/dev/null 2>&1; then
    ip -n "$lan" link del "v-$host" 2>/dev/null || true
    ip -n "$name" link del eth0 2>/dev/null || true
    ip link add "v-$host" netns "$lan" type veth peer name eth0 netns "$name"
  fi
  ip -n "$lan" link set "v-$host" master br-lan up
  ip -n "$name" link set eth0 master br0 up
  ip -n "$name" addr replace "$(host_address "$host")/24" dev br0
  ip -n "$name" link set br0 up
  ip -n "$name" route replace default via $lan_address
}

remove_ns() {
  ip -n "$(ns lan)" link del "v-$1" 2>/dev/null || true
  if [ -e "/run/netns/$(ns "$1")" ]; then ip netns del "$(ns "$1")"; fi
}

cable_state() {
  if ! ns_usable lan; then echo -; return; fi
  case $(ip -n "$(ns lan)" link show "v-$1" 2>/dev/null) in
    '') echo - ;;
    *[,\<]UP[,\>]*) echo in ;;
    *) echo cut ;;
  esac
}

set_cable() { # HOST up|down
  host_exists "$1"
  ip -n "$(ns lan)" link set "v-$1" "$2" 2>/dev/null || die "host $1 is off" "run: $self boot $1"
}

cmd_cut() { [ $# -eq 1 ] || die "usage: $self cut HOST"; lock_lab; refuse_foreign_lab; set_cable "$1" down; }
cmd_mend() { [ $# -eq 1 ] || die "usage: $self mend HOST"; lock_lab; refuse_foreign_lab; set_cable "$1" up; }

cmd_exec() {
  [ $# -gt 0 ] || die "usage: $self exec COMMAND..."
  ns_usable lan || die "the lab '$lab' is not up" "run: $self up"
  exec ip netns exec "$(ns lan)" "$@"
}
