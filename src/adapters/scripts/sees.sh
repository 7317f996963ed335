# sees.sh: whether this machine sees another one on the network.
sees() { # ADDRESS
  if command -v ping >/dev/null 2>&1; then
    ping -c 1 -W 1 "$1" >/dev/null 2>&1
  else
    ssh-keyscan -T 1 "$1" 2>/dev/null | grep -q .
  fi
}
