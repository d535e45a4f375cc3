# Two stages: the tools that build the wheel stay behind.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.txt requirements-build.txt ./
# Before the sources, so that a change of ours does not install the dependencies again.
RUN python -m venv /opt/bridge \
    && /opt/bridge/bin/pip install --require-hashes --only-binary :all: -r requirements.txt \
    && pip install --require-hashes --only-binary :all: -r requirements-build.txt
COPY pyproject.toml LICENSE NOTICE ./
COPY bridge bridge
COPY adapters adapters
COPY schemas schemas
RUN python -m hatchling build -t wheel -d /wheel \
    && /opt/bridge/bin/pip install --no-deps --no-index /wheel/*.whl

FROM python:3.11-slim
# An empty list of API keys: `bridge keys api` adds to it, and nobody is let in before that.
RUN useradd --system --uid 10001 --no-create-home --home-dir /data bridge \
    && install --directory --owner bridge --group bridge --mode 0700 /data /data/keys \
    && install --owner bridge --group bridge --mode 0600 /dev/null /data/keys/api.toml
COPY --from=build /opt/bridge /opt/bridge
ENV PATH=/opt/bridge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BRIDGE_HOST=0.0.0.0
USER bridge
# The defaults (data/bridge.db, data/audit, data/keys) are relative: from here they all lie in the volume.
WORKDIR /
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ.get('BRIDGE_PORT', '8080')}/healthz\", timeout=4)"]
ENTRYPOINT ["bridge"]
CMD ["run"]
