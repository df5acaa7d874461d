#!/usr/bin/env bash
# The photos of docs/CONVERGENCE.md, from Python packages and the page's samples, checked:
#
#   ./scripts/convergence-photos.sh FOLDER
#
# Others, that the tables have not seen: every picture of 15 kB or more in the packages that are named.
#
#   ./scripts/convergence-photos.sh FOLDER PACKAGE==VERSION…
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:?"usage: $0 FOLDER [PACKAGE==VERSION…]"}
shift
mkdir -p "$folder"
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
packages=("$@")
[ $# -gt 0 ] || packages=(scikit-learn==1.9.1 scikit-image==0.22.0 matplotlib==3.11.2
  gradio==3.50.2 imgaug==0.4.0 ultralytics==8.3.0)
python3 -m pip download -q --no-deps --only-binary :all: --disable-pip-version-check -d "$wheels" "${packages[@]}"
python3 - "$wheels" "$folder" $# <<'PYTHON'
import pathlib, sys, zipfile
wheels, folder, others = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
wanted = {
    "sklearn/datasets/images/china.jpg", "sklearn/datasets/images/flower.jpg",
    "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
    *(f"skimage/data/{name}" for name in
      ("hubble_deep_field.jpg", "motorcycle_left.png", "coins.png", "camera.png", "retina.jpg", "moon.png",
       "clock_motion.png", "ihc.png", "brick.png")),
    *(f"gradio/test_data/{name}" for name in ("cheetah1.jpg", "cheetah2.jpg", "lion.jpg")),
    "imgaug/quokka.jpg", "ultralytics/assets/bus.jpg", "ultralytics/assets/zidane.jpg",
}
for wheel in wheels.glob("*.whl"):
    with zipfile.ZipFile(wheel) as files:
        for file in files.infolist():
            path = pathlib.PurePosixPath(file.filename)
            picture = path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"} and file.file_size >= 15_000
            if picture if others else file.filename in wanted:
                (folder / path.name).write_bytes(files.read(file))
PYTHON
[ $# -eq 0 ] || exit 0
cp "$root"/www/samples/*.jpg "$folder"
cd "$folder"
sha256sum --check --quiet <<'SUMS'
7df9e4b494e3d18ee98c0e7a51eb506ca377ccf67668ca7e8500a6704e12518d  astronaut.jpg
c02019c4979c191eb739ddd944445ef408dad5679acab6fd520ef9d434bfbc63  bus.jpg
fc898c685c70f36d349c985193d1121103966bad43aa69cb3d7114cb0430150f  cat.jpg
35550bfbba996e59c242af00f6a14a9c0d055dfbc52ad069a1a4e8c1c39ca095  cheetah1.jpg
6882e714aa43d60a429f704a5ddd3af4b3708f89701b3bcc9626121349853795  cheetah2.jpg
8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29  china.jpg
952901529a5cdf33c3d31cc5058809e8e304216a206565eca8c4261fea2afd8a  coffee.jpg
a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638  flower.jpg
a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130  grace_hopper.jpg
3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4  hubble_deep_field.jpg
4c45ece00075f152cb2e6cfd5f1dfd7dc8e83042264685b4f470026240eff3ef  lion.jpg
bf1059d0f925e7d0c712cadf07a04ba4cfc98957d7be65d3a7d8ae0c464cd76e  quokka.jpg
38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6  retina.jpg
e6be25026753dff0d102a6b39322794cc44fd90568d9702cfb0f5cbec1aa4aa0  rocket.jpg
16d73869e3267a7d4ed00de8e860833bd1657c1b252e94c0c348277adc7b6edb  zidane.jpg
7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf  brick.png
b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a  camera.png
f029226b28b642e80113d86622e9b215ee067a0966feaf5e60604a1e05733955  clock_motion.png
f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba  coins.png
f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef  ihc.png
78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577  moon.png
db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179  motorcycle_left.png
SUMS
