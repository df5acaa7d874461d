#!/usr/bin/env bash
# Sets up what is missing and passes every test: ./scripts/test.sh
#
# What needs no browser is built and run beside the browser's tests, and only takes what these leave of the
# machine. A test that cannot run here (no browser, no PyTorch …) says “skipped”, and how many did is said at the end.
# VIOLET_REQUIRE=all, as in continuous integration, lets them fail instead, and adds what only changes to Violet
# need: lints, training, a build by Trunk to compare with, and the GPU's native tests, which take long to compile; in a
# browser the GPU is always tested.
source "$(dirname "$0")/setup.sh"
cd "$root"
everything=$([ "${VIOLET_REQUIRE:-}" = all ] && echo yes || true)
skipped=$(mktemp) output=$(mktemp)
native=
trap '[ -z "$native" ] || kill -- "-$native" 2>/dev/null; rm -f "$skipped" "$output"' EXIT
export VIOLET_SKIPPED=$skipped
# Together, so that what they share is built once.
packages=(-p violet -p violet-graph -p violet-import -p violet-labels -p violet-weights -p violet-kernel-cpu)
features=(--no-default-features --features engine,page,reader)
[ -z "$everything" ] || { packages+=(-p train-shapes) features=(); }

# Whether what is in a folder is not what that script writes now; and that it is.
stale() { [ "$(cat "$2/made-by" 2>/dev/null)" != "$(sha256sum < "$1")" ]; }
made() { sha256sum < "$1" > "$2/made-by"; }

# Files that PyTorch and safetensors write, for those who read them.
checkpoints() {
  local python
  python=$(for p in python3 /usr/bin/python3; do "$p" -c 'import torchvision' 2>/dev/null && echo "$p" && break; done || true)
  if [ -z "$python" ]; then
    say "No torchvision here: the tests that read its checkpoints are skipped"
    return
  fi
  if stale tests/golden/generate.py "$VIOLET_CHECKPOINTS"; then
    say "Checkpoints as PyTorch and safetensors save them"
    rm -rf "$VIOLET_CHECKPOINTS/converted"
    "$python" tests/golden/generate.py checkpoint "$VIOLET_CHECKPOINTS" && made tests/golden/generate.py "$VIOLET_CHECKPOINTS"
  fi
  local script folder
  for script in own_checkpoints layouts; do
    folder=$VIOLET_CHECKPOINTS/$script
    stale "tests/golden/$script.py" "$folder" || continue
    rm -rf "$folder"
    python3 -m pip install -q --disable-pip-version-check --no-deps --upgrade --target "$cache/python" \
      --only-binary :all: --require-hashes -r tests/golden/requirements.txt &&
      PYTHONPATH=$cache/python "$python" "tests/golden/$script.py" "$folder" && made "tests/golden/$script.py" "$folder" ||
      say "No safetensors and timm here: the tests that read their checkpoints are skipped"
  done
  # The page's tests want it as the page reads it.
  [ -f "$VIOLET_CHECKPOINTS/converted/manifest.json" ] ||
    cargo run -q --release --no-default-features --features weights --bin violet -- convert --unpublished \
      --model resnet18 --out "$VIOLET_CHECKPOINTS/converted" "$VIOLET_CHECKPOINTS/resnet18-random.pth"
}

# What needs no browser.
native() {
  [ -z "$everything" ] || "$root/scripts/lint.sh" || return
  say "Native tests"
  cargo test --release "${packages[@]}" "${features[@]}" && say "Native tests passed"
}

setup_rust
setup_tests
if [ "$everything" ]; then need_python && python3 scripts/keep_times.py; fi
# What a software GPU has compiled, of Mesa's.
export MESA_SHADER_CACHE_DIR=$cache/mesa && mkdir -p "$MESA_SHADER_CACHE_DIR"
export VIOLET_CHECKPOINTS=$cache/checkpoints
# Both at once: the page is compiled for another machine.
(export VIOLET_CONVERTER="${packages[*]} ${features[*]}"; "$root/scripts/weights.sh" && checkpoints) &
weights=$!
compile_page || die "The page could not be compiled."
wait "$weights" || die "There are no weights to test with."

say "Native tests begin, beside what follows"
set -m # A group of its own, to be ended with.
(renice -n 19 $BASHPID >/dev/null; native) >"$output" 2>&1 &
native=$!
set +m
build_page
if [ "$everything" ]; then
  setup_trunk
  say "The same page by Trunk"
  (cd "$root" && for_wasm trunk build --release --dist "$cache/trunk-dist")
  export VIOLET_TRUNK_DIST=$cache/trunk-dist
fi
say "Browser tests"
browser=0
node --test --test-concurrency=2 tests/browser/*.test.mjs || browser=$?
say "Browser tests ended; what the native ones say:"
passed=0
wait "$native" || passed=$?
native=
cat "$output"
[ "$passed" -eq 0 ] || die "Native lints or tests failed."
[ "$browser" -eq 0 ] || die "Browser tests failed."
[ -z "$everything" ] || python3 scripts/keep_times.py --built
say "All passed; $(wc -l < "$skipped") skipped$(sort "$skipped" | uniq -c | sed 's/^ */, /; s/ /× /' | tr -d '\n')"
