"""What the tests' OpenID provider says of people; a file of JSON can make it say wrong things."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator


def knobs() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(os.environ["PROVIDER_KNOBS"]).read_text())
    return found


class Validator(OAuth2Validator):
    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        told = knobs()
        return {"preferred_username": told["name"], "email": "x@example.com", **told["claims"]}

    def get_id_token_dictionary(self, token: Any, handler: Any, request: Any) -> Any:
        claims, expires = super().get_id_token_dictionary(token, handler, request)
        return {**claims, **knobs()["spoil"]}, expires

    def finalize_id_token(self, id_token: Any, token: Any, handler: Any, request: Any) -> str:
        signed: str = super().finalize_id_token(id_token, token, handler, request)
        if not knobs()["forge"]:
            return signed
        head, body, signature = signed.split(".")
        return f"{head}.{body}.{signature[::-1]}"
