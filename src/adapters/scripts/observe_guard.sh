# observe_guard.sh: whether the guard of this host runs, and for how many seconds it still has its lease. Changes nothing.
# DIR: where it lives.
echo reconcile-answer
if lives; then
  uptime_now
  expires=
  [ ! -f "$DIR/lease" ] || read -r expires < "$DIR/lease"
  case "$expires" in '' | *[!0-9]* | ?????????????*) expires=0 ;; esac
  left=$((expires - now))
  [ $left -gt 0 ] || left=0
  echo "guard $left"
fi
echo end
