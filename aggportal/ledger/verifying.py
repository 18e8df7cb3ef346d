"""Checking the ledger: the chain, the columns that pages show, the MACs, and what was anchored."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Subquery

from aggportal.ledger.chain import canonical_json
from aggportal.ledger.keys import LedgerKey, ledger_key
from aggportal.ledger.models import Checkpoint, Entry, Head
from aggportal.ledger.offline import START, Key, Note, Tree, digest_of
from aggportal.vault.errors import NoKey
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainState:
    """What checking the chain found: entries counted, entries checked, the first number that does
    not fit or None, from which number on entries have a MAC (None: none has), and whether the key
    was at hand to look at those.
    """

    size: int
    checked: int
    broken_at: int | None
    keyed_from: int | None
    authenticated: bool


def verify_chain(*, last: int | None = None) -> ChainState:
    """Recompute the digests of all entries (or the `last` ones) from the stored bytes, and compare
    them with the columns that pages show, with each other, with the head, and with their MACs where
    the ledger's key is at hand.

    What is appended meanwhile is left out.
    """
    key, head = _key_at_hand(), _head()
    start = max(head.size - last, 0) if last is not None else 0
    before_start = Entry.objects.filter(seq=start).values_list("digest", flat=True).first()
    previous, expected = before_start or START, start + 1
    rows = Entry.objects.filter(seq__gt=start, seq__lte=head.size).order_by("seq")
    for entry in rows.iterator(chunk_size=2000):
        follows = entry.seq == expected and fits(entry, previous=previous)
        if not follows or not _is_authentic(entry, head, key):
            break
        previous, expected = entry.digest, expected + 1
    whole = expected - 1 == head.size == head.newest and previous == head.digest
    return ChainState(
        size=head.size,
        checked=expected - start - 1,
        broken_at=None if whole and _is_marked(head, key) else expected,
        keyed_from=head.keyed_from,
        authenticated=key is not None,
    )


def _key_at_hand() -> LedgerKey | None:
    try:
        return ledger_key()
    except NoKey:
        return None


def fits(entry: Entry, *, previous: str) -> bool:
    """Whether it follows the entry with digest `previous`, and its columns say what was hashed."""
    return (
        entry.previous == previous
        and entry.canonical == canonical_json(entry.document())
        and entry.digest == digest_of(entry.canonical, previous=previous)
    )


def _is_authentic(entry: Entry, head: _End, key: LedgerKey | None) -> bool:
    """Whether its MAC is ours; before the mark there is none."""
    if key is None:
        return True
    if head.keyed_from is None or entry.seq < head.keyed_from:
        return not entry.mac
    return hmac.compare_digest(entry.mac.encode(), key.mac_of(entry.digest).encode())


def _is_marked(head: _End, key: LedgerKey | None) -> bool:
    """Whether the number from which entries have a MAC is the one that was marked."""
    if key is None or head.keyed_from is None:
        return True
    return hmac.compare_digest(head.keyed_mark.encode(), key.mark_of(head.keyed_from).encode())


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """Where the chain ends by its head, and the number of the newest entry that is there."""

    size: int
    digest: str
    newest: int
    keyed_from: int | None
    keyed_mark: str


def _head() -> _End:
    """Read both in one statement, so that an entry written meanwhile counts in both or neither."""
    newest = Subquery(Entry.objects.order_by("-seq").values("seq")[:1])
    found = Head.objects.filter(pk=1).annotate(newest=newest)
    row = found.values_list("size", "digest", "newest", "keyed_from", "keyed_mark").first()
    size, digest, seq, first, mark = row or (0, START, Entry.objects.count(), None, "")
    return _End(size=size, digest=digest, newest=seq or 0, keyed_from=first, keyed_mark=mark)


def compare_anchored(
    notes: Sequence[Note], *, verifier: str, lost: Sequence[range] = ()
) -> Sentence | None:
    """Compare the ledger with anchored checkpoints; None where it fits them, else what is wrong.

    `lost` are numbers of entries whose loss was accepted: a checkpoint of those fits no more.
    Reads every entry once.
    """
    key = Key(verifier)
    roots = roots_after({note.size for note in notes})
    for note in sorted(notes, key=lambda each: each.size):
        if not note.is_signed_by(key):
            return _say(
                _n("The checkpoint of %(size)s entries is not signed by this ledger's key."), note
            )
        if roots.get(note.size) != note.root and any(note.size in each for each in lost):
            continue
        if note.size not in roots:
            return _say(_n("%(size)s entries were anchored, and so many are not there."), note)
        if roots[note.size] != note.root:
            return _say(_n("The first %(size)s entries are not those that were anchored."), note)
    return None


def own_checkpoints() -> Iterator[Note]:
    """The checkpoints that the database keeps."""
    for text in Checkpoint.objects.order_by("size").values_list("note", flat=True).iterator():
        yield Note(text)


def roots_after(sizes: set[int]) -> dict[int, bytes]:
    """The heads of the tree after so many entries, as far as there are."""
    tree = Tree()
    found = {0: tree.root()} if 0 in sizes else {}
    if not sizes:
        return found
    rows = Entry.objects.filter(seq__lte=max(sizes)).order_by("seq")
    for seq, text in rows.values_list("seq", "canonical").iterator(chunk_size=2000):
        if seq != tree.size + 1:
            break
        tree.append(text.encode("utf-8"))
        if tree.size in sizes:
            found[tree.size] = tree.root()
    return found


def _say(text: str, note: Note) -> Sentence:
    return Sentence(text=text, params={"size": note.size})
