# The build stage has the compiler and the development packages; nothing of it but the result goes further. It runs on the
# architecture of the builder, whatever that of the image is: `docker build --platform linux/arm64` needs no other machine.
FROM --platform=$BUILDPLATFORM node:24.21-bookworm-slim AS build
WORKDIR /build
# The manifest first: the layer of packages is made anew only when they change.
COPY package.json package-lock.json .npmrc ./
COPY config/node ./config/node
RUN npm ci
COPY tsconfig.json LICENSE ./
COPY config ./config
COPY src ./src
# The commit that --version and the metrics report.
ARG REVISION
RUN npm run build
# The files that the program reads. The bundle contains all packages except SQLite.
RUN mkdir -p /app/dist/cli /app/config /app/node_modules/@sqlite.org && \
    cp package.json LICENSE /app/ && \
    cp dist/main.js dist/commit dist/bundle.cjs dist/bundle.cjs.map dist/LICENSES-OF-PACKAGES dist/sbom.cdx.json /app/dist/ && \
    cp dist/cli/process.js /app/dist/cli/ && \
    cp config/*.json config/example.yaml /app/config/ && \
    cp -r node_modules/@sqlite.org/sqlite-wasm /app/node_modules/@sqlite.org/

# A code cache works only with the Node that made it, so the Node of the runtime image makes its own. V8 also rejects a
# cache that was made under other flags, so this runs under those of the entry point.
FROM gcr.io/distroless/nodejs24-debian12 AS cache
COPY --from=build /build/dist /build/dist
COPY --from=build /build/config /build/config
COPY --from=build /app /build
RUN ["/nodejs/bin/node", "--max-semi-space-size=8", "/build/config/code-cache.mjs"]

# Distroless: node and nothing else, no shell and no package manager to be used by an intruder.
FROM gcr.io/distroless/nodejs24-debian12
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="maas-auth-proxy" \
      org.opencontainers.image.description="Local authenticating reverse proxy for the API of Canonical MAAS" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /app ./
COPY --from=cache /build/dist/bundle.cjs.cache ./dist/
# It asks MAAS, which may take up to 5 s.
HEALTHCHECK --timeout=7s CMD ["/nodejs/bin/node", "--max-semi-space-size=8", "--", "/app/dist/main.js", "ready"]
# A number, so that Kubernetes can see that it is not root (runAsNonRoot). It owns no file and writes none: a read-only
# root file system works.
USER 65532:65532
# In the exec form node gets SIGTERM itself, and drains. The image's entry point is node, and `--` ends node's own flags.
# A small young generation halves the peak memory and costs at most 5 % of CPU.
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=8", "--", "/app/dist/main.js"]
