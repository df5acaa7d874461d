#!/usr/bin/env bash
# Builds Violet and serves it on this machine: ./scripts/serve.sh [PORT] [--watch]
# Sets up whatever is missing first. Without a port, a free one is taken. With --watch, sources that change are
# built again, and the page reloads by itself.
#
# The first time, the page opens as soon as it can explain a photo. What GPUs, faster processors and people's own networks
# need is built while it is looked at.
source "$(dirname "$0")/setup.sh"
cd "$root"
setup_rust
need_python
first=() then=()
[ -f "$CARGO_TARGET_DIR/bindgen/reader.js" ] || { first=(--only app,worker --alone) then=(--finish); }
# Both at once: weights take one core, and at its end so does the compiler.
"$root/scripts/weights.sh" &
weights=$!
compile_page "${first[@]}" || die "The page could not be compiled."
wait "$weights"
build_page "${first[@]}"
say "Ready"
exec env "${wasm_environment[@]}" python3 "$root/scripts/serve.py" "$@" "${then[@]}"
