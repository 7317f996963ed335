# daemon.sh: the one process that we run in a guest, under whatever init the guest has. Waiting is for a condition that
# is looked at again and again; the bounds only end what would never come.
# DAEMON REVISION LOADS REPLACES UNIT SCRIPT: its name, what it must have been started with and have loaded, a service
# in its way, its file for this init, its program. The program writes DAEMON.pid, .started and .loaded when it starts.

state=$RUN/$DAEMON
bound=${BOUND:-10} # seconds

running() { read_value "$state.pid"; pid=$value; [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
fresh() { running && [ "$pid" != "$old" ] && read_value "$state.started" && [ "$value" = "$REVISION" ]; }
gone() { ! kill -0 "$1" 2>/dev/null; }
wait_until() { # CONDITION...
  clock
  deadline=$((now + bound))
  until "$@"; do
    clock
    [ "$now" -lt "$deadline" ] || return 1
    nap
  done
}

unit_changed() { [ -n "$UNIT" ] && line_of "$replaced" "$UNIT"; }

# OpenRC that is booting starts what it had in mind when it began, also what was taken from it meanwhile, and does not
# remember what others start. Whatever keeps it from its end, we do not wait for that much longer.
booted() { [ "$init" != openrc ] || [ ! -d /run/openrc/rc.starting ]; }

clear_the_way() {
  [ -n "$REPLACES" ] && [ "$REPLACES" != "${unit%.service}" ] || return 0
  case $init in
    systemd)
      # Stopped also when it does not run yet: a guest that is booting may be just about to start it.
      if systemctl -q is-enabled "$REPLACES" 2>/dev/null; then systemctl -q disable --now "$REPLACES" 2>&1
      elif systemctl -q is-active "$REPLACES"; then systemctl -q stop "$REPLACES"
      fi ;;
    openrc)
      # Where ours runs, it is not asked: Debian's old scripts take any process for theirs whose id is in their file.
      if [ -e "/etc/runlevels/default/$REPLACES" ]; then
        rc-service -q "$REPLACES" stop
        rc-update -q del "$REPLACES" default
      elif ! running && rc-service -q "$REPLACES" status >/dev/null 2>&1; then rc-service -q "$REPLACES" stop
      fi ;;
    busybox | none) ;; # they start nothing that they were not told by name
  esac >&2
}

# Makes init start it at boot.
ensure_enabled() {
  case $init in
    systemd)
      ! unit_changed || systemctl daemon-reload
      systemctl -q is-enabled "$unit" 2>/dev/null || { systemctl -q enable "$unit" && changed=yes; } ;;
    openrc) [ -e "/etc/runlevels/default/$unit" ] || { rc-update -q add "$unit" default && changed=yes; } ;;
    busybox)
      if ! grep -qxF "::respawn:$SCRIPT" /etc/inittab; then
        cp -p /etc/inittab /etc/.inittab.reconcile-new &&
          echo "::respawn:$SCRIPT" >> /etc/.inittab.reconcile-new &&
          mv -f /etc/.inittab.reconcile-new /etc/inittab && changed=yes
      fi
      # Also when the line was there: whoever wrote it may have been killed before he told init.
      running || kill -HUP 1 ;;
    none) ;;
  esac >&2
}

# Whatever keeps the process up starts it again when it ends.
end_process() {
  [ -n "$old" ] || return 0
  kill "$old" 2>/dev/null
  wait_until gone "$old" || kill -KILL "$old" 2>/dev/null
}

end_supervisor() {
  read_value "$state.supervisor"
  [ -z "$value" ] || ! kill "$value" 2>/dev/null || wait_until gone "$value" || kill -KILL "$value" 2>/dev/null
}

start() {
  old=
  ! running || old=$pid
  case $init in
    systemd) systemctl restart "$unit" ;;
    # Not `restart`: at boot that leaves no trace of the service being started.
    openrc) rc-service -q "$unit" stop; rc-service -q "$unit" start ;;
    busybox) end_process ;;
    none)
      ! unit_changed || end_supervisor
      end_process
      # A second one ends by itself at once.
      setsid "$UNIT" </dev/null >/dev/null 2>&1 & ;;
  esac >&2 || fail "$DAEMON does not start under $init"
  wait_until fresh || fail "$DAEMON was started under $init and does not run"
  changed=yes
}

# An old worker of nginx serves on until its requests are answered. Who was told that nothing goes to an instance any
# more must be able to rely on it, so they are waited for.
workers() { cat "/proc/$1/task/$1/children" 2>/dev/null || pgrep -P "$1"; }
all_ended() { for worker; do [ ! -d "/proc/$worker" ] || return 1; done; }
reload() {
  # shellcheck disable=SC2046  # a list of process ids
  case $(tr '\0' ' ' < "/proc/$pid/cmdline") in
    nginx:*) set -- $(workers "$pid") ;;
    *) set -- ;;
  esac
  kill -HUP "$pid" || fail "$DAEMON can't be told to reload"
  wait_until all_ended "$@" || echo "old workers of $DAEMON still answer requests" >&2
  echo "$LOADS" > "$state.loaded"
  changed=yes
}

ensure_daemon() {
  unit=${UNIT##*/}
  mkdir -p "$RUN"
  (bound=$((bound * 4)); wait_until booted)
  clear_the_way
  ensure_enabled
  read_value "$state.started"
  started=$value
  if ! running || [ "$started" != "$REVISION" ] || unit_changed; then start
  else
    read_value "$state.loaded"
    [ "$value" = "$LOADS" ] || reload
  fi
}
