# guard.sh: stops the guests of a cluster on this host when nobody renews its lease and it is cut off from most of the
# other hosts. Needs nothing but a shell: no libvirtd, which may hang. DIR holds what it knows; where it is gone, it ends.
# Not seeing a majority, itself counted.
alone() {
  others=0
  seen=1
  for peer in $PEERS; do
    others=$((others + 1))
    { if sees "$peer"; then echo .; fi; } >> "$DIR/seen.$$" &
  done
  : >> "$DIR/seen.$$"
  wait
  while read -r _; do seen=$((seen + 1)); done < "$DIR/seen.$$"
  rm -f "$DIR/seen.$$"
  [ $((seen * 2)) -le $((others + 1)) ]
}

# What libvirt wrote down of each domain that runs, with our mark in it, and the process that is it.
stop_all() {
  for status in /run/libvirt/qemu/*.xml; do
    grep -q "urn:reconcile:mark:1" "$status" 2>/dev/null || continue
    grep -q "[[:space:]]cluster=[\"']$CLUSTER[\"']" "$status" || continue
    uuid=$(sed -n 's:.*<uuid>\([0-9a-f-]*\)</uuid>.*:\1:p' "$status" | head -n 1)
    pid=$(cat "${status%.xml}.pid" 2>/dev/null)
    [ -n "$pid" ] && [ -n "$uuid" ] || continue
    if tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "-uuid $uuid "; then kill -KILL "$pid"; fi
  done
}

echo "$$" > "$DIR/pid"
[ -z "$WATCHDOG" ] || exec 7> "$WATCHDOG"
strikes=0
while read -r expires < "$DIR/lease"; do
  [ -z "$WATCHDOG" ] || echo . >&7
  uptime_now
  if [ "$now" -lt "$expires" ] || ! alone; then
    strikes=0
  else
    # A single lost answer is no proof.
    strikes=$((strikes + 1))
    [ $strikes -lt 3 ] || stop_all
  fi
  sleep 1
done 2>/dev/null
[ -z "$WATCHDOG" ] || printf V >&7
