# settle.sh: comes in over the new address, so it works: it is kept for good, and the old one goes.
# MAC ADDRESS OLD GATEWAY NAME. Parameters: the file with the interfaces.
init=none
interface_of "$MAC"
ours=$interface
holds "$ADDRESS" || moved "the guest has not the address $ADDRESS"
rm -f "$RUN/moving-$ADDRESS"
# Whoever was about to take it back may have done so right before.
holds "$ADDRESS" || fail "the guest has just taken its old address back"
put_files "$@"
use_name_servers
interface=$ours
keep_other_addresses
if holds "$OLD"; then
  ip addr del "$cidr" dev "$interface" || fail "can't remove $OLD"
  changed=yes
fi
interface=$ours
# It may have gone with the old address.
[ -z "$GATEWAY" ] || ip route replace default via "$GATEWAY" dev "$interface" || fail "can't set the route over $GATEWAY"
announce "$ADDRESS"
# A guest with a seed was told who it is; one without a seed is told here.
read_value /proc/sys/kernel/hostname
if [ "$value" != "$NAME" ]; then
  if ! { echo "$NAME" > /etc/hostname && echo "$NAME" > /proc/sys/kernel/hostname; }; then
    fail "can't set the guest's name"
  fi
  changed=yes
fi
[ $changed = yes ] || already
