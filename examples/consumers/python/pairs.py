"""Pairs of a topic as a pandas frame, and a plot of score against score.

    python pairs.py BROKER:PORT [TOPIC] [--plot scores.png] [--csv pairs.csv]

Reads the topic from its beginning to what is its end now. Repeated ids are dropped: delivery is at
least once. What is no pair of version 1 is counted and left out.
"""

import argparse
import json
import uuid

import matplotlib
import pandas as pd
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

SCHEMA = "understudy.pair/1"


def read_values(broker: str, topic: str):
    """Yields the value of each message, or None where it has none."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            # Nothing is committed: each run reads all there is.
            "group.id": f"example-{uuid.uuid4()}",
            "enable.auto.commit": False,
        }
    )
    try:
        metadata = consumer.list_topics(topic, timeout=30).topics[topic]
        ends = {}
        for partition in metadata.partitions:
            place = TopicPartition(topic, partition)
            first, end = consumer.get_watermark_offsets(place, timeout=30)
            if first < end:
                ends[partition] = end
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in ends])
        while ends:
            message = consumer.poll(30)
            if message is None:
                raise SystemExit("the broker gave nothing for 30 s")
            if message.error():
                raise SystemExit(str(message.error()))
            yield message.value()
            if message.offset() + 1 >= ends.get(message.partition(), 0):
                ends.pop(message.partition(), None)
    finally:
        consumer.close()


def read_pairs(broker: str, topic: str):
    """Returns the pairs, each id once, and how many messages were left out."""
    pairs, skipped = {}, 0
    for value in read_values(broker, topic):
        try:
            pair = json.loads(value)
            if pair["schema"] != SCHEMA:
                raise ValueError(pair["schema"])
            pairs.setdefault(pair["id"], pair)
        except (KeyError, TypeError, ValueError):
            skipped += 1
    return list(pairs.values()), skipped


def first(side: dict, name: str):
    """A field of a side's first prediction."""
    predictions = side["predictions"]
    return predictions[0].get(name) if predictions else None


def to_frame(pairs: list) -> pd.DataFrame:
    """One row a pair; a batch is shown by its first prediction."""
    frame = pd.DataFrame(
        {
            "id": pair["id"],
            "time": pair["time"],
            "route": pair["route"],
            "candidate": pair["candidate"]["name"],
            "state": pair["state"],
            "incumbent_score": first(pair["incumbent"], "score"),
            "candidate_score": first(pair["candidate"], "score"),
            "incumbent_label": first(pair["incumbent"], "label"),
            "candidate_label": first(pair["candidate"], "label"),
            "incumbent_ms": pair["incumbent"].get("latency_ms"),
            "candidate_ms": pair["candidate"].get("latency_ms"),
        }
        for pair in pairs
    )
    if not frame.empty:
        frame["time"] = pd.to_datetime(frame["time"])
        frame["difference"] = frame["candidate_score"] - frame["incumbent_score"]
    return frame


def plot(frame: pd.DataFrame, path: str) -> None:
    """Score against score, a colour for each candidate."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 6))
    for name, group in frame.groupby("candidate"):
        axes.scatter(group["incumbent_score"], group["candidate_score"], s=8, alpha=0.5, label=name)
    axes.axline((0, 0), slope=1, color="grey", linewidth=0.8)
    axes.set(xlabel="incumbent's score", ylabel="candidate's score", title="Same requests")
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("broker")
    parser.add_argument("topic", nargs="?", default="understudy.pairs")
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument("--csv", metavar="FILE")
    options = parser.parse_args()
    pairs, skipped = read_pairs(options.broker, options.topic)
    frame = to_frame(pairs)
    print(f"{len(frame)} pairs, {skipped} messages left out")
    if frame.empty:
        return
    columns = ["incumbent_score", "candidate_score", "difference"]
    print(frame.groupby("candidate")[columns].describe(percentiles=[0.5]).T.to_string())
    if options.csv:
        frame.to_csv(options.csv, index=False)
    if options.plot:
        plot(frame, options.plot)
        print(f"plotted {options.plot}")


if __name__ == "__main__":
    main()
