# keep_claim.sh: takes the claim of a controller on this host, or renews it; one of another controller is left alone.
# CLAIM: its file. OWNER, WHO, HOSTS: the controller, and the hosts that it works with. TTL: how long it lasts, in seconds. OPEN: empty where one that has run out
# is not taken from another controller either, unless that gave it up. Says whose it is then.
mkdir -p "${CLAIM%/*}" || fail "can't make ${CLAIM%/*}"
exec 9> "$CLAIM.lock" || fail "can't write $CLAIM.lock"
flock -w 5 9 || fail "another controller is asking for this host"
read_claim
others=
[ "${owner:-$OWNER}" = "$OWNER" ] || others=yes
[ -n "$OPEN" ] || [ "${last:-$OWNER}" = "$OWNER" ] || [ "$expires" = 0 ] || others=yes
if [ -z "$others" ]; then
  [ -n "$owner" ] || since=$now
  owner=$OWNER expires=$((now + TTL)) who=$WHO named=$HOSTS
  write_claim "$owner" "$expires" "$who" "$named"
fi
echo reconcile-answer
say_claim
echo end
