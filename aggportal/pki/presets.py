"""Documents to start from: `cfssl print-defaults`, byte for byte, and profiles for the aggregation
layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aggportal.pki.config import Profile, load_profile
from aggportal.pki.jsontext import dump_json

# `cfssl print-defaults config`
DEFAULT_CONFIG: Mapping[str, object] = MappingProxyType(
    {
        "signing": {
            "default": {"expiry": "168h"},
            "profiles": {
                "www": {
                    "expiry": "8760h",
                    "usages": ["signing", "key encipherment", "server auth"],
                },
                "client": {
                    "expiry": "8760h",
                    "usages": ["signing", "key encipherment", "client auth"],
                },
            },
        }
    }
)

# `cfssl print-defaults csr`
DEFAULT_REQUEST: Mapping[str, object] = MappingProxyType(
    {
        "CN": "example.net",
        "hosts": ["example.net", "www.example.net"],
        "key": {"algo": "ecdsa", "size": 256},
        "names": [{"C": "US", "ST": "CA", "L": "San Francisco"}],
    }
)

# cfssl ends its output with an empty line.
DEFAULT_CONFIG_TEXT = dump_json(DEFAULT_CONFIG) + "\n"
DEFAULT_REQUEST_TEXT = dump_json(DEFAULT_REQUEST) + "\n"

# The classic recipe: one CA and one profile for everything, ten years.
_AGGREGATOR = {
    "usages": ["signing", "key encipherment", "server auth", "client auth"],
    "expiry": "87600h",
}
# kube-apiserver's --proxy-client-cert-file: a client and nothing else, so that no extension server
# can pose as it.
# Key encipherment is for RSA key exchange by servers; a client signs.
_FRONT_PROXY_CLIENT = {"usages": ["signing", "client auth"], "expiry": "8760h"}
# An extension API server's TLS certificate, trusted through caBundle: a server and nothing else.
# No key encipherment: TLS 1.3 and every elliptic key sign only (RFC 8813 forbids it for them).
_EXTENSION_SERVING = {"usages": ["signing", "server auth"], "expiry": "8760h"}
_WWW = {"expiry": "8760h", "usages": ["signing", "key encipherment", "server auth"]}
# A person or program towards kube-apiserver, which reads no revocation list: a day, then anew.
_USER = {"usages": ["signing", "client auth"], "expiry": "24h"}
_CLIENT = {"expiry": "8760h", "usages": ["signing", "key encipherment", "client auth"]}

PRESETS: Mapping[str, Profile] = MappingProxyType(
    {
        name: load_profile(name, document)
        for name, document in (
            ("front-proxy-client", _FRONT_PROXY_CLIENT),
            ("extension-serving", _EXTENSION_SERVING),
            ("aggregator", _AGGREGATOR),
            ("www", _WWW),
            ("client", _CLIENT),
            ("user", _USER),
        )
    }
)
