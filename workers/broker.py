"""The broker that wakes workers up: Redis when it is set, else one inside the process.

It is only a bell. Whatever it loses, the next look into the database finds; so it needs none of
Dramatiq's retries, delays or results, and a message that fails is simply dropped.
"""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from core.settings import Settings

#: A worker that Redis has not heard of for so long gives its messages back (milliseconds).
HEARTBEAT = 10_000
#: Do maintenance at every fetch: by default it is left to chance and may not happen for minutes.
ALWAYS = 1_000_000


def connect(settings: Settings) -> dramatiq.Broker:
    """The broker that the settings ask for."""
    if not settings.redis_url:
        return StubBroker(middleware=[])
    return RedisBroker(  # type: ignore[no-untyped-call]
        url=settings.redis_url,
        middleware=[],
        namespace="folkmoot",
        heartbeat_timeout=HEARTBEAT,
        maintenance_chance=ALWAYS,
    )
