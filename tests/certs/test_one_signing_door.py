"""An authority's key is opened in one module, and no page can hand it out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture import Module, imports, modules

CERTS = "aggportal.certs.services"
# Who may open which sealed row of certs: authorities' keys, certificates' keys, imports under way.
OPENERS = {f"{CERTS}.signers", f"{CERTS}.keys", f"{CERTS}.import_drafts"}
# Who opens the key of a certificate or a request; none of them has an authority's row.
OF_CERTIFICATES = {
    f"{CERTS}.responders",
    f"{CERTS}.succession",
    f"{CERTS}.files",
    f"{CERTS}.own_requests",
}
# Who signs, or takes an intermediate's key to cert-manager, or exports one by the command.
SIGNERS = {
    f"{CERTS}.{name}"
    for name in (
        "approving",
        "authority_keys",
        "authority_renewing",
        "cross_signing",
        "crls",
        "holding",
        "intermediates",
        "issuing",
        "key_exporting",
        "outside_renewing",
        "received",
        "responders",
    )
}


def opens(module: Module) -> Iterator[str]:
    """Calls of `.open()` without arguments, which is how a sealed row is opened."""
    for node in ast.walk(ast.parse(module.source)):
        if not isinstance(node, ast.Call) or node.args or node.keywords:
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "open":
            yield ast.unparse(node)


def importers(name: str) -> set[str]:
    """The modules that import `name`, lazily or not."""
    return {module.name for module in modules() for found in imports(module) if found.name == name}


def test_sealed_rows_of_certs_are_opened_in_three_modules() -> None:
    found = {m.name for m in modules() if m.package == "certs" and list(opens(m))}
    assert found == OPENERS


def test_the_opener_would_be_seen() -> None:
    assert list(opens(Module(name="x", source="authority.key.open()"))) == ["authority.key.open()"]
    assert not list(opens(Module(name="x", source="path.open('rb'); open(1)")))


def test_keys_of_certificates_are_opened_by_who_has_no_authoritys_row() -> None:
    assert importers(f"{CERTS}.keys.open_key") == OF_CERTIFICATES
    for module in modules():
        if module.name in OF_CERTIFICATES:
            assert "authority.key" not in module.source


def test_an_authoritys_key_is_had_from_the_one_door() -> None:
    assert importers(f"{CERTS}.signers.signer_of") <= SIGNERS


@pytest.mark.parametrize(
    ("name", "only"),
    [
        (f"{CERTS}.key_exporting.take_export", "management.commands.export_authority_key"),
        ("aggportal.pki.enveloping.envelope", "services.key_exporting"),
    ],
)
def test_no_page_exports_an_authoritys_key(name: str, only: str) -> None:
    assert importers(name) == {f"aggportal.certs.{only}"}


def test_no_view_has_a_private_key_of_an_authority() -> None:
    doors = {f"{CERTS}.signers.signer_of", f"{CERTS}.signers"}
    views = [module for module in modules() if module.kind in {"views", "urls", "admin", "forms"}]
    assert views
    assert not [m.name for m in views if doors & {found.name for found in imports(m)}]
