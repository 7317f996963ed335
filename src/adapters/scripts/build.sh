# build.sh: creates a guest, or makes it anew. All the time of a recreation the domain stays defined: its mark, and
# with it its address, survives a crash in the middle. Whatever was half done is overwritten by the next try.
# DOMAIN UUID GENERATION REPLACES MARK XML DISK BASE SIZE FORMER SEED SEED64; empty: none.
# FORMER: whether a disk that is there is replaced, used, or put aside; or that it is not ours, nor the definition of the domain.
lock "$DOMAIN"
lock_storage -s
look
case $found in
  # Nothing there. What was to be replaced is gone: its place is free.
  '') [ "$FORMER" != not-ours ] || moved "$DOMAIN is gone, and it was not made by us" ;;
  "$GENERATION")
    ! active || already
    vsh start "$UUID" >/dev/null || fail "$DOMAIN is defined and does not start"
    exit 0
    ;;
  "$REPLACES") end_domain ;;
  *) moved "$DOMAIN is in another life ($found) than the plan saw (${REPLACES:-none}): somebody else rebuilt it" ;;
esac

if [ "$FORMER" = not-ours ]; then
  vsh metadata "$UUID" urn:reconcile:mark:1 --config --key reconcile --set "$MARK" >/dev/null ||
    fail "libvirt does not take the mark of $DOMAIN"
  [ "$(generation)" = "$GENERATION" ] || fail "$DOMAIN has not the mark that it should have"
  vsh start "$UUID" >/dev/null || fail "$DOMAIN does not start"
  active || fail "$DOMAIN ended right after its start"
  exit 0
fi

# A disk that somebody else wrote over the image would be read wrongly, so its format is looked at, not guessed.
[ -f "$BASE" ] || fail "the base image $BASE is not on this host"
case $(head -c 4 "$BASE" | od -An -tx1) in
  ' 51 46 49 fb') format=qcow2 ;;
  *) format=raw ;;
esac
if [ -n "$SIZE" ]; then
  base_size=$(virtual_size "$BASE")
  [ "$SIZE" -ge "${base_size:-0}" ] ||
    fail "a disk of $SIZE bytes can't hold its image $BASE, which has $base_size bytes"
fi
mkdir -p "${DISK%/*}"
case $FORMER in
  # Also one that was put aside when its guest was removed.
  used) [ -e "$DISK" ] || [ ! -e "$DISK.kept" ] || mv -- "$DISK.kept" "$DISK" || fail "can't take $DISK.kept back" ;;
  aside) put_aside "$DISK" ;;
esac
if [ "$FORMER" = used ] && [ -e "$DISK" ]; then
  present=$(virtual_size "$DISK")
  if [ "${SIZE:-0}" -gt "${present:-0}" ]; then
    qemu-img resize -q "$DISK" "$SIZE" >&2 || fail "can't enlarge the disk $DISK"
  fi
else
  rm -f "$DISK"
  # shellcheck disable=SC2086  # SIZE is a number or nothing
  qemu-img create -q -f qcow2 -b "$BASE" -F $format "$DISK" $SIZE >&2 || fail "can't make the disk $DISK"
fi
if [ -n "$SEED" ]; then
  mkdir -p "${SEED%/*}"
  rm -f "$SEED"
  (umask 077 && printf '%s' "$SEED64" | base64 -d > "$SEED") || fail "can't write the seed $SEED"
fi

printf '%s' "$XML" | vsh define /dev/stdin >/dev/null || fail "libvirt refuses the definition of $DOMAIN"
[ "$(generation)" = "$GENERATION" ] || fail "the definition of $DOMAIN has not the mark that it should have"
vsh start "$UUID" >/dev/null || fail "$DOMAIN does not start"
active || fail "$DOMAIN ended right after its start"
