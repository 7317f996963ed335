# copy_data.sh: takes a transfer's data. Not sent like the other scripts, but the whole of a fixed command: standard
# input has two lines, the path of the partial file and where the data begins in it, and then the data.
IFS= read -r part && IFS= read -r offset || exit 1
exec 9>>"$part" || exit 1
flock -w 30 9 || { echo "another transfer of $part is under way" >&2; exit 1; }
[ "$(stat -c %s "$part")" = "$offset" ] || { echo "another transfer wrote to $part" >&2; exit 11; }
exec cat >>"$part"
