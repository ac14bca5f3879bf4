"""Which route takes the next copy, and how routes are written in the settings."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import settings
from core.settings import SettingsError
from mailer import routes
from mailer.limits import Limit
from mailer.routes import Route

NOW = dt.datetime(2027, 2, 2, 9, 30, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(minutes=5)


def a_route(name: str, weight: float = 1.0, bulk: bool = True) -> Route:
    """A route of that weight."""
    return Route(name, f"{name}.example", 587, "none", "", "", 4, weight, None, bulk)


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_shares_follow_weights(weights: list[int]) -> None:
    """After any number of copies each route is within one of its share."""
    listed = [a_route(f"r{number}", weight) for number, weight in enumerate(weights)]
    carried: Counter[str] = Counter()
    for sent in range(1, 120):
        chosen = routes.choose(listed, Counter({r.name: 1 for r in listed}), {}, carried, NOW, True)
        assert chosen is not None
        carried[chosen.name] += 1
        for one in listed:
            share = sent * one.weight / sum(weights)
            assert abs(carried[one.name] - share) <= len(weights)


@given(
    weights=st.lists(st.integers(0, 3), min_size=1, max_size=5),
    away=st.sets(st.integers(0, 4)),
    past=st.booleans(),
)
def test_a_route_that_is_away_is_not_chosen(weights: list[int], away: set[int], past: bool) -> None:
    """And a reserve only when no other is there; who was away until now is back."""
    listed = [a_route(f"r{number}", weight) for number, weight in enumerate(weights)]
    until = {f"r{number}": NOW if past else LATER for number in away}
    chosen = routes.choose(listed, Counter({r.name: 1 for r in listed}), until, {}, NOW, True)
    here = [one for one in listed if past or one.name not in until]
    if not here:
        assert chosen is None
        return
    assert chosen in here
    assert chosen is not None
    if any(one.weight for one in here):
        assert chosen.weight > 0


def test_the_one_whose_turn_it_is_is_waited_for() -> None:
    """A busy route does not hand its share to the others."""
    listed = [a_route("big", 9), a_route("small", 1)]
    assert routes.choose(listed, {"big": 0, "small": 4}, {}, {}, NOW, True) is None


def test_bulk_mail_goes_where_it_may() -> None:
    """A route for service mail carries no newsletters."""
    listed = [a_route("service", 9, bulk=False), a_route("main", 1)]
    free = {"service": 1, "main": 1}
    chosen = routes.choose(listed, free, {}, {}, NOW, True)
    assert chosen is not None
    assert chosen.name == "main"
    service = routes.choose(listed, free, {}, {}, NOW, False)
    assert service is not None
    assert service.name == "service"


def test_without_routes_there_is_the_one_of_the_smtp_settings() -> None:
    """As most have it."""
    (only,) = routes.configured(settings.load(smtp_host="mail.example", smtp_limit="30/min"))
    assert (only.name, only.host, only.limit) == ("main", "mail.example", Limit.parse("30/min"))


def test_routes_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """[[routes]] tables, with all that a route has; no password in what is printed of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folkmoot.toml").write_text(
        '[[routes]]\nname = "exchange"\nhost = "smtp.office365.com"\nusername = "u"\n'
        'password = "hush"\nlimit = "30/min"\nconnections = 3\n'
        '[[routes]]\nname = "reserve"\nhost = "mail.example"\nweight = 0\nbulk = false\n'
        '[domain_limits]\n"outlook.com" = "20/min"\n'
    )
    loaded = settings.load()
    first, second = routes.configured(loaded)
    assert (first.limit, first.connections, first.password) == (Limit.parse("30/min"), 3, "hush")
    assert (second.weight, second.bulk, second.security) == (0, False, "starttls")
    assert "hush" not in repr(first)
    assert loaded.domain_limits == {"outlook.com": "20/min"}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"routes": [{"name": "a", "host": "x"}, {"name": "a", "host": "y"}]}, "name of its own"),
        ({"routes": [{"name": "a", "host": "x", "limit": "lots"}]}, "30/min"),
        ({"routes": [{"name": "a", "host": "x", "wieght": 2}]}, "wieght"),
        ({"smtp_limit": "30 a minute"}, "30/min"),
        ({"domain_limits": {"x.example": "no"}}, "30/min"),
    ],
)
def test_faults_are_told(given: dict[str, object], wanted: str) -> None:
    """What is wrong, by the name of the setting."""
    with pytest.raises(SettingsError, match=wanted):
        settings.load(**given)
