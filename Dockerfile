# Polyscene's server in a container.
#
#   docker build -t polyscene .
#   docker run -p 127.0.0.1:50051:50051 -p 127.0.0.1:9464:9464 -v polyscene:/var/lib/polyscene polyscene
#
# LIBTORCH_URL, a zip of a LibTorch from pytorch.org (cxx11-abi), replaces Debian's, which knows no CUDA. It brings the CUDA
# libraries that it was built with; the host needs NVIDIA's driver and container toolkit, and `docker run --gpus all`.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
WORKDIR /src
COPY deploy/install-packages.sh deploy/
RUN bash deploy/install-packages.sh
ARG LIBTORCH_URL=
RUN mkdir -p /opt/libtorch/lib && if [ -n "$LIBTORCH_URL" ]; then \
      apt-get install -y -qq --no-install-recommends ca-certificates curl unzip >/dev/null && \
      curl -fsSL -o /tmp/libtorch.zip "$LIBTORCH_URL" && unzip -q /tmp/libtorch.zip -d /opt && rm /tmp/libtorch.zip; fi
COPY . .
# A file that includes LibTorch takes a gigabyte to compile: no more at once than memory holds.
RUN cmake --preset release -DPOLYSCENE_TESTS=OFF ${LIBTORCH_URL:+-DPOLYSCENE_LIBTORCH=/opt/libtorch} && \
    cmake --build --preset release -j "$(awk -v cores="$(nproc)" '/MemAvailable/ {gb = int($2 / 1048576); \
      print gb < 1 ? 1 : gb < cores ? gb : cores}' /proc/meminfo)"
# What the next stage takes: programs, model files and protos, the packages that they need, and LibTorch where it is not one.
RUN mkdir -p /out/opt/libtorch/lib && \
    for part in programs share; do cmake --install build/release --prefix /out/usr/local --component $part --strip; done && \
    bash deploy/container/runtime-packages.sh /out/usr/local/bin/* >/out/usr/local/share/polyscene/runtime-packages && \
    find /opt/libtorch/lib -name '*.so*' -exec mv -t /out/opt/libtorch/lib {} +

FROM ${BASE}
COPY --from=build /out /
RUN apt-get update -qq && \
    xargs apt-get install -y -qq --no-install-recommends </usr/local/share/polyscene/runtime-packages >/dev/null && \
    apt-get clean && rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --home-dir /var/lib/polyscene --shell /usr/sbin/nologin polyscene && \
    install -d -o polyscene -g polyscene /var/lib/polyscene
USER 10001
VOLUME /var/lib/polyscene
EXPOSE 50051 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["polyscene", "health"]
# Beyond the container's loopback, where only published ports are reached, and nothing is encrypted yet: --insecure says so.
ENTRYPOINT ["polyscene-server", "--data_dir", "/var/lib/polyscene", "--listen", "0.0.0.0:50051", "--metrics_listen", "0.0.0.0:9464", "--insecure"]
CMD ["--model", "/usr/local/share/polyscene/models/marketplace.textproto"]
