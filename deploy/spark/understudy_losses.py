"""The losses of one pair under a plan, and what else a state counts of it: as src/analysis/losses.ts and cut-facts.ts.

Doubles are those of JavaScript: the same operations in the same order give the same bits. NaN: the pair says nothing.
"""

import math

FIXED_ONE = 2**40
FIXED_RANGE = 2**11
NAN = math.nan

CUT_COUNTS = (
    "pairs",
    "warmUp",
    "violations",
    "incumbentFailures",
    "candidateFailures",
    "latencyLeftOut",
    "selectionMismatches",
    "versionsMissing",
)

KINDS = {
    "contract",
    "errors",
    "label_flips",
    "outside_tolerance",
    "score_bias_up",
    "score_bias_down",
    "score_difference",
    "latency_over_objective",
    "latency_slower",
}


def js_round(value):
    """Math.round: halves towards +infinity."""
    low = math.floor(value)
    return low + 1 if value - low >= 0.5 else low


def to_fixed_point(value):
    """Units of 2^-40, an integer."""
    if not -FIXED_RANGE <= value <= FIXED_RANGE:
        raise ValueError(f"{value} is outside [-2048, 2048]")
    return js_round(float(value) * FIXED_ONE)


def square_units(units):
    return math.ceil((units / FIXED_ONE) * units)


def js_string(value):
    """String(value) of what JSON can hold."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return js_number(float(value))


def js_number(value):
    """The shortest digits that give the double back, laid out as ECMA-262, Number::toString, does."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0") or "0"
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if power > 0 else '-'}{abs(power)}"


def is_failed(side):
    status = side.get("status")
    return status is None or status >= 400


def score_difference(ours, theirs):
    return theirs.get("score", NAN) - ours.get("score", NAN)


def violation_of(pair, score_range):
    incumbent, candidate = pair["incumbent"], pair["candidate"]
    if is_failed(incumbent) or "error" in incumbent or is_failed(candidate):
        return ""
    if "error" in candidate:
        return candidate["error"]
    fields = pair["divergence"]["fields"]
    if fields:
        return fields[0]
    low, high = score_range
    for prediction in candidate["predictions"]:
        score = prediction.get("score")
        if score is not None and (score < low or score > high):
            return "score_out_of_range"
    return ""


def loss_of(kind, pair, plan, violation):
    incumbent, candidate = pair["incumbent"], pair["candidate"]
    if kind == "errors":
        return int(is_failed(candidate)) - int(is_failed(incumbent))
    if kind in ("latency_over_objective", "latency_slower"):
        return _latency_loss(kind, pair, plan)
    if is_failed(incumbent) or "error" in incumbent:
        return NAN
    if kind == "contract":
        return 0 if violation == "" else 1
    if is_failed(candidate) or "error" in candidate:
        return 1
    return _difference_loss(kind, pair, plan)


def _latency_loss(kind, pair, plan):
    ours = pair["incumbent"].get("latency_ms")
    if pair["flags"] or is_failed(pair["incumbent"]) or ours is None:
        return NAN
    theirs = pair["candidate"].get("latency_ms", math.inf)
    if kind == "latency_slower":
        return int(theirs > ours + plan["slowerByMs"])
    return int(theirs > plan["objectiveMs"]) - int(ours > plan["objectiveMs"])


def _difference_loss(kind, pair, plan):
    ours, theirs = pair["incumbent"]["predictions"], pair["candidate"]["predictions"]
    if len(ours) != len(theirs):
        return 1
    if kind == "outside_tolerance":
        return NAN if not ours else pair["divergence"]["outside_tolerance"] / len(ours)
    low, high = plan["scoreRange"]
    total, compared = 0.0, 0
    for our, their in zip(ours, theirs):
        if kind == "label_flips":
            if "label" not in our:
                continue
            their_label = js_string(their["label"]) if "label" in their else "undefined"
            loss = 0 if js_string(our["label"]) == their_label else 1
        else:
            loss = _signed(kind, score_difference(our, their) / (high - low))
        if math.isnan(loss):
            continue
        total += loss
        compared += 1
    return NAN if compared == 0 else total / compared


def _signed(kind, difference):
    if math.isnan(difference):
        return NAN
    clipped = max(-1.0, min(1.0, difference))
    if kind == "score_bias_up":
        return clipped
    return -clipped if kind == "score_bias_down" else abs(clipped)


class CutFacts:
    """What a pair adds to a state at a cut."""

    __slots__ = ("counts", "versions", "violation", "units")

    def __init__(self, pair, plan):
        self.counts, self.versions, self.violation, self.units = ["warmUp"], [], "", []
        if "warm_up" in pair["flags"]:
            return
        self.counts = ["pairs"]
        self.violation = violation_of(pair, plan["scoreRange"])
        for side, failures in (("incumbent", "incumbentFailures"), ("candidate", "candidateFailures")):
            answer = pair[side]
            if is_failed(answer):
                self.counts.append(failures)
            elif "model_version" in answer:
                self.versions.append(f"{side}:{answer['model_version']}")
            elif "error" not in answer:
                self.counts.append("versionsMissing")
        if pair["flags"]:
            self.counts.append("latencyLeftOut")
        if not pair["selection"]["u"] < pair["selection"]["probability"]:
            self.counts.append("selectionMismatches")
        if self.violation:
            self.counts.append("violations")
        for i, guardrail in enumerate(plan["guardrails"]):
            loss = loss_of(guardrail["kind"], pair, plan, self.violation)
            if not math.isnan(loss):
                units = to_fixed_point(loss)
                self.units.append((i, units, square_units(units)))
