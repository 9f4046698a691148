#!/usr/bin/env bash
# A real Docker daemon for tests, and base images made on the spot where none can be pulled.
# Needs root and Debian's docker.io, docker-compose, iptables and debootstrap.
#
#   docker-host.sh missing              says in one line what this machine lacks; else nothing
#   docker-host.sh up DIR               start a daemon unless one answers; its log and pid go to DIR
#   docker-host.sh base                 make node:24-bookworm-slim, unless it is there or can be pulled
#   docker-host.sh image TAG PACKAGE…   make TAG: a minimal Debian with these packages added
#   docker-host.sh kafka TAG            make TAG: one broker, set up by KAFKA_… variables in the
#                                       way of the official image (Debian's Java, the jars from Maven)
#   docker-host.sh down DIR             stop the daemon that "up DIR" started; no other
#
# DOCKER_OWNER  process id: when that process ends, the daemon is stopped (default: none)
# DOCKER_CACHE  images and the Debian tree (default: understudy/docker in the XDG cache folder)
# NODE_VERSION  version of Node in the base image (default 24.21.0)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
self=$here/docker-host.sh
cache=${DOCKER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/understudy/docker}
node=${NODE_VERSION:-24.21.0}
suite=bookworm
PATH=$PATH:/usr/sbin:/sbin
docker=$(command -v /usr/bin/docker || command -v docker || echo docker)
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

say() { printf 'docker-host: %s\n' "$*" >&2; }
answers() { timeout 10 "$docker" info >/dev/null 2>&1; }
has() { "$docker" image inspect "$1" >/dev/null 2>&1; }

missing() {
  answers && return 0
  local need absent=()
  for need in docker:docker.io dockerd:docker.io iptables:iptables debootstrap:debootstrap; do
    command -v "${need%%:*}" >/dev/null || absent+=("${need##*:}")
  done
  if [ "$(id -u)" -ne 0 ]; then
    echo "no daemon answers, and only root can start one"
  elif [ ${#absent[@]} -gt 0 ]; then
    echo "no daemon answers, and to start one these Debian packages are missing: ${absent[*]}"
  fi
}

up() { # DIR
  mkdir -p "$1" "$cache"
  exec 8>"$cache/lock"
  flock 8
  if ! answers; then
    setsid dockerd --data-root "$cache/data" --exec-root "$1/exec" --pidfile "$1/dockerd.pid" \
      >"$1/dockerd.log" 2>&1 </dev/null 8>&- &
    local i
    for ((i = 0; i < 150; i++)); do answers && break; sleep 0.2; done
    answers || { say "the daemon did not come up:"; tail -n 5 "$1/dockerd.log" >&2; return 1; }
    say "daemon started, log in $1/dockerd.log"
    # Not "… || setsid … &": that keeps a shell around that holds our standard output open.
    if [ -n "${DOCKER_OWNER:-}" ]; then
      setsid "$self" guard "$1" "$DOCKER_OWNER" >/dev/null 2>&1 </dev/null 8>&- &
    fi
  fi
}

guard() { # DIR OWNER: ends with the daemon or with its owner, whichever comes first
  while kill -0 "$2" 2>/dev/null; do
    [ -s "$1/dockerd.pid" ] || return 0
    sleep 0.5
  done
  down "$1"
}

down() { # DIR
  [ -s "$1/dockerd.pid" ] || return 0
  local pid i
  pid=$(cat "$1/dockerd.pid")
  kill "$pid" 2>/dev/null || true
  for ((i = 0; i < 300; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  # A container with the host's network leaves a mount behind that keeps DIR from being removed.
  umount "$1"/exec/netns/* 2>/dev/null || true
  rm -f "$1/dockerd.pid"
}

debian_tree() { # a minimal Debian, made once
  [ -f "$cache/debian.done" ] && return 0
  say "debootstrap (about 30 s)"
  rm -rf "$cache/debian"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$cache/debian" \
    >"$cache/debootstrap.log" 2>&1 || { tail -n 5 "$cache/debootstrap.log" >&2; return 1; }
  rm -rf "$cache"/debian/var/cache/apt/archives/*.deb "$cache"/debian/var/lib/apt/lists/*
  touch "$cache/debian.done"
}

import_tree() { # TREE TAG: this machine's own certificates go along, for package clients in a build
  local changes=()
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
    cp "$NODE_EXTRA_CA_CERTS" "$1/etc/ssl/extra-ca.pem"
    changes=(-c 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/extra-ca.pem SSL_CERT_FILE=/etc/ssl/extra-ca.pem')
  fi
  tar -C "$1" -c . | "$docker" import "${changes[@]}" - "$2" >/dev/null
  say "made $2"
}

obtain() { # TAG MAKER: unless it is there, pull it, else make it; one at a time
  mkdir -p "$cache"
  exec 8>"$cache/lock"
  flock 8
  has "$1" || timeout 60 "$docker" pull -q "$1" >/dev/null 2>&1 || { work=$(mktemp -d) && "$2" "$1"; }
}

make_debian() { # TAG
  debian_tree
  cp -a "$cache/debian" "$work/debian"
  cp -a /etc/apt/. "$work/debian/etc/apt/"
  cp -a /usr/share/keyrings/. "$work/debian/usr/share/keyrings/"
  import_tree "$work/debian" "$1"
}

make_base() { # TAG: Node and npm from their packages, and the user "node", as in the official image
  debian_tree
  local tree=$work/tree command
  cp -a "$cache/debian" "$tree"
  mkdir "$work/npm"
  (cd "$work/npm" && npm init -y && npm install --no-save "node-linux-$(uname -m |
    sed 's/x86_64/x64/; s/aarch64/arm64/')@$node" npm@11) >"$cache/npm.log" 2>&1
  install -m 755 "$work"/npm/node_modules/node-linux-*/bin/node "$tree/usr/local/bin/node"
  cp -r "$work/npm/node_modules/npm" "$tree/usr/local/lib/npm"
  for command in npm npx; do
    chmod +x "$tree/usr/local/lib/npm/bin/$command-cli.js"
    ln -sf "../lib/npm/bin/$command-cli.js" "$tree/usr/local/bin/$command"
  done
  echo 'node:x:1000:1000::/home/node:/bin/bash' >>"$tree/etc/passwd"
  echo 'node:x:1000:' >>"$tree/etc/group"
  mkdir -p "$tree/home/node"
  chown 1000:1000 "$tree/home/node"
  import_tree "$tree" "$1"
}

build() { # TAG FOLDER
  DOCKER_BUILDKIT=0 "$docker" build --network=host -q -t "$1" "$2" >/dev/null
  say "made $1"
}

image() { # TAG PACKAGE…
  has "$1" && return 0
  local tag=$1
  shift
  obtain "debian:$suite-slim" make_debian
  [ -n "$work" ] || work=$(mktemp -d)
  mkdir "$work/image"
  cat >"$work/image/Dockerfile" <<D
FROM debian:$suite-slim
RUN mkdir -p /usr/share/man/man1 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends $* && rm -rf /var/lib/apt/lists/*
D
  build "$tag" "$work/image"
}

kafka() { # TAG
  has "$1" && return 0
  local jars
  image understudy-test/jre:17 openjdk-17-jre-headless
  [ -n "$work" ] || work=$(mktemp -d)
  jars=$("$here/kafka-broker.sh" fetch)
  mkdir "$work/kafka"
  cp -r "$jars" "$work/kafka/libs"
  install -m 755 "$here/kafka-image.sh" "$work/kafka/run"
  cat >"$work/kafka/Dockerfile" <<D
FROM understudy-test/jre:17
COPY libs /opt/kafka/libs
COPY run /opt/kafka/run
RUN mkdir -p /tmp/kafka-logs && chown 1000:1000 /tmp/kafka-logs
USER 1000:1000
EXPOSE 9092
CMD ["/opt/kafka/run"]
D
  build "$1" "$work/kafka"
}

case ${1:-} in
  missing) missing ;;
  up) up "$2" ;;
  base) obtain node:24-$suite-slim make_base ;;
  image) shift && image "$@" ;;
  kafka) kafka "$2" ;;
  down) down "$2" ;;
  guard) guard "$2" "$3" ;;
  *) sed -n '2,17p' "$self" && exit 2 ;;
esac
