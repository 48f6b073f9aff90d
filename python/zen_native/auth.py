"""Puts a route's credentials on a request, and on no other origin's.

Owns the check of the origin and the headers of every scheme; runs last, over the final URL and body, once per attempt,
so that a signature covers what is sent when it is sent. SigV4 is botocore's, which the extra `bedrock` brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._anthropic_profile import profile_headers
from .errors import AuthenticationError
from .route import AwsCredentials, Route, origin_of

if TYPE_CHECKING:
    from ._secret import Secret

__all__ = ["authorize", "blocks", "secrets_in"]

_KEY_HEADERS = {
    "bearer": "authorization",
    "x-api-key": "x-api-key",
    "x-goog-api-key": "x-goog-api-key",
    "api-key": "api-key",
}
_HOOK = "_modify_request_before_signing"
_SIGNED_HEADERS = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})


def authorize(
    route: Route, *, method: str, url: str, headers: Mapping[str, str], body: bytes, ahead: float = 0.0
) -> dict[str, str]:
    """The headers with the route's credentials. A header of the scheme that is there already stays as it is: the
    caller wrote it. SigV4 may ask files or the instance's metadata service for credentials, which blocks, and a
    profile's token may have to be fetched. A signature is dated so many seconds `ahead` of the clock here.

    Raises:
        AuthenticationError: there is no key, or the request goes to another origin than the key belongs to.
    """
    if route.auth == "none":
        return dict(headers)
    _check_origin(route, url)
    if route.auth == "sigv4":
        return _signed(route, method, url, headers, body, ahead)
    if route.auth == "anthropic-profile":
        known = {"authorization", "x-api-key"} & {name.lower() for name in headers}
        return dict(headers) if known else profile_headers(route, headers)
    name = _KEY_HEADERS[route.auth]
    if name in {known.lower() for known in headers}:
        return dict(headers)
    if route.api_key is None:
        raise AuthenticationError(
            f"no key for {route.provider}" + (f": {route.key_hint}" if route.key_hint else ""),
            provider=route.provider,
            model=route.model,
        )
    key = route.api_key.reveal()
    return {**headers, name: f"Bearer {key}" if route.auth == "bearer" else key}


def blocks(route: Route) -> bool:
    """Whether `authorize` may read files or ask somebody for credentials."""
    return route.auth in ("sigv4", "anthropic-profile")


def secrets_in(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What `authorize` put into headers that the route itself does not know, for redaction."""
    values = [headers.get("authorization", ""), headers.get("x-amz-security-token", "")]
    return tuple(value.removeprefix("Bearer ") for value in values if value)


def _check_origin(route: Route, url: str) -> None:
    origin = origin_of(url)
    if origin != route.key_origin and (route.api_key is not None or blocks(route)):
        raise AuthenticationError(
            f"the key of {route.provider} belongs to {route.key_origin} and is not sent to {origin}; give an api_key"
            " together with the base_url",
            provider=route.provider,
            model=route.model,
        )


def _signed(
    route: Route, method: str, url: str, headers: Mapping[str, str], body: bytes, ahead: float
) -> dict[str, str]:
    try:
        sign, make = import_module("botocore.auth").SigV4Auth, import_module("botocore.awsrequest").AWSRequest
    except ImportError:
        how = "pip install 'zen-native[bedrock]', or set AWS_BEARER_TOKEN_BEDROCK"
        raise _unsigned(route, f"signing requests to AWS needs botocore: {how}") from None
    # Only what must be signed: proxies may change the others on their way.
    content = {"content-type": "application/json"}
    request = make(method=method, url=url, data=body, headers=content)
    signer = _shifted(sign, ahead) if ahead else sign
    signer(_credentials(route), "bedrock", route.region).add_auth(request)
    signature = {str(name).lower(): str(value) for name, value in request.headers.items()}
    kept = {name: value for name, value in headers.items() if name.lower() not in _SIGNED_HEADERS | content.keys()}
    return {**kept, **signature}


def _shifted(sign: Any, ahead: float) -> Any:
    """A signer whose clock is set right. botocore takes the time as it begins, and uses it from this hook on."""
    from datetime import UTC, datetime, timedelta  # signing imports far more

    def dated(signer: Any, request: Any) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=ahead)
        request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
        getattr(sign, _HOOK)(signer, request)

    return type("Shifted", (sign,), {_HOOK: dated})


def _credentials(route: Route) -> Any:
    aws = route.aws or AwsCredentials()
    if aws.access_key_id is not None and aws.secret_access_key is not None:
        return import_module("botocore.credentials").Credentials(
            aws.access_key_id, aws.secret_access_key.reveal(), _text(aws.session_token)
        )
    try:
        found = import_module("botocore.session").Session(profile=aws.profile).get_credentials()
        frozen = None if found is None else found.get_frozen_credentials()
    except import_module("botocore.exceptions").BotoCoreError as error:
        raise _unsigned(route, f"AWS credentials cannot be read: {error}") from None
    if frozen is None:
        raise _unsigned(route, f"AWS gives no credentials here; {route.key_hint}")
    return frozen


def _unsigned(route: Route, message: str) -> AuthenticationError:
    return AuthenticationError(message, provider=route.provider, model=route.model)


def _text(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()
