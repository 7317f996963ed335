# keep_claim.sh: takes the claim of a controller on this host, or renews it; one of another controller is left alone.
# CLAIM: its file. OWNER, WHO: the controller. TTL: how long it lasts, in seconds. OPEN: empty where one that has run out
# is not taken from another controller either. Says whose it is then.
mkdir -p "${CLAIM%/*}" || fail "can't make ${CLAIM%/*}"
exec 9> "$CLAIM.lock" || fail "can't write $CLAIM.lock"
flock -w 5 9 || fail "another controller is asking for this host"
read_claim
if [ -z "$OPEN$owner" ] && [ -n "$last" ] && [ "$last" != "$OWNER" ]; then owner=$last expires=$now; fi
if [ -z "$owner" ]; then since=$now; fi
if [ -z "$owner" ] || [ "$owner" = "$OWNER" ]; then
  owner=$OWNER expires=$((now + TTL)) who=$WHO
  printf '%s\n' "$owner $expires $since $who" > "$CLAIM.new" && mv "$CLAIM.new" "$CLAIM" || fail "can't write $CLAIM"
fi
echo reconcile-answer
say_claim
echo end
