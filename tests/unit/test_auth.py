"""Credentials on requests: signatures of AWS as botocore makes them, made anew for every attempt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from zen_native.auth import authorize
from zen_native.errors import AuthenticationError
from zen_native.route import AwsCredentials, Secret
from zen_native.routing import resolve
from zen_native.settings import Config, ProviderSettings

SENTINEL = "sentinel-secret-3371"
ARN = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123"


def settings(session_token: str | None = None) -> ProviderSettings:
    token = None if session_token is None else Secret(session_token)
    aws = AwsCredentials(access_key_id="AKIDEXAMPLE", secret_access_key=Secret(SENTINEL), session_token=token)
    return ProviderSettings(aws=aws, options={"region": "us-east-1"})


def signed(model: str, known: ProviderSettings, environ: dict[str, str] | None = None, **more: str) -> dict[str, str]:
    route = resolve(model, Config(providers={"bedrock": known}, environ=environ or {}))
    url = route.url(stream=True)
    return authorize(route, method="POST", url=url, headers={"x-own": "1", **more}, body=b'{"a":1}')


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's clock, stopped."""
    import datetime as dt

    import botocore.auth

    moment = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: moment)


@pytest.mark.usefixtures("frozen")
def test_signature_is_the_one_that_botocores_own_client_makes() -> None:
    """The signature covers the percent-encoded path of the ARN, encoded once more in the canonical request."""
    import botocore.session

    caught: list[dict[str, str]] = []
    client = botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name="eu-west-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key=SENTINEL,
    )

    def stop(request: Any, **_: object) -> None:
        headers = (
            (name, value.decode() if isinstance(value, bytes) else value) for name, value in request.headers.items()
        )
        caught.append({name.lower(): value for name, value in headers})
        caught.append({"url": request.url, "body": request.body.decode()})
        raise InterruptedError

    client.meta.events.register("before-send.bedrock-runtime.ConverseStream", stop)
    with pytest.raises(InterruptedError):
        client.converse_stream(modelId=ARN, messages=[{"role": "user", "content": [{"text": "x"}]}])
    theirs, what = caught
    route = resolve(f"bedrock/{ARN}", Config(providers={"bedrock": settings()}, environ={}))
    assert route.url(stream=True) == what["url"]
    body = what["body"].encode()
    ours = authorize(route, method="POST", url=what["url"], headers={}, body=body)
    assert "Signature=" in ours["authorization"]
    assert ours["authorization"] == theirs["authorization"]


@pytest.mark.usefixtures("frozen")
def test_signature_changes_with_body_and_url() -> None:
    first = signed("bedrock/m", settings())["authorization"]
    assert signed("bedrock/m", settings())["authorization"] == first
    assert signed("bedrock/n", settings())["authorization"] != first


def test_signature_keeps_other_headers_and_drops_an_older_one() -> None:
    headers = signed("bedrock/m", settings(), authorization="AWS4-HMAC-SHA256 old", **{"X-Amz-Date": "old"})
    assert headers["x-own"] == "1"
    assert "old" not in str(headers)
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/us-east-1/bedrock/aws4_request" in headers["authorization"]


def test_session_token_is_sent() -> None:
    assert signed("bedrock/m", settings("temporary"))["x-amz-security-token"] == "temporary"


def test_secret_of_a_signature_is_never_sent() -> None:
    assert SENTINEL not in str(signed("bedrock/m", settings()))


def test_region_of_an_arn_is_the_one_signed_for() -> None:
    assert "/eu-west-1/bedrock/aws4_request" in signed(f"bedrock/{ARN}", settings())["authorization"]


def test_usual_chain_of_aws_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDCHAIN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SENTINEL)
    headers = signed("bedrock/m", ProviderSettings(options={"region": "us-east-1"}))
    assert "Credential=AKIDCHAIN/" in headers["authorization"]


def test_usual_chain_without_credentials_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(AuthenticationError, match="AWS gives no credentials here; set AWS_BEARER_TOKEN_BEDROCK"):
        signed("bedrock/m", ProviderSettings(options={"region": "us-east-1"}))


def test_unknown_profile_is_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(AuthenticationError, match=r"AWS credentials cannot be read: .*\(nobody\)"):
        signed("bedrock/m", ProviderSettings(options={"region": "us-east-1", "profile": "nobody"}))


def test_usual_chain_does_not_sign_for_a_base_url_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDCHAIN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SENTINEL)
    known = ProviderSettings(options={"region": "us-east-1"}, base_url="https://evil.example")
    with pytest.raises(AuthenticationError, match=r"no key for bedrock: give an api_key for https://evil\.example"):
        signed("bedrock/m", known)


def test_usual_chain_signs_for_the_environments_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDCHAIN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SENTINEL)
    environ = {"AWS_ENDPOINT_URL": "http://localhost:4566", "AWS_REGION": "us-east-1"}
    assert "Credential=AKIDCHAIN/" in signed("bedrock/m", ProviderSettings(), environ)["authorization"]


def test_signature_is_not_made_for_another_origin() -> None:
    route = resolve("bedrock/m", Config(providers={"bedrock": settings()}, environ={}))
    with pytest.raises(AuthenticationError, match="is not sent to"):
        authorize(route, method="POST", url="https://evil.example/model/m/converse", headers={}, body=b"")


def test_missing_botocore_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(AuthenticationError, match=r"pip install 'zen-native\[bedrock\]'"):
        signed("bedrock/m", settings())
