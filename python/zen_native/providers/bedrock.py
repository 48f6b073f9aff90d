"""Amazon Bedrock: Converse, and InvokeModel with Anthropic's body. A Bedrock key as bearer, else a signature (SigV4).

docs.aws.amazon.com/bedrock: API reference (bedrock-runtime), inference profiles, API keys. Ids may be those of a
foundation model, of an inference profile (`us.`, `eu.`, `apac.`, `au.`, `jp.`, `global.`, `us-gov.`), or an ARN,
also of a SageMaker endpoint (Bedrock Marketplace).
"""

from __future__ import annotations

import re
from dataclasses import replace

from zen_native.dialect import Dialect
from zen_native.errors import NoRouteError

from ._base import Endpoint, KeyEnv, Option, Provider, Target, UrlEnv

__all__ = ["BEDROCK", "BEDROCK_INVOKE", "foundation_model"]

_PROFILE = re.compile(r"(?:us-gov|apac|global|us|eu|au|jp)\.(?=[a-z0-9-]+\.)")
_ARN = re.compile(r"arn:aws[a-z-]*:(?:bedrock|sagemaker):(?P<region>[a-z0-9-]*):\d*:(?P<kind>[a-z-]+)/(?P<id>.+)")
_NAMED = frozenset({"foundation-model", "inference-profile"})


def foundation_model(model: str) -> str | None:
    """The id of the foundation model behind an id, a profile or an ARN; None where the ARN does not say it."""
    arn = _ARN.fullmatch(model)
    if arn is None:
        return None if model.startswith("arn:") else _PROFILE.sub("", model, count=1)
    return _PROFILE.sub("", arn["id"], count=1) if arn["kind"] in _NAMED else None


def _in_region(target: Target) -> Target:
    arn = _ARN.fullmatch(target.model)
    if target.model.startswith("arn:") and arn is None:
        raise NoRouteError(f"not an ARN of a Bedrock model: {target.model}", provider="bedrock", model=target.model)
    # An ARN is served where it lives, whatever region is configured.
    region = (arn["region"] if arn else "") or target.options.get("region")
    if not region:
        raise NoRouteError(
            "Bedrock needs a region: set AWS_REGION, or the option 'region'", provider="bedrock", model=target.model
        )
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return replace(
        target,
        base_url=target.base_url or f"https://bedrock-runtime.{region}.{domain}",
        options={**target.options, "region": region},
    )


def _anthropic_only(target: Target) -> Target:
    maker = foundation_model(target.model)
    if maker is not None and not maker.startswith("anthropic."):
        raise NoRouteError(
            f"InvokeModel is known for Anthropic's models alone; write bedrock/{target.model}",
            provider="bedrock-invoke",
            model=target.model,
        )
    return _in_region(target)


BEDROCK = Provider(
    id="bedrock",
    name="Amazon Bedrock",
    endpoints={
        "bedrock-converse": Endpoint(path="/model/{model}/converse", stream_path="/model/{model}/converse-stream"),
    },
    auth="sigv4",
    keys=(KeyEnv("AWS_BEARER_TOKEN_BEDROCK", "bearer"),),
    urls=(UrlEnv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"), UrlEnv("AWS_ENDPOINT_URL")),
    options={
        "region": Option(env=("AWS_REGION", "AWS_DEFAULT_REGION")),
        "profile": Option(env=("AWS_PROFILE", "AWS_DEFAULT_PROFILE")),
    },
    dialect=Dialect(tool_ids="word", top_k="top_k", metadata=True),
    adapt=_in_region,
)
BEDROCK_INVOKE = replace(
    BEDROCK,
    id="bedrock-invoke",
    name="Amazon Bedrock (InvokeModel)",
    endpoints={
        "bedrock-invoke-anthropic": Endpoint(
            path="/model/{model}/invoke", stream_path="/model/{model}/invoke-with-response-stream"
        ),
    },
    metadata_key="bedrock",
    adapt=_anthropic_only,
)
