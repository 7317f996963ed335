# image.sh: `lab image`: the micro guest, built once for all labs of this checkout. Sourced by `lab`.
# The build itself is guest/build; here is only when it runs, and that nothing half-built is ever used.

# What the image was made of. It is there only while the three files beside it belong together.
stamp=$images/built-from

# One key pair opens hosts and guests. It is kept beside the image because its public half is inside.
ensure_key() {
  local key=$images/bootstrap_ed25519
  [ ! -s "$key" ] || [ ! -s "$key.pub" ] || return 0
  rm -f "$key" "$key.pub" "$key.new" "$key.new.pub"
  ssh-keygen -q -t ed25519 -N '' -C reconcile-lab -f "$key.new"
  mv "$key.new" "$key"
  mv "$key.new.pub" "$key.pub"
}

# Asking apt and rustc takes a second, so they are asked only after something could have changed.
image_inputs_touched() {
  [ ! -s "$stamp" ] || [ -n "$(find "$here/guest" /var/lib/apt/lists "$images/bootstrap_ed25519.pub" \
    -newer "$stamp" -print -quit)" ]
}

image_inputs() {
  "$here/guest/build" --inputs
  cat "$images/bootstrap_ed25519.pub"
}

cmd_image() {
  [ $# -eq 0 ] || die "image takes no arguments"
  require_packages
  mkdir -p "$images"
  (
    exec 8>"$images/.lock"
    flock -w 300 8 || die "another build of the image takes too long"
    ensure_key
    image_inputs_touched || exit 0
    # Before the build: a file that is edited meanwhile is newer than the stamp and is seen the next time.
    touch "$images/.began"
    inputs=$(image_inputs) || die "can't tell what the image is made of" "is rustc there? Set RUSTC to its path"
    if [ -s "$stamp" ] && [ "$inputs" = "$(cat "$stamp")" ]; then
      touch -r "$images/.began" "$stamp"
      exit 0
    fi
    say "building the guest image"
    rm -rf "$images"/work.* # what a killed build left
    "$here/guest/build" "$images" "$images/bootstrap_ed25519.pub" "$stamp"
    printf '%s\n' "$inputs" > "$stamp.new"
    touch -r "$images/.began" "$stamp.new"
    mv "$stamp.new" "$stamp"
    say "built $images/micro.qcow2"
  )
}
