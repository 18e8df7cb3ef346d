"""Taking in files that may hold private keys: in memory alone, never on a disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.core.files.uploadhandler import (
    FileUploadHandler,
    MemoryFileUploadHandler,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

View = Callable[..., HttpResponseBase]


class UploadTooLarge(RefusedError):
    """More was sent than is kept in memory."""

    code = "upload_too_large"
    status = 413


def in_memory(view: View) -> View:
    """Let a view read its upload in memory, and no more than fits there.

    The token is checked here, so the outermost decorator must be `csrf_exempt`: checked before, it
    would have the body read by the handler that writes large files to a disk.
    """
    return _reading(view, MemoryFileUploadHandler, limit=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)


def on_disk(view: View) -> View:
    """Let a view read one large file that holds no secret from a temporary one on the disk.

    As with `in_memory`, the outermost decorator must be `csrf_exempt`.
    """
    return _reading(view, TemporaryFileUploadHandler, limit=0)


def _reading(view: View, handler: type[FileUploadHandler], *, limit: int) -> View:
    guarded = csrf_protect(sensitive_post_parameters()(view))

    @wraps(view)
    def reading(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        request.upload_handlers = [handler(request)]
        told = request.META.get("CONTENT_LENGTH") or "0"
        if limit and told.isdecimal() and int(told) > limit:
            raise UploadTooLarge(
                _n(
                    "Together this is more than %(limit)d bytes, and so nothing of it was read. "
                    "Give fewer files at once."
                ),
                limit=limit,
            )
        return guarded(request, *args, **kwargs)

    return reading
