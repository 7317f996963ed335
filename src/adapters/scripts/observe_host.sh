# observe_host.sh: one complete look at a host. Changes nothing.
# VOLUMES: directory of our disks. PROBE_KVM: yes|no. PEERS: hosts to look for. CLAIM: file of the claim. Parameters: files to look for.
VIRSH_LIMIT=8

echo reconcile-answer

# Domains: all descriptions from one virsh. What they say is not ours, so a line that nobody can foretell parts them.
read -r nonce < /proc/sys/kernel/random/uuid
describe() { # UUID...
  commands=
  for uuid; do
    commands="$commands echo '$nonce $uuid$newline'; domstate $uuid; dumpxml $uuid;"
  done
  vsh "$commands"
}
describe_all() {
  # An argument holds 128 KiB, a domain takes some 170 bytes of it.
  while [ $# -gt 500 ]; do
    batch=
    n=0
    while [ $n -lt 500 ]; do batch="$batch $1"; shift; n=$((n + 1)); done
    # shellcheck disable=SC2086  # a list of UUIDs
    describe $batch
  done
  describe "$@"
  # Who is still there now and was not described was not seen.
  vsh "echo '$nonce end$newline'; list --all --uuid"
}
if uuids=$(vsh list --all --uuid); then
  # shellcheck disable=SC2086  # a list of UUIDs
  describe_all $uuids 2>/dev/null | encode virsh "$nonce"
else
  echo "broken $?" # why, stands on standard error; 124 is a virsh that had to be ended
fi

# Files: size, and the digest if it was written after the file.
number=0
for file; do
  if [ -f "$file" ]; then
    sha=-
    if [ -f "$file.sha256" ] && [ ! "$file" -nt "$file.sha256" ]; then read -r sha _ < "$file.sha256"; fi
    printf 'file %s %s %s\n' "$number" "$(stat -L -c %s "$file")" "${sha:--}"
  fi
  number=$((number + 1))
done

if [ -d "$VOLUMES" ]; then
  # With what each takes of the file system now, in blocks of 512 bytes.
  find "$VOLUMES" -mindepth 1 -maxdepth 1 -type f -printf '%b %f\0' | encode volumes
  # Disks that outlived their guests, and when each was last written, in seconds since 1970.
  find "$VOLUMES" -mindepth 1 -maxdepth 1 -type f -name '*.kept' -printf '%T@ %f\0' | encode kept
fi

while read -r key value _; do
  if [ "$key" = MemTotal: ]; then echo "memory $value"; break; fi
done < /proc/meminfo
echo "cpus $(nproc)"

# Free space where the disks will be: the directory itself may be still to make.
dir=$VOLUMES
while [ -n "$dir" ] && [ ! -d "$dir" ]; do dir=${dir%/*}; done
echo "free $(stat -f -c '%a %S' "${dir:-/}")"

[ "$PROBE_KVM" = no ] || echo "kvm $(kvm_works)"
if [ -n "$CLAIM" ]; then
  read_claim
  say_claim
fi
# Other hosts that are out of sight: NUMBER=ADDRESS.
for peer in $PEERS; do
  { if sees "${peer#*=}"; then echo "sees ${peer%%=*} yes"; else echo "sees ${peer%%=*} no"; fi; } &
done
wait
echo end
