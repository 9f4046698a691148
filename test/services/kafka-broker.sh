#!/usr/bin/env bash
# A real Apache Kafka broker for tests, without a container: needs Java 17 or later, and Maven.
#
#   kafka-broker.sh missing                   says in one line what this machine lacks; else nothing
#   kafka-broker.sh fetch                     fill the cache of jars (once, 43 MB); prints its path
#   kafka-broker.sh start DIR PORT [NODES]    format DIR if new, start 1 or 3 nodes, wait for them
#   kafka-broker.sh ensure DIR PORT           like start, unless a broker was started in DIR before;
#                                             prints the port it has
#   kafka-broker.sh stop  DIR                 SIGTERM every node, wait 30 s, SIGKILL what is left
#   kafka-broker.sh kill  DIR NODE            SIGKILL one node (counted from 1)
#   kafka-broker.sh up    DIR NODE            start it again on its old data, wait for it
#   kafka-broker.sh pause DIR NODE            SIGSTOP: it stays connected and does nothing
#   kafka-broker.sh resume DIR NODE           SIGCONT
#
# Ports of node i: PORT + 10 * (i - 1) is PLAINTEXT, the next one the controller's, and with
# KAFKA_SECURE=1 the three after that SASL_SSL, SASL_PLAINTEXT and SSL (which wants a client
# certificate). Then there are DIR/tls/{ca,client,client-key}.pem and two users (SCRAM-SHA-256,
# SCRAM-SHA-512, PLAIN): "app" with password "app-secret" may do everything, as may the certificate;
# "limited" with "limited-secret" may do nothing until an ACL says so.
# With KAFKA_PROXIES="PORT1 …", one a node, there is a listener PROXIED (plain) at the fifth port of
# a node, which is advertised at 127.0.0.1:PORTi: what a proxy there passes on.
#
# KAFKA_OWNER   process id: when that process ends, every node is stopped (default: none)
# KAFKA_CACHE   where the jars are kept (default: understudy/kafka in the XDG cache folder)
# KAFKA_HEAP    heap of a node (256m)
# KAFKA_EXTRA   a file with more lines for server.properties
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
self=$here/kafka-broker.sh
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/kafka-broker.pom.xml")
cache=${KAFKA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/understudy/kafka}
jars=$cache/kafka-$version
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
heap=${KAFKA_HEAP:-256m}
secure=${KAFKA_SECURE:-}

missing() {
  local need major
  for need in "$java" mvn flock setsid openssl; do
    [ "$need" = mvn ] && [ -f "$jars/.complete" ] && continue
    command -v "$need" >/dev/null || { echo "$need is not installed"; return 0; }
  done
  major=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${major:-0}" -ge 17 ] || echo "Java 17 or later is needed, this is ${major:-unknown}"
}

fetch() { # under a lock: test files run side by side
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  if [ ! -f "$jars/.complete" ]; then
    rm -rf "$jars.part" "$jars"
    mvn -q -B -f "$here/kafka-broker.pom.xml" -DincludeScope=runtime -DoutputDirectory="$jars.part" \
      org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy-dependencies >&2
    touch "$jars.part/.complete"
    mv "$jars.part" "$jars"
  fi
  exec 9>&-
}

make_certificates() { # DIR: an authority, and what it has signed for brokers and a client
  local tls=$1/tls name
  [ -f "$tls/ca.pem" ] && return 0
  mkdir -p "$tls"
  make_key() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@" 2>/dev/null; }
  make_key -x509 -days 3650 -subj /CN=test-authority -keyout "$tls/ca-key.pem" -out "$tls/draft.pem"
  for name in broker client; do
    make_key -subj "/CN=$name" -keyout "$tls/$name-key.pem" -out "$tls/$name.csr"
    openssl x509 -req -in "$tls/$name.csr" -CA "$tls/draft.pem" -CAkey "$tls/ca-key.pem" -days 3650 \
      -CAcreateserial -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1) \
      -out "$tls/$name.pem" 2>/dev/null
  done
  cat "$tls/broker-key.pem" "$tls/broker.pem" >"$tls/broker-store.pem"
  mv "$tls/draft.pem" "$tls/ca.pem"
}

secure_properties() { # DIR
  local module=org.apache.kafka.common.security listener
  cat <<P
ssl.keystore.type=PEM
ssl.keystore.location=$1/tls/broker-store.pem
ssl.truststore.type=PEM
ssl.truststore.location=$1/tls/ca.pem
ssl.client.auth=none
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:app;User:CN=client
P
  for listener in sasl_ssl sasl_plaintext; do
    cat <<P
listener.name.$listener.scram-sha-256.sasl.jaas.config=$module.scram.ScramLoginModule required;
listener.name.$listener.scram-sha-512.sasl.jaas.config=$module.scram.ScramLoginModule required;
listener.name.$listener.plain.sasl.jaas.config=$module.plain.PlainLoginModule required user_app="app-secret" user_limited="limited-secret";
P
  done
}

configure() { # DIR PORT NODES NODE
  local dir=$1 port=$2 nodes=$3 node=$4 base=$(($2 + 10 * ($4 - 1))) voters='' isr=1 i
  for ((i = 1; i <= nodes; i++)); do
    voters+=${voters:+,}$i@127.0.0.1:$((port + 10 * (i - 1) + 1))
  done
  [ "$nodes" -ge 3 ] && isr=2
  local listeners=PLAINTEXT://127.0.0.1:$base map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
  if [ -n "$secure" ]; then
    listeners+=,SASL_SSL://127.0.0.1:$((base + 2)),SASL_PLAINTEXT://127.0.0.1:$((base + 3))
    listeners+=,SSL://127.0.0.1:$((base + 4))
    map+=,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL
  fi
  local advertised=$listeners proxies
  if [ -n "${KAFKA_PROXIES:-}" ]; then
    read -ra proxies <<<"$KAFKA_PROXIES"
    listeners+=,PROXIED://127.0.0.1:$((base + 5))
    advertised+=,PROXIED://127.0.0.1:${proxies[$((node - 1))]}
    map+=,PROXIED:PLAINTEXT
  fi
  cat <<P
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=$listeners,CONTROLLER://127.0.0.1:$((base + 1))
advertised.listeners=$advertised
listener.security.protocol.map=$map
log.dirs=$dir/node$node/data
num.network.threads=2
num.io.threads=4
auto.create.topics.enable=false
default.replication.factor=$nodes
min.insync.replicas=$isr
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$nodes
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=$nodes
transaction.state.log.min.isr=$isr
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=$nodes
share.coordinator.state.topic.min.isr=$isr
group.initial.rebalance.delay.ms=0
# After a SIGKILL a node is let in again only when its old session has run out (default: 9 s).
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# The default (128 MB) would eat half of the heap.
log.cleaner.dedupe.buffer.size=4194304
P
  [ -z "$secure" ] || secure_properties "$dir"
  [ -z "${KAFKA_EXTRA:-}" ] || cat "$KAFKA_EXTRA"
}

format() { # DIR NODE
  local node=$1/node$2 scram=()
  if [ -n "$secure" ]; then
    local user hash
    for user in app limited; do
      for hash in 256 512; do
        scram+=(--add-scram "SCRAM-SHA-$hash=[name=$user,password=$user-secret]")
      done
    done
  fi
  # A short-lived tool starts faster with the first compiler only.
  "$java" -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$jars/*" \
    kafka.tools.StorageTool format --ignore-formatted --cluster-id="$(cat "$1/cluster-id")" \
    --config "$node/server.properties" "${scram[@]}" >"$node/format.log" 2>&1 ||
    { cat "$node/format.log" >&2; return 1; }
}

launch() { # DIR NODE
  local node=$1/node$2
  : >"$node/broker.log"
  setsid "$java" -Xms"$heap" -Xmx"$heap" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError \
    -Djava.awt.headless=true -Dorg.slf4j.simpleLogger.showDateTime=true \
    -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
    -Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn \
    -cp "$jars/*" kafka.Kafka "$node/server.properties" >>"$node/broker.log" 2>&1 </dev/null 8>&- &
  echo $! >"$node/pid"
}

ready() { # DIR NODE: at most 60 s
  local node=$1/node$2 pid i
  pid=$(cat "$node/pid")
  for ((i = 0; i < 600; i++)); do
    grep -q 'Kafka Server started' "$node/broker.log" && return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "node $2 did not start; the end of its log:" >&2
  tail -n 20 "$node/broker.log" >&2
  return 1
}

start() { # DIR PORT [NODES]
  fetch
  mkdir -p "$1"
  local dir nodes=${3:-1} i
  dir=$(cd "$1" && pwd)
  rm -f "$dir/stopped"
  [ -z "$secure" ] || make_certificates "$dir"
  [ -f "$dir/cluster-id" ] ||
    head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n' >"$dir/cluster-id"
  for ((i = 1; i <= nodes; i++)); do
    mkdir -p "$dir/node$i"
    configure "$dir" "$2" "$nodes" "$i" >"$dir/node$i/server.properties"
    [ -f "$dir/node$i/data/meta.properties" ] || format "$dir" "$i"
  done
  # Not "… || setsid … &": that keeps a shell around that holds our standard output open.
  if [ -n "${KAFKA_OWNER:-}" ]; then
    setsid "$self" guard "$dir" "$KAFKA_OWNER" >/dev/null 2>&1 </dev/null 8>&- &
  fi
  for ((i = 1; i <= nodes; i++)); do launch "$dir" "$i"; done
  for ((i = 1; i <= nodes; i++)); do
    ready "$dir" "$i" || { stop "$dir"; return 1; }
  done
}

ensure() { # DIR PORT: whoever comes second waits for the lock and finds the broker up
  mkdir -p "$1"
  exec 8>"$1/lock"
  flock 8
  if [ ! -f "$1/port" ]; then
    start "$1" "$2" >&2
    echo "$2" >"$1/port"
  fi
  cat "$1/port"
}

guard() { # DIR OWNER: ends with the folder or with its owner, whichever comes first
  while kill -0 "$2" 2>/dev/null; do
    [ -d "$1" ] && [ ! -f "$1/stopped" ] || return 0
    sleep 0.5
  done
  stop "$1"
  rm -rf "$1"
}

stop() { # DIR
  local file pid pids=() i left
  touch "$1/stopped"
  for file in "$1"/node*/pid; do [ -f "$file" ] && pids+=("$(cat "$file")"); done
  [ ${#pids[@]} -eq 0 ] && return 0
  kill -CONT "${pids[@]}" 2>/dev/null || true
  kill "${pids[@]}" 2>/dev/null || true
  for ((i = 0; i < 300; i++)); do
    left=0
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null && left=1; done
    [ $left -eq 0 ] && break
    sleep 0.1
  done
  kill -9 "${pids[@]}" 2>/dev/null || true
  rm -f "$1"/node*/pid
}

case ${1:-} in
  missing) missing ;;
  fetch) fetch && echo "$jars" ;;
  start) shift && start "$@" ;;
  ensure) ensure "$2" "$3" ;;
  stop) stop "$(cd "$2" && pwd)" ;;
  kill) kill -9 "$(cat "$2/node$3/pid")" && rm -f "$2/node$3/pid" ;;
  up) dir=$(cd "$2" && pwd) && launch "$dir" "$3" && ready "$dir" "$3" ;;
  pause) kill -STOP "$(cat "$2/node$3/pid")" ;;
  resume) kill -CONT "$(cat "$2/node$3/pid")" ;;
  guard) guard "$2" "$3" ;;
  *) sed -n '2,29p' "$self" && exit 2 ;;
esac
