"""Decides which error class the facts mean. Owns the tables of codes and the short lists of wording; reads no payload.

Order: wording that names the wrong endpoint, exact codes, wording, HTTP status, general codes. A code that says only
"bad request" comes last, for providers send it with everything.
Codes: platform.openai.com/docs/guides/error-codes, docs.anthropic.com/en/api/errors, google.rpc.Code and ErrorInfo,
docs.aws.amazon.com/bedrock (Converse errors), openrouter.ai/docs (errors), platform.minimax.io (error codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ._error_facts import Facts

__all__ = ["classify"]


def _table(rows: Mapping[str, str]) -> dict[str, str]:
    return {code: name for name, codes in rows.items() for code in codes.split()}


# Codes are compared in lower case, letters and digits only, without one last `exception` or `error`.
# Where several are said, the class that stands first here wins.
_EXACT_ROWS = {
    "ContextOverflowError": "contextlengthexceeded contextwindowexceeded exceedcontextsize modelcontextwindowexceeded",
    "PayloadTooLargeError": "requesttoolarge payloadtoolarge requestentitytoolarge",
    "QuotaExceededError": (
        "insufficientquota quotaexceeded servicequotaexceeded usagenotincluded billing billinghardlimitreached"
        " billingnotactive usagelimitreached usagelimitexceeded insufficientbalance insufficientcredits"
        " insufficientfunds credits paymentrequired arrearage monthlylimit userlimit"
        " freeusagelimit gousagelimit blackusagelimit subscriptionusagelimit baseresp1008 baseresp2056"
    ),
    "ContentPolicyError": (
        "contentfilter contentpolicyviolation responsibleaipolicyviolation moderationblocked datainspectionfailed"
        " cyberpolicy invalidprompt sensitivecontent baseresp1026 baseresp1027"
    ),
    "AuthenticationError": (
        "authentication auth invalidapikey incorrectapikey apikeyinvalid apikeyexpired unauthorized unauthenticated"
        " invalidauthentication unrecognizedclient expiredtoken invalidsignature incompletesignature tokenexpired"
        " missingauthenticationtoken invalidclienttokenid signaturedoesnotmatch requesttimetooskewed requestexpired"
        " requestinthefuture authfailure baseresp1004 baseresp2049"
    ),
    "PermissionDeniedError": (
        "permission permissiondenied accessdenied forbidden region entitlement freetier"
        " unsupportedcountryregionterritory apikeyserviceblocked servicedisabled notauthorized"
    ),
    "RateLimitError": (
        "ratelimit ratelimitexceeded ratelimitreached throttling throttled toomanyrequests requestlimitexceeded"
        " baseresp1002 baseresp1039"
    ),
    "OverloadedError": "overloaded engineoverloaded slowdown serveroverloaded modeloverloaded",
    "ServerError": (
        "server internalserver internal serviceunavailable unavailable modeltimeout modelnotready modelerror"
        " deadlineexceeded timeout badgateway gatewaytimeout upstream"
        " baseresp1000 baseresp1001 baseresp1013 baseresp1024 baseresp1033"
    ),
}
_EXACT = _table(_EXACT_ROWS)
_RANK = {name: rank for rank, name in enumerate(_EXACT_ROWS)}

_GENERAL = _table(
    {
        "RateLimitError": "resourceexhausted",
        "ServerError": "api modelstreamerror",
        "InvalidRequestError": (
            "invalidrequest invalidargument badrequest validation failedprecondition outofrange notfound model"
            " modelnotfound resourcenotfound deploymentnotfound tooluse toolusefailed unsupportedvalue invalidvalue"
            " unsupportedparameter unknownparameter missingsessionid baseresp2013"
        ),
    }
)

_BY_STATUS = {
    **dict.fromkeys((400, 404, 405, 410, 415, 422), "InvalidRequestError"),
    401: "AuthenticationError",
    402: "QuotaExceededError",
    403: "PermissionDeniedError",
    413: "PayloadTooLargeError",
    429: "RateLimitError",
    529: "OverloadedError",
    **dict.fromkeys((408, 409), "ServerError"),
}
# When payload and answer disagree, these of the answer are the truth; a gateway's 400 or 500 often hides another.
_SURE_STATUSES = frozenset({401, 402, 403, 429})

_CLIENT = frozenset({None, *range(400, 500)})
_BILLED = frozenset({None, 400, 401, 402, 403, 429})


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_WRONG_ENDPOINT = _words(
    r"\bnot supported for format\b",
    r"\bnot supported on this api\b.{0,40}\bplease use the\b",
    r"\bnot a chat model\b.{0,80}\bendpoint\b",
    r"\bonly supported in v1/\w+",
)
_LONG_RESET = _words(r"\bresets? (?:in|after) (?:about )?\d{1,4} ?(?:d|days?|weeks?|months?)\b")
_OVERLOADED = _words(r"\boverloaded\b", r"\b(?:at|over) capacity\b")
_SHORT_WINDOW = _words(r"\bper[ -]?(?:second|minute|min|hour)\b", r"\b[rt]pm\b")

_REFUSED = r"(?:violat\w{1,8}|flagged|blocked|rejected|refused|triggered)"

# (class, statuses for which its wording counts, wording); the first that hits decides.
_WORDING: tuple[tuple[str, frozenset[int | None], re.Pattern[str]], ...] = (
    (
        "ContextOverflowError",
        _CLIENT - {401, 402, 403, 429},
        _words(
            r"\bprompt is too long\b",
            r"\binput is too long\b",
            r"\bmaximum context length\b",
            r"\b(?:exceed(?:s|ed|ing)?|over|beyond) (?:(?:the|this|its|model'?s?|available|maximum) )*context\b",
            r"\bcontext (?:length|window|size|limit) (?:is |was |has been )?exceeded\b",
            r"\binput token count\b.{0,40}\bexceeds\b",
            r"\breduce the length of (?:the messages|either one|your prompt|the input)\b",
            r"\btokens > [\d,]+ maximum\b",
            r"\bexceeds the maximum allowed input length\b",
        ),
    ),
    (
        "PayloadTooLargeError",
        _CLIENT - {401, 402, 403, 429},
        _words(r"\b(?:request|payload|body|entity)(?: entity| body| size)? (?:is )?too large\b"),
    ),
    (
        "ContentPolicyError",
        _CLIENT - {401, 402, 404, 429},
        _words(
            rf"\b{_REFUSED}\b.{{0,80}}\b(?:polic(?:y|ies)|safety system|content filter\w{{0,3}})\b",
            rf"\b(?:content management policy|safety system)\b.{{0,80}}\b{_REFUSED}\b",
        ),
    ),
    (
        "QuotaExceededError",
        _BILLED,
        _words(
            r"\bquota (?:has been |is |was )?(?:exceeded|exhausted|reached)\b",
            r"\b(?:exceeded|insufficient|reached|over)\b.{0,20}\bquota\b",
            r"\binsufficient (?:account )?(?:credits?|balance|funds)\b",
            r"\bcredit balance\b",
            r"\b(?:out of|no|not enough|more) credits\b",
            r"\bpayment required\b",
            r"\b(?:usage|spending|spend|billing hard|monthly|weekly|daily) limit\b.{0,20}\b(?:reached|exceeded|hit)\b",
            r"\breached\b.{0,30}\b(?:usage|spending|spend|billing|monthly|weekly|daily) limit\b",
            _LONG_RESET.pattern,
        ),
    ),
    (
        "RateLimitError",
        frozenset({None, 400, 403, 429}),
        _words(r"\brate[ _-]?limit(?:s|ed|ing)?\b", r"\btoo many (?:requests|tokens)\b", r"\bthrottl(?:ed|ing)\b"),
    ),
    (
        "AuthenticationError",
        frozenset({None, 400, 401}),
        _words(
            r"\b(?:invalid|incorrect|missing|no|expired) (?:x-)?api[ _-]?key\b",
            r"\bapi key (?:is )?(?:not valid|invalid|expired|missing)\b",
        ),
    ),
    ("OverloadedError", frozenset({None, *range(500, 600)}), _OVERLOADED),
)


def classify(facts: Facts) -> str:
    """The name of the class in `errors`."""
    text = facts.message.lower()
    if facts.status in _CLIENT and _WRONG_ENDPOINT.search(text):
        return "WrongEndpointError"
    return _by_quota_id(facts) or _by_code(facts.codes, text) or _by_wording(facts, text) or _by_status(facts)


def _by_quota_id(facts: Facts) -> str | None:
    """Google names the limit that was hit; its wording says "quota" for all of them."""
    if not facts.quota_ids:
        return None
    daily = any("PerDay" in quota or "PerMonth" in quota for quota in facts.quota_ids)
    return "QuotaExceededError" if daily else "RateLimitError"


def _by_code(codes: Iterable[str], text: str) -> str | None:
    found = [name for code in codes if (name := _EXACT.get(_plain(code))) is not None]
    if not found:
        return None
    best = min(found, key=_RANK.__getitem__)
    if best == "ServerError" and _OVERLOADED.search(text):
        return "OverloadedError"
    return "QuotaExceededError" if best == "RateLimitError" and _LONG_RESET.search(text) else best


def _by_wording(facts: Facts, text: str) -> str | None:
    status = facts.body_status if facts.status is None else facts.status
    for name, statuses, wording in _WORDING:
        if status not in statuses or not wording.search(text):
            continue
        if name == "QuotaExceededError" and _SHORT_WINDOW.search(text):
            return "RateLimitError"
        if name == "ContextOverflowError" and _SHORT_WINDOW.search(text):
            continue
        return name
    return None


def _by_status(facts: Facts) -> str:
    statuses = [facts.body_status, facts.status]
    if facts.status in _SURE_STATUSES:
        statuses.reverse()
    for status in statuses:
        if status is not None and (name := _BY_STATUS.get(status)) is not None:
            return name
        if status is not None and status >= 500:
            return "ServerError"
    return next((name for code in facts.codes if (name := _GENERAL.get(_plain(code)))), "UnknownProviderError")


def _plain(code: str) -> str:
    plain = "".join(filter(str.isalnum, code.lower()))
    stem = plain.removesuffix("exception")
    return stem if stem != plain else plain.removesuffix("error")
