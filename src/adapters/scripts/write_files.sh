# write_files.sh: files are written beside their place, checked there, and renamed. All of them or none: when one is
# refused, those before it are put back.
changed=no
replaced=

each_replaced() { # FUNCTION
  old_ifs=$IFS
  IFS=$newline
  for path in $replaced; do "$1" "$path"; done
  IFS=$old_ifs
}
beside() { # PATH: sets `temporary` and `backup`
  temporary=${1%/*}/.${1##*/}.reconcile-new
  backup=${1%/*}/.${1##*/}.reconcile-old
}
put_back() { beside "$1"; if [ -e "$backup" ]; then mv -f "$backup" "$1"; else rm -f "$1"; fi; }
forget_backup() { beside "$1"; rm -f "$backup"; }
refuse() { # PATH WHY
  rm -f "$temporary"
  each_replaced put_back
  fail "$1: $2"
}

put_file() { # PATH DIGEST MODE OWNER VALIDATE CONTENT
  sum=
  [ ! -f "$1" ] || sum=$(sha256sum < "$1")
  if [ "${sum%% *}" = "$2" ]; then
    put_attributes "$1" "$3" "$4"
    return
  fi
  beside "$1"
  mkdir -p "${1%/*}" || refuse "$1" "can't make its directory"
  rm -f "$temporary"
  (umask 077 && printf '%s' "$6" > "$temporary") || refuse "$1" "can't write it"
  chown "$4" "$temporary" && chmod "$3" "$temporary" || refuse "$1" "can't give it to $4 with mode $3"
  if [ -n "$5" ]; then
    said=$(sh -c "$5" sh "$temporary" 2>&1) || refuse "$1" "the new content is not valid, the old stays: $said"
  fi
  rm -f "$backup"
  [ ! -e "$1" ] || ln "$1" "$backup" 2>/dev/null || cp -p "$1" "$backup"
  mv -f "$temporary" "$1" || refuse "$1" "can't put it in place"
  replaced="$replaced$1$newline"
  changed=yes
}

put_attributes() { # PATH MODE OWNER
  case "$(stat -L -c '%a %U:%G' "$1")" in
    "$2 $3" | "$2 $3":*) return 0 ;;
  esac
  chown "$3" "$1" && chmod "$2" "$1" || fail "$1: can't give it to $3 with mode $2"
  changed=yes
}

# Parameters: six for each file, and before them when it is written: always, or under which init.
put_files() {
  while [ $# -ge 7 ]; do
    case $1 in always | "$init") put_file "$2" "$3" "$4" "$5" "$6" "$7" ;; esac
    shift 7
  done
  each_replaced forget_backup
}
