"""States of an analysis: aggregates that add up, and their bytes, which are those of src/analysis/*-state.ts.

Each class is an aggregate of one GROUP BY key: `add` takes a pair, `merge` another part, `encode` gives the bytes.
"""

import hashlib
import json
import re

from understudy_losses import (
    CUT_COUNTS,
    FIXED_RANGE,
    is_failed,
    js_number,
    js_round,
    js_string,
    score_difference,
    to_fixed_point,
)

NAMES_KEPT = 16
LABELS_KEPT = 64
SAMPLE_PAIRS = 10_000
EXAMPLES = 20
CAPTURED = 8
CHARACTERS = 64
CHUNK = 1 << 15
LARGEST_US = 600_000_000
LONE = re.compile("[\ud800-\udfff]")


def utf16(text):
    """The order of JavaScript's strings."""
    return text.encode("utf-16-be", "surrogatepass")


def well_formed(text):
    """Halves of characters that stand together are one; lone ones are replaced."""
    if LONE.search(text) is None:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def short_text(text):
    whole = well_formed(text)
    return whole if len(whole.encode("utf-16-le")) <= 2 * CHARACTERS else whole[:CHARACTERS]


def json_text(value):
    """JSON.stringify of strings, numbers as they were laid out before, and lists of them."""
    if isinstance(value, list):
        return "[" + ",".join(json_text(each) for each in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, str):
        return LONE.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(value, ensure_ascii=False))
    return js_number(float(value))


def sample_rank(id):
    return int(hashlib.sha256(well_formed(id).encode()).hexdigest()[:13], 16)


def discovery_bucket(value):
    return hashlib.sha256(well_formed(value).encode()).digest()[0]


class Writer:
    """LEB128 numbers, zigzag for signed ones, texts with their length: as byte-writer.ts."""

    def __init__(self):
        self.bytes = bytearray()

    def count(self, value):
        while value >= 128:
            self.bytes.append(value % 128 + 128)
            value //= 128
        self.bytes.append(value)

    def integer(self, value):
        self.count(value << 1 if value >= 0 else (-value << 1) - 1)

    def text(self, value):
        data = well_formed(value).encode()
        self.count(len(data))
        self.bytes += data


def add_counts(to, other):
    for key, count in other.items():
        to[key] = to.get(key, 0) + count


def encode_names(writer, counts):
    names = sorted(counts, key=utf16)
    kept, others = names[:NAMES_KEPT], names[NAMES_KEPT:]
    writer.count(sum(counts[name] for name in others))
    writer.count(len(kept))
    for name in kept:
        writer.text(name)
        writer.count(counts[name])


class Names:
    def __init__(self):
        self.counts = {}

    def add(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1

    def merge(self, other):
        add_counts(self.counts, other.counts)

    def encode(self, writer):
        encode_names(writer, self.counts)


class CutState:
    def __init__(self, guardrails):
        self.losses = [[0, 0, 0] for _ in range(guardrails)]
        self.counts, self.versions, self.violations = {}, {}, {}

    def add(self, facts):
        for name in facts.counts:
            self.counts[name] = self.counts.get(name, 0) + 1
        for name in facts.versions:
            self.versions[name] = self.versions.get(name, 0) + 1
        if facts.violation:
            self.violations[facts.violation] = self.violations.get(facts.violation, 0) + 1
        for i, units, square in facts.units:
            sums = self.losses[i]
            sums[0] += 1
            sums[1] += units
            sums[2] += square

    def merge(self, other):
        for own, theirs in zip(self.losses, other.losses):
            for i in range(3):
                own[i] += theirs[i]
        for own, theirs in (
            (self.counts, other.counts),
            (self.versions, other.versions),
            (self.violations, other.violations),
        ):
            add_counts(own, theirs)

    def encode(self, writer):
        writer.count(len(self.losses))
        for n, total, squares in self.losses:
            writer.count(n)
            writer.count(2)
            writer.integer(total)
            writer.integer(squares)
        for name in CUT_COUNTS:
            writer.count(self.counts.get(name, 0))
        encode_names(writer, self.versions)
        encode_names(writer, self.violations)


def difference_place(units):
    """Row and bucket of |d| in units: linear below 2^20, 32 buckets a power of two above."""
    if units < 2**20:
        return units >> 15
    row = units.bit_length() - 20
    return 32 * row + ((units - (1 << (19 + row))) >> (14 + row))


class SegmentState:
    def __init__(self):
        self.n, self.zeros, self.least, self.largest = 0, 0, None, None
        self.negative, self.positive, self.labels = {}, {}, {}
        self.latencies = ({}, {}, {})

    def add(self, pair, plan):
        incumbent, candidate = pair["incumbent"], pair["candidate"]
        if not pair["flags"] and "latency_ms" in incumbent and "latency_ms" in candidate:
            values = (incumbent["latency_ms"], candidate["latency_ms"], candidate["queue_ms"])
            for counts, ms in zip(self.latencies, values):
                us = min(LARGEST_US, js_round(ms * 1000))
                shift = max(0, us.bit_length() - 8)
                value = us >> shift << shift
                counts[value] = counts.get(value, 0) + 1
        if is_failed(incumbent) or is_failed(candidate):
            return
        low, high = plan["scoreRange"]
        for ours, theirs in zip(incumbent["predictions"], candidate["predictions"]):
            difference = score_difference(ours, theirs) / (high - low)
            if abs(difference) <= FIXED_RANGE:
                self._difference(to_fixed_point(difference))
            if "label" in ours and "label" in theirs:
                couple = json_text([js_string(ours["label"]), js_string(theirs["label"])])
                self.labels[couple] = self.labels.get(couple, 0) + 1

    def _difference(self, units):
        self.n += 1
        self.least = units if self.least is None else min(self.least, units)
        self.largest = units if self.largest is None else max(self.largest, units)
        if units == 0:
            self.zeros += 1
            return
        side = self.positive if units > 0 else self.negative
        place = difference_place(abs(units))
        side[place] = side.get(place, 0) + 1

    def merge(self, other):
        self.n += other.n
        self.zeros += other.zeros
        for name, of in (("least", min), ("largest", max)):
            both = [each for each in (getattr(self, name), getattr(other, name)) if each is not None]
            setattr(self, name, of(both) if both else None)
        for own, theirs in (
            (self.negative, other.negative),
            (self.positive, other.positive),
            (self.labels, other.labels),
            *zip(self.latencies, other.latencies),
        ):
            add_counts(own, theirs)

    def encode(self, writer):
        writer.count(self.n)
        if self.n > 0:
            writer.count(self.zeros)
            writer.integer(self.least)
            writer.integer(self.largest)
            for side in (self.negative, self.positive):
                _encode_steps(writer, side, -1, 1)
        for counts in self.latencies:
            _encode_steps(writer, counts, 0, 0)
        names = sorted(self.labels, key=utf16)
        kept = {name: self.labels[name] for name in names[:LABELS_KEPT]}
        others = sum(self.labels[name] for name in names[LABELS_KEPT:])
        if others > 0:
            kept[""] = others
        writer.count(len(kept))
        for name in sorted(kept, key=utf16):
            writer.text(name)
            writer.count(kept[name])


def _encode_steps(writer, counts, last, gap):
    writer.count(len(counts))
    for place in sorted(counts):
        writer.count(place - last - gap)
        writer.count(counts[place])
        last = place


class SeenChunk:
    def __init__(self):
        self.bits = bytearray(CHUNK // 8)

    def add(self, seq):
        bit = seq % CHUNK
        self.bits[bit >> 3] |= 1 << (bit & 7)

    def merge(self, other):
        both = int.from_bytes(self.bits, "little") | int.from_bytes(other.bits, "little")
        self.bits = bytearray(both.to_bytes(CHUNK // 8, "little"))

    def encode(self, writer):
        if any(byte != 255 for byte in self.bits):
            writer.bytes += self.bits


class FirstPairs:
    """Pairs by id, of which the first in an order are kept. A subclass gives the order: `_first`, as items."""

    def __init__(self):
        self.items = {}

    def merge(self, other):
        self.items.update(other.items)
        self._cut()

    def _cut(self):
        self.items = dict(self._first())


class Sample(FirstPairs):
    """Bottom k of the ids' hashes, of pairs with a score on both sides."""

    def add(self, pair):
        ours, theirs = (pair[side]["predictions"][:1] for side in ("incumbent", "candidate"))
        if not ours or not theirs or "score" not in ours[0] or "score" not in theirs[0]:
            return
        values = [ours[0]["score"], theirs[0]["score"]]
        values += [pair[side].get("latency_ms") for side in ("incumbent", "candidate")]
        self.items[pair["id"]] = (sample_rank(pair["id"]), values)
        if len(self.items) >= 4 * SAMPLE_PAIRS:
            self._cut()

    def _first(self):
        return sorted(self.items.items(), key=lambda item: (item[1][0], utf16(item[0])))[:SAMPLE_PAIRS]

    def encode(self, writer):
        first = self._first()
        writer.count(len(first))
        for id, (_, values) in first:
            writer.text(id)
            writer.text(json_text(values))


class Examples(FirstPairs):
    """The pairs that differ most."""

    def add(self, pair):
        incumbent, candidate = pair["incumbent"], pair["candidate"]
        units, index = 0, 0
        for i, ours in enumerate(incumbent["predictions"]):
            theirs = candidate["predictions"][i] if i < len(candidate["predictions"]) else {}
            difference = abs(score_difference(ours, theirs))
            if not difference > 0:
                continue
            own = to_fixed_point(min(FIXED_RANGE, difference))
            if own > units:
                units, index = own, i
        flips = pair["divergence"]["label_flips"]
        if units == 0 and flips == 0:
            return
        captured = sorted(pair["captured"], key=utf16)[:CAPTURED]
        values = [
            *(short_text(pair[name]) for name in ("id", "time", "route")),
            units,
            flips,
            _texts(incumbent["predictions"], index),
            _texts(candidate["predictions"], index),
            [[short_text(each), short_text(js_string(pair["captured"][each]))] for each in captured],
        ]
        self.items[values[0]] = ((-units, -flips, sample_rank(pair["id"])), values)
        if len(self.items) > 8 * EXAMPLES:
            self._cut()

    def _first(self):
        return sorted(self.items.items(), key=lambda item: item[1][0])[:EXAMPLES]

    def encode(self, writer):
        first = self._first()
        writer.count(len(first))
        for _, (_, values) in first:
            writer.text(json_text(values))


def _texts(predictions, index):
    prediction = predictions[index] if index < len(predictions) else {}
    score = js_string(prediction["score"]) if "score" in prediction else ""
    return [score, short_text(js_string(prediction["label"])) if "label" in prediction else ""]
