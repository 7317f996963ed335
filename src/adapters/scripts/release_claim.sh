# release_claim.sh: gives up the claim of a controller on this host; one of another controller is left alone. Whose it was
# is not forgotten: others ask what was done since they were here.
# CLAIM: its file. OWNER: the controller. HOSTS: where it leaves guests.
[ -f "$CLAIM" ] || already
exec 9> "$CLAIM.lock" || fail "can't write $CLAIM.lock"
flock -w 5 9 || fail "another controller is asking for this host"
read_claim
{ [ "$last" = "$OWNER" ] && [ "$expires" != 0 ]; } || already
write_claim "$last" 0 "$who" "$HOSTS"
