"""What of a request reaches further than a tier's model, or costs what nobody can tell before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bot.core.ledger import Billing
from bot.core.routing import Tier

Json = Mapping[str, object]


def _plain(name: str) -> str:
    return name.casefold().replace("_", "")


# What lets a provider pick another model, look something up, or charge for more than tokens.
_NOT_OURS = {
    _plain(name): name
    for name in (
        *("models", "plugins", "preset", "route", "fallbacks", "provider", "background"),
        *("previous_response_id", "conversation", "prompt", "mcp_servers", "container"),
        *("cached_content", "web_search_options", "search_parameters", "enable_search"),
        *("audio", "prediction", "inference_geo", "extra_body", "provider_options"),
    )
}
# What a paid tier is asked for: a new field may have a new price.
_KNOWN = frozenset(
    _plain(name)
    for name in (
        *("model", "messages", "input", "contents", "system", "instructions"),
        *("system_instruction", "generation_config", "max_tokens", "max_completion_tokens"),
        *("max_output_tokens", "max_tool_calls", "n", "stop", "stop_sequences", "seed"),
        *("stream", "stream_options", "temperature", "top_p", "top_k", "min_p", "logit_bias"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty", "logprobs"),
        *("top_logprobs", "tools", "tool_choice", "tool_config", "parallel_tool_calls"),
        *("functions", "function_call", "response_format", "text", "output_config"),
        *("output_format", "verbosity", "modalities", "reasoning", "reasoning_effort"),
        *("reasoning_format", "reasoning_split", "include_reasoning", "thinking"),
        *("enable_thinking", "chat_template_kwargs", "include", "truncation", "transforms"),
        *("context_management", "cache_control", "prompt_cache_key", "prompt_cache_retention"),
        *("store", "metadata", "client_metadata", "labels", "user", "safety_identifier"),
        *("safety_settings", "session_id", "usage", "service_tier", "speed"),
    )
)
_AS_USUAL = {
    "service_tier": ("auto", "default", "standard", "standard_only", "flex"),
    "speed": ("standard",),
}
# Tools that the client carries out; any other is carried out by the provider, on its network.
_OUR_TOOLS = re.compile(r"function|custom|local_shell|(bash|text_editor|memory|computer)_\d+")
_GEMINIS = frozenset({"functionDeclarations", "function_declarations"})
_PICTURES = re.compile(
    r"(input_)?(image|audio|video|file|document)(_url|_generation_call)?|computer_screenshot"
)
_LINKS = frozenset({"image_url", "file_url", "url", "fileUri", "file_uri", "file_id", "fileId"})
_SPOKEN = ("messages", "input", "contents", "system", "systeminstruction", "instructions")


def fields_of(body: Json) -> Json | None:
    """Return fields by their names as any reader may take them; None: two are one to some."""
    found = {_plain(name): value for name, value in body.items()}
    return found if len(found) == len(body) else None


def reaches_further(fields: Json, settings: Json, tier: Tier) -> str:
    """Say what is not passed on, and why; empty: nothing. `settings` are Gemini's of an answer."""
    return (
        _other_service(fields, settings, tier) or _other_work(fields) or _other_input(fields, tier)
    )


def _other_service(fields: Json, settings: Json, tier: Tier) -> str:
    for plain, name in _NOT_OURS.items():
        if fields.get(plain) not in (None, False, []):
            return f"{name} is not passed on: it reaches further than the tier's model."
    for name, usual in _AS_USUAL.items():
        if fields.get(_plain(name)) not in (None, *usual):
            return f"{name} is not passed on: it has another price."
    if tier.billing is Billing.PAID and (others := sorted(set(fields) - _KNOWN - set(_NOT_OURS))):
        return f"{others[0]} is not known here, and what it costs neither."
    modes = _listed(fields.get("modalities")) + _listed(settings.get("responsemodalities"))
    if not all(isinstance(mode, str) and mode.casefold() == "text" for mode in modes):
        return "Answers are text: what others cost is not known beforehand."
    return ""


def _other_work(fields: Json) -> str:
    if not all(_is_our_tool(tool, fields) for tool in _listed(fields.get("tools"))):
        return "A tool that the provider carries out is not passed on: switch it off."
    if any(_kind(edit).startswith("compact") for edit in _objects(fields.get("contextmanagement"))):
        return "The provider does not shorten what is said: that is a request which nobody counts."
    return ""


def _other_input(fields: Json, tier: Tier) -> str:
    if any(_is_reference(item) for item in _listed(fields.get("input"))):
        return "What the provider has kept is not passed on by its name: send all of it."
    for part in _objects([fields.get(name) for name in _SPOKEN]):
        if any(_is_link(name, part[name]) for name in _LINKS & part.keys()):
            return "A link that the provider would follow is not passed on: send the data."
        if tier.billing is Billing.PAID and _is_picture(part):
            return "A paid tier takes text only: what a picture costs is not known beforehand."
    return ""


def tools_unseen(fields: Json) -> int:
    """Count what a provider says to its model of tools, and is in no request: 0 without tools.

    It says something of tools at all, and describes those that it knows by a date.
    """
    tools = _listed(fields.get("tools"))
    dated = [_kind(tool)[-1:].isdigit() for tool in tools if isinstance(tool, dict)]
    return sum(dated) + bool(tools)


def _is_our_tool(tool: object, fields: Json) -> bool:
    if not isinstance(tool, dict):
        return False
    if "contents" in fields:  # Gemini's have no type, and may hold several tools at once
        return tool.keys() <= _GEMINIS
    if tool.get("type") == "namespace":  # a name for tools that belong together
        return all(_is_our_tool(inner, fields) for inner in _listed(tool.get("tools")))
    if tool.get("type") == "tool_search":
        return tool.get("execution") == "client"
    if "type" in tool:
        return bool(_OUR_TOOLS.fullmatch(_kind(tool)))
    return "input_schema" in tool


def _is_reference(item: object) -> bool:
    """Whether an item stands for one that the provider has kept, however long that is."""
    if not isinstance(item, dict):
        return False
    return _kind(item) == "item_reference" or item.keys() <= {"id", "type", "status"}


def _is_link(name: str, value: object) -> bool:
    if isinstance(value, dict):
        return False  # it is looked into by itself
    return isinstance(value, str) and (name != "url" or "://" in value) and value[:5] != "data:"


def _is_picture(part: Json) -> bool:
    """Whether a part is anything but words: their price is not in the number of their bytes."""
    spoken = part.get("audio")  # an earlier answer's, by its name
    return (
        bool(_PICTURES.fullmatch(_kind(part)))
        or not part.keys().isdisjoint({"inlineData", "inline_data", "fileData", "file_data"})
        or isinstance(part.get("image_url"), str)
        or (isinstance(spoken, dict) and "id" in spoken)
    )


def _objects(said: object) -> Iterator[Json]:
    """Yield every object in what is said; what a tool is called with says nothing."""
    waiting: list[object] = [said]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            used = {"input"} if _kind(one) == "tool_use" else {"args", "response"}
            waiting += (value for name, value in one.items() if name not in used)
        elif isinstance(one, list):
            waiting += one


def _kind(part: Json) -> str:
    kind = part.get("type")
    return kind if isinstance(kind, str) else ""


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]
