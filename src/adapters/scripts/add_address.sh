# add_address.sh: adds an address beside the present one.
# MAC ADDRESS PREFIX; FALLBACK: after so many seconds without a word the address goes again; empty: it stays.
interface_of "$MAC"
ours=$interface

# First the way back, then the step. A later try makes the way back of an earlier one void: the file has another word.
if [ -n "$FALLBACK" ]; then
  mkdir -p "$RUN"
  pending=$RUN/moving-$ADDRESS
  read -r word < /proc/sys/kernel/random/uuid
  echo "$word" > "$pending"
  # shellcheck disable=SC2016  # for the inner shell
  setsid sh -c 'sleep "$0"
    read -r word < "$1" && [ "$word" = "$2" ] && ip addr del "$3" dev "$4" && rm -f "$1"' \
    "$FALLBACK" "$pending" "$word" "$ADDRESS/$PREFIX" "$ours" </dev/null >/dev/null 2>&1 &
fi

if holds "$ADDRESS"; then
  announce "$ADDRESS"
  already
fi
interface=$ours
keep_other_addresses
ip addr add "$ADDRESS/$PREFIX" dev "$interface" || fail "can't add $ADDRESS"
announce "$ADDRESS"
