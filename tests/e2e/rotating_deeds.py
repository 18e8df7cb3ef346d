"""What a person does on the pages of a rotation, one function each; resumed wherever it stands."""

from __future__ import annotations

import time
import urllib.parse
from dataclasses import dataclass

from tests.e2e.visitor import Answer, Visitor

PAUSE = 0.5
# A deed that was cut off is claimed for so long.
CLAIMED = 25.0


def begin(visitor: Visitor, cluster: str, kind: str, *, field: str, **fields: str) -> Steps:
    """Begin a rotation by the form with `field`; return its page."""
    at = visitor.open(f"/clusters/{cluster}/rotations/new/?kind={kind}")
    begun = visitor.send(at, at.page.form_with(field), **fields)
    assert begun.status == 200, begun.page.text
    assert begun.path.startswith(f"/clusters/{cluster}/rotations/"), begun.page.text
    assert not begun.path.endswith("/new/"), begun.page.text
    return Steps(visitor=visitor, path=begun.path)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """One rotation's page, opened anew for each deed, so that nothing of before is needed."""

    visitor: Visitor
    path: str

    @property
    def at(self) -> Answer:
        return self.visitor.open(self.path)

    @property
    def number(self) -> int:
        """How many steps are past: by the list of steps on the page."""
        classes = [each.get("class", "") for each in self.at.page.all_attributes]
        return sum(name in ("step-proven", "step-overridden") for name in classes)

    def do(self, **fields: str) -> Answer:
        """Press the step's own button; again while the portal says that it is doing it."""
        ends = time.monotonic() + CLAIMED
        while True:
            done = self.press(**fields)
            if done.status == 200 and "is doing this right now" not in done.page.text:
                return done
            assert time.monotonic() < ends, done.page.text
            time.sleep(PAUSE)

    def press(self, **fields: str) -> Answer:
        """Press the step's own button once."""
        at = self.at
        return self.visitor.send(at, at.page.form("/do/"), **fields)

    def see(self) -> None:
        """Tick what only a person can see."""
        ends = time.monotonic() + 15
        while True:
            at = self.at
            keys = [
                each["value"]
                for each in at.page.all_attributes
                if each.get("name") == "seen" and each.get("type") == "checkbox"
            ]
            if keys:
                break
            assert time.monotonic() < ends, at.page.text
            time.sleep(PAUSE)
        form = at.page.form("/seen/")
        form.values = [pair for pair in form.values if pair[0] != "seen"]
        form.values += [("seen", key) for key in keys]
        assert self.visitor.send(at, form).status == 200

    def on(self, *, within: float = 5.0) -> Answer:
        """Press "Go on" until the step is past."""
        before, ends = self.number, time.monotonic() + within
        while True:
            answer = self.try_on()
            if answer.status == 200:
                assert self.number == before + 1, answer.page.text
                return answer
            assert time.monotonic() < ends, answer.page.text
            time.sleep(PAUSE)

    def try_on(self) -> Answer:
        """Press "Go on" once."""
        at = self.at
        return self.visitor.send(at, at.page.form("/on/"))

    def back(self) -> None:
        """Go back a step."""
        at = self.visitor.open(self.at.page.link("/back/"))
        form = next(each for each in at.page.forms if "step" in each.known)
        assert self.visitor.send(at, form).status == 200

    def override(self, *, reason: str, typed: str) -> Answer:
        """Pass the step without its proof."""
        at = self.visitor.open(self.at.page.link("/override/"))
        return self.visitor.send(at, at.page.form_with("reason"), reason=reason, confirm=typed)

    def take(self, key: str) -> bytes:
        """Take a file away: by its link, or, where it holds a key, by its button."""
        at = self.at
        where = f"/files/{key}"
        links = [link for link in at.page.links if where in urllib.parse.unquote(link)]
        if links:
            return self.visitor.open(links[0]).body
        form = next(each for each in at.page.forms if where in each.action)
        taken = self.visitor.send(at, form)
        assert taken.status == 200
        return taken.body
