"""The flags for a command line, quoted for a POSIX shell."""

from __future__ import annotations

from aggportal.kube.flags.front_proxy import FrontProxy
from aggportal.kube.flags.quoting import for_shell
from aggportal.kube.flags.rendered import File, Rendered, Step
from aggportal.kube.flags.steps import (
    check_cluster,
    check_process,
    next_master,
    prove_files,
    put_files,
)
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


def render_plain(front_proxy: FrontProxy) -> Rendered:
    """Return the flags one per line, each line but the last continued by a backslash."""
    lines = (for_shell(flag.name, flag.value) for flag in front_proxy.flags)
    file = File(
        key="plain",
        filename="kube-apiserver.flags",
        path="",
        body=" \\\n".join(lines) + "\n",
        language="sh",
    )
    return Rendered(
        key="plain",
        title=Sentence(text=_n("Plain flags")),
        summary=Sentence(text=_n("For a script or a unit of your own that starts kube-apiserver.")),
        files=(file,),
        apply_steps=(put_files(front_proxy), prove_files(front_proxy), _add_flags(), next_master()),
        check_steps=(check_process(), *check_cluster(front_proxy)),
    )


def _add_flags() -> Step:
    text = _n(
        "Add these lines to the command that starts kube-apiserver and take away the same flags "
        "where they stand already. Then restart it: the files are read again when they change, "
        "names and headers only at a start."
    )
    return Step(says=Sentence(text=text))
