# add_vip.sh: adds a VIP and tells the network.
# VIP PREFIX; HOLDER: the guest's own address, on the interface that the VIP goes to.
if holds "$VIP"; then
  announce "$VIP"
  already
fi
holds "$HOLDER" || moved "the guest has not the address $HOLDER"
keep_other_addresses
ip addr add "$VIP/$PREFIX" dev "$interface" label "$interface:vip" || fail "can't add $VIP"
announce "$VIP"
