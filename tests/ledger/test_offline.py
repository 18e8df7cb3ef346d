"""The program that checks an export: RFC 6962's trees, Ed25519, and every way to change a file."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from aggportal.ledger import offline
from aggportal.ledger.checkpointing import make_checkpoint
from aggportal.ledger.export import json_lines
from aggportal.ledger.keys import ledger_key
from aggportal.ledger.models import Checkpoint
from aggportal.ledger.offline import BadNote, Key, Note, Tree, notes_in, verify_ed25519
from tests.ledger.written import write

# The inputs and tree heads that RFC 6962's reference implementation tests itself with.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
]


def test_trees_have_the_heads_of_the_rfc() -> None:
    tree = Tree()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree.append(bytes.fromhex(leaf))
        assert tree.root().hex() == root
        tree = Tree(tree.size, tree.subtrees)  # as a checkpoint keeps it


def test_signatures_are_checked_as_the_library_makes_them() -> None:
    for number in range(8):
        key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        public, message = key.public_key().public_bytes_raw(), bytes(range(number * 9))
        signature = key.sign(message)
        assert verify_ed25519(public, message, signature)
        assert not verify_ed25519(public, message + b".", signature)
        assert not verify_ed25519(public, message, signature[:-1] + b"\xff")
        assert not verify_ed25519(bytes(32), message, signature)


@pytest.fixture
def exported(db: None, tmp_path: Path) -> Path:
    """Twelve entries, checkpoints of five and twelve anchored, the program beside them."""
    notes = []
    for count in (5, 7):
        write(count)
        checkpoint = make_checkpoint(now=timezone.now(), at_once=True)
        assert checkpoint is not None
        notes.append(checkpoint.note)
    (tmp_path / "checkpoints").write_text("\n".join(notes), "utf-8")
    (tmp_path / "export.jsonl").write_text("".join(json_lines()))
    (tmp_path / "offline.py").write_text(Path(offline.__file__).read_text("utf-8"), "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run it as an auditor does: by itself, isolated from everything of ours."""
    command = [sys.executable, "-I", "-S", "offline.py", "export.jsonl", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert not done.stderr
    return done.returncode, done.stdout


def all_of(folder: Path) -> tuple[int, str]:
    return run(folder, "--key", ledger_key().verifier, "--against", "checkpoints")


def lines_of(folder: Path) -> list[str]:
    return (folder / "export.jsonl").read_text().splitlines(keepends=True)


def test_an_untouched_export_holds(exported: Path) -> None:
    assert all_of(exported) == (
        0,
        "The ledger holds: 12 entries, each fits the one before; they fit 2 checkpoints.\n",
    )


def test_without_the_key_it_says_what_it_cannot_know(exported: Path) -> None:
    code, told = run(exported)
    assert code == 0
    assert "nobody knows who signed" in told


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12], "entry 4 is missing"),
        ([0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12], "entry 3 is missing or moved"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "entries 11 to 12 were anchored and are missing"),
    ],
)
def test_what_is_cut_or_moved_is_found(exported: Path, kept: list[int], told: str) -> None:
    lines = lines_of(exported)
    (exported / "export.jsonl").write_text("".join(lines[index] for index in kept))
    code, said = all_of(exported)
    assert (code, told in said) == (1, True)


def test_an_edited_entry_is_found(exported: Path) -> None:
    lines = lines_of(exported)
    lines[2] = lines[2].replace("ana", "eve")
    (exported / "export.jsonl").write_text("".join(lines))
    assert all_of(exported) == (1, "The ledger does not hold: entry 3 was changed.\n")


def test_a_whole_other_chain_does_not_fit_the_anchors(exported: Path) -> None:
    previous, made = offline.START, []
    for line in lines_of(exported)[:12]:
        document = json.loads(line)
        document["canonical"] = document["canonical"].replace("ana", "eve")
        document["previous"] = previous
        previous = offline.digest_of(document["canonical"], previous=previous)
        made.append(json.dumps(document | {"digest": previous}))
    (exported / "export.jsonl").write_text("\n".join(made))
    code, told = all_of(exported)
    assert (code, "not those that were anchored" in told) == (1, True)


def test_another_key_did_not_sign(exported: Path) -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    name = ledger_key().origin
    blob = base64.b64encode(b"\x01" + other).decode()
    verifier = f"{name}+{offline.key_hash(name, other).hex()}+{blob}"
    code, told = run(exported, "--key", verifier)
    assert (code, "not signed by this key" in told) == (1, True)


@pytest.mark.parametrize("text", ["{", "[]", '{"seq":2,"canonical":"{}"}', "\ud83d"[:0] + "é"])
def test_what_is_no_export_cannot_be_told(exported: Path, text: str) -> None:
    (exported / "export.jsonl").write_text(text, "utf-8")
    assert run(exported)[0] == 2


@pytest.mark.parametrize("key", ["", "a+b+c", "name+00000000+AAAA"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(BadNote):
        Key(key)


def test_notes_are_read_from_a_file_and_damaged_ones_refused(exported: Path) -> None:
    text = (exported / "checkpoints").read_text("utf-8")
    notes = notes_in(text)
    assert [note.size for note in notes] == [5, 12]
    assert all(note.is_signed_by(Key(ledger_key().verifier)) for note in notes)
    with pytest.raises(BadNote):
        notes_in(text.split("\u2014")[0])
    with pytest.raises(BadNote):
        Note("aggportal\n5\nnot base64!\n\n\u2014 a b\n")


def test_the_export_gives_the_same_bytes_again_and_ends_with_the_checkpoint(exported: Path) -> None:
    newest = Checkpoint.objects.first()
    assert newest is not None
    assert "".join(json_lines()) == (exported / "export.jsonl").read_text()
    assert json.loads(lines_of(exported)[-1]) == {"checkpoint": newest.note}
    assert len(list(json_lines(first=3, last=4))) == 2
