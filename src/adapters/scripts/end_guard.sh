# end_guard.sh: ends the guard: without its lease it goes by itself, and stops nothing.
# DIR, UNIT: where it lives.
[ -d "$DIR" ] || already
exec 9> "$DIR/lock"
flock -w 5 9 || fail "another action is at work on the guard"
rm -f "$DIR/lease"
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then systemctl stop "$UNIT.service" 2>/dev/null; fi
if lives; then kill "$pid" 2>/dev/null; fi
rm -rf "$DIR"
