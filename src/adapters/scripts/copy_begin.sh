# copy_begin.sh: before a transfer: says how much of the file is there already.
# FILE SHA256 FRESH: yes drops what a broken transfer left.
part=$FILE.part
digest() { read -r sum _ <<SUM
$(sha256sum < "$1")
SUM
}
remember() { printf '%s\n' "$SHA256" > "$FILE.sha256.new" && mv "$FILE.sha256.new" "$FILE.sha256"; }

mkdir -p "${FILE%/*}" || fail "can't make the directory of $FILE"
# Whoever waited here for another transfer finds the file in place behind it.
exec 9>>"$part" || fail "can't write $part"
flock -w 60 9 || fail "another transfer of $FILE is under way"

if [ -f "$FILE" ]; then
  known=
  [ ! -f "$FILE.sha256" ] || read -r known _ < "$FILE.sha256"
  if [ "$known" = "$SHA256" ] && [ ! "$FILE" -nt "$FILE.sha256" ]; then
    rm -f "$part"
    already
  fi
  # Somebody else's copy of the same file is as good as ours.
  digest "$FILE"
  if [ "$sum" = "$SHA256" ]; then
    remember || fail "can't write $FILE.sha256"
    rm -f "$part"
    exit 0
  fi
fi
[ "$FRESH" = no ] || : > "$part"
echo reconcile-answer
echo "part $(stat -L -c %s /proc/self/fd/9)"
echo end
