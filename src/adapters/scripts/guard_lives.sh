# guard_lives.sh: whether the guard that is written down in DIR runs; sets pid.
lives() {
  pid=$(cat "$DIR/pid" 2>/dev/null)
  [ -n "$pid" ] && tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qF "$DIR/guard"
}
