# claim.sh: who has the claim on this host. CLAIM: the file that says so, one line: OWNER UPTIME-OF-ITS-END
# UPTIME-OF-ITS-BEGINNING BOOT WHO. Uptimes, which no clock that is set can move; with the boot that they are of. A second
# line names the hosts that the owner works with.

# Sets owner, expires, since, who and named; owner is empty where nobody has it any more; last is who had it last. One that was
# given up ends at 0.
read_claim() {
  owner='' expires='' since='' of='' who='' named=''
  if [ -f "$CLAIM" ]; then { read -r owner expires since of who; read -r named; } < "$CLAIM"; fi
  read -r boot < /proc/sys/kernel/random/boot_id
  uptime_now
  # What no controller writes is no claim: nobody shall wait for it for ever.
  case "$owner" in *[!a-z0-9-]*) owner= ;; esac
  case "$expires$since" in '' | *[!0-9]*) owner= ;; esac
  if [ -z "$since" ] || [ ${#owner} -gt 64 ] || [ ${#expires} -gt 12 ] || [ ${#since} -gt 12 ]; then owner=; fi
  last=$owner
  if [ -n "$owner" ] && { [ "$of" != "$boot" ] || [ "$now" -ge "$expires" ] || [ $((expires - now)) -gt 3600 ]; }; then owner=; fi
}

# The claim, as a record: OWNER SECONDS-LEFT SECONDS-HELD, who that is, and its hosts. Nothing is left of one that is over.
say_claim() {
  if [ -n "$owner" ]; then
    printf '%s\n%s' "$who" "$named" | encode claim "$owner" $((expires - now)) $((now - since))
  elif [ -n "$last" ]; then
    printf '%s\n%s' "$who" "$named" | encode claim "$last" 0 0
  fi
}
