# release_claim.sh: gives up the claim of a controller on this host; one of another controller is left alone.
# CLAIM: its file. OWNER: the controller.
[ -f "$CLAIM" ] || already
exec 9> "$CLAIM.lock" || fail "can't write $CLAIM.lock"
flock -w 5 9 || fail "another controller is asking for this host"
read_claim
[ "$last" = "$OWNER" ] || already
rm -f "$CLAIM"
