# observe_guest.sh: one look into a guest. Changes nothing.
# DAEMON: the process that we manage; empty: none. Parameters: managed files, each with the digest that it should have.
echo reconcile-answer
detect_init
echo "init $init"
ip -o -4 addr show | encode addresses

# Only those that exist stay parameters; `list` has their numbers and digests.
list=
number=0
count=$(($# / 2))
while [ $number -lt $count ]; do
  path=$1 wanted=$2
  shift 2
  if [ -f "$path" ]; then
    set -- "$@" "$path"
    list="$list $number:$wanted"
  fi
  number=$((number + 1))
done

if [ $# -gt 0 ]; then
  # One process for all digests, and one for all the rest.
  exec 3<<SUMS 4<<STATS
$(sha256sum "$@")
SUMS
$(stat -L -c '%a %s %U:%G %Y %n' "$@")
STATS
  for entry in $list; do
    read -r sum _ <&3
    read -r mode size owner changed name <&4
    [ "$name" = "$1" ] || fail "files changed while they were looked at"
    echo "file ${entry%%:*} ${sum#\\} $mode $owner $changed"
    if [ "${sum#\\}" != "${entry#*:}" ] && [ "$size" -le 65536 ]; then encode content "${entry%%:*}" < "$1"; fi
    shift
  done
fi

if [ -n "$DAEMON" ] && [ -f "$RUN/$DAEMON.started" ]; then
  read_value "$RUN/$DAEMON.pid"
  running=no
  [ -z "$value" ] || ! kill -0 "$value" 2>/dev/null || running=yes
  read_value "$RUN/$DAEMON.started"
  started=$value
  read_value "$RUN/$DAEMON.loaded"
  echo "daemon $running ${started:--} ${value:--}"
fi
echo end
