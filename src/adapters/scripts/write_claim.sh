# write_claim.sh: writes the claim on this host, for who holds its lock.
# Writes that OWNER, who is WHO and works with HOSTS, has it until UPTIME: write_claim OWNER UPTIME WHO HOSTS.
write_claim() {
  printf '%s\n' "$1 $2 $since $boot $3" "$4" > "$CLAIM.new" && mv "$CLAIM.new" "$CLAIM" || fail "can't write $CLAIM"
}
