"""Why a notice did not leave."""

from __future__ import annotations

from aggportal.words import RefusedError


class DeliveryFailed(RefusedError):
    """The other side did not take the message, or could not be reached."""

    code = "delivery_failed"


class NotConfigured(RefusedError):
    """The portal or the channel lacks what this way out needs."""

    code = "not_configured"


class BadAddress(RefusedError):
    """The address of a webhook is not one that the portal would call."""

    code = "bad_address"


class NameTaken(RefusedError):
    """Another channel has this name."""

    code = "name_taken"


class NothingToRetry(RefusedError):
    """The delivery is not one that was given up."""

    code = "nothing_to_retry"


class NoFeed(RefusedError):
    """There is no such feed, or its person may not read it."""

    code = "no_feed"
