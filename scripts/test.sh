#!/usr/bin/env bash
# Sets up what is missing and passes every test: ./scripts/test.sh
source "$(dirname "$0")/setup.sh"
cd "$root"
setup_rust
setup_page
setup_tests
"$root/scripts/weights.sh"

if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then
  say "Format and lints, native and wasm (some minutes the first time)"
  cargo fmt --all --check
  cargo clippy -q --release --workspace --all-targets -- -D warnings
  if [ ${#wasm_environment[@]} -eq 0 ]; then
    target=(--release --target wasm32-unknown-unknown)
    cargo clippy -q "${target[@]}" --lib --bins -- -D warnings
    cargo clippy -q "${target[@]}" --no-default-features --bin app -- -D warnings
    cargo clippy -q "${target[@]}" -p violet-kernel-cpu --features violet-kernel-cpu/relaxed -- -D warnings
  fi
else
  say "No rustfmt or clippy here: lints are skipped"
fi

say "Checkpoints as PyTorch and safetensors save them"
export VIOLET_CHECKPOINTS=$cache/checkpoints
python=$(for p in python3 /usr/bin/python3; do "$p" -c 'import torchvision' 2>/dev/null && echo "$p" && break; done || true)
if [ -z "$python" ]; then
  say "No torchvision here: the tests that read its checkpoints are skipped"
else
  [ -f "$VIOLET_CHECKPOINTS/resnet18-random-old-format.pth" ] ||
    "$python" tests/golden/generate.py checkpoint "$VIOLET_CHECKPOINTS"
  if [ ! -f "$VIOLET_CHECKPOINTS/own/expected.json" ]; then
    python3 -m pip install -q --disable-pip-version-check --no-deps --upgrade --target "$cache/python" \
      --only-binary :all: --require-hashes -r tests/golden/requirements.txt &&
      PYTHONPATH=$cache/python "$python" tests/golden/own_checkpoints.py "$VIOLET_CHECKPOINTS/own" ||
      say "No safetensors here: the tests that read its checkpoints are skipped"
  fi
fi

say "Native tests (a minute)"
cargo test --release --workspace

build_page
say "Browser tests (some minutes)"
node --test --test-concurrency=1 tests/browser/*.test.mjs
