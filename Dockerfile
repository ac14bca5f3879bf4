# One image for every service: what it does is the command behind `folkmoot`.
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/app \
    FOLKMOOT_DATA=/data FOLKMOOT_WEB_HOST=0.0.0.0

# Every dependency is pinned with its hash; anything else is refused.
COPY requirements.lock /app/requirements.lock
RUN pip install --no-cache-dir --no-deps --require-hashes -r /app/requirements.lock

COPY archive /app/archive
COPY core /app/core
COPY folkmoot /app/folkmoot
COPY mailer /app/mailer
COPY mailings /app/mailings
COPY meetings /app/meetings
COPY message /app/message
COPY migrations /app/migrations
COPY privacy /app/privacy
COPY subscribers /app/subscribers
COPY templates /app/templates
COPY web /app/web
COPY workers /app/workers

# Nobody in here is root; the data folder is all that can be written.
RUN printf '#!/bin/sh\nexec python -m folkmoot "$@"\n' > /usr/local/bin/folkmoot \
    && chmod 755 /usr/local/bin/folkmoot \
    && useradd --system --uid 10001 --home-dir /data --no-create-home folkmoot \
    && install --directory --owner folkmoot --mode 700 /data
USER folkmoot
WORKDIR /data
VOLUME /data
EXPOSE 8025
STOPSIGNAL SIGTERM
ENTRYPOINT ["folkmoot"]
CMD ["up"]
