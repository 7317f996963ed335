# sweep.sh: removes disks that belong to no guest.
# DOMAINS: the names, one a line, that must not exist for that. Parameters: the files.
lock_storage -x
names=$(list_domains --all --name) || exit 1
for domain in $DOMAINS; do
  ! line_of "$names" "$domain" || moved "$domain exists again: its disks stay"
done
gone=yes
for file; do
  [ -e "$file" ] || continue
  gone=no
  rm -f -- "$file" || fail "can't remove $file"
done
[ $gone = no ] || already
