# copy_begin.sh: before a transfer: says how much of the file is there already.
# FILE SHA256 FRESH: yes drops what a broken transfer left.
part=$FILE.part
mkdir -p "${FILE%/*}" || fail "can't make the directory of $FILE"
read -r known _ 2>/dev/null < "$FILE.sha256"
if [ -f "$FILE" ]; then
  if [ "${known:-}" = "$SHA256" ] && [ ! "$FILE" -nt "$FILE.sha256" ]; then already; fi
  # Somebody else's copy of the same file is as good as ours.
  read -r known _ <<SUM
$(sha256sum < "$FILE")
SUM
  if [ "$known" = "$SHA256" ]; then
    printf '%s\n' "$SHA256" > "$FILE.sha256.new" && mv "$FILE.sha256.new" "$FILE.sha256" || fail "can't write $FILE.sha256"
    exit 0
  fi
fi
exec 9>>"$part" || fail "can't write $part"
flock -w 30 9 || fail "another transfer of $FILE is under way"
[ "$FRESH" = no ] || : > "$part"
echo reconcile-answer
echo "part $(stat -c %s "$part")"
echo end
