#!/usr/bin/env bash
# How long a newcomer waits: both commands of the README from a fresh clone, in an empty HOME with nothing
# cached, phase by phase: ./scripts/time-setup.sh [COMMIT] [serve.sh]
#
# With serve.sh at the end, the tests are left out.
# Only the toolchain of rustup and what Debian has installed already are taken as they are.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$home"' EXIT
git clone -q "$root" "$home/violet"
tests=yes
[ "${*: -1}" != serve.sh ] || { tests=; set -- "${@:1:$#-1}"; }
[ $# -eq 0 ] || git -C "$home/violet" checkout -q "$1"
rustup=${RUSTUP_HOME:-$HOME/.rustup} cargo=${CARGO_HOME:-$HOME/.cargo}/bin
empty=(env -u CARGO_TARGET_DIR HOME="$home" CARGO_HOME="$home/.cargo" RUSTUP_HOME="$rustup"
  XDG_CACHE_HOME="$home/.cache" PATH="$cargo:$PATH")

# Prints each phase with its seconds, out of the lines that say() writes.
phases() {
  awk -v title="$1" '
    / s  / { n = split($0, part, / s  /); seconds = part[1]; gsub(/[^0-9 ]/, "", seconds); sub(/^.* /, "", seconds)
             if (name != "") printf "| %s | %s | %d s |\n", title, name, seconds - before
             before = seconds; name = part[2] }
    END { if (name != "Ready") printf "| %s | %s | %d s |\n", title, name, total - before
          printf "| **%s** | **all** | **%d s** |\n", title, total }' total="$2" "$3"
}

began=$SECONDS
"${empty[@]}" "$home/violet/scripts/serve.sh" >"$home/address" 2>"$home/serve.log" &
server=$!
# Waits until the server says so.
until_said() {
  until grep -qs "$1" "$home/address"; do
    kill -0 "$server" 2>/dev/null || { cat "$home/serve.log" >&2; exit 1; }
    sleep 0.2
  done
}
until_said "Violet is at"
serving=$((SECONDS - began))
# Commits before this one opened the page when all of it was there.
! grep -q -e --finish "$home/violet/scripts/serve.sh" || until_said "Everything is built"
whole=$((SECONDS - began))
kill "$server"; server=
began=$SECONDS
[ -z "$tests" ] || "${empty[@]}" "$home/violet/scripts/test.sh" >"$home/test.out" 2>"$home/test.log" ||
  { grep -h -A 12 "^not ok" "$home/test.out" >&2; tail -n 20 "$home/test.log" >&2; exit 1; }
testing=$((SECONDS - began))
echo "| command | phase | time |"
echo "|---|---|---:|"
phases serve.sh "$serving" "$home/serve.log"
echo "| serve.sh | until everything is built, from the beginning | $whole s |"
[ -z "$tests" ] || phases test.sh "$testing" "$home/test.log"
