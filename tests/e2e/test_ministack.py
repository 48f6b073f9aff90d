"""The whole client against ministack, which others wrote: Bedrock, with keys whose signatures it checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from tests.kit.dialogue import TEXT, Talk, check_answer, check_refusal, check_text
from tests.kit.independent import aimock, ministack, need

import zen_native as zen

pytestmark = pytest.mark.parametrize("kind", ["sync", "asyncio"])

ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}]}


@dataclass(frozen=True)
class Cloud:
    """Where it is, and the keys of a user who may ask models and of one who may not."""

    url: str
    allowed: zen.AwsCredentials
    forbidden: zen.AwsCredentials


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    need("aimock")
    need("ministack")
    with aimock(key=None) as answers, ministack(answers) as url:
        yield Cloud(url, _user(url, "allowed", ALL), _user(url, "forbidden", None))


def _user(url: str, name: str, policy: object) -> zen.AwsCredentials:
    """A new user's key, made as any account does."""
    session = pytest.importorskip("botocore.session").Session()
    iam = session.create_client(
        "iam", region_name="us-east-1", endpoint_url=url, aws_access_key_id="test", aws_secret_access_key="test"
    )
    iam.create_user(UserName=name)
    if policy is not None:
        iam.put_user_policy(UserName=name, PolicyName="models", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.close()
    return zen.AwsCredentials(access_key_id=key["AccessKeyId"], secret_access_key=zen.Secret(key["SecretAccessKey"]))


@pytest.fixture
def talk(kind: str, runtime: str, cloud: Cloud) -> Talk:
    return Talk("bedrock-converse", kind, runtime, cloud.url, cloud.allowed)


def test_text(talk: Talk) -> None:
    check_text(talk)


def test_parallel_tools_and_the_answer_to_their_results(talk: Talk) -> None:
    check_answer(talk)


@pytest.mark.parametrize(
    "model",
    [
        "bedrock-invoke/anthropic.claude-3-5-sonnet-20240620-v1:0",
        "bedrock-invoke/us.anthropic.claude-3-5-sonnet-20240620-v1:0",
        "bedrock-invoke/arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20240620-v1:0",
    ],
)
def test_ids_of_every_form_are_signed_as_they_are_sent(talk: Talk, model: str) -> None:
    response = replace(talk, protocol="bedrock-invoke-anthropic").learns("hello", model=model)
    assert response.text == TEXT
    assert response.usage is not None
    assert response.usage.output_tokens


@pytest.mark.parametrize("protocol", ["bedrock-converse", "bedrock-invoke-anthropic"])
def test_a_wrong_secret_is_refused(talk: Talk, cloud: Cloud, protocol: str) -> None:
    wrong = zen.AwsCredentials(
        access_key_id=cloud.allowed.access_key_id, secret_access_key=zen.Secret("not-the-secret-0123456789")
    )
    error = check_refusal(replace(talk, protocol=protocol, key=wrong), "hello", zen.AuthenticationError, 403)
    assert error.code == "InvalidSignatureException"


@pytest.mark.parametrize("protocol", ["bedrock-converse", "bedrock-invoke-anthropic"])
def test_who_may_not_is_refused(talk: Talk, cloud: Cloud, protocol: str) -> None:
    other = replace(talk, protocol=protocol, key=cloud.forbidden)
    assert check_refusal(other, "hello", zen.PermissionDeniedError, 403).code == "AccessDeniedException"
