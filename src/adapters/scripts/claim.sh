# claim.sh: who has the claim on this host. CLAIM: the file that says so, one line: OWNER UPTIME-OF-ITS-END
# UPTIME-OF-ITS-BEGINNING WHO. Uptimes, which no clock that is set can move; it is gone after a boot, as they are.
# Sets owner, expires, since and who; owner is empty where nobody has it any more; last is who had it last.
read_claim() {
  owner='' expires='' since='' who=''
  if [ -f "$CLAIM" ]; then read -r owner expires since who < "$CLAIM"; fi
  uptime_now
  # What no controller writes is no claim: nobody shall wait for it for ever.
  case "$owner" in *[!a-z0-9-]*) owner= ;; esac
  case "$expires$since" in '' | *[!0-9]*) owner= ;; esac
  if [ -z "$since" ] || [ ${#owner} -gt 64 ] || [ ${#expires} -gt 12 ] || [ ${#since} -gt 12 ]; then owner=; fi
  last=$owner
  if [ -n "$owner" ] && { [ "$now" -ge "$expires" ] || [ $((expires - now)) -gt 3600 ]; }; then owner=; fi
}

# The claim that is in force, as a record: OWNER SECONDS-LEFT SECONDS-HELD, and who that is.
say_claim() {
  [ -z "$owner" ] || printf '%s' "$who" | encode claim "$owner" $((expires - now)) $((now - since))
}
