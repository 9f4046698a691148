"""What a data scientist would write first: the guardrails' means of pairs in NDJSON, with pandas. Prints JSON."""

import json
import sys

import pandas as pd


def row_of(pair):
    ours, theirs = pair["incumbent"], pair["candidate"]
    our, their = ours["predictions"][0], theirs["predictions"][0]
    return {
        "id": pair["id"],
        "segment": pair.get("captured", {}).get("/tier"),
        "region": pair.get("captured", {}).get("/region"),
        "failed": theirs.get("status", 599) >= 400,
        "incumbent_failed": ours.get("status", 599) >= 400,
        "score": our["score"],
        "candidate_score": their["score"],
        "flip": our["label"] != their["label"],
        "ms": ours["latency_ms"],
        "candidate_ms": theirs["latency_ms"],
    }


with open(sys.argv[1], encoding="utf-8") as lines:
    frame = pd.DataFrame([row_of(json.loads(line)) for line in lines])
frame = frame.drop_duplicates("id")
frame["difference"] = frame["candidate_score"] - frame["score"]
frame["outside"] = frame["difference"].abs() > 1e-6
frame["late"] = (frame["candidate_ms"] > 50).astype(int) - (frame["ms"] > 50).astype(int)
frame["error"] = frame["failed"].astype(int) - frame["incumbent_failed"].astype(int)
columns = ["error", "flip", "outside", "difference", "late"]
summary = {
    "pairs": len(frame),
    "means": frame[columns].mean().to_dict(),
    "mean_abs": float(frame["difference"].abs().mean()),
    "segments": frame.groupby("segment")[columns].mean().to_dict(),
    "regions": frame.groupby("region")[columns].mean().to_dict(),
    "quantiles": frame[["ms", "candidate_ms", "difference"]].quantile([0.5, 0.9, 0.95, 0.99]).to_dict(),
}
print(json.dumps(summary))
