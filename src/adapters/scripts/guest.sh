# guest.sh: what the scripts for guests share. Guests are small and may be emulated, where every process that is
# started costs: what the shell can do by itself, it does by itself.
# RUN: the directory of what we know of this boot.

# Sets `init`: what starts daemons here.
detect_init() {
  init=none
  if [ -d /run/systemd/system ]; then init=systemd
  elif [ -d /run/openrc ] && command -v rc-service >/dev/null 2>&1; then init=openrc
  elif [ -f /etc/inittab ]; then
    case $(readlink /proc/1/exe) in */busybox*) init=busybox ;; esac
  fi
}

# Sets `value` to the first word in a file; to nothing where there is no such file.
read_value() { value='' && { [ ! -f "$1" ] || read -r value _ < "$1" || :; }; }

# Sets `now` to the seconds since the boot.
clock() { read -r now _ < /proc/uptime && now=${now%.*}; }
