# uptime.sh: the uptime of this machine, in whole seconds: no clock that is set can move it.
uptime_now() { read -r now _ < /proc/uptime; now=${now%%.*}; }
