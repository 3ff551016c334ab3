# The build stage has the compiler and the development packages; nothing of it but the result goes further.
FROM node:24.21-bookworm-slim AS build
WORKDIR /build
# The manifest first: the layer of packages is made anew only when they change.
COPY package.json package-lock.json .npmrc ./
COPY config/node ./config/node
RUN npm ci
COPY tsconfig.json ./
COPY config ./config
COPY src ./src
RUN npm run build && npm prune --omit=dev --omit=optional

# Distroless: node and nothing else, no shell and no package manager to be used by an intruder.
FROM gcr.io/distroless/nodejs24-debian12
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY config ./config
# A code cache is of use to the node that made it, and this is another one than that of the build.
RUN ["/nodejs/bin/node", "config/code-cache.mjs"]
# It asks MAAS, which may take up to 5 s.
HEALTHCHECK --timeout=7s CMD ["/nodejs/bin/node", "--", "dist/main.js", "ready"]
# A number, so that Kubernetes can see that it is not root (runAsNonRoot). It owns no file and writes none: a read-only
# root file system works.
USER 65532:65532
# In the exec form node gets SIGTERM itself, and drains. The image's entry point is node, and `--` ends node's own flags.
ENTRYPOINT ["/nodejs/bin/node", "--", "dist/main.js"]
