# drop_vip.sh: takes a VIP away.
# VIP; QUIET: as in /proc/net/tcp, the address and port whose connections are let end before; empty: at once.
holds "$VIP" || already

# A connection that is established, by its local end; in tcp6 it has a longer address before it.
busy() { grep -q "$QUIET [0-9A-F]*:[0-9A-F]* 01 " /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
if [ -n "$QUIET" ]; then
  looks=0
  while [ $looks -lt 60 ] && busy; do
    looks=$((looks + 1))
    nap
  done
fi

keep_other_addresses
while holds "$VIP"; do
  ip addr del "$cidr" dev "$interface" || fail "can't remove $VIP"
done
