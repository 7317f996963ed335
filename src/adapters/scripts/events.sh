# events.sh: says every change of a domain's life, a line each, until standard input ends: with whoever asked. Not sent
# like the other scripts, but the whole of a fixed command, for standard input stays open.
LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export LC_ALL PATH
exec 3<&0
# To a pipe virsh speaks in blocks of 4 KiB, unless told otherwise.
stdbuf -oL virsh -q -c qemu:///system event --loop --event lifecycle </dev/null 3<&- &
events=$!
{ cat <&3; kill "$events"; } >/dev/null 2>&1 &
exec 3<&-
wait "$events"
