# drop_vip.sh: takes a VIP away.
# VIP; QUIET: as in /proc/net/tcp, the address and port whose connections are let end before; empty: at once.
holds "$VIP" || already

# A connection that is established, by its local end; in tcp6 it has a longer address before it.
busy() { grep -q "$QUIET [0-9A-F]*:[0-9A-F]* 01 " /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
if [ -n "$QUIET" ]; then
  clock
  deadline=$((now + 4)) # three whole seconds at least
  while [ "$now" -lt "$deadline" ] && busy; do
    nap
    clock
  done
fi

keep_other_addresses
while holds "$VIP"; do
  ip addr del "$cidr" dev "$interface" || fail "can't remove $VIP"
done
