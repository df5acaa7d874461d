"""Compares what Violet makes of torchvision's and timm's networks with ONNX Runtime and autograd.

    python3 scripts/networks.py RESULTS.jsonl [NAME ...]
    python3 scripts/networks.py RESULTS.jsonl --write docs/NETWORKS.md
    python3 scripts/networks.py --export FOLDER NAME …
    python3 scripts/networks.py --speed ROUNDS NAME …    # VIOLET may name several, in turn, for docs/PERFORMANCE.md

Needs torch, torchvision, timm and onnxruntime, and `violet` (target/release, or what VIOLET names). Each network has
random weights, is exported by torch.onnx.export into a temporary folder, measured by `violet measure`, and deleted. One
line a network is added to RESULTS.jsonl; those that are there are not measured again.

Columns: the largest difference of a logit from ONNX Runtime's, relative to the largest logit; the most that secants
from black miss of the change of the largest logit and of its probability, of 1, 2, 5 and 24 for one member of each
family, of 1 and 5 for the others (as a share of the change, or where attributions cancel of a hundredth of their
sizes); correlation of Integrated Gradients at eight equal points with autograd's in single precision, for one
member of each family, then, where it was measured, with autograd's in double precision, and in brackets that of
autograd's own two precisions; processor seconds of a gradient (a forward and a backward pass) on one thread, and how
many of ONNX Runtime's forward passes that is; which processor.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
POINTS = 8
REPEATS = 3

# Every family's smallest and its most usual member, up to some 150 million parameters; the first is integrated.
TORCHVISION = {
    "AlexNet": ["alexnet"],
    "VGG": ["vgg11", "vgg16", "vgg16_bn"],
    "ResNet": ["resnet18", "resnet50"],
    "ResNeXt": ["resnext50_32x4d"],
    "Wide ResNet": ["wide_resnet50_2"],
    "DenseNet": ["densenet121"],
    "SqueezeNet": ["squeezenet1_1", "squeezenet1_0"],
    "GoogLeNet": ["googlenet"],
    "Inception v3": ["inception_v3"],
    "MobileNetV2": ["mobilenet_v2"],
    "MobileNetV3": ["mobilenet_v3_small", "mobilenet_v3_large"],
    "ShuffleNetV2": ["shufflenet_v2_x0_5", "shufflenet_v2_x1_0"],
    "MNASNet": ["mnasnet0_5", "mnasnet1_0"],
    "RegNet": ["regnet_y_400mf", "regnet_x_400mf", "regnet_y_16gf"],
    "EfficientNet": ["efficientnet_b0", "efficientnet_b4"],
    "EfficientNetV2": ["efficientnet_v2_s", "efficientnet_v2_m"],
    "ConvNeXt": ["convnext_tiny", "convnext_base"],
    "ViT": ["vit_b_32", "vit_b_16"],
    "Swin": ["swin_t", "swin_b"],
}
# One network of each of timm's modules that is small enough: at most 30 million parameters, of 224 pixels or
# what it is made for.
TIMM = """
    resnet10t mobilenetv2_050 lcnet_050 regnetx_002 vit_tiny_patch16_224 convnext_atto ghostnet_100 dla46_c
    edgenext_xx_small mobilevit_xxs mobileone_s0 efficientvit_b0 efficientvit_m0 fastvit_t8 hardcorenas_a hgnetv2_b0
    inception_next_atto levit_128s pit_ti_224 pvt_v2_b0 repghostnet_050 repvit_m0_9 rexnet_100 starnet_s1 swiftformer_xs
    tiny_vit_5m_224 xcit_nano_12_p16_224 efficientformerv2_s0 efficientformer_l1 coat_lite_tiny convit_tiny
    crossvit_tiny_240 deit_tiny_distilled_patch16_224 eva02_tiny_patch14_224 fasternet_t0 mambaout_femto
    ese_vovnet19b_dw visformer_tiny vit_tiny_r_s16_p8_224 skresnet18 legacy_seresnet18 poolformer_s12 resnest14d
    shvit_s1 cait_xxs24_224 gcvit_xxtiny botnet26t_256 hrnet_w18_small gmlp_ti16_224 densenet121 dpn48b
    nf_resnet26 efficientvim_m1 lcnetv2_small cs3darknet_s lowformer_b0 csatv2 cpubone_b0_bfrobust
    resnetv2_18 coatnet_pico_rw_224 selecsls42 nest_tiny res2net50_14w_8s twins_pcpvt_small vit_relpos_small_patch16_224
    tnt_s_legacy_patch16_224 vitamin_small_224 volo_d1_224 mvitv2_tiny legacy_xception sequencer2d_s
    swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 swinv2_cr_tiny_ns_224 davit_tiny focalnet_tiny_srf
    hiera_tiny_224 rdnet_tiny xception41 convmixer_1024_20_ks9_p14
""".split()
# Of torchvision's, what takes seconds.
SMALL = """mobilenet_v2 mobilenet_v3_small shufflenet_v2_x0_5 mnasnet0_5 squeezenet1_1 regnet_y_400mf efficientnet_b0
    resnet18""".split()
# Secants from black to the picture: of one member of a family, and of the others.
COUNTS = {True: [1, 2, 5, 24], False: [1, 5]}


def networks():
    """The small ones first, and of the large ones one of each family."""
    torchvision = [
        {"source": "torchvision", "family": family, "name": name, "integrate": k == 0}
        for family, names in TORCHVISION.items()
        for k, name in enumerate(names)
    ]
    small = [row for row in torchvision if row["name"] in SMALL]
    yield from small
    for name in TIMM:
        yield {"source": "timm", "family": name.split("_")[0], "name": name, "integrate": False}
    yield from sorted((row for row in torchvision if row not in small), key=lambda row: not row["integrate"])


def settle(model, side):
    """Lets BatchNorm see pictures: with the statistics that it begins with, logits hardly depend on the picture."""
    import torch

    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm) and m.track_running_stats]
    for module in norms:
        module.reset_running_stats()
        module.momentum = None
        module.train()
    # Pictures that differ: where all of a channel's values are alike, it would be divided by next to nothing.
    pictures = torch.nn.functional.interpolate(torch.randn(4, 3, 3, 3), size=side) + 0.3 * torch.randn(4, 3, side, side)
    with torch.no_grad():
        model(pictures)


def made(row):
    """The network in evaluation mode, and the side of its input."""
    import torch

    torch.manual_seed(0)
    if row["source"] == "torchvision":
        from torchvision import models

        # Otherwise their logits hardly depend on the picture.
        extra = {"init_weights": True} if row["family"] in ("GoogLeNet", "Inception v3") else {}
        model = getattr(models, row["name"])(weights=None, **extra)
        sides = {"inception_v3": 299, "efficientnet_b4": 380, "efficientnet_v2_s": 384, "efficientnet_v2_m": 480}
        side = sides.get(row["name"], 224)
    else:
        import timm

        model = timm.create_model(row["name"], exportable=True)
        row["family"] = type(model).__module__.rsplit(".", 1)[-1]
        size = model.default_cfg.get("fixed_input_size") and model.default_cfg["input_size"]
        side = (size or model.default_cfg["input_size"])[-1]
    model.eval()
    settle(model, side)
    # Some initialise the last layer with zeros, or scale what blocks add by next to nothing: a logit that hardly
    # depends on the picture is all rounding.
    for name, parameter in model.named_parameters():
        if parameter.abs().max() == 0 and parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.02)
        if name.rsplit(".", 1)[-1] in ("gamma", "gamma_1", "gamma_2", "layer_scale") and parameter.abs().max() < 1e-3:
            torch.nn.init.constant_(parameter, 0.1)
    return model.eval(), side


def export(model, x, path):
    import torch

    mode = torch.onnx.TrainingMode.EVAL
    extra = {}
    if int(torch.__version__.split(".")[0]) >= 2:
        # The exporter that all versions have.
        extra["dynamo"] = False
        torch.backends.mha.set_fastpath_enabled(False)
    else:
        attention = [m for m in model.modules() if isinstance(m, torch.nn.MultiheadAttention)]
        if attention:
            # Its fast path cannot be exported: PyTorch 1.13 leaves it in training mode only.
            for module in attention:
                module.training = True
            mode = torch.onnx.TrainingMode.PRESERVE
    def to(opset):
        torch.onnx.export(model, x, str(path), opset_version=opset, training=mode, **extra)

    try:
        to(16)
    except Exception as error:
        # Some operations came later.
        if "version 18" not in str(error):
            raise
        to(18)
    model.eval()


def exported(folder, names):
    """Writes networks as FOLDER/NAME.onnx, for docs/CONVERGENCE.md. Weights are random, and those of each layer as
    large as keep its results as large as its inputs: what timm and torchvision begin training with makes
    transformers that hardly bend."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    for row in networks():
        if row["name"] not in names:
            continue
        model, side = made(row)
        for module in model.modules():
            if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)):
                torch.nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            # ConvNeXt's scales, which begin at 1e-6.
            for scale in ("gamma", "layer_scale"):
                if isinstance(getattr(module, scale, None), torch.nn.Parameter):
                    torch.nn.init.constant_(getattr(module, scale), 0.5)
        for name, parameter in model.named_parameters():
            if name.endswith(("pos_embed", "cls_token", "dist_token", "relative_position_bias_table")):
                torch.nn.init.normal_(parameter, std=0.5)
        export(model.eval(), torch.rand(1, 3, side, side), folder / f"{row['name']}.onnx")
        print(row["name"], flush=True)


def processor():
    """What this machine calls its processor."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return "unknown"


def versions():
    """What rows are measured with."""
    import onnxruntime
    import timm
    import torch
    import torchvision

    named = {"PyTorch": torch, "torchvision": torchvision, "timm": timm, "ONNX Runtime": onnxruntime}
    return ", ".join(f"{name} {module.__version__.split('+')[0]}" for name, module in named.items())


def onnxruntime_forward(path, x):
    """Logits, and the least processor seconds of a forward pass on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x.numpy()}
    logits = session.run(None, feed)[0].ravel()
    seconds = math.inf
    for _ in range(REPEATS):
        start = time.process_time()
        session.run(None, feed)
        seconds = min(seconds, time.process_time() - start)
    return logits, seconds


def integrated(model, x, element):
    """Integrated Gradients from zeros by midpoints."""
    import torch

    total = torch.zeros_like(x)
    for k in range(POINTS):
        point = ((k + 0.5) / POINTS * x).requires_grad_()
        (slope,) = torch.autograd.grad(model(point).ravel()[element], point)
        total += slope / POINTS
    return (total * x).numpy().ravel()


def measure(row, folder):
    import numpy
    import torch

    torch.set_num_threads(1)
    model, side = made(row)
    row["processor"] = processor()
    row["versions"] = versions()
    row["parameters"] = sum(p.numel() for p in model.parameters())
    x = torch.rand(1, 3, side, side) * 2 - 1
    path, image, attributions = (folder / name for name in ("n.onnx", "x.f32", "a.f32"))
    try:
        export(model, x, path)
    except Exception as error:
        return {**row, "unexported": str(error).strip().splitlines()[0][:200]}
    expected, forward = onnxruntime_forward(path, x)
    x.numpy().tofile(image)
    violet = os.environ.get("VIOLET", "target/release/violet")
    command = [violet, "measure", path, "--input", image, "--repeats", str(REPEATS), "--size", str(side)]
    command += ["--secants", ",".join(map(str, COUNTS[row["integrate"]]))]
    if row["integrate"]:
        command += ["--points", str(POINTS), "--attributions", attributions]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        return {**row, "refused": run.stderr.strip().removeprefix("violet: ")[-600:]}
    report = json.loads(run.stdout)
    found = numpy.array(report.pop("outputs"))
    if found.shape == expected.shape:
        row["difference"] = float(abs(found - expected).max() / abs(expected).max())
    else:
        row["difference"] = math.nan
    if row["integrate"]:
        ours = numpy.fromfile(attributions, numpy.float32)
        theirs = integrated(model, x, report["element"])
        # Units that are next to nothing are on in one precision and off in the other: how far that goes is the
        # network's affair, and PyTorch's own single precision shows it.
        exact = integrated(model.double(), x.double(), report["element"])
        correlation = lambda a, b: float(numpy.corrcoef(a, b)[0, 1])
        row["correlation"] = correlation(theirs, ours)
        row["correlation_exact"] = correlation(exact, ours)
        row["correlation_theirs"] = correlation(exact, theirs)
    return {**row, **report, "onnxruntime_seconds": forward, "side": side}


def speed(rounds, names):
    """Seconds at least of ONNX Runtime's forward pass and of each Violet's forward pass and gradient, in turn."""
    import torch

    torch.set_num_threads(1)
    programs = os.environ.get("VIOLET", "target/release/violet").split()
    for row in (row for row in networks() if row["name"] in names):
        model, side = made(row)
        x = torch.rand(1, 3, side, side) * 2 - 1
        with tempfile.TemporaryDirectory() as folder:
            path, image = (pathlib.Path(folder) / name for name in ("n.onnx", "x.f32"))
            export(model, x, path)
            x.numpy().tofile(image)
            theirs, ours = math.inf, [[math.inf] * 2 for _ in programs]
            for _ in range(rounds):
                theirs = min(theirs, onnxruntime_forward(path, x)[1])
                for program, best in zip(programs, ours):
                    command = [program, "measure", path, "--input", image, "--size", str(side), "--repeats", "4"]
                    report = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
                    best[:] = map(min, best, (report["forward_seconds"], report["gradient_seconds"]))
        cells = [f"{forward:.4f} | {gradient:.4f} | {gradient / theirs:.1f}" for forward, gradient in ours]
        print(f"| {row['name']} ({row['source']}) | {theirs:.4f} | {' | '.join(cells)} |", flush=True)


def missed(row, scale):
    return max(walk[scale] for walk in row["secants"])


# What was tried in another form: written by hand.
TORCHSCRIPT = """
As TorchScript, by their code (2026-11-27, PyTorch 1.13, double precision against PyTorch's single): one network of each of
torchvision's 19 families but Wide ResNet, traced and scripted, and 78 of the 80 of timm below, traced, give PyTorch's outputs to
6e-06 at most; refused are sequencer2d_s (lstm) and volo_d1_224 (col2im). `python3 tests/golden/torchscripts.py FOLDER resnet18
timm/regnetx_002 …`, then `VIOLET_SCRIPTS=FOLDER cargo test --release -p violet-import --test torchscript -- --nocapture`.

As programs of `torch.export` (2026-11-27, PyTorch 2.9.1), each as exported and after `run_decompositions()`: 16 networks of
torchvision's and 24 of timm's, all but one to 2e-06 at most; refused is volo_d1_224 (col2im, index_put). `python3
tests/golden/exported.py FOLDER resnet18 timm/levit_128s …`, then `VIOLET_PROGRAMS=FOLDER cargo test --release -p violet-import
--test exported -- --nocapture`.
""".strip()


def table(rows):
    known = lambda key: list(dict.fromkeys(row[key] for row in rows if key in row))
    processors = known("processor")

    def line(row):
        name = f"{row['name']} ({row['source']}, {row['family']})"
        where = processors.index(row["processor"]) + 1 if "processor" in row else ""
        if reason := row.get("refused") or row.get("unexported"):
            kind = "no" if "refused" in row else "not exported"
            return f"| {name} | {kind} | {reason.replace('|', '/')} | | | | | | {where} |"
        logit, probability = missed(row, "logit"), missed(row, "probability")
        correlation = f"{row['correlation']:.5f}" if "correlation" in row else ""
        if "correlation_exact" in row:
            correlation += f", {row['correlation_exact']:.5f} ({row['correlation_theirs']:.5f})"
        ratio = row["gradient_seconds"] / row["onnxruntime_seconds"]
        return (
            f"| {name} | yes | {row['difference']:.0e} | {logit:.0e} | {probability:.0e} | {correlation} "
            f"| {row['gradient_seconds']:.3f} | {ratio:.1f} | {where} |"
        )

    good = [row for row in rows if row.get("difference", math.nan) <= 1e-4
            and missed(row, "logit") <= 1e-4 and missed(row, "probability") <= 1e-4]
    families = {(row["source"], row["family"]) for row in good}
    of = lambda source: sum(1 for name, _ in families if name == source)
    apart = [row for row in good if max(row.get("correlation", 1), row.get("correlation_exact", 0)) < 0.9999]
    rough = ", ".join(row["name"] for row in apart if row.get("correlation_theirs", 1) >= 0.9999)
    head = __doc__.split("Columns: ")[1].strip()
    return "\n".join(
        [
            "# Networks that Violet reads",
            "",
            "Random weights, exported by torch.onnx.export: `python3 scripts/networks.py results.jsonl`, then "
            "`--write docs/NETWORKS.md`.",
            "",
            f"Of {len(rows)} networks, {len(good)} are read, differ by at most 1e-4 from ONNX Runtime and add up to "
            f"1e-4: {of('torchvision')} families of torchvision, {of('timm')} of timm. "
            f"Correlations with autograd are 0.9999 or more, but for {len(apart)} networks"
            + (f", {rough} among them." if rough else ", of which autograd's own two precisions correlate less than that."),
            "",
            TORCHSCRIPT,
            "",
            f"Columns: {head}",
            "",
            "Processor seconds grow with what else a machine is doing, and are of the version that a row was measured "
            "with: how many forward passes a gradient takes now is in docs/PERFORMANCE.md.",
            "",
            *(f"- Processor {k}: {name}" for k, name in enumerate(processors, 1)),
            *(f"- Measured with {text}" for text in known("versions")),
            "",
            "| network | reads | difference | missed of the logit | of its probability | correlation | seconds | forwards | on |",
            "|---|---|---|---|---|---|---|---|---|",
            *map(line, rows),
            "",
        ]
    )


def main():
    if sys.argv[1] == "--export":
        return exported(pathlib.Path(sys.argv[2]), sys.argv[3:])
    if sys.argv[1] == "--speed":
        return speed(int(sys.argv[2]), sys.argv[3:])
    results = pathlib.Path(sys.argv[1])
    rows = [json.loads(text) for text in results.read_text().splitlines()] if results.exists() else []
    if sys.argv[2:3] == ["--write"]:
        pathlib.Path(sys.argv[3]).write_text(table(rows))
        return
    done = {(row["source"], row["name"]) for row in rows}
    for row in networks():
        if (row["source"], row["name"]) in done or (sys.argv[2:] and row["name"] not in sys.argv[2:]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                row = measure(row, pathlib.Path(folder))
            except Exception as error:
                row = {**row, "unexported": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        shown = {key: row[key] for key in ("difference", "incompleteness", "correlation") if key in row}
        print(row["name"], shown or row.get("refused") or row.get("unexported"), flush=True)
        with results.open("a") as file:
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
