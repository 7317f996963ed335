# set_mark.sh: writes a mark into the stored definition of a domain, and into that of its run.
# DOMAIN GENERATION MARK
UUID=$(vsh domuuid "$DOMAIN") || moved "$DOMAIN is gone"
lock "$DOMAIN"
look
[ "$found" = "$GENERATION" ] || moved "$DOMAIN is in another life ($found) than the plan saw ($GENERATION)"
live=
active && live=--live
echo reconcile-answer
vsh metadata "$UUID" urn:reconcile:mark:1 | encode before
# shellcheck disable=SC2086  # an option or nothing
vsh metadata "$UUID" urn:reconcile:mark:1 --config $live --key reconcile --set "$MARK" >/dev/null ||
  fail "libvirt does not take the mark of $DOMAIN"
vsh metadata "$UUID" urn:reconcile:mark:1 | encode after
echo end
