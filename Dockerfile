# Two stages: a toolchain that builds, and an image with the one binary in it.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked --package jirani

FROM debian:bookworm-slim
# Roots for peers with https:// endpoints.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/jirani jirani
COPY --from=build /src/target/dist/jirani /usr/local/bin/jirani
USER jirani
WORKDIR /var/lib/jirani
# The books: mount a volume here, or they end with the container.
VOLUME /var/lib/jirani
ENV JIRANI_DATA_DIR=/var/lib/jirani/data
# 3002 for peers, 3003 for payers. The admin API stays on the container's loopback unless JIRANI_ADMIN_LISTEN and
# JIRANI_ADMIN_SECRET are set.
EXPOSE 3002 3003
# SIGTERM drains packets under way.
STOPSIGNAL SIGTERM
# Reads the same configuration as the node, and asks it at the port that it says it listens on.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["jirani", "health"]
ENTRYPOINT ["jirani"]
