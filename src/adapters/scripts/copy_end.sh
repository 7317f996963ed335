# copy_end.sh: after a transfer: what has the right digest is put in place, anything else goes.
# FILE SHA256
part=$FILE.part
exec 9>>"$part" || fail "can't write $part"
flock -w 30 9 || fail "another transfer of $FILE is under way"
read -r sum _ <<SUM
$(sha256sum < "$part")
SUM
echo reconcile-answer
if [ "$sum" = "$SHA256" ]; then
  sync "$part"
  chmod 644 "$part"
  # The digest is gone before the file changes: no moment in which it tells of the other one.
  rm -f "$FILE.sha256"
  mv "$part" "$FILE" || fail "can't put $FILE in place"
  printf '%s\n' "$SHA256" > "$FILE.sha256.new" && mv "$FILE.sha256.new" "$FILE.sha256" || fail "can't write $FILE.sha256"
  echo 'copied yes'
else
  rm -f "$part"
  echo 'copied no'
fi
echo end
