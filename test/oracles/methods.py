"""Random cases of statistical methods and what other libraries say: `python methods.py > methods.json`.

Python is never needed to run the tests: the table is committed. Versions: requirements.txt.
"""

import importlib.util
import json
import sys
import types
import warnings

import numpy as np
from confseq import boundaries
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import brier_score_loss, roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

warnings.simplefilter("ignore")
rng = np.random.default_rng(20261125)


def floats(values):
    return [float(v) for v in values]


def ranks():
    rows = []
    for size, ties in [(5, 0), (30, 0), (40, 5), (300, 0), (300, 12), (60, 3)]:
        x = rng.normal(size=size)
        y = x + rng.normal(size=size)
        if ties:
            x, y = np.floor(x * ties / 3), np.floor(y * ties / 3)
        x, y = np.round(x, 6), np.round(y, 6)
        d = y - x
        w = stats.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
        g = stats.wilcoxon(
            d, zero_method="wilcox", correction=False, method="asymptotic", alternative="greater"
        )
        walsh = np.add.outer(d, d)[np.triu_indices(size)] / 2
        sxy = np.mean((x - x.mean()) * (y - y.mean()))
        lin = 2 * sxy / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
        rows.append(
            {
                "x": floats(x),
                "y": floats(y),
                "kendall": stats.kendalltau(x, y).statistic,
                "spearman": stats.spearmanr(x, y).statistic,
                "lin": float(lin),
                "wilcoxon": [float(w.pvalue), float(g.pvalue)],
                "hodgesLehmann": float(np.median(walsh)),
                "ks": stats.ks_2samp(x, y).statistic,
                "wasserstein": stats.wasserstein_distance(x, y),
            }
        )
    return rows


def wilcoxon_exact():
    rows = []
    for size in [3, 8, 15, 25, 50]:
        d = np.round(rng.normal(0.3, 1, size=size), 9)
        two = stats.wilcoxon(d, method="exact").pvalue
        one = stats.wilcoxon(d, method="exact", alternative="greater").pvalue
        rows.append({"d": floats(d), "twoSided": float(two), "greater": float(one)})
    return rows


def histograms():
    rows = []
    for bins in [2, 5, 10, 40]:
        p = rng.integers(0, 50, size=bins) + (np.arange(bins) == 0)
        q = rng.integers(0, 50, size=bins) + (np.arange(bins) == 1)
        a, b = p / p.sum(), q / q.sum()
        rows.append(
            {
                "p": [int(v) for v in p],
                "q": [int(v) for v in q],
                "js": float(jensenshannon(a, b, 2)),
                "hellinger": float(np.sqrt(1 - np.minimum(1, np.sum(np.sqrt(a * b))))),
                "wasserstein": stats.wasserstein_distance(range(bins), range(bins), p, q),
            }
        )
    return rows


def tables():
    rows = []
    for b, c in [(0, 0), (1, 0), (3, 3), (0, 9), (12, 30), (121, 59), (500, 501), (4000, 4200)]:
        table = [[7, b], [c, 9]]
        row = {"b": b, "c": c}
        if b + c > 0:
            row["exact"] = float(mcnemar(table, exact=True).pvalue)
            row["plain"] = float(mcnemar(table, exact=False, correction=False).pvalue)
            tail, point = stats.binom.cdf(min(b, c), b + c, 0.5), stats.binom.pmf(min(b, c), b + c, 0.5)
            row["midP"] = float(2 * tail - point if b != c else 1 - point / 2)
        rows.append(row)
    return rows


def wilson():
    cases = [(0, 10), (3, 10), (10, 10), (17, 1000), (1, 100000), (123456, 1000000)]
    return [[k, n, a, *floats(proportion_confint(k, n, a, "wilson"))] for k, n in cases for a in (0.05, 1e-6)]


def adjusted():
    p = floats(rng.uniform(size=40) ** 3)
    return {
        "p": p,
        "bh": floats(multipletests(p, method="fdr_bh")[1]),
        "holm": floats(multipletests(p, method="holm")[1]),
    }


def delong(y, a, b):
    """From the definition of DeLong, DeLong & Clarke-Pearson 1988, O(mn)."""
    pos, neg = y == 1, y == 0
    m, n = pos.sum(), neg.sum()
    v10, v01 = [], []
    for s in (a, b):
        psi = np.where(s[pos][:, None] > s[neg][None, :], 1.0, 0.0)
        psi += 0.5 * (s[pos][:, None] == s[neg][None, :])
        v10.append(psi.mean(axis=1))
        v01.append(psi.mean(axis=0))
    cov = np.cov(v10) / m + np.cov(v01) / n
    variance = cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]
    return float(np.sqrt(variance))


def auc():
    rows = []
    for size, digits in [(30, 6), (200, 1), (500, 6)]:
        y = (rng.uniform(size=size) < 0.3).astype(int)
        a = np.round(rng.normal(y, 1.2), digits)
        b = np.round(a * 0.6 + rng.normal(y * 0.5, 1), digits)
        rows.append(
            {
                "y": [int(v) for v in y],
                "a": floats(a),
                "b": floats(b),
                "auc": [float(roc_auc_score(y, a)), float(roc_auc_score(y, b))],
                "standardError": delong(y, a, b),
            }
        )
    return rows


def calibration():
    y = (rng.uniform(size=400) < 0.3).astype(int)
    p = np.round(np.clip(rng.beta(2, 5, size=400), 0, 1), 6)
    index = np.clip(np.ceil(p * 15) - 1, 0, 14)
    ece = sum(
        np.mean(index == b) * abs(y[index == b].mean() - p[index == b].mean())
        for b in range(15)
        if np.any(index == b)
    )
    return {
        "y": [int(v) for v in y],
        "p": floats(p),
        "brier": float(brier_score_loss(y, p)),
        "ece": float(ece),
    }


def mixtures():
    """confseq's own mixtures at the margin, one-sided, as far as its doubles reach (no cancellation below 1e6)."""
    beta, gamma, sequence = [], [], []
    for delta in [1e-4, 0.01, 0.3]:
        for n in [100, 10_000, 300_000]:
            for factor in [0, 0.5, 0.9, 1.3]:
                k = round(n * delta * factor)
                v, v_opt = delta * (1 - delta) * n, delta * (1 - delta) * 10_000
                passing = boundaries.beta_binomial_log_mixture(
                    delta * n - k, v, v_opt, 1 - delta, delta, 0.05, True
                )
                failing = boundaries.beta_binomial_log_mixture(
                    k - delta * n, v, v_opt, delta, 1 - delta, 0.05, True
                )
                beta.append([delta, n, k, passing, failing])
    for c in [1, 2]:
        for v in [0, 3, 500, 20_000]:
            for s in [0.5, 20, 300]:
                gamma.append([c, s, v, boundaries.gamma_exponential_log_mixture(s, v, 50, c, 0.01)])
    for k, n in [(3, 40), (70, 1000), (15, 50_000)]:
        sequence.append([k, n, *boundaries.bernoulli_confidence_interval(k, n, 0.05, 5_000, 0.05)])
    return {"betaBinomial": beta, "gammaExponential": gamma, "sequence": sequence}


def bernstein():
    """Two-sided sequences of comparecast with a constant centre 0 and c 1, at the last of n losses."""
    package = types.ModuleType("comparecast")  # its __init__ would load its plots
    package.__path__ = list(importlib.util.find_spec("comparecast").submodule_search_locations)
    sys.modules["comparecast"] = package
    from comparecast.confseq import confseq_eb

    rows = []
    for n, spread, v_opt in [(300, 0.5, 10.0), (3000, 0.1, 50.0), (20_000, 0.3, 400.0)]:
        z = np.clip(rng.normal(0.01, spread, size=n), -1, 1)
        lower, upper = confseq_eb(z, 0.05, -1, 1, gammas=np.zeros(n), v_opt=v_opt, c=1)
        rows.append([n, v_opt, float(z.sum()), float((z * z).sum()), float(lower[-1]), float(upper[-1])])
    return rows


def finite(value):
    """JSON has no infinity: where confseq underflows there is nothing to compare with."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


print(
    json.dumps(
        finite({
            "ranks": ranks(),
            "wilcoxonExact": wilcoxon_exact(),
            "histograms": histograms(),
            "mcnemar": tables(),
            "wilson": wilson(),
            "adjusted": adjusted(),
            "auc": auc(),
            "calibration": calibration(),
            "mixtures": mixtures(),
            "bernstein": bernstein(),
        })
    )
)
