"""The flags for a kube-apiserver that systemd runs: a drop-in and its environment file.

The same flags come as lines for `ExecStart=` too, for a unit that shall have no variable.
"""

from __future__ import annotations

from aggportal.kube.flags.front_proxy import FrontProxy
from aggportal.kube.flags.quoting import for_environment_file, for_exec_start
from aggportal.kube.flags.rendered import File, Rendered, Step, command, commands
from aggportal.kube.flags.steps import (
    FLAG_PATTERN,
    check_cluster,
    check_process,
    next_master,
    prove_files,
    put_files,
)
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

UNIT = "kube-apiserver"
VARIABLE = "KUBE_AGG_ARGS"
ENVIRONMENT_FILE = "/etc/kubernetes/aggregation.env"
DROP_IN = f"/etc/systemd/system/{UNIT}.service.d/50-aggregation.conf"


def render_systemd(front_proxy: FrontProxy) -> Rendered:
    """Return drop-in, environment file, and lines for a unit without the variable."""
    return Rendered(
        key="systemd",
        title=Sentence(text=_n("systemd")),
        summary=Sentence(
            text=_n("For a kube-apiserver that runs as a systemd service of its own.")
        ),
        files=(_drop_in(), _environment(front_proxy), _exec_start_lines(front_proxy)),
        apply_steps=(
            put_files(front_proxy),
            prove_files(front_proxy),
            _look_at_unit(),
            _put_drop_in(),
            _name_variable(),
            _restart(),
            next_master(),
        ),
        check_steps=(_check_unit(), check_process(), *check_cluster(front_proxy)),
        notes=(_NOTE_NO_VARIABLE,),
    )


_NOTE_NO_VARIABLE = Sentence(
    text=_n(
        "If the unit shall have no variable, leave out drop-in and environment file and put the "
        "lines of the third file at the end of ExecStart= instead: they are escaped for a unit, "
        "not for a shell."
    )
)


def _drop_in() -> File:
    body = f"[Service]\nEnvironmentFile={ENVIRONMENT_FILE}\n"
    return File(
        key="systemd", filename="50-aggregation.conf", path=DROP_IN, body=body, language="ini"
    )


def _environment(front_proxy: FrontProxy) -> File:
    body = for_environment_file(VARIABLE, front_proxy.arguments) + "\n"
    return File(
        key="systemd-env",
        filename="aggregation.env",
        path=ENVIRONMENT_FILE,
        body=body,
        language="sh",
    )


def _exec_start_lines(front_proxy: FrontProxy) -> File:
    lines = (f"  {for_exec_start(argument)}" for argument in front_proxy.arguments)
    body = " \\\n".join(lines) + "\n"
    return File(
        key="systemd-exec", filename="exec-start-lines.txt", path="", body=body, language="ini"
    )


def _look_at_unit() -> Step:
    text = _n(
        "Look whether the unit has these flags already, and take them away there: list flags that "
        "are given twice add up."
    )
    line = f"systemctl cat {UNIT} | grep -nE -- '{FLAG_PATTERN}'"
    return Step(says=Sentence(text=text), commands=command(line))


def _put_drop_in() -> Step:
    text = _n("Put the drop-in and its environment file in place. The unit itself stays as it is.")
    return Step(
        says=Sentence(text=text),
        commands=commands(
            f"install -D -m 0644 50-aggregation.conf {DROP_IN}",
            f"install -m 0644 aggregation.env {ENVIRONMENT_FILE}",
        ),
    )


def _name_variable() -> Step:
    text = _n(
        "The unit's ExecStart= must name $%(variable)s as a word of its own, at its end, without "
        "quotes and without braces: only so systemd splits it into single flags. The command shows "
        "whether it does; if nothing appears, add it with systemctl edit --full %(unit)s."
    )
    line = f"systemctl cat {UNIT} | grep -n '{VARIABLE}'"
    return Step(
        says=Sentence(text=text, params={"variable": VARIABLE, "unit": UNIT}),
        commands=command(line),
    )


def _restart() -> Step:
    text = _n("Restart kube-apiserver. Names and headers are read at the start only.")
    return Step(
        says=Sentence(text=text),
        commands=commands("systemctl daemon-reload", f"systemctl restart {UNIT}"),
    )


def _check_unit() -> Step:
    text = _n("systemd has read the drop-in, and the service runs.")
    line = f"systemctl show {UNIT} -p EnvironmentFiles -p DropInPaths -p ActiveState"
    return Step(says=Sentence(text=text), commands=command(line))
