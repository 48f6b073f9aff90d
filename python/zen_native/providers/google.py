"""Google: the Gemini API (AI Studio) and Vertex AI, both by key in a header, never in the URL.

ai.google.dev/api/generate-content; Vertex AI in express mode (key alone) and by project and location:
cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode. Names as in the google-genai SDK.
"""

from __future__ import annotations

from dataclasses import replace

from zen_native.dialect import Dialect

from ._base import KeyEnv, Option, Provider, Target, UrlEnv, generate_content

__all__ = ["GOOGLE", "VERTEX"]

_HOST = "aiplatform.googleapis.com"


def _bare_model(target: Target) -> Target:
    """Ids are also written `models/ID`, as the server lists them."""
    return replace(target, model=target.model.removeprefix("models/"))


def _in_project(target: Target) -> Target:
    """With project and location the address names both; a key of express mode says them by itself."""
    target = replace(target, model=target.model.removeprefix("publishers/google/").removeprefix("models/"))
    project, location = target.options.get("project"), target.options.get("location")
    if project is None or location is None:
        return replace(target, base_url=target.base_url or f"https://{_HOST}")
    host = _HOST if location == "global" else f"{location}-{_HOST}"
    scope = "/v1/projects/{project}/locations/{location}/publishers/google/models"
    return replace(target, base_url=target.base_url or f"https://{host}", endpoint=generate_content(scope))


GOOGLE = Provider(
    id="google",
    name="Google AI Studio",
    base_url="https://generativelanguage.googleapis.com",
    endpoints={"google-generate-content": generate_content("/{api_version}/models")},
    auth="x-goog-api-key",
    keys=(KeyEnv("GOOGLE_API_KEY"), KeyEnv("GEMINI_API_KEY")),
    urls=(UrlEnv("GOOGLE_GEMINI_BASE_URL"),),
    options={"api_version": Option(default="v1beta")},
    dialect=Dialect(top_k="top_k"),
    instead=("GOOGLE_GENAI_USE_VERTEXAI", "vertex"),
    adapt=_bare_model,
)

VERTEX = Provider(
    id="vertex",
    name="Google Vertex AI",
    endpoints={"google-generate-content": generate_content("/v1/publishers/google/models")},
    auth="x-goog-api-key",
    keys=(KeyEnv("GOOGLE_API_KEY"),),
    key_note=(
        "; Vertex is reached by key (of express mode, or bound to a service account): application default credentials"
        " are not read, but an access token can be given as api_key with auth='bearer'"
    ),
    urls=(UrlEnv("GOOGLE_VERTEX_BASE_URL"),),
    options={
        "project": Option(env=("GOOGLE_CLOUD_PROJECT",)),
        "location": Option(env=("GOOGLE_CLOUD_LOCATION",)),
    },
    dialect=Dialect(top_k="top_k", metadata=True, call_ids=False),
    adapt=_in_project,
)
