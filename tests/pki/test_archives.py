"""Archives of strangers: what is read of them, and what no archive can make us do."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import tarfile
import time
import zipfile

import pytest

from aggportal.pki.archives import (
    MAX_MEMBERS,
    MAX_UNPACKED_BYTES,
    ArchiveTooLarge,
    Member,
    archive_members,
    is_archive,
)
from aggportal.pki.errors import PkiError
from aggportal.pki.gathering import gather
from aggportal.pki.inspecting import Given
from aggportal.pki.tarballs import DamagedArchive
from tests.pki.certificates_made import authority

LONG = "a/very/" + "long/" * 40 + "name.pem"


def tar(*infos: tarfile.TarInfo, mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for info in infos:
            archive.addfile(info, io.BytesIO(b"x" * info.size))
    return buffer.getvalue()


def file(name: str, size: int = 3) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    return info


def odd(name: str, kind: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], packing: int = zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return buffer.getvalue()


def names(members: tuple[Member, ...]) -> list[tuple[str, bytes]]:
    return [(member.name, member.data) for member in members if member.refused is None]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_every_form_of_tar_is_read(form, mode):
    folder = odd("./pki", tarfile.DIRTYPE)
    data = tar(folder, file("./pki/ca.crt"), file(LONG), mode=mode, form=form)
    assert is_archive(data)
    assert names(archive_members(data)) == [("pki/ca.crt", b"xxx"), (LONG, b"xxx")]


def test_a_name_in_utf_8_is_read_from_pax():
    assert names(archive_members(tar(file("schlüssel.pem"))))[0][0] == "schlüssel.pem"


def test_a_zip_is_read():
    data = zipped(("pki/", b""), ("pki/ca.crt", b"abc"), (LONG, b"d"))
    assert names(archive_members(data)) == [("pki/ca.crt", b"abc"), (LONG, b"d")]


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (odd("link", tarfile.SYMTYPE), "links are not followed"),
        (odd("hard", tarfile.LNKTYPE), "links are not followed"),
        (odd("device", tarfile.CHRTYPE), "no plain file"),
        (odd("fifo", tarfile.FIFOTYPE), "no plain file"),
        (file("../../etc/cron.d/x"), "leads out of the archive"),
        (file("/etc/passwd"), "leads out of the archive"),
        (file("..\\x"), "leads out of the archive"),
        (file("a\u202eb"), "leads out of the archive"),
        (file("big", 600_000), "larger than"),
    ],
)
def test_a_member_that_is_no_plain_file_is_left_out_and_the_others_stand(info, words):
    bad, good = archive_members(tar(info, file("good")))
    assert words in str(bad.refused)
    assert (bad.data, good.data) == (b"", b"xxx")


def test_a_link_in_a_zip_is_not_followed():
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    (member,) = archive_members(zipped((link, b"/etc/passwd")))
    assert "links are not followed" in str(member.refused)


@pytest.mark.parametrize(
    "inner",
    [tar(file("x")), tar(file("x"), mode="w:gz"), zipped(("x", b"y"))],
    ids=["tar", "tar.gz", "zip"],  # the bytes hold the time, and every process makes its own
)
def test_an_archive_in_an_archive_stays_closed(inner):
    (member,) = archive_members(zipped(("inner", inner)))
    assert "an archive itself" in str(member.refused)


def test_many_members_are_refused():
    with pytest.raises(ArchiveTooLarge):
        archive_members(tar(*(file(f"{n}", 0) for n in range(MAX_MEMBERS + 1)), mode="w:gz"))
    with pytest.raises(ArchiveTooLarge):
        archive_members(zipped(*((f"{n}", b"") for n in range(MAX_MEMBERS + 1))))


ZEROS = b"\0" * (40 * 2**20)


def lying_zip() -> bytes:
    """A zip whose directory says that the member is five bytes long."""
    data = bytearray(zipped(("bomb", ZEROS)))
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (5).to_bytes(4, "little")
    return bytes(data)


BOMBS = {
    "gzip": lambda: gzip.compress(ZEROS),
    "gzip of gzip": lambda: gzip.compress(gzip.compress(ZEROS)),
    "tar": lambda: gzip.compress(tar(file("x", 20 * 2**20))),
    "zip": lambda: zipped(("bomb", ZEROS)),
    "many": lambda: zipped(*((f"{n}", b"\0" * 400_000) for n in range(100))),
    "lying": lying_zip,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_does_not_go_off(name):
    data = BOMBS[name]()
    begun = time.monotonic()
    members: tuple[Member, ...] = ()
    with contextlib.suppress(ArchiveTooLarge, DamagedArchive):
        members = archive_members(data)
    assert time.monotonic() - begun < 60
    assert sum(len(member.data) for member in members) <= MAX_UNPACKED_BYTES


def test_an_encrypted_or_strangely_packed_zip_is_refused():
    data = bytearray(zipped(("x", b"secret")))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        data[data.index(mark) + (6 if mark[2] == 3 else 8)] |= 1
    with pytest.raises(DamagedArchive, match="encrypted"):
        archive_members(bytes(data))
    with pytest.raises(DamagedArchive, match="packed in a way"):
        archive_members(zipped(("x", b"y"), packing=zipfile.ZIP_LZMA))


def test_damaged_archives_are_refused_in_words_and_quickly():
    whole = [
        tar(*(file(f"f{n}", 700) for n in range(9))),
        tar(file(LONG, 900), mode="w:gz"),
        zipped(*((f"f{n}", b"y" * 900) for n in range(9))),
    ]
    dice = random.Random(11)  # noqa: S311  # the same damage each time
    begun = time.monotonic()
    for turn in range(1500):
        body = bytearray(whole[turn % 3])
        for _ in range(dice.randrange(1, 30)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        if turn % 5 == 0:
            body = body[: dice.randrange(len(body))]
        found = gather([Given(data=bytes(body), name="x")])
        assert all(str(item.sentence) for item in found.left_out)
    assert time.monotonic() - begun < 110


@pytest.mark.parametrize(
    "field", [b"7" * 11 + b"\0", b"\x80" + b"\xff" * 11, b"-0000000001\0", b"99999999999\0"]
)
def test_a_tar_header_that_lies_about_its_size_ends_the_reading(field):
    data = bytearray(tar(file("x")))
    data[124:136] = field
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    with pytest.raises(PkiError):
        archive_members(bytes(data))


def test_what_lies_in_an_archive_is_found_with_its_names():
    made = authority()
    data = zipped(
        ("pki/ca.pem", made.facts.pem.encode()), ("pki/ca-key.pem", made.key_pem.encode())
    )
    found = gather([Given(data=data, name="pki.zip")])
    assert [c.sources for c in found.certificates] == [("pki/ca.pem",)]
    assert [k.source for k in found.keys] == ["pki/ca-key.pem"]
    assert not found.strangers
