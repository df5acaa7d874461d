#!/usr/bin/env bash
# Format and lints, native and for the browser: ./scripts/lint.sh
source "$(dirname "$0")/setup.sh"
cd "$root"
setup_rust
say "Format and lints"
cargo fmt --all --check
cargo clippy -q --release --workspace --all-targets -- -D warnings
# A workspace of its own, which nothing else compiles; without the fuzzer itself, which is C++.
cargo clippy -q --release --manifest-path fuzz/Cargo.toml --locked --no-default-features --features engine -- -D warnings
if [ ${#wasm_environment[@]} -eq 0 ]; then
  target=(--release --target wasm32-unknown-unknown)
  cargo clippy -q "${target[@]}" --lib --bins -- -D warnings
  cargo clippy -q "${target[@]}" --no-default-features --features page --bin app -- -D warnings
  for part in reader engine; do
    cargo clippy -q "${target[@]}" --no-default-features --features "$part" --lib -- -D warnings
  done
  cargo clippy -q "${target[@]}" -p violet-kernel-cpu --features violet-kernel-cpu/relaxed -- -D warnings
fi
