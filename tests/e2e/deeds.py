"""What a person does on the portal's pages for certificates and flags, one function each."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.visitor import Answer, Visitor
from tests.kube.tls import Pair


def make_authority(visitor: Visitor, *, label: str, lane: str, request: str) -> str:
    """Paste a CA's CSR JSON as it is; return the authority's slug."""
    at = visitor.open("/authorities/new/")
    form = at.page.form("/authorities/new/")
    made = visitor.send(at, form, button="create", label=label, lane=lane, text=request)
    return _slug(made, "/authorities/")


def set_profiles(visitor: Visitor, slug: str, config: str) -> None:
    """Paste a ca-config.json as it is."""
    at = visitor.open(f"/authorities/{slug}/profiles/")
    form = at.page.form(f"/authorities/{slug}/profiles/")
    saved = visitor.send(at, form, button="save", text=config)
    assert saved.path == f"/authorities/{slug}/", saved.page.text


def issue(
    visitor: Visitor, *, authority: str, profile: str, request: str, **choices: str
) -> Answer:
    """Paste a CSR JSON, choose authority and profile, issue; return the certificate's page.

    `choices` are further fields, such as `end_with_authority="on"`.
    """
    at = visitor.open(f"/certificates/new/?authority={authority}&profile={profile}")
    form = at.page.form("/certificates/new/")
    fields = {"authority": authority, "profile": profile, "text": request, **choices}
    issued = visitor.send(at, form, button="issue", **fields)
    _slug(issued, "/certificates/")
    return issued


def hand_in(visitor: Visitor, *, authority: str, profile: str, request: str) -> Answer:
    """Paste a signing request as PEM and hand it in; return its page."""
    at = visitor.open(f"/requests/new/?authority={authority}&profile={profile}")
    fields = {"authority": authority, "profile": profile, "csr": request}
    asked = visitor.send(at, at.page.form("/requests/new/"), button="hand-in", **fields)
    _slug(asked, "/requests/")
    return asked


def make_own_request(visitor: Visitor, request: str) -> Answer:
    """Make a key and a CSR of a CSR JSON, to be signed elsewhere; return its page."""
    at = visitor.open("/requests/own/new/")
    form = at.page.form("/requests/own/new/")
    made = visitor.send(at, form, button="make", text=request)
    _slug(made, "/requests/own/")
    return made


def make_mail_channel(visitor: Visitor, name: str) -> Answer:
    """Make a channel for notices by mail, to somebody; return its page."""
    at = visitor.open("/notices/channels/new/email/")
    form = at.page.form_with("recipients")
    made = visitor.send(at, form, name=name, recipients="ops@example.com")
    _slug(made, "/notices/channels/")
    return made


def take_archive(visitor: Visitor, certificate: Answer) -> bytes:
    """Press the download button of the tar.gz on the certificate's page."""
    form = certificate.page.form("/bundle.tar.gz")
    archive = visitor.send(certificate, form)
    assert archive.status == 200
    return archive.body


def unpack(archive: bytes, into: Path) -> Path:
    """Do what the page tells: unpack into a folder."""
    into.mkdir(parents=True)
    subprocess.run(["tar", "xz", "-C", str(into)], input=archive, check=True)
    return into


def install(unpacked: Path, into: Path) -> str:
    """Run install.sh with the directory as its usage tells; return what it says."""
    done = subprocess.run(
        ["./install.sh", str(into)], cwd=unpacked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pair_in(directory: Path, base: str) -> Pair:
    """Read BASE.pem and BASE-key.pem of an installed archive."""
    return Pair(
        certificate_pem=(directory / f"{base}.pem").read_text(),
        key_pem=(directory / f"{base}-key.pem").read_text(),
    )


@dataclass(frozen=True, kw_only=True)
class FlagChoices:
    """What a person chooses on the flags page. `certificate` is its page's path."""

    authority: str
    certificate: str
    directory: Path
    kube_proxy: bool = True


def choose_flags(visitor: Visitor, choices: FlagChoices) -> Answer:
    """Choose the authority, which brings its certificates, then the rest; return the page."""
    at = visitor.open("/flags/")
    at = visitor.send(at, at.page.form("/flags/"), authority=choices.authority)
    return visitor.send(
        at,
        at.page.form("/flags/"),
        certificate=choices.certificate.strip("/").split("/")[-1],
        directory=str(choices.directory),
        kube_proxy="yes" if choices.kube_proxy else "no",
    )


def take_flags(visitor: Visitor, shown: Answer, key: str = "plain") -> str:
    """Download one of the rendered files."""
    return visitor.open(shown.page.link(f"/flags/download/{key}/")).text


def arguments_by_shell(snippet: str) -> list[str]:
    """What a program gets as arguments when a real sh reads `PROGRAM \\` and then the snippet."""
    printer = "import json, sys; json.dump(sys.argv[1:], sys.stdout)"
    script = f'exec "$PYTHON" -c "$PRINTER" \\\n{snippet}'
    return shell_json(script, PYTHON=sys.executable, PRINTER=printer)


def shell_json(script: str, **environment: str) -> list[str]:
    """Run a script with sh and read the JSON that it prints."""
    done = subprocess.run(
        ["sh", "-euc", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    arguments: list[str] = json.loads(done.stdout)
    return arguments


def _slug(answer: Answer, under: str) -> str:
    """The last part of the address that a deed led to; the page's text where it led nowhere."""
    told = f"{answer.status} {answer.path}: {answer.page.text}"
    assert answer.status == 200, told
    assert answer.path.startswith(under), told
    slug = answer.path.removeprefix(under).strip("/")
    assert slug, told
    assert slug != "new", told
    return slug
