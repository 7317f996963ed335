# common.sh: what every script begins with. Scripts are POSIX sh; they say how they ended by their exit status:
# 0 it was changed, 10 it was so already, 11 the world is not as the plan saw it, anything else: failed.
# What failed stands on standard error, for people.

# Messages of tools are read by programs here, and sbin is not in everybody's PATH.
LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export LC_ALL PATH
umask 022
newline='
'

already() { exit 10; }
moved() { printf '%s\n' "$1" >&2; exit 11; }
fail() { printf '%s\n' "$1" >&2; exit 1; }

# The moment between two looks at a condition.
nap() { sleep 0.05 2>/dev/null || usleep 50000 2>/dev/null || sleep 1; }

# line_of TEXT LINE: whether LINE is one of the lines of TEXT.
line_of() { case "$newline$1$newline" in *"$newline$2$newline"*) ;; *) return 1 ;; esac; }

# An answer is lines of words, from `reconcile-answer` to `end`. Whatever is not ours to word is encoded.
# encode KEY WORD...: standard input as the body of a record: lines up to a single dot.
if command -v base64 >/dev/null 2>&1; then
  encode() { printf '%s ' "$@"; echo '<base64'; base64; echo .; }
else
  encode() { printf '%s ' "$@"; echo '<hex'; od -An -v -tx1; echo .; }
fi
