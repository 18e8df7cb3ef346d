"""What each usage is good for, in the words of the aggregation layer."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from aggportal.pki import usages

# As the form offers them: "signing" is cfssl's own word for digital signature.
KEY_USAGES: tuple[str, ...] = (
    "signing",
    *(name for name in usages.KEY_USAGES if name != "digital signature"),
)
EXTENDED_USAGES: tuple[str, ...] = (
    "server auth",
    "client auth",
    *(name for name in usages.EXTENDED_KEY_USAGES if name not in ("server auth", "client auth")),
)

USAGE_HELP: Mapping[str, str | Promise] = {
    "signing": _l("Every TLS certificate needs it."),
    "key encipherment": _l("For RSA keys with TLS 1.2 and older; needless with ECDSA and Ed25519."),
    "cert sign": _l("For authorities only."),
    "crl sign": _l("For authorities only."),
    "server auth": _l(
        "An extension API server's certificate needs it: kube-apiserver refuses to talk to it "
        "otherwise."
    ),
    "client auth": _l(
        "The proxy client certificate needs it: extension servers answer 401 otherwise. Anyone "
        "who holds one may "
        "sign in where this authority is trusted."
    ),
    "any": _l("Counts as server and client auth at once. Avoid it: it mixes the lanes."),
}
