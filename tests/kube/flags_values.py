"""Front proxies for the tests: the usual one, and any that the rules allow."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from aggportal.kube.flags import FrontProxy

FILES: dict[str, Any] = {
    "client_ca_file": "aggregator-ca.pem",
    "proxy_client_cert_file": "aggregator.pem",
    "proxy_client_key_file": "aggregator-key.pem",
}
NASTY = 'it\'s "$HOME", $(id) ${X} `id` %n %% \\ \\n ; & | # {{ x }} *~ é 😀 :- !'


def front_proxy(**changes: Any) -> FrontProxy:
    """The usual front proxy with `changes`."""
    return FrontProxy(**{**FILES, "allowed_names": ("aggregator",), **changes})


USUAL = front_proxy()
NASTY_PROXY = front_proxy(allowed_names=("aggregator", NASTY, "1e3", "-"), aggregator_routing=True)

_PRINTABLE = st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" ")
_SHARP = st.sampled_from("\"'\\$%`,;{}()&|<>*?~#!^[]=: @-")
NAMES = st.text(_PRINTABLE | _SHARP, min_size=1, max_size=30).filter(
    lambda name: bool(name.strip()) and name.isprintable()
)


@st.composite
def front_proxies(draw: st.DrawFn) -> FrontProxy:
    """Any front proxy with names as odd as certificates allow."""
    return front_proxy(
        allowed_names=tuple(draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))),
        directory=draw(
            st.from_regex(r"/srv(/[A-Za-z0-9_+@=][A-Za-z0-9._+@=-]{0,8}){1,3}", fullmatch=True)
        ),
        aggregator_routing=draw(st.booleans()),
        uid_headers=draw(st.sampled_from([(), ("X-Remote-Uid",)])),
    )
