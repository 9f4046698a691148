"""Random labelled pairs and what scikit-learn says of both models: `python quality.py > quality.json`.

Python is never needed to run the tests: the table is committed. Versions: requirements.txt.
"""

import json

import numpy as np
from sklearn.metrics import (
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

rng = np.random.default_rng(20261126)


def measures(y, score, label):
    tn, fp, _, _ = confusion_matrix(y, label).ravel()
    return {
        "precision": float(precision_score(y, label)),
        "recall": float(recall_score(y, label)),
        "false-positive rate": float(fp / (fp + tn)),
        "F1": float(f1_score(y, label)),
        "AUC": float(roc_auc_score(y, score)),
        "Brier": float(brier_score_loss(y, score)),
        "log loss": float(log_loss(y, np.clip(score, 0.001, 0.999))),
    }


def case(n, rate, strengths):
    y = rng.random(n) < rate
    noise = rng.normal(size=n)
    sides = {}
    for name, strength in zip(("incumbent", "candidate"), strengths, strict=True):
        raw = strength * y + 0.7 * noise + 0.5 * rng.normal(size=n) - 2
        score = np.round(1 / (1 + np.exp(-raw)), 6)
        label = score >= np.round(np.quantile(score, 1 - 1.3 * rate), 6)
        sides[name] = {
            "scores": [float(s) for s in score],
            "labels": [bool(f) for f in label],
            "measures": measures(y, score, label),
        }
    # The candidate's threshold for the incumbent's recall: the first of the ROC that reaches it.
    candidate = np.array(sides["candidate"]["scores"])
    _, tpr, thresholds = roc_curve(y, candidate, drop_intermediate=False)
    recall = sides["incumbent"]["measures"]["recall"]
    threshold = float(thresholds[np.argmax(tpr >= recall - 1e-12)])
    return {"y": [bool(v) for v in y], **sides, "thresholdAtRecall": threshold}


if __name__ == "__main__":
    cases = [case(400, 0.1, (1.2, 1.5)), case(300, 0.3, (1.5, 1.0)), case(250, 0.05, (2, 2))]
    print(json.dumps(cases, separators=(",", ":")))
