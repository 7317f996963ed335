# who_answers.sh: who holds these addresses? The kernel asks (ARP) and we read its table of neighbours: no arping needed.
# BRIDGE: where to ask. Parameters: the addresses, asked all at once.
ip link show dev "$BRIDGE" >/dev/null || fail "this host has no interface $BRIDGE"
for address; do
  # What the table says from before is no answer.
  ip neigh del "$address" dev "$BRIDGE" 2>/dev/null
  ip neigh replace "$address" dev "$BRIDGE" use || fail "can't ask for $address on $BRIDGE"
done

# The kernel asks at once and again after a second; the second question is given a moment, too.
waiting() {
  open="$newline$(ip -4 neigh show dev "$BRIDGE" nud incomplete)"
  for address; do
    case $open in *"$newline$address "*) return 0 ;; esac
  done
  return 1
}
tries=0
while [ $tries -lt 24 ] && waiting "$@"; do
  nap
  tries=$((tries + 1))
done

echo reconcile-answer
ip -4 neigh show dev "$BRIDGE" | encode neighbours
echo end
