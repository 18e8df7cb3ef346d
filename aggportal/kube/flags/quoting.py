"""One value, quoted for each reader that it meets on the way to kube-apiserver."""

from __future__ import annotations

import re
import shlex

_BARE_WORD = re.compile(r"[A-Za-z0-9._/,:@=+-]+", re.ASCII)
_SPECIAL_IN_FILE = re.compile(r'(["\\$`])')
_AFTER_BACKSLASH = r"\\\1"


def for_shell(flag: str, value: str) -> str:
    """Return `--flag=value` as one word of a POSIX shell; only the value is put in quotes."""
    return f"--{flag}={shlex.quote(value)}"


def for_exec_start(argument: str) -> str:
    """Return `argument` as one word of a unit's `ExecStart=`.

    Sources: systemd.service(5), systemd.syntax(7). `%` starts a specifier and `$` a variable, even
    inside quotes: both are doubled. Backslash and double quote are escaped inside double quotes.
    """
    return _double_quoted(argument.replace("%", "%%").replace("$", "$$"))


def for_environment_file(variable: str, arguments: tuple[str, ...]) -> str:
    """Return the line of an `EnvironmentFile=` that sets `variable` to `arguments`.

    Source: systemd.exec(5). It is read twice: the file's reader takes off the outer quotes and the
    backslashes before `"`, `\\`, `$` and the back quote; then `$VARIABLE`, standing alone in
    `ExecStart=`, is split at blanks and its inner quotes are taken off. Neither reading expands `%`
    or `$`.
    """
    words = " ".join(_double_quoted(argument) for argument in arguments)
    return f'{variable}="{_SPECIAL_IN_FILE.sub(_AFTER_BACKSLASH, words)}"'


def for_container(argument: str) -> str:
    """Return `argument` for a container's `command`: the kubelet expands `$(NAME)` and `$$`."""
    return argument.replace("$", "$$")


def _double_quoted(text: str) -> str:
    if _BARE_WORD.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
