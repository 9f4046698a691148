"""States of an analysis as a Spark job: a GROUP BY over pairs without duplicates.

    spark-submit understudy_spark.py --plan plan.json --input 'pairs/*.parquet' --output next.state

`plan.json` is what `understudy experiment plan` prints. Input is what `understudy journal export` writes (Parquet, its
column `record`; or NDJSON), or the topic of pairs itself with `--kafka HOST:PORT --topic understudy.pairs`, where Spark
has its Kafka connector (`--packages org.apache.spark:spark-sql-kafka-0-10_2.12:VERSION`). The output is read by
`understudy report --merge next.state`; it has the same bits as the state of `understudy analyse` over the same pairs.
"""

import argparse
import base64
import calendar
import json
import os
import re
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ("understudy_losses.py", "understudy_state.py")
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?Z")
PAIR_SCHEMA = "understudy.pair/1"


def to_ms(text):
    """Unix ms, further digits cut off; None: no time in UTC."""
    match = TIME.fullmatch(text)
    if match is None:
        return None
    *parts, fraction = match.groups()
    return calendar.timegm(tuple(map(int, parts))) * 1000 + int(((fraction or "") + "000")[:3])


def reject(constant):
    raise ValueError(constant)


def groups_of(pair, plan, started_ms):
    """The keys of the states that a pair belongs to, each with what it adds; as Analysis.add."""
    from understudy_losses import CutFacts, js_string
    from understudy_state import discovery_bucket, short_text

    time_ms = to_ms(pair["time"])
    if time_ms is None or time_ms < started_ms:
        return
    facts = CutFacts(pair, plan)
    stretch = time_ms // plan["cutMs"] * plan["cutMs"]
    named = [""]
    for segment in plan["segments"]:
        if value_at(pair, segment["pointer"], js_string) == segment["value"]:
            named.append(f"named:{segment['name']}")
    is_warm_up = "warm_up" in pair["flags"]
    for key in named:
        yield ("cut", key, stretch), (facts,)
        if not is_warm_up:
            yield ("segment", key, 0), (pair, plan)
    for pointer in plan["discover"]:
        value = value_at(pair, pointer, js_string)
        key = f"found:{pointer}:{discovery_bucket(value)}"
        yield ("cut", key, 0), (facts,)
        yield ("values", key, 0), (short_text(value),)
    seq = int(pair["seq"])
    yield ("seen", pair["epoch"], seq >> 15), (seq,)
    if not is_warm_up:
        yield ("sample", "", 0), (pair,)
        yield ("examples", "", 0), (pair,)


def value_at(pair, pointer, as_text):
    captured = pair["captured"]
    return as_text(captured[pointer]) if pointer in captured else ""


def states_of(records, plan):
    """The states of one partition's records, and how many records were no pairs of this plan."""
    from understudy_state import CutState, Examples, Names, Sample, SeenChunk, SegmentState

    makers = {
        "cut": lambda: CutState(len(plan["guardrails"])),
        "segment": SegmentState,
        "values": Names,
        "seen": SeenChunk,
        "sample": Sample,
        "examples": Examples,
    }
    started_ms = to_ms(plan["startedAt"])
    states, counts = {}, {"pairs": 0, "foreign": 0, "malformed": 0}
    for (record,) in records:
        try:
            pair = json.loads(record, parse_constant=reject)
            if pair["experiment"] != plan["experiment"] or pair["candidate"]["name"] != plan["candidate"]:
                counts["foreign"] += 1
                continue
            groups = list(groups_of(pair, plan, started_ms))
        except (ValueError, KeyError, TypeError, AttributeError):
            counts["malformed"] += 1
            continue
        counts["pairs"] += 1 if groups else 0
        for key, added in groups:
            state = states.get(key)
            if state is None:
                state = states[key] = makers[key[0]]()
            state.add(*added)
    yield ("counts", "", 0), counts
    yield from states.items()


def merge(ours, theirs):
    if isinstance(ours, dict):
        return {name: ours[name] + theirs[name] for name in ours}
    ours.merge(theirs)
    return ours


def to_line(item):
    """A state as a line of the output; of a state without pairs nothing."""
    from understudy_state import Writer

    (kind, key, stretch), state = item
    writer = Writer()
    state.encode(writer)
    data = base64.b64encode(bytes(writer.bytes)).decode()
    return json.dumps({"kind": kind, "key": key, "stretch": stretch, "bytes": data})


def read_records(spark, options):
    """One column: the record as it was published."""
    if options.kafka:
        source = spark.read.format("kafka").option("kafka.bootstrap.servers", options.kafka)
        topic = source.option("subscribe", options.topic).option("startingOffsets", "earliest").load()
        return topic.select(F.col("value").cast("string").alias("record"))
    if options.input.endswith((".json", ".ndjson", ".jsonl")):
        return spark.read.text(options.input).select(F.col("value").alias("record"))
    return spark.read.parquet(options.input).select("record")


def once_each(records):
    """Each id once; with it whether it came with different bytes."""
    pairs = records.select("record", F.get_json_object("record", "$.id").alias("id"))
    is_pair = F.get_json_object("record", "$.schema") == PAIR_SCHEMA
    pairs = pairs.where(is_pair & F.col("id").isNotNull())
    return pairs.groupBy("id").agg(F.min("record").alias("record"), F.max("record").alias("last"))


def run(spark, options):
    with open(options.plan, encoding="utf-8") as file:
        header = json.load(file)
    plan = header["plan"]
    for module in MODULES:
        spark.sparkContext.addPyFile(os.path.join(HERE, module))
    from understudy_losses import KINDS

    unknown = {guardrail["kind"] for guardrail in plan["guardrails"]} - KINDS
    if unknown:
        sys.exit(f"This job does not know the guardrails {', '.join(sorted(unknown))}: it is older than the plan.")
    pairs = once_each(read_records(spark, options)).cache()
    conflicts = pairs.where(F.col("record") != F.col("last")).count()
    states = pairs.select("record").rdd.mapPartitions(lambda part: states_of(part, plan)).reduceByKey(merge).cache()
    lines = states.filter(lambda item: item[0][0] != "counts").map(to_line)
    counts = states.filter(lambda item: item[0][0] == "counts").values().reduce(merge)
    first = {"schema": "understudy.state/1", **{name: header[name] for name in ("plan", "hash", "profile")}}
    written = 0
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(json.dumps(first) + "\n")
        for line in lines.toLocalIterator():
            file.write(line + "\n")
            written += 1
        file.write(json.dumps({"end": written}) + "\n")
    print(json.dumps({**counts, "conflicts": conflicts, "states": written}))


def main():
    parser = argparse.ArgumentParser(description="States of an analysis, from pairs")
    parser.add_argument("--plan", required=True, help="what `understudy experiment plan` has printed")
    parser.add_argument("--input", help="Parquet or NDJSON of `understudy journal export`")
    parser.add_argument("--kafka", help="HOST:PORT of a broker, instead of --input")
    parser.add_argument("--topic", default="understudy.pairs")
    parser.add_argument("--output", required=True, help="file of states, written anew")
    options = parser.parse_args()
    if (options.input is None) == (options.kafka is None):
        parser.error("one of --input and --kafka")
    spark = SparkSession.builder.appName("understudy-states").getOrCreate()
    try:
        run(spark, options)
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
