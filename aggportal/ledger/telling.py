"""The ledger's actions as sentences: who did what.

An action that is not listed is shown by its name.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy

ACTIONS = {
    "account.signed_in": gettext_lazy("signed in"),
    "account.signed_out": gettext_lazy("signed out"),
    "account.sign_in_failed": gettext_lazy("failed to sign in"),
    "account.password_changed": gettext_lazy("changed their own password"),
    "person.added": gettext_lazy("added the person"),
    "person.role_changed": gettext_lazy("changed the role of"),
    "person.password_renewed": gettext_lazy("made a one-time password for"),
    "authority.created": gettext_lazy("made the authority"),
    "authority.renewed": gettext_lazy("renewed the certificate of the authority"),
    "authority.renewal_requested": gettext_lazy("made a request to renew the authority"),
    "authority.rekeyed": gettext_lazy("made a successor with a new key for the authority"),
    "authority.retired": gettext_lazy("retired the authority"),
    "authority.reinstated": gettext_lazy("let the authority issue again"),
    "authority.config_changed": gettext_lazy("changed the profiles of"),
    "authority.names_changed": gettext_lazy("changed the allowed names of"),
    "certificate.issued": gettext_lazy("issued the certificate"),
    "certificate.renewed": gettext_lazy("renewed the certificate"),
    "certificate.revoked": gettext_lazy("revoked the certificate"),
    "certificate.released": gettext_lazy("took off hold the certificate"),
    "crl.published": gettext_lazy("published the revocation list of"),
    "authority.crl_changed": gettext_lazy("changed how long revocation lists are valid of"),
    "certificate.key_taken": gettext_lazy("took the private key of"),
    "certificate.kept": gettext_lazy("changed owner, tags or notes of"),
    "certificates.exported": gettext_lazy("took away the list of certificates"),
    "authority.key_taken": gettext_lazy("took the private key of the authority"),
    "request.received": gettext_lazy("handed in the signing request"),
    "request.abandoned": gettext_lazy("ended the abandoned signing request"),
    "renewals.started": gettext_lazy("began to renew many certificates of"),
    "renewals.stopped": gettext_lazy("stopped the renewals of"),
    "renewals.resumed": gettext_lazy("went on with the renewals of"),
    "renewals.ended": gettext_lazy("finished the renewals of"),
    "request.rejected": gettext_lazy("rejected the signing request"),
    "inspection.made": gettext_lazy("inspected something"),
    "endpoint.scanned": gettext_lazy("scanned the endpoint"),
    "cluster.connected": gettext_lazy("connected the cluster"),
    "cluster.changed": gettext_lazy("changed the cluster"),
    "cluster.deleted": gettext_lazy("removed the cluster"),
    "apiservice.registered": gettext_lazy("registered the APIService"),
    "apiservice.deleted": gettext_lazy("deleted the APIService"),
}
