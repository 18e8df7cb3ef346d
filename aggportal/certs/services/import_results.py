"""What an import brought, as the JSON that its page reads: public facts and sentences alone."""

from __future__ import annotations

from collections.abc import Iterable

from aggportal.certs.services.import_drafts import dump_sentence
from aggportal.certs.services.importing_authorities import Imported
from aggportal.certs.services.importing_certdb import CertdbResult
from aggportal.certs.services.importing_many import Fate
from aggportal.certs.services.importing_plans import ImportPlan
from aggportal.words import Sentence

MOST_LISTED = 500
Document = dict[str, object]


def result_of_import(imported: Imported, plan: ImportPlan) -> Document:
    """Tell what came of an import of authorities."""
    return {
        "authorities": [
            {"slug": a.slug, "label": a.label, "lane": a.lane, "retired": a.retired_at is not None}
            for a in imported.authorities
        ],
        "items": [
            _item("imported", str(row), Sentence(text=""), row.pk) for row in imported.certificates
        ]
        + [_item("left", item.source, item.sentence) for item in plan.left_out],
        "adopted": imported.adopted,
    }


def result_of_many(fates: Iterable[Fate]) -> Document:
    """Tell what came of an import of certificates."""
    told = list(fates)
    return {
        "items": [
            _item(f.state, f.name, f.sentence, f.certificate.pk if f.certificate else None)
            for f in told[:MOST_LISTED]
        ],
        "counts": {
            state: sum(fate.state == state for fate in told)
            for state in ("imported", "already", "refused", "left")
        },
    }


def result_of_certdb(result: CertdbResult) -> Document:
    """Tell what came of a certdb."""
    return {
        "certdb": True,
        "counts": {
            "imported": result.imported,
            "already": result.already,
            "refused": result.unread,
        },
        "revoked": result.revoked,
        "under_ours": result.under_ours,
        "differs": result.differs,
        "broke_off": dump_sentence(result.broke_off) if result.broke_off else None,
        "items": [
            _item("already" if one.certificate else "refused", one.serial, one.sentence)
            | {"pk": one.certificate}
            for one in result.told
        ],
    }


def _item(state: str, name: str, sentence: Sentence, pk: int | None = None) -> Document:
    text, params = dump_sentence(sentence)
    return {"state": state, "name": name, "text": text, "params": params, "pk": pk}
