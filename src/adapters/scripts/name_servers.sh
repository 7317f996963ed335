# name_servers.sh: the name servers of a new /etc/network/interfaces count at once, not only when ifup reads it next.
interfaces=/etc/network/interfaces

use_name_servers() {
  line_of "$replaced" $interfaces || return 0
  servers=$(sed -n 's/^[[:space:]]*dns-nameservers[[:space:]]*//p' $interfaces)
  [ -n "$servers" ] || return 0
  # A link is of somebody who makes the file: resolvconf, or systemd-resolved, which brings a command of that name.
  if [ ! -L /etc/resolv.conf ]; then
    say_name_servers > /etc/.resolv.conf.reconcile-new && mv -f /etc/.resolv.conf.reconcile-new /etc/resolv.conf
  elif command -v resolvconf >/dev/null 2>&1; then
    say_name_servers | resolvconf -a "$(sed -n 's/^iface \([^ ]*\) inet static.*/\1/p' $interfaces | head -n 1).inet" >&2
  fi || echo "the guest can't be told its name servers" >&2
}
# shellcheck disable=SC2086  # a list
say_name_servers() { printf 'nameserver %s\n' $servers; }
