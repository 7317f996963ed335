# survey.sh: a close look at one domain. Changes nothing.
# UUID
xml=$(vsh dumpxml "$UUID") || fail "the domain $UUID is gone, or libvirt does not answer"
echo reconcile-answer
printf '%s\n' "$xml" | encode xml
vsh dominfo "$UUID" | encode info
for source in lease agent arp; do vsh domifaddr "$UUID" --source $source 2>/dev/null; done | encode addresses
ip -4 neigh show | encode neighbours
echo end
