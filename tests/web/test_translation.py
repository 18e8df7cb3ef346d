"""Another language needs a catalogue and nothing else: no template is touched."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real
from pytest_django.fixtures import Settings

from aggportal.accounts.models import User

CATALOGUE = settings.BASE_DIR / "aggportal/locale/en/LC_MESSAGES/django.po"


@pytest.fixture(scope="module")
def marked_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue in which every text is marked by brackets, made from the English one."""
    if not shutil.which("msgfilter") or not shutil.which("msgfmt"):
        pytest.skip("gettext's tools are not installed (Debian: gettext)")
    root: Path = tmp_path_factory.mktemp("locale")
    folder = root / "eo" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    filled = subprocess.run(["msgen", str(CATALOGUE)], check=True, capture_output=True).stdout
    marked = subprocess.run(
        ["msgfilter", "--keep-header", "sed", r"s/^\(.*[[:alpha:]].*\)$/⟦\1⟧/"],
        input=filled,
        check=True,
        capture_output=True,
    ).stdout
    (folder / "django.po").write_bytes(marked)
    subprocess.run(["msgfmt", "-o", folder / "django.mo", folder / "django.po"], check=True)
    return root


def _forget_catalogues() -> None:
    # What Django's own tests do between languages.
    trans_real._translations.clear()  # type: ignore[attr-defined]  # not in its stubs


@pytest.fixture
def marked_language(marked_catalogue: Path, settings: Settings) -> Iterator[None]:
    """The language with these marks, and back to English afterwards."""
    settings.LOCALE_PATHS = [str(marked_catalogue)]
    _forget_catalogues()
    yield
    translation.activate(settings.LANGUAGE_CODE)
    _forget_catalogues()


@pytest.mark.usefixtures("marked_language")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/", "⟦What needs you⟧"),
        ("/certificates/", "⟦Certificates⟧"),
        ("/authorities/", "⟦Authorities⟧"),
        ("/clusters/", "⟦Clusters⟧"),
        ("/flags/", "⟦Flags"),
        ("/audit/", "⟦Audit⟧"),
    ],
)
def test_a_page_speaks_another_language(
    client: Client, auditor: User, path: str, said: str
) -> None:
    client.force_login(auditor)
    page = client.get(path, headers={"Accept-Language": "eo"}).content.decode()
    assert said in page
    assert 'lang="eo"' in page
