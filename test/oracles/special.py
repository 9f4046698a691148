"""Tables of special functions, computed by mpmath with 50 digits: `python special.py > special.json`.

Python is never needed to run the tests: the table is committed. Needs mpmath 1.4.1.
Arguments are written as the doubles they are; values as decimal strings of 25 digits.
"""

import json
import random
import sys

import mpmath as mp

mp.mp.dps = 50
rng = random.Random(20261125)


def show(value):
    return mp.nstr(value, 25)


def beta_scaled(x, a, b):
    """ln of the integral of t^(a-1) (1-t)^(b-1) over (0, x) by x^a y^b, by the series in x."""
    # B_x = x^a (1-x)^b / a * 2F1(a+b, 1; a+1; x); all terms positive.
    total, term, n = mp.mpf(1), mp.mpf(1), 0
    while True:
        term *= (a + b + n) * x / (a + 1 + n)
        total += term
        n += 1
        ratio = (a + b + n) * x / (a + 1 + n)
        if ratio < 1 and term * ratio / (1 - ratio) < total * mp.mpf(10) ** -45:
            return mp.log(total / a)


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def gamma_scaled(p, z):
    total, term, n = 1 / p, 1 / p, 0
    while True:
        n += 1
        term *= z / (p + n)
        total += term
        ratio = z / (p + n + 1)
        if ratio < 1 and term * ratio / (1 - ratio) < total * mp.mpf(10) ** -45:
            return mp.log(total)


def log_uniform(low, high):
    return float(10 ** rng.uniform(low, high))


def table_gamma():
    xs = [1e-300, 1e-9, 1e-3, 0.1, 0.4999, 0.5, 0.9, 1 - 1e-9, 1 + 1e-9, 1.1, 1.4999, 1.5, 1.9]
    xs += [2 - 1e-9, 2 + 1e-9, 2.1, 2.5, 2.5000001, 3.0, 7.3, 11.99, 12.0, 25.5, 1e3, 1e6, 1e9, 1e15]
    xs += [log_uniform(-9, 9) for _ in range(40)]
    rows = []
    for x in xs:
        v = mp.mpf(x)
        value = mp.loggamma(v)
        err = value - (v - mp.mpf(1) / 2) * mp.log(v) + v - mp.log(2 * mp.pi) / 2
        rows.append([x, show(value), show(err)])
    return rows


def table_deviance():
    rows = []
    for _ in range(30):
        m = log_uniform(-9, 9)
        x = m * (1 + rng.choice([1, -1]) * 10 ** rng.uniform(-9, -0.01))
        a, b = mp.mpf(x), mp.mpf(m)
        rows.append([x, m, show(a * mp.log(a / b) + b - a)])
    return rows


def beta_cases():
    cases = []
    for n in [1, 10, 1e3, 1e5, 1e6]:
        for d in [1e-3, 0.01, 0.3]:
            for z in [-6, -2, 0, 1, 4]:
                k = max(0.0, round(n * d + z * (n * d * (1 - d)) ** 0.5))
                if k <= n:
                    cases.append((d, 1.0 + k, 99.0 + n - k))
    for d in [1e-9, 1e-6, 1e-3, 0.01]:  # up to 10^9, on both sides of the mean
        for z in [-5, -1, 0, 2]:
            k = max(0.0, round(1e9 * d + z * (1e9 * d) ** 0.5))
            cases.append((d, 1e-6 + k, 1000.0 + 1e9 - k))
    for _ in range(30):
        cases.append((log_uniform(-4, -0.001), log_uniform(-6, 4), log_uniform(-6, 4)))
    return cases


def table_beta():
    rows = []
    for x, a, b in beta_cases():
        X, A, B = mp.mpf(x), mp.mpf(a), mp.mpf(b)
        Y = 1 - X
        whole = log_beta(A, B) - A * mp.log(X) - B * mp.log(Y)
        scaled = beta_scaled(X, A, B)
        rows.append([x, a, b, show(scaled), show(scaled - whole), show(log_beta(A, B))])
    return rows


def upper_log(p, z, whole):
    """ln Q(p, z) far in the upper tail: Legendre's continued fraction from its end backwards."""
    value = mp.mpf(0)
    for n in range(4000, 0, -1):
        value = n * (n - p) / (z + 2 * n + 1 - p - value)
    return -mp.log(z + 1 - p - value) - whole


def gamma_cases():
    cases = []
    for p in [1e-3, 0.5, 1.0, 8.6, 100.0, 1e4, 1e6]:
        for s in [-4, -1, 0, 1, 3, 8]:
            z = p + s * p**0.5
            if z > 0:
                cases.append((p, z))
    cases += [(1e9, 1e9 + s * 1e9**0.5) for s in (-2, 1, 5)]
    cases += [(log_uniform(-3, 4), log_uniform(-3, 4)) for _ in range(20)]
    return cases


def table_incomplete_gamma():
    rows = []
    for p, z in gamma_cases():
        P, Z = mp.mpf(p), mp.mpf(z)
        whole = mp.loggamma(P) - P * mp.log(Z) + Z
        lower = gamma_scaled(P, Z)
        gap = lower - whole  # ln P(p, z)
        if gap < -mp.mpf(10) ** -20:
            upper = mp.log1p(-mp.exp(gap))
        else:
            upper = upper_log(P, Z, whole)
            gap = mp.log1p(-mp.exp(upper))
        rows.append([p, z, show(lower), show(gap), show(upper)])
    return rows


def table_normal():
    ps = [1e-300, 1e-30, 1e-12, 1e-9, 1e-6, 0.001, 0.01, 0.025, 0.05, 0.0749, 0.0751, 0.1, 0.3]
    ps += [0.4999, 0.5001, 0.7, 0.9, 0.95, 0.975, 0.99, 0.999]
    rows = []
    for p in ps:
        P = mp.mpf(p)
        f = lambda z: mp.log(mp.erfc(-z / mp.sqrt(2)) / 2) - mp.log(P)
        start = -mp.sqrt(-2 * mp.log(P)) if p < 0.02 else mp.mpf(0)
        rows.append([p, show(mp.findroot(f, start))])
    zs = [-40.0, -8.3, -3.0, -1.0, -1e-9, 0.0, 0.3, 1.0, 1.96, 5.0, 10.0, 37.0, 1000.0]
    tails = [[z, show(mp.log(mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2))] for z in zs]
    return {"quantile": rows, "logUpper": tails}


TABLES = {
    "logGamma": table_gamma,
    "deviance": table_deviance,
    "incompleteBeta": table_beta,
    "incompleteGamma": table_incomplete_gamma,
    "normal": table_normal,
}


def main():
    parts = []
    for name, make in TABLES.items():
        made = make()
        rows = {"": made} if isinstance(made, list) else made
        for key, value in rows.items():
            lines = ",\n".join(json.dumps(row) for row in value)
            parts.append(f'"{name + key[:1].upper() + key[1:]}": [\n{lines}\n]')
        print(name, file=sys.stderr, flush=True)
    print("{\n" + ",\n".join(parts) + "\n}")


main()
