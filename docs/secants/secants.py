"""Secants in forty lines: the mean gradients of a small network between points of a path.

    python3 docs/secants/secants.py            the attributions by 1, 4 and 64 secants, as JSON
    python3 docs/secants/secants.py --captum   besides, what captum's DeepLift says (needs torch and captum)
"""

import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "golden"))
from hash_weights import noise

SIZES = [6, 40, 30, 1]  # layers of rectifiers, and one output
W = [noise(f"w{k}", a * b).reshape(b, a).astype(float) for k, (a, b) in enumerate(zip(SIZES, SIZES[1:]))]
B = [noise(f"b{k}", b).astype(float) for k, b in enumerate(SIZES[1:])]
X, X0 = noise("x", SIZES[0]).astype(float), noise("x0", SIZES[0]).astype(float)


def sums(x):
    """Every layer's sums at a point; the last one's is F."""
    all_sums = []
    for w, b in zip(W, B):
        all_sums.append(w @ x + b)
        x = np.maximum(all_sums[-1], 0)
    return all_sums


def secant(before, after):
    """The mean gradient between two points, from the sums at both: the chain rule, with slopes for derivatives."""
    gradient = np.ones(1)
    for w, s, t in zip(W[::-1], before[::-1], after[::-1]):
        if len(gradient) > 1:
            run, rise = t - s, np.maximum(t, 0) - np.maximum(s, 0)
            gradient = gradient * np.where(run == 0, t > 0, rise / np.where(run == 0, 1, run))
        gradient = gradient @ w
    return gradient


def attributions(n):
    """By n secants of intervals that end at (u + u²) / 2, u = k / n."""
    ends = [u * (1 + u) / 2 for u in np.arange(n + 1) / n]
    points = [sums(X0 + a * (X - X0)) for a in ends]
    steps = zip(points, points[1:], np.diff(ends))
    return (X - X0) * sum(width * secant(before, after) for before, after, width in steps)


def captum():
    """DeepLift's Rescale rule, from baseline to input at once."""
    import torch
    from captum.attr import DeepLift

    layers = []
    for w, b in zip(W, B):
        layers += [torch.nn.Linear(w.shape[1], w.shape[0]).double(), torch.nn.ReLU()]
        layers[-2].weight.data, layers[-2].bias.data = torch.from_numpy(w), torch.from_numpy(b)
    x, x0 = (torch.from_numpy(v)[None] for v in (X, X0))
    return DeepLift(torch.nn.Sequential(*layers[:-1])).attribute(x, x0)[0].tolist()


if __name__ == "__main__":
    result = {str(n): attributions(n).tolist() for n in (1, 4, 64)}
    result["change"] = (sums(X)[-1] - sums(X0)[-1]).item()
    if "--captum" in sys.argv:
        result["captum"] = captum()
    print(json.dumps(result))
