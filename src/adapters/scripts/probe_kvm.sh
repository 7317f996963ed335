# probe_kvm.sh: whether KVM really works. That /dev/kvm exists and libvirt lists it proves nothing: on some machines a
# guest hangs at once, or is emulated one instruction at a time. So a virtual processor must show that it runs, and
# runs fast: kvm_probe.S, its source, takes a tenth of a second on a working KVM, and a minute on one that only seems
# to be there. Asked once per boot of the host.

# The program, at the end of an otherwise empty 64 KiB BIOS image, where a processor starts.
kvm_probe_bios() {
  head -c 65280 /dev/zero
  base64 -d <<BIOS
+i5mDwEWoP8PIMAMAQ8iwGbqGP8PAAgAuBAAAACO2I7QxwUAEAAAAyAAAMcFACAAAAMwAADHBQAw
AACDAAAAuAAQAAAPIti4IAAAAA8i4LmAAADADzKAzAEPMA8gwA0AAACADyLA6m3/DwAYALkA4fUF
/8l1/LAQ5vT06/2NdAAAAAAAAAAAAP//AAAAm88A//8AAACTzwD//wAAAJuvAB8AgP8PAAAAAAAA
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAAAAAAAAAAAAA6Q3/AAAAAAAAAAAAAAAAAA==
BIOS
}

# Three seconds are ten times what emulation takes, on a busy machine.
try_kvm() {
  [ -c /dev/kvm ] || return 1
  for qemu in "qemu-system-$(uname -m)" /usr/libexec/qemu-kvm; do command -v "$qemu" >/dev/null && break; done
  command -v "$qemu" >/dev/null || return 1
  bios=$(mktemp) || return 1
  kvm_probe_bios > "$bios"
  timeout -s KILL 3 "$qemu" -accel kvm -machine pc -nodefaults -no-user-config -display none -m 16 -bios "$bios" \
    -device isa-debug-exit,iobase=0xf4,iosize=0x01 -no-reboot >/dev/null 2>&1
  status=$?
  rm -f "$bios"
  [ $status -eq 33 ] # what QEMU makes of 0x10
}

# yes, no, or unknown where the program is not made for the processor.
kvm_works() {
  [ "$(uname -m)" = x86_64 ] || { echo unknown; return; }
  mkdir -p "$locks"
  read -r boot < /proc/sys/kernel/random/boot_id
  (
    exec 9>"$locks/kvm.lock"
    flock -w 10 9
    known='' verdict=no
    read -r known verdict 2>/dev/null < "$locks/kvm"
    if [ "$known" != "$boot" ]; then
      verdict=no
      try_kvm && verdict=yes
      echo "$boot $verdict" > "$locks/kvm"
    fi
    echo "$verdict"
  )
}
