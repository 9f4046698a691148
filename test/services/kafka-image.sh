#!/bin/sh
# What the Kafka image of docker-host.sh runs: one broker, set up by variables as in the official
# image. KAFKA_NODE_ID becomes node.id ("_" is ".", "__" is "_", "___" is "-"); what is not set has
# the value of a single node that listens on 9092. CLUSTER_ID is used at the first start.
set -eu
properties=/tmp/server.properties
: "${KAFKA_NODE_ID:=1}" "${KAFKA_PROCESS_ROLES:=broker,controller}"
: "${KAFKA_CONTROLLER_LISTENER_NAMES:=CONTROLLER}"
: "${KAFKA_CONTROLLER_QUORUM_VOTERS:=$KAFKA_NODE_ID@localhost:9093}"
: "${KAFKA_LISTENERS:=PLAINTEXT://:9092,CONTROLLER://:9093}"
: "${KAFKA_ADVERTISED_LISTENERS:=PLAINTEXT://localhost:9092}"
: "${KAFKA_LISTENER_SECURITY_PROTOCOL_MAP:=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT}"
: "${KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR:=1}"
: "${KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR:=1}"
: "${KAFKA_TRANSACTION_STATE_LOG_MIN_ISR:=1}"
: "${KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR:=1}"
: "${KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR:=1}"
: "${KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS:=0}"
: "${KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE:=4194304}"
: "${KAFKA_LOG_DIRS:=/tmp/kafka-logs}"
: "${CLUSTER_ID:=5L6g3nShT-eMCtK--X86sw}" "${KAFKA_HEAP_OPTS:=-Xms256m -Xmx256m}"

# "set" also lists the defaults from above, which were never exported.
set | sed -n "s/^KAFKA_\([A-Z0-9_]*\)='\(.*\)'\$/\1 \2/p" | while read -r name value; do
  case $name in HEAP_OPTS | OPTS | JVM_PERFORMANCE_OPTS | LOG4J_*) continue ;; esac
  key=$(echo "$name" | tr '[:upper:]' '[:lower:]' | sed 's/___/-/g; s/__/\n/g; s/_/./g' | tr '\n' '_')
  echo "${key%_}=$value"
done >"$properties"

java -Xmx128m -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' kafka.tools.StorageTool \
  format --ignore-formatted --cluster-id="$CLUSTER_ID" --config "$properties"
# shellcheck disable=SC2086
exec java $KAFKA_HEAP_OPTS -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError \
  -Djava.awt.headless=true -cp '/opt/kafka/libs/*' kafka.Kafka "$properties"
