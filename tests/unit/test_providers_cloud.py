"""What is special about Google, Bedrock and Azure: regions, projects, profiles, deployments."""

from __future__ import annotations

import pytest
from tests.kit.providers import BEARER, KEY, REGION, key_headers, resolved

from zen_native.errors import NoRouteError
from zen_native.providers.bedrock import foundation_model
from zen_native.settings import ProviderSettings

AZURE_URL = {"AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com/"}


# --- google


@pytest.mark.parametrize("flag", ["true", "True", "1"])
def test_google_goes_to_vertex_where_the_environment_says_so(flag: str) -> None:
    assert resolved("google/m", {"GOOGLE_GENAI_USE_VERTEXAI": flag}).provider == "vertex"


@pytest.mark.parametrize("flag", ["", "false", "0"])
def test_google_stays_where_the_environment_does_not(flag: str) -> None:
    assert resolved("google/m", {"GOOGLE_GENAI_USE_VERTEXAI": flag}).provider == "google"


def test_vertex_names_project_and_location() -> None:
    environ = {"GOOGLE_CLOUD_PROJECT": "p-1", "GOOGLE_CLOUD_LOCATION": "europe-west4", "GOOGLE_API_KEY": KEY}
    route = resolved("vertex/publishers/google/models/m", environ)
    assert route.url(stream=False) == (
        "https://europe-west4-aiplatform.googleapis.com"
        "/v1/projects/p-1/locations/europe-west4/publishers/google/models/m:generateContent"
    )
    assert key_headers(route) == {"x-goog-api-key": KEY}


def test_vertex_has_one_global_host() -> None:
    environ = {"GOOGLE_CLOUD_PROJECT": "p-1", "GOOGLE_CLOUD_LOCATION": "global"}
    assert resolved("vertex/m", environ).origin == "https://aiplatform.googleapis.com"


def test_vertex_with_a_project_alone_is_in_express_mode() -> None:
    assert "/projects/" not in resolved("vertex/m", {"GOOGLE_CLOUD_PROJECT": "p-1"}).url(stream=True)


@pytest.mark.parametrize("location", ["evil.example/#", "x@evil.example", "a/../b", "..", "a b", "a" * 64])
def test_location_cannot_lead_the_key_elsewhere(location: str) -> None:
    environ = {"GOOGLE_CLOUD_PROJECT": "p-1", "GOOGLE_CLOUD_LOCATION": location}
    with pytest.raises(NoRouteError, match="stands in an address"):
        resolved("vertex/m", environ)


def test_key_of_google_never_stands_in_the_address() -> None:
    route = resolved("google/m", {"GOOGLE_API_KEY": KEY})
    assert KEY not in route.url(stream=True) + route.url(stream=False)


# --- bedrock

PROFILES = ("us.", "eu.", "apac.", "au.", "jp.", "global.", "us-gov.")


@pytest.mark.parametrize("prefix", PROFILES)
def test_bedrock_profile_keeps_its_prefix_on_the_wire(prefix: str) -> None:
    model = f"{prefix}anthropic.claude-x-v1:0"
    encoded = model.replace(":", "%3A")
    assert resolved(f"bedrock/{model}", REGION).url(stream=False).endswith(f"/model/{encoded}/converse")
    assert resolved(f"bedrock-invoke/{model}", REGION).url(stream=False).endswith(f"/model/{encoded}/invoke")


@pytest.mark.parametrize("prefix", ["", *PROFILES])
def test_bedrock_foundation_model_is_known_behind_every_prefix(prefix: str) -> None:
    assert foundation_model(f"{prefix}anthropic.claude-x-v1:0") == "anthropic.claude-x-v1:0"


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-x", "anthropic.claude-x"),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x", "anthropic.claude-x"),
        ("arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.anthropic.c", "anthropic.c"),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", None),
        ("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc", None),
        ("arn:aws:sagemaker:us-east-1:123456789012:endpoint/abc", None),
        ("us.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("ushering.model", "ushering.model"),
        ("eu.model", "eu.model"),
    ],
)
def test_bedrock_foundation_model_of_an_id(model: str, known: str | None) -> None:
    assert foundation_model(model) == known


def test_bedrock_arn_is_percent_encoded_and_served_in_its_region() -> None:
    arn = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-x-v1:0"
    assert resolved(f"bedrock/{arn}", REGION).url(stream=True) == (
        "https://bedrock-runtime.eu-west-1.amazonaws.com/model/"
        "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.anthropic.claude-x-v1%3A0"
        "/converse-stream"
    )


def test_bedrock_arn_of_an_endpoint_of_the_marketplace_is_served() -> None:
    route = resolved("bedrock/arn:aws:sagemaker:us-west-2:123456789012:endpoint/abc", REGION)
    assert route.origin == "https://bedrock-runtime.us-west-2.amazonaws.com"


def test_bedrock_arn_of_another_service_is_no_route() -> None:
    with pytest.raises(NoRouteError, match="not an ARN of a Bedrock model"):
        resolved("bedrock/arn:aws:s3:us-east-1:1:bucket/abc", REGION)


@pytest.mark.parametrize("name", ["us.amazon.nova-pro-v1:0", "meta.llama3-70b-instruct-v1:0"])
def test_bedrock_invoke_serves_anthropic_alone(name: str) -> None:
    with pytest.raises(NoRouteError, match=f"write bedrock/{name}"):
        resolved(f"bedrock-invoke/{name}", REGION)


def test_bedrock_invoke_takes_an_arn_that_does_not_say_its_model() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    assert resolved(f"bedrock-invoke/{arn}").protocol == "bedrock-invoke-anthropic"


def test_bedrock_needs_a_region() -> None:
    with pytest.raises(NoRouteError, match="set AWS_REGION"):
        resolved("bedrock/m")


def test_bedrock_region_of_the_environment() -> None:
    assert resolved("bedrock/m", {"AWS_DEFAULT_REGION": "eu-central-1"}).region == "eu-central-1"
    both = {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "eu-central-1"}
    assert resolved("bedrock/m", both).origin == "https://bedrock-runtime.us-west-2.amazonaws.com"


def test_bedrock_in_china_has_its_own_domain() -> None:
    assert resolved("bedrock/m", {"AWS_REGION": "cn-north-1"}).origin == (
        "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"
    )


@pytest.mark.parametrize(
    "region", ["us-east-1:443", "a.b", "-a", "evil.example/", "us-east-1.evil.example#", "a@b", "x y", "a" * 64]
)
def test_bedrock_region_cannot_lead_the_key_elsewhere(region: str) -> None:
    with pytest.raises(NoRouteError, match="stands in an address"):
        resolved("bedrock/m", {"AWS_REGION": region, "AWS_BEARER_TOKEN_BEDROCK": KEY})


def test_bedrock_arn_cannot_lead_the_key_elsewhere() -> None:
    with pytest.raises(NoRouteError, match="not an ARN"):
        resolved("bedrock/arn:aws:bedrock:evil.example/:1:inference-profile/x")


def test_bedrock_signs_where_there_is_no_bedrock_key() -> None:
    assert resolved("bedrock/m", REGION).auth == "sigv4"
    assert resolved("bedrock/m", {**REGION, "AWS_BEARER_TOKEN_BEDROCK": KEY}).auth == "bearer"


def test_bedrock_key_of_the_settings_is_a_bearer() -> None:
    assert key_headers(resolved("bedrock/m", REGION, bedrock=ProviderSettings(api_key=KEY))) == BEARER


# --- azure


def test_azure_needs_an_endpoint() -> None:
    with pytest.raises(NoRouteError, match="azure has no base URL: set AZURE_OPENAI_ENDPOINT"):
        resolved("azure/m")


@pytest.mark.parametrize("base", ["https://r.openai.azure.com", "https://r.openai.azure.com/openai/v1/"])
def test_azure_endpoint_is_taken_with_and_without_the_version(base: str) -> None:
    assert resolved("azure/m", {"AZURE_OPENAI_ENDPOINT": base}).url(stream=True) == (
        "https://r.openai.azure.com/openai/v1/responses"
    )


def test_azure_of_a_dated_version_has_deployments_in_the_address() -> None:
    environ = {**AZURE_URL, "OPENAI_API_VERSION": "2024-10-21"}
    assert resolved("azure-chat/my dep", environ).url(stream=True) == (
        "https://res.openai.azure.com/openai/deployments/my%20dep/chat/completions?api-version=2024-10-21"
    )
    assert resolved("azure/d", environ).url(stream=True) == (
        "https://res.openai.azure.com/openai/responses?api-version=2024-10-21"
    )


def test_azure_preview_of_the_v1_api_is_a_query() -> None:
    settings = ProviderSettings(options={"api_version": "preview"})
    assert resolved("azure/d", AZURE_URL, azure=settings).url(stream=True) == (
        "https://res.openai.azure.com/openai/v1/responses?api-version=preview"
    )
