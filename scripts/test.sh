#!/usr/bin/env bash
# Sets up what is missing and passes every test: ./scripts/test.sh
#
# A test that cannot run here (no browser, no PyTorch, no software GPU …) says “skipped”, and how many did is
# said at the end. VIOLET_REQUIRE=all, as in continuous integration, lets them fail instead, and adds what only
# changes to Violet need: lints, training, and a build by Trunk to compare with.
source "$(dirname "$0")/setup.sh"
cd "$root"
everything=$([ "${VIOLET_REQUIRE:-}" = all ] && echo yes || true)
skipped=$(mktemp)
trap 'rm -f "$skipped"' EXIT
export VIOLET_SKIPPED=$skipped

setup_rust
setup_tests
"$root/scripts/weights.sh"

if [ "$everything" ]; then "$root/scripts/lint.sh"; fi

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

say "Native tests"
# Together, so that what they share is built once.
packages=(-p violet -p violet-graph -p violet-import -p violet-kernel-cpu)
[ -z "$everything" ] || packages+=(-p train-shapes)
cargo test --release "${packages[@]}"

build_page
if [ "$everything" ]; then
  setup_trunk
  say "The same page by Trunk"
  (cd "$root" && for_wasm trunk build --release --dist "$cache/trunk-dist")
  export VIOLET_TRUNK_DIST=$cache/trunk-dist
fi
say "Browser tests"
node --test --test-concurrency=1 tests/browser/*.test.mjs
say "All passed; natively $(wc -l < "$skipped") skipped$(sort "$skipped" | uniq -c | sed 's/^ */, /; s/ /× /' | tr -d '\n')"
