# adopt.sh: writes our mark into the stored definition of a domain that has none, and into that of its run.
# DOMAIN UUID GENERATION MARK
lock "$DOMAIN"
names=$(list_domains --all --name) || exit 1
line_of "$names" "$DOMAIN" || moved "$DOMAIN is gone"
[ "$(vsh domuuid "$DOMAIN")" = "$UUID" ] || moved "$DOMAIN is another domain by now"
if vsh metadata "$UUID" urn:reconcile:mark:1 >/dev/null 2>&1; then
  found=$(generation)
  [ "$found" = "$GENERATION" ] || moved "$DOMAIN has a mark already ($found)"
  already
fi
active || moved "$DOMAIN does not run any more"
vsh metadata "$UUID" urn:reconcile:mark:1 --config --live --key reconcile --set "$MARK" >/dev/null ||
  fail "libvirt does not take the mark of $DOMAIN"
[ "$(generation)" = "$GENERATION" ] || fail "libvirt did not keep the mark of $DOMAIN"
