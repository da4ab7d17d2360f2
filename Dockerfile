# Switchboard as an image: what `npm pack` makes, the packages it needs, and nothing to build with.
#
#   docker build --tag switchboard .
#   docker run --detach --name switchboard --publish 127.0.0.1:9100:9100 --volume switchboard:/var/lib/switchboard \
#     --read-only --cap-drop ALL --security-opt no-new-privileges switchboard
#   docker exec switchboard switchboard agents add my-agent
#
# More in docs/deploy.md.

FROM node:24-bookworm-slim AS pack
WORKDIR /build
COPY package.json package-lock.json ./
# Without the build that follows an install: the sources are not here yet.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && npm pack --ignore-scripts --pack-destination /tmp && mv /tmp/switchboard-*.tgz /tmp/switchboard.tgz

FROM node:24-bookworm-slim AS install
WORKDIR /opt/switchboard
COPY --from=pack /tmp/switchboard.tgz /tmp/
# The lock file is in no package, and says which versions were tested.
COPY --from=pack /build/package-lock.json ./
RUN tar --extract --gzip --file /tmp/switchboard.tgz --strip-components 1 --no-same-owner \
  && npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
# Owned by root: the daemon writes to its state directory alone.
COPY --from=install /opt/switchboard /opt/switchboard
RUN ln --symbolic /opt/switchboard/dist/cli/main.js /usr/local/bin/switchboard \
  && install --directory --owner node --group node --mode 0700 /var/lib/switchboard
ENV NODE_ENV=production
# As `npm start` has it: collections then stop the daemon for half as long.
ENV NODE_OPTIONS=--max-semi-space-size=8
ENV SWITCHBOARD_HOME=/var/lib/switchboard
# In the container's own network. What of it the world sees is said by --publish.
ENV SWITCHBOARD_HOST=0.0.0.0
# Docker kills 10 s after it has asked to stop.
ENV SWITCHBOARD_DRAIN_TIMEOUT=7000
USER node
WORKDIR /var/lib/switchboard
VOLUME /var/lib/switchboard
EXPOSE 9100
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9100/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["switchboard"]
CMD ["serve"]
