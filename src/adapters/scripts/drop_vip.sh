# drop_vip.sh: takes a VIP away.
# VIP; QUIET: as in /proc/net/tcp, the address and port whose connections are let end before; empty: at once.
holds "$VIP" || already
vip_interface=$interface vip_cidr=$cidr

# A connection that is not over yet, by its local end; in tcp6 it has a longer address before it. Over are those that
# only wait for time to pass (05, 06).
busy() { grep -q "$QUIET [0-9A-F]*:[0-9A-F]* 0[13489B] " /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
clock
deadline=$((now + 4)) # three whole seconds at least
late() {
  clock
  [ "$now" -ge "$deadline" ]
}

keep_other_addresses
while :; do
  while [ -n "$QUIET" ] && ! late && busy; do nap; done
  while holds "$VIP"; do
    ip addr del "$cidr" dev "$interface" || fail "can't remove $VIP"
  done
  # Somebody may have connected between the look and the removal. From here on nobody can, so this look is the true
  # one: he gets the address back for as long as he needs it, and notices a lost packet at most.
  if [ -z "$QUIET" ] || late || ! busy; then break; fi
  ip addr add "$vip_cidr" dev "$vip_interface" label "$vip_interface:vip" || fail "can't restore $VIP"
  nap
done
