"""Writes teaching.json: the layer that scikit-learn's LogisticRegression teaches from examples that are a function of
their names (hash_weights.py).

    python3 tests/golden/teaching.py

scikit-learn 1.9.1 made the committed file.
"""

import json
import pathlib
import sys

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from hash_weights import noise

EXAMPLES, FEATURES, CLASSES = 40, 12, 4


def main():
    x = noise("examples", EXAMPLES * FEATURES).reshape(EXAMPLES, FEATURES).astype(np.float64)
    labels = np.arange(EXAMPLES) % CLASSES
    # Every class is a little ahead in a feature of its own, so that there is something to learn, and something to miss.
    x[np.arange(EXAMPLES), labels] += 0.5
    x = x.astype(np.float32).astype(np.float64)
    cases = []
    for decay in (1.0, 0.01):
        model = LogisticRegression(C=1 / decay, tol=1e-12, max_iter=100_000).fit(x, labels)
        cases.append({
            "decay": decay,
            "weight": model.coef_.flatten().tolist(),
            "bias": model.intercept_.tolist(),
            "right": float(model.score(x, labels)),
        })
    path = pathlib.Path(__file__).parent / "teaching.json"
    path.write_text(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
