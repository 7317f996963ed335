# image.sh: `lab image`: the guests' images, built once for all labs of this checkout. Sourced by `lab`.
# The builds themselves are guest/build and guest-debian/build; here is only when they run, and that nothing half-built
# is ever used.

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
image_inputs_touched() { # SOURCE STAMP
  [ ! -s "$2" ] || [ -n "$(find "$here/$1" /var/lib/apt/lists "$images/bootstrap_ed25519.pub" \
    -newer "$2" -print -quit)" ]
}

image_inputs() { # SOURCE [VARIANT]
  "$here/$1/build" --inputs "${@:2}"
  cat "$images/bootstrap_ed25519.pub"
}

cmd_image() {
  case "$#:${1:-micro}" in
    0:micro | 1:micro) ensure_image guest "$images" micro.qcow2 ;;
    1:debian) ensure_image guest-debian "$images/debian" debian.qcow2 systemd ;;
    1:debian-openrc) ensure_image guest-debian "$images/debian-openrc" debian.qcow2 openrc ;;
    *) die "usage: $self image [micro|debian|debian-openrc]" ;;
  esac
}

# An image, built once by SOURCE/build, which may make more than one (VARIANT). `built-from` says what of; it is there
# only while the files beside it belong together.
ensure_image() ( # SOURCE DIRECTORY NAME [VARIANT]
  stamp=$2/built-from
  require_packages
  mkdir -p "$2"
  exec 8>"$images/.lock"
  flock -w 600 8 || die "another build of the image takes too long"
  ensure_key
  image_inputs_touched "$1" "$stamp" || exit 0
  # Before the build: a file that is edited meanwhile is newer than the stamp and is seen the next time.
  touch "$2/.began"
  inputs=$(image_inputs "$1" "${@:4}") ||
    die "can't tell what the image is made of" "is rustc there? Set RUSTC to its path"
  if [ -s "$stamp" ] && [ "$inputs" = "$(cat "$stamp")" ]; then
    touch -r "$2/.began" "$stamp"
    exit 0
  fi
  say "building the guest image"
  rm -rf --one-file-system "$2"/work.* # what a killed build left
  "$here/$1/build" "$2" "$images/bootstrap_ed25519.pub" "$stamp" "${@:4}"
  printf '%s\n' "$inputs" > "$stamp.new"
  touch -r "$2/.began" "$stamp.new"
  mv "$stamp.new" "$stamp"
  say "built $2/$3"
)
