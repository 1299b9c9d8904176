# syntax=docker/dockerfile:1
#
# One image with both services and the operator's command. Which of them a container runs is its command:
#
#     docker run inator node services/tableinator/dist/main.js      (the default)
#     docker run inator node services/graphinator/dist/main.js
#     docker run inator inator publish --help
#
# It runs as a numeric user without privileges, needs no write access to its root (--read-only --tmpfs /tmp), takes its
# whole configuration from the environment, and holds no secret. SIGTERM drains: give it longer than DRAIN_TIMEOUT (20 s)
# before it is killed, and an init (--init) to reap what a health check leaves behind.
#
# Memory: V8 does not know the container's limit well enough. Set NODE_OPTIONS=--max-old-space-size-percentage=60 (or
# --max-old-space-size in MiB); the rest of the limit is for what lives outside the heap: message bodies
# (BATCH_MAX_PENDING_BYTES), sockets and the engine itself.
#
# For reproducible builds pin the base by digest: --build-arg NODE_IMAGE=node:24-bookworm-slim@sha256:...
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS base
WORKDIR /app

# The manifests alone: as long as none of them changes, the two installations below come from the cache. Found, not
# listed, so that a new workspace needs no line here.
FROM base AS manifests
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete \
 && find . -type d -empty -delete

FROM base AS build
COPY --from=manifests /app .
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY . .
# The commit, for the metric inator_build_info: --build-arg REVISION=$(git rev-parse HEAD)
ARG REVISION=unknown
RUN npm pkg set "gitHead=${REVISION}" --workspace=services/tableinator --workspace=services/graphinator
# What running does not need goes: sources, declarations, the test kit. Everything left can be read by any user,
# whatever the umask of the checkout was.
RUN npx tsc -b services/tableinator services/graphinator packages/cli \
 && rm -rf packages/testkit \
 && find packages services -type d \( -name src -o -name node_modules \) -prune -exec rm -rf {} + \
 && find packages services -type f \( -name '*.d.ts' -o -name '*.tsbuildinfo' -o -name 'tsconfig*.json' \) -delete \
 && chmod -R a+rX,go-w packages services deploy LICENSE

FROM base AS production
COPY --from=manifests /app .
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts \
      --workspace=services/tableinator --workspace=services/graphinator --workspace=packages/cli \
 && rm -f .npmrc \
 && chmod -R a+rX,go-w .

FROM base AS image
# A package manager in a running container serves only an intruder.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg \
 && ln -s /app/packages/cli/bin/inator.js /usr/local/bin/inator
COPY --from=production /app .
COPY --from=build /app/packages packages
COPY --from=build /app/services services
COPY --from=build /app/deploy/healthcheck.mjs /app/deploy/front.mjs deploy/
COPY --from=build /app/LICENSE LICENSE

# In production the passwords for development are refused as defaults. HEALTH_HOST: probes come from outside.
ENV NODE_ENV=production \
    HEALTH_HOST=0.0.0.0
EXPOSE 8001 8002
USER 1000:1000
STOPSIGNAL SIGTERM

# /livez, not /readyz: some orchestrators kill what is unhealthy, and a restart mends no outage of a store; it only gives
# every message in hand back and spends its delivery limit.
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --start-interval=2s --retries=3 \
  CMD ["node", "deploy/healthcheck.mjs"]

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="inator" \
      org.opencontainers.image.description="tableinator and graphinator: RabbitMQ queues into PostgreSQL tables and Neo4j graphs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

CMD ["node", "services/tableinator/dist/main.js"]
