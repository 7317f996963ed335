# remove.sh: removes a guest and its files.
# DOMAIN UUID GENERATION KEPT LEAVES. Parameters: its files. KEPT: its disk, where that is put aside; or empty.
# LEAVES: nothing; or its-domain, where that was adopted: then only our mark is removed.
lock "$DOMAIN"
look
gone=yes
if [ -n "$found" ]; then
  [ "$found" = "$GENERATION" ] || moved "$DOMAIN is in another life ($found) than the plan saw ($GENERATION)"
  gone=no
  end_domain
  if [ "$LEAVES" = its-domain ]; then
    vsh metadata "$UUID" urn:reconcile:mark:1 --config --key reconcile --remove >/dev/null ||
      fail "libvirt does not remove the mark of $DOMAIN"
    exit 0
  fi
  # Which of its belongings a domain may have, and may be asked to leave behind, depends on libvirt's age.
  vsh undefine "$UUID" --managed-save --snapshots-metadata --checkpoints-metadata --nvram >/dev/null 2>&1 ||
    vsh undefine "$UUID" --managed-save --nvram >/dev/null 2>&1 ||
    vsh undefine "$UUID" >/dev/null || fail "libvirt does not undefine $DOMAIN"
  look
  [ -z "$found" ] || fail "$DOMAIN is still defined"
fi
if [ -n "$KEPT" ] && [ -e "$KEPT" ]; then
  gone=no
  put_aside "$KEPT"
fi
for file; do
  [ -e "$file" ] || continue
  gone=no
  rm -f -- "$file" || fail "can't remove $file"
done
[ $gone = no ] || already
