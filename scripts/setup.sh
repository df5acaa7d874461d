#!/usr/bin/env bash
# Sets up what building Violet needs and is not there yet. Sourced by the other scripts:
#
#   source scripts/setup.sh; setup_rust; build_page; setup_tests
#
# Everything goes to ${XDG_CACHE_HOME:-$HOME/.cache}/violet, so that a fresh clone reuses it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/violet
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export PATH=$cache/tools/bin:$PATH
mkdir -p "$cache"

# Each step is said when it begins, with the seconds since the first; scripts/time-setup.sh reads them.
began=${VIOLET_BEGAN:-$(date +%s)}; export VIOLET_BEGAN=$began
say() { printf '\033[35m▸\033[0m %4d s  %s\n' "$(($(date +%s) - began))" "$*" >&2; }
die() { printf '\033[31m✗\033[0m %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Debian packages, where this is Debian and we may install them; else says what is missing.
debian() {
  local missing=() package
  for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ] && return
  local sudo=; [ "$(id -u)" -eq 0 ] || sudo=sudo
  has apt-get || { say "needed, and to be installed by hand here: ${missing[*]}"; return 1; }
  say "Installing ${missing[*]}"
  $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# What a build for the page's target is run with: nothing, or Debian's compiler.
wasm_environment=()

# A Rust compiler that knows wasm32-unknown-unknown.
setup_rust() {
  has cargo || debian rustc-web cargo-web || die "Rust is missing. Install it with rustup, then run this again."
  local libdir
  libdir=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null || true)
  [ -n "$libdir" ] && [ -d "$libdir" ] && return
  say "Fetching the wasm32-unknown-unknown target"
  if has rustup && rustup target add wasm32-unknown-unknown; then return; fi
  say "rustup cannot fetch it here: taking Debian's compiler and the standard library's source"
  debian rustc-web cargo-web rust-web-src lld-22 ||
    die "No wasm target. Run 'rustup target add wasm32-unknown-unknown' where that works."
  wasm_environment=(PATH="$cache/tools/bin:/usr/bin:$PATH" RUSTC_BOOTSTRAP=1
    CARGO_UNSTABLE_BUILD_STD=std,panic_abort
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22)
}

# Runs a command that builds for the page's target.
for_wasm() { env "${wasm_environment[@]}" "$@"; }

# The version of wasm-bindgen in the lock file: crate and tool must be the same.
bindgen_version() {
  awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' "$root/Cargo.lock"
}

# Whether a tool is there in that version.
is_version() { [ "$("$1" --version 2>/dev/null | awk '{print $2}')" = "$2" ]; }

need_python() { has python3 || debian python3 || die "Python 3 is missing."; }

# Compiles what build_page puts together.
compile_page() {
  need_python
  say "Compiling the page"
  for_wasm python3 "$root/scripts/build.py" --compile "$@"
}

# Builds dist/. wasm-bindgen's own command line is taken where it is there in the right version; else
# scripts/build.py compiles the library behind it, in half a minute.
build_page() {
  need_python
  if is_version wasm-bindgen "$(bindgen_version)"; then
    VIOLET_BINDGEN=$(command -v wasm-bindgen); export VIOLET_BINDGEN
  fi
  say "Building the page"
  for_wasm python3 "$root/scripts/build.py" "$@" || die "The page could not be built."
}

# A tool from crates.io, of that version. As a binary where cargo-binstall can get one; else its own lock file
# first, and if a crate that it names is not to be had, whatever fits. Tools are built once and run for
# seconds: no need to optimise them.
cargo_tool() {
  local name=$1 binary=$2 version=$3; shift 3
  is_version "$binary" "$version" && return
  if has cargo-binstall && cargo binstall -y --quiet --strategies crate-meta-data,quick-install \
    --root "$cache/tools" "$name@$version"; then return; fi
  say "Building $name $version"
  local install=(env CARGO_TARGET_DIR="$cache/tools-target" CARGO_PROFILE_RELEASE_OPT_LEVEL=1
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
    cargo install -q --root "$cache/tools" "$name" --version "=$version" "$@")
  "${install[@]}" --locked || {
    say "Its lock file names a crate that cannot be had here; taking what fits instead"
    "${install[@]}"
  } || die "$name could not be built."
  rm -rf "$cache/tools-target"
}

# What `trunk build` takes, for releases and for the test that compares both builds.
setup_trunk() {
  cargo_tool wasm-bindgen-cli wasm-bindgen "$(bindgen_version)"
  cargo_tool trunk trunk 0.21.14 --no-default-features --features rustls
}

# What the tests use besides: three browsers and their fonts, PyTorch for the checkpoints, a software GPU.
setup_tests() {
  debian firefox-esr webkit2gtk-driver xvfb xauth || say "Tests of the browsers that are missing will say so."
  debian chromium fonts-dejavu-core fonts-liberation libvulkan1 mesa-vulkan-drivers python3-torch python3-torchvision brotli ||
    say "Tests that need what is missing will say so."
  has node || debian nodejs npm || die "Node.js is missing; the browser tests run on it."
  [ "$root/tests/browser/node_modules" -nt "$root/tests/browser/package-lock.json" ] ||
    (cd "$root/tests/browser" && npm ci --silent --no-audit --no-fund)
}
