"""Measuring on held-out rows: each model, both against each other, ONNX against scikit-learn."""

from __future__ import annotations

import numpy as np
import onnxruntime
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from dataset import NUMBERS, SEED, STRINGS, Split
from modelling import OUTPUT, Fitted

MAX_ABS_DIFF = 1e-6
"""Largest allowed |ONNX score - sklearn score| on any held-out row."""

RESAMPLES = 2000


def score_with_onnx(model: bytes, split: Split) -> np.ndarray:
    """Returns P(bad) of every row, as onnxruntime (CPU, one thread) computes it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {n: split.features[[n]].to_numpy(np.float32) for n in NUMBERS}
    feed |= {n: split.features[[n]].to_numpy(object) for n in STRINGS}
    return session.run([OUTPUT], feed)[0][:, 1]


def assert_same_scores(fitted: Fitted, model: bytes, split: Split, scores: np.ndarray) -> float:
    """Returns the largest |difference|; fails if it exceeds `MAX_ABS_DIFF` or a label differs."""
    from_onnx = score_with_onnx(model, split)
    largest = float(np.max(np.abs(from_onnx.astype(np.float64) - scores)))
    assert largest <= MAX_ABS_DIFF, f"{fitted.name}: ONNX differs from sklearn by {largest}"
    same = (from_onnx >= fitted.threshold) == (scores >= fitted.threshold)
    assert same.all(), f"{fitted.name}: {np.sum(~same)} labels differ between ONNX and sklearn"
    return largest


def measure(is_bad: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, float | int]:
    """Figures of one model; rates are shares in [0, 1], counts are rows."""
    flagged = scores >= threshold
    true_positive = int(np.sum(flagged & (is_bad == 1)))
    false_positive = int(np.sum(flagged & (is_bad == 0)))
    return {
        "auc": float(roc_auc_score(is_bad, scores)),
        "averagePrecision": float(average_precision_score(is_bad, scores)),
        "brier": float(brier_score_loss(is_bad, scores)),
        "alertRate": float(np.mean(flagged)),
        "precision": true_positive / (true_positive + false_positive),
        "recall": true_positive / int(is_bad.sum()),
        "truePositives": true_positive,
        "falsePositives": false_positive,
        "falseNegatives": int(is_bad.sum()) - true_positive,
        "trueNegatives": int(np.sum(~flagged & (is_bad == 0))),
        "flaggedAtHalf": int(np.sum(scores >= 0.5)),
    }


def compare(is_bad, scores: dict[str, np.ndarray], thresholds: dict[str, float]) -> dict:
    """Figures of both models on the same rows. Differences are candidate minus incumbent."""
    flagged = {name: scores[name] >= thresholds[name] for name in scores}
    only_incumbent = flagged["incumbent"] & ~flagged["candidate"]
    only_candidate = flagged["candidate"] & ~flagged["incumbent"]
    difference = scores["candidate"] - scores["incumbent"]
    return {
        "rows": int(len(is_bad)),
        "bad": int(is_bad.sum()),
        "flips": int(np.sum(only_incumbent | only_candidate)),
        "flaggedByBoth": int(np.sum(flagged["incumbent"] & flagged["candidate"])),
        "flaggedByIncumbentOnly": int(only_incumbent.sum()),
        "flaggedByIncumbentOnlyBad": int(only_incumbent[is_bad == 1].sum()),
        "flaggedByCandidateOnly": int(only_candidate.sum()),
        "flaggedByCandidateOnlyBad": int(only_candidate[is_bad == 1].sum()),
        "agreement": float(np.mean(flagged["incumbent"] == flagged["candidate"])),
        "meanAbsScoreDifference": float(np.mean(np.abs(difference))),
        "maxAbsScoreDifference": float(np.max(np.abs(difference))),
        "meanScoreDifference": float(np.mean(difference)),
    }


def bootstrap_differences(is_bad, scores, thresholds) -> dict[str, dict[str, float]]:
    """Percentile bootstrap (Efron and Tibshirani 1993, ch. 13) of candidate minus incumbent.

    Paired (both models on the same resampled rows) and stratified by outcome. It shows the
    uncertainty of the held-out rows only: both models are kept as fitted.
    """
    random = np.random.default_rng(SEED)
    classes = [np.flatnonzero(is_bad == label) for label in (0, 1)]
    names = ("auc", "averagePrecision", "alertRate", "precision", "recall")
    draws = {name: np.empty(RESAMPLES) for name in names}
    for index in range(RESAMPLES):
        rows = np.concatenate([random.choice(c, size=len(c)) for c in classes])
        figures = {m: measure(is_bad[rows], scores[m][rows], thresholds[m]) for m in scores}
        for name in names:
            draws[name][index] = figures["candidate"][name] - figures["incumbent"][name]
    whole = {m: measure(is_bad, scores[m], thresholds[m]) for m in scores}
    return {
        name: {
            "difference": whole["candidate"][name] - whole["incumbent"][name],
            "low95": float(np.quantile(draws[name], 0.025)),
            "high95": float(np.quantile(draws[name], 0.975)),
        }
        for name in names
    }
