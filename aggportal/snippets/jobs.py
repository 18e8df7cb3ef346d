"""Periodic work of the studio: going on with the sets that people apply and remove."""

from __future__ import annotations

import datetime as dt

from aggportal.snippets.services.set_work import Crew
from aggportal.web.periodic import periodic

CREW = Crew()


@periodic("snippets.work_on_sets", every=dt.timedelta(seconds=1))
def work_on_sets(now: dt.datetime) -> None:
    """Go on beside the round."""
    CREW.go()
