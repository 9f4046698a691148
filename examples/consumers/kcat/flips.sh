#!/bin/sh
# Pairs whose labels differ, one a line: time, candidate, both labels. Needs kcat and jq.
#
#   flips.sh BROKER:PORT [TOPIC]
#
# Reads to the topic's end. Lines that are no JSON are passed over; a pair that was delivered twice is
# shown once.
set -eu
kcat -C -q -e -b "$1" -t "${2:-understudy.pairs}" -o beginning |
  jq -rR 'fromjson? | select(type == "object" and .schema == "understudy.pair/1")
    | select((.divergence.label_flips // 0) > 0)
    | [.time, .id, .candidate.name, (.incumbent.predictions[0].label | tostring),
       (.candidate.predictions[0].label | tostring)] | @tsv' |
  sort -u
