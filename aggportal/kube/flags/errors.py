"""What the flags refuse."""

from __future__ import annotations

from aggportal.kube.errors import KubeError


class FlagsError(KubeError):
    """Root of what is refused here; `field` is a field of `FrontProxy`."""

    code = "flags"


class UnsafePath(FlagsError):
    """A path that we do not put into a root shell, a unit file and a manifest alike."""

    code = "unsafe-path"


class InvalidName(FlagsError):
    """An allowed name that no certificate could carry, or none at all."""

    code = "invalid-name"


class InvalidHeader(FlagsError):
    """A header that HTTP does not allow, or a list without the header that the aggregator sends."""

    code = "invalid-header"
