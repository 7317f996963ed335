# configure.sh: a guest's files, then its process.
# INIT: auto, or what the guest's init is said to be. UNIT_SYSTEMD UNIT_OPENRC UNIT_BUSYBOX UNIT_NONE: the file of each
# init for the process. Parameters: the files.
detect_init
[ "$INIT" = auto ] || init=$INIT
case $init in
  systemd) UNIT=$UNIT_SYSTEMD ;;
  openrc) UNIT=$UNIT_OPENRC ;;
  busybox) UNIT=$UNIT_BUSYBOX ;;
  none) UNIT=$UNIT_NONE ;;
esac
put_files "$@"
use_name_servers
[ -z "$DAEMON" ] || ensure_daemon
[ $changed = yes ] || already
