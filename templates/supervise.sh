{{!--
  supervise.sh: /etc/reconcile/GROUP.supervise, a loop that keeps the process running, for guests that have no init
  that could. It stays in the foreground; who starts it puts it into the background in a session of its own:
      setsid /etc/reconcile/GROUP.supervise < /dev/null > /dev/null 2>&1 &

  To replace it: templates: { supervise.sh: my-supervise.sh }
  Variables: those of every template (README.md beside this file), and
    daemon.name    the group's name
    daemon.script  the script that becomes the process (run.sh)

  A second one ends at once. TERM ends the process and then the loop. The log is set aside once when it is over 1 MiB
  at a start: it never fills the disk.
--}}
#!/bin/sh
# Written by reconcile for {{instance}} of {{cluster}}. What is changed here is overwritten.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
name={{sh daemon.name}}
script={{sh daemon.script}}
mine=/run/reconcile/$name.supervisor
log=/var/log/$name.log
mkdir -p /run/reconcile /var/log

# Another process may have got the number since: only one that runs this very script counts.
other=$(cat "$mine" 2>/dev/null)
if [ -n "$other" ] && [ "$other" != $$ ] && grep -q "$name.supervise" "/proc/$other/cmdline" 2>/dev/null; then
  exit 0
fi
echo $$ > "$mine"

child=
stop() {
  trap '' TERM INT
  [ -z "$child" ] || kill "$child" 2>/dev/null
  [ -z "$child" ] || wait "$child"
  rm -f "$mine"
  exit 0
}
trap stop TERM INT
# Caught, not ignored: what is ignored here would be ignored by the process too.
trap : HUP

while :; do
  [ "$(wc -c < "$log" 2>/dev/null || echo 0)" -le 1048576 ] || mv -f "$log" "$log.old"
  # In a group of its own, as under an init.
  setsid "$script" < /dev/null >> "$log" 2>&1 &
  child=$!
  # A signal ends `wait` early: the process is still there then.
  while kill -0 "$child" 2>/dev/null; do wait "$child"; done
  child=
  sleep 1
done
