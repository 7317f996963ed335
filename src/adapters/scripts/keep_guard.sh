# keep_guard.sh: arms the guard, where none runs, and renews its lease.
# DIR, UNIT: where the guard lives. GUARD: its program. EXPIRES: uptime at which the lease ends; empty: it is not renewed.
# TTL: what a first lease gets, in seconds. Says the uptime of this host.
mkdir -p "$DIR" && chmod 700 "$DIR" || fail "can't make $DIR"
exec 9> "$DIR/lock"
flock -w 5 9 || fail "another action is at work on the guard"
uptime_now

renew() { # UPTIME
  printf '%s\n' "$1" > "$DIR/lease.new" && mv "$DIR/lease.new" "$DIR/lease" || fail "can't write $DIR/lease"
}

printf '%s\n' "$GUARD" > "$DIR/guard.new"
if ! lives || ! cmp -s "$DIR/guard.new" "$DIR/guard"; then
  # Another guard takes over: the old one ends without stopping anything.
  old=
  if lives; then old=$pid; fi
  mv "$DIR/guard.new" "$DIR/guard"
  [ -f "$DIR/lease" ] || renew $((now + TTL))
  [ -z "$old" ] || kill "$old" 2>/dev/null
  if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
    systemctl stop "$UNIT.service" 2>/dev/null
    systemctl reset-failed "$UNIT.service" 2>/dev/null
    systemd-run --quiet --unit="$UNIT" --property=Restart=on-failure --property=RestartSec=1 \
      /bin/sh "$DIR/guard" 9>&- || fail "can't start the guard"
  else
    setsid /bin/sh "$DIR/guard" </dev/null >/dev/null 2>&1 9>&- &
  fi
  tries=0
  until lives && [ "$pid" != "$old" ]; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || fail "the guard does not start"
    nap
  done
fi
rm -f "$DIR/guard.new"
if [ -n "$EXPIRES" ]; then
  read -r known < "$DIR/lease" || known=0
  [ "${known:-0}" -ge "$EXPIRES" ] || renew "$EXPIRES"
fi
uptime_now
echo reconcile-answer
echo "uptime $now"
echo end
