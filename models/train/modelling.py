"""Fitting: pipelines, settings by cross-validation, thresholds at one alert rate, ONNX export.

Everything in here sees training rows only. The held-out rows enter in `evaluation.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs

from dataset import NUMBERS, SEED, STRINGS, Split

ALERT_RATE = 0.12
"""Share of training loans, in (0, 1), that each model flags at its threshold."""

FOLDS = 5
REPEATS = 3
SELECTION_SCORE = "roc_auc"

OUTPUT = "probabilities"
TARGET_OPSET = {"": 17, "ai.onnx.ml": 3}

INCUMBENT_GRID = {"model__C": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0]}

CANDIDATE_GRID = {
    "model__learning_rate": [0.02],
    "model__subsample": [0.7],
    "model__max_features": [0.3],
    "model__n_estimators": [50, 100, 200, 400],
    "model__max_depth": [1, 2, 3],
    "model__min_samples_leaf": [20, 60, 120],
}


@dataclass(frozen=True)
class Fitted:
    """A model fitted on all training rows, with what was decided on those rows alone.

    `settings_on_edge` names settings whose chosen value is the smallest or largest one tried.
    `threshold` is a probability of `bad`; a loan is flagged if its score is `>= threshold`.
    `cv_auc` is the mean ROC AUC of the chosen settings over all folds and repeats.
    """

    name: str
    model_version: str
    algorithm: str
    pipeline: Pipeline
    settings: dict[str, float | int]
    settings_on_edge: list[str]
    grid_size: int
    cv_auc: float
    threshold: float
    oof_alert_rate: float


def _incumbent_pipeline() -> Pipeline:
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), NUMBERS),
            ("strings", OneHotEncoder(handle_unknown="ignore", sparse_output=False), STRINGS),
        ]
    )
    return Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=5000))])


def _candidate_pipeline() -> Pipeline:
    columns = ColumnTransformer(
        [
            ("numbers", "passthrough", NUMBERS),
            ("strings", OneHotEncoder(handle_unknown="ignore", sparse_output=False), STRINGS),
        ]
    )
    model = GradientBoostingClassifier(random_state=SEED)
    return Pipeline([("columns", columns), ("model", model)])


def _threshold_at_alert_rate(scores: np.ndarray) -> float:
    """Midpoint between the last flagged and the first unflagged score, to 6 decimals."""
    flagged = math.floor(ALERT_RATE * len(scores))
    descending = np.sort(scores)[::-1]
    return round(float(descending[flagged - 1] + descending[flagged]) / 2, 6)


def _fit(training: Split, pipeline: Pipeline, grid: dict[str, list], **naming: str) -> Fitted:
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=SEED)
    search = GridSearchCV(pipeline, grid, scoring=SELECTION_SCORE, cv=folds, refit=False)
    search.fit(training.features, training.is_bad)
    chosen = clone(pipeline).set_params(**search.best_params_)
    out_of_fold = cross_val_predict(
        chosen,
        training.features,
        training.is_bad,
        cv=StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=SEED),
        method="predict_proba",
    )[:, 1]
    threshold = _threshold_at_alert_rate(out_of_fold)
    return Fitted(
        **naming,
        pipeline=chosen.fit(training.features, training.is_bad),
        settings={key.removeprefix("model__"): v for key, v in search.best_params_.items()},
        settings_on_edge=[
            key.removeprefix("model__")
            for key, value in search.best_params_.items()
            if len(grid[key]) > 1 and value in (min(grid[key]), max(grid[key]))
        ],
        grid_size=len(search.cv_results_["params"]),
        cv_auc=float(search.best_score_),
        threshold=threshold,
        oof_alert_rate=float(np.mean(out_of_fold >= threshold)),
    )


def fit_models(training: Split) -> tuple[Fitted, Fitted]:
    """Returns `(incumbent, candidate)`."""
    incumbent = _fit(
        training,
        _incumbent_pipeline(),
        INCUMBENT_GRID,
        name="incumbent",
        model_version="lending-club-lr-1",
        algorithm="logistic regression (L2) on standardised numbers and one-hot strings",
    )
    candidate = _fit(
        training,
        _candidate_pipeline(),
        CANDIDATE_GRID,
        name="candidate",
        model_version="lending-club-gb-1",
        algorithm="gradient boosting (decision trees) on raw numbers and one-hot strings",
    )
    return incumbent, candidate


def to_onnx(fitted: Fitted) -> onnx.ModelProto:
    """Exports a pipeline with one named input per raw column and one output, `[N, 2]` floats.

    The class output of the converter is cut off: it decides at 0.5, where almost no loan is
    flagged, so nobody should be able to read it by mistake.
    """
    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    inputs += [(name, StringTensorType([None, 1])) for name in STRINGS]
    model = convert_sklearn(
        fitted.pipeline,
        name=fitted.model_version,
        initial_types=inputs,
        options={id(fitted.pipeline): {"zipmap": False}},
        target_opset=TARGET_OPSET,
    )
    model = select_model_inputs_outputs(model, outputs=[OUTPUT])
    # select_model_inputs_outputs loses the output's type, which onnx.checker rightly wants.
    output = onnx.helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, ["N", 2])
    model.graph.output[0].CopyFrom(output)
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    # The converter lists operator sets in the order of a set of strings, another one each run.
    operator_sets = sorted(model.opset_import, key=lambda operator_set: operator_set.domain)
    del model.opset_import[:]
    model.opset_import.extend(operator_sets)
    model.graph.name = fitted.model_version
    model.doc_string = f"Lending Club {fitted.name}: P(good), P(bad). See MODEL_CARD.md."
    onnx.checker.check_model(model)
    return model
