# Understudy: one image for each role of `understudy serve`, and for the demo's incumbent.
#
#   docker build -t understudy .
#
# What it is, and how to run it: docs/docker.md. glibc is needed: onnxruntime has no build for musl. Needs no
# BuildKit.
ARG NODE_IMAGE=node:24-bookworm-slim

# Packages of production, without what other platforms need.
FROM ${NODE_IMAGE} AS packages
LABEL understudy.stage=build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The pinned Node is for machines with an older one; onnxruntime brings libraries for Windows and macOS, too.
RUN npm ci --omit=dev \
  && rm -rf node_modules/node-linux-* \
  && find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 \
    ! -path "*/linux/$(node -p process.arch)" -exec rm -rf {} + \
  && find node_modules -type f \
    \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

# JavaScript out of TypeScript.
FROM packages AS build
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build -- --declaration false

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Understudy" \
  org.opencontainers.image.description="Shadow-traffic mirroring proxy for model scoring endpoints" \
  org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=packages /app/node_modules node_modules
COPY models/lending-club models/lending-club
COPY schemas schemas
COPY config config
COPY bin bin
COPY deploy/healthcheck /usr/local/bin/understudy-health
COPY --from=build /app/dist dist
# The two folders that are written to; a named volume takes owner and mode from here. The last command fails
# where the base image has a Node that is too old.
RUN chmod 755 /usr/local/bin/understudy-health bin/understudy.js \
  && ln -s /app/bin/understudy.js /usr/local/bin/understudy \
  && install -d -o 1000 -g 1000 -m 0700 /run/understudy /var/lib/understudy \
  && understudy --version
# Numbers, so that Kubernetes can tell that this is not root. SQLite spills to the data folder: /tmp may be
# read-only.
USER 1000:1000
WORKDIR /var/lib/understudy
ENV NODE_ENV=production \
  UNDERSTUDY_CONFIG=/etc/understudy/understudy.yaml \
  UNDERSTUDY_RUN=/run/understudy \
  SQLITE_TMPDIR=/var/lib/understudy
# Callers, admin API, metrics, health of the gateways: as in deploy/compose/understudy.yaml.
EXPOSE 8080 9901 9902 9903
# Bash and no Node: a check costs the container's limits 3 MiB for some milliseconds.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 CMD ["understudy-health"]
# The supervisor is process 1, so it gets SIGTERM itself. It waits for each process that it starts, and these
# start none, so nobody leaves zombies to it: no init is needed.
ENTRYPOINT ["node", "/app/bin/understudy.js"]
CMD ["serve"]
