"""The variants of the main way, as far as the pages for certificates and flags carry them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.e2e import deeds
from tests.e2e.deeds import FlagChoices
from tests.e2e.visitor import Answer, Visitor
from tests.kube.tls import Pair

RECIPE = Path(__file__).with_name("recipe")
SERVICE_HOSTS = ["api.wardle.svc", "api.wardle.svc.cluster.local", "api.wardle"]
ECDSA = {"algo": "ecdsa", "size": 256}
# The recipe gives CA and certificate the same 87600h, counted in whole minutes: a certificate that
# is signed in a later minute would outlive its CA. The page asks what to do about that.
END_WITH_AUTHORITY = {"end_with_authority": "on"}
AS_CFSSL = {"compat": "on"}


@dataclass(frozen=True, kw_only=True)
class Issued:
    """What the pages gave: the proxy client certificate, its archive, and a serving pair."""

    authority: str
    serving_authority: str
    ca_base: str
    base: str
    certificate: Answer
    archive: bytes
    unpacked: Path
    installed: Path
    said: str
    as_cfssl: bool
    serving: Pair
    serving_ca_pem: str

    @cached_property
    def ca_pem(self) -> str:
        return (self.installed / f"{self.ca_base}.pem").read_text()

    @property
    def common_name(self) -> str:
        """In each variant the files are called after the CN."""
        return self.base

    def flag_choices(self, *, kube_proxy: bool) -> FlagChoices:
        """What to choose on the flags page for these files."""
        return FlagChoices(
            authority=self.authority,
            certificate=self.certificate.path,
            directory=self.installed,
            kube_proxy=kube_proxy,
        )


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way through the pages. `prepare` makes authorities and certificates in a folder.

    Without kube-proxy, kube-apiserver dials the endpoints itself. The cluster is connected with a
    ServiceAccount's token or `by_kubeconfig`.
    """

    name: str
    prepare: Callable[[Visitor, Path], Issued]
    kube_proxy: bool = True
    by_kubeconfig: bool = False

    @property
    def authority_deeds(self) -> tuple[str, ...]:
        """What the ledger tells of the authorities."""
        if self.prepare is split:
            return ("authority.created", "authority.created")
        return ("authority.created", "authority.config_changed")


def recipe(visitor: Visitor, folder: Path) -> Issued:
    """The recipe's three JSON files, byte for byte."""
    return _by_recipe(visitor, folder, label="Aggregator", choices=END_WITH_AUTHORITY)


def recipe_as_cfssl(visitor: Visitor, folder: Path) -> Issued:
    """The same, and the leaf outlives its CA as cfssl lets it."""
    return _by_recipe(visitor, folder, label="Aggregator as cfssl", choices=AS_CFSSL)


def split(visitor: Visitor, folder: Path) -> Issued:
    """Two ECDSA authorities, each with the one profile that its lane recommends."""
    authority = deeds.make_authority(
        visitor, label="Front proxy", lane="front-proxy", request=_ca_request("front-proxy-ca")
    )
    serving_authority = deeds.make_authority(
        visitor, label="Serving", lane="serving", request=_ca_request("extension-serving-ca")
    )
    certificate = deeds.issue(
        visitor,
        authority=authority,
        profile="front-proxy-client",
        request=json.dumps({"CN": "front-proxy-client", "key": ECDSA}),
    )
    return _collect(
        visitor,
        folder,
        certificate=certificate,
        authority=authority,
        bases=("front-proxy-ca", "front-proxy-client"),
        serving=_serving(visitor, serving_authority, "extension-serving", key=ECDSA),
    )


VARIANTS = [
    Variant(name="recipe", prepare=recipe),
    Variant(name="recipe-routed", prepare=recipe_as_cfssl, kube_proxy=False),
    Variant(name="ecdsa-split", prepare=split, by_kubeconfig=True),
]


def _by_recipe(visitor: Visitor, folder: Path, *, label: str, choices: dict[str, str]) -> Issued:
    authority = deeds.make_authority(
        visitor, label=label, lane="general", request=_recipe("aggregator-ca-csr.json")
    )
    deeds.set_profiles(visitor, authority, _recipe("aggregator-ca-config.json"))
    certificate = deeds.issue(
        visitor,
        authority=authority,
        profile="aggregator",
        request=_recipe("aggregator-csr.json"),
        **choices,
    )
    key = {"algo": "rsa", "size": 2048}
    return _collect(
        visitor,
        folder,
        certificate=certificate,
        authority=authority,
        bases=("aggregator-ca", "aggregator"),
        serving=_serving(visitor, authority, "aggregator", key=key, **choices),
        certificate_choices=choices,
    )


@dataclass(frozen=True, kw_only=True)
class _Serving:
    authority: str
    archive: bytes


def _serving(
    visitor: Visitor, authority: str, profile: str, *, key: dict[str, Any], **choices: str
) -> _Serving:
    request = {"CN": "api.wardle.svc", "hosts": SERVICE_HOSTS, "key": key}
    certificate = deeds.issue(
        visitor, authority=authority, profile=profile, request=json.dumps(request), **choices
    )
    return _Serving(authority=authority, archive=deeds.take_archive(visitor, certificate))


def _collect(
    visitor: Visitor,
    folder: Path,
    *,
    certificate: Answer,
    authority: str,
    bases: tuple[str, str],
    serving: _Serving,
    certificate_choices: dict[str, str] | None = None,
) -> Issued:
    archive = deeds.take_archive(visitor, certificate)
    unpacked, installed = deeds.unpack(archive, folder / "unpacked"), folder / "ssl"
    said = deeds.install(unpacked, installed)
    extension = deeds.unpack(serving.archive, folder / "serving")
    ca_of_serving = visitor.open(f"/authorities/{serving.authority}/").page
    return Issued(
        authority=authority,
        serving_authority=serving.authority,
        ca_base=bases[0],
        base=bases[1],
        certificate=certificate,
        archive=archive,
        unpacked=unpacked,
        installed=installed,
        said=said,
        as_cfssl=certificate_choices == AS_CFSSL,
        serving=deeds.pair_in(extension, "api.wardle.svc"),
        serving_ca_pem=visitor.open(ca_of_serving.link(".pem")).text,
    )


def _ca_request(common_name: str) -> str:
    return json.dumps({"CN": common_name, "key": ECDSA, "ca": {"expiry": "87600h"}})


def _recipe(name: str) -> str:
    return (RECIPE / name).read_text()
