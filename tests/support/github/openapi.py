"""Compares traffic and webhooks with GitHub's own OpenAPI description, where it is installed.

The description is npm's @octokit/openapi. Beyond its schemas, fields and query parameters that it
does not name are violations: that is how a misspelt one shows.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

_FILE = "node_modules/@octokit/openapi/generated/api.github.com.json"
DESCRIPTION = Path(__file__).parents[3] / ".tools" / _FILE
NOT_CHECKED = (
    "GitHub's OpenAPI description is not installed (make peers): what goes to and from the fake "
    "GitHub is not checked."
)

Json = Any
Schema = dict[str, Any]

# Anything may be answered with these, whether the description lists them or not.
_ANYWHERE = {301, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504}
_BRANCHES = ("allOf", "anyOf", "oneOf")
_SILENT = {"description", "example", "examples", "title", "default", "deprecated", "nullable",
           "discriminator", "readOnly", "writeOnly", "externalDocs", "xml"}  # fmt: skip
_SCHEMAS = "#/components/schemas/"
# The description's own faults: its prose, and GitHub, allow a bare list of names here.
_BARE_LISTS = {"/repos/{owner}/{repo}/issues/{issue_number}/labels"}


def available() -> bool:
    """Say whether traffic can be checked."""
    return DESCRIPTION.is_file()


@functools.cache
def description() -> Description:
    """Load the description, once per process (about 0.15 s)."""
    return Description(json.loads(DESCRIPTION.read_bytes()))


class Description:
    """What GitHub says that requests, answers and webhooks look like."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]
        self._turned: dict[str, Schema] = {}
        self._validators: dict[object, Any] = {}
        self._operations: dict[str, list[tuple[re.Pattern[str], str, Mapping[str, Any]]]] = {}
        for path, item in document["paths"].items():
            for method, operation in item.items():
                entry = (self._pattern(path, operation), path, operation)
                self._operations.setdefault(method.upper(), []).append(entry)

    def knows(self, method: str, path: str) -> bool:
        """Say whether GitHub has this."""
        return self._find(method, path) is not None

    def check_request(
        self, method: str, path: str, query: Mapping[str, str], body: Json
    ) -> Iterator[str]:
        """Say what is wrong with a request: one line each, with the place and what is right."""
        found = self._find(method, path)
        if found is None:
            yield f"{method} {path}: GitHub has no such operation"
            return
        template, operation, values = found
        name = f"{method} {template}"
        parameters = [self._resolve(each) for each in operation.get("parameters", [])]
        yield from self._check_parameters(name, parameters, query, values)
        content = self._resolve(operation.get("requestBody", {})).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            if body not in (None, {}):
                yield f"{name}: takes no body, got {_short(body)}"
        elif body is None:
            if operation["requestBody"].get("required"):
                yield f"{name}: needs a body"
        elif not (template in _BARE_LISTS and isinstance(body, list)):
            yield from self._check(f"{name} request", (method, template, "body"), schema, body)

    def check_answer(self, method: str, path: str, status: int, body: Json) -> Iterator[str]:
        """Say what is wrong with an answer; `body` is None where there is none."""
        found = self._find(method, path)
        if found is None:
            return
        template, operation, _ = found
        name = f"{method} {template} → {status}"
        responses = operation["responses"]
        listed = responses.get(str(status))
        if listed is None:
            if status not in _ANYWHERE:
                yield f"{name}: GitHub answers {', '.join(responses)} here"
                return
            refused = "validation-error" if isinstance(body, dict) and "errors" in body else ""
            schema = {"$ref": _SCHEMAS + (refused or "basic-error")}
            listed = {"content": {"application/json": {"schema": schema}}}
        content = self._resolve(listed).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            if status == 204 and body is not None:
                yield f"{name}: has no body, got {_short(body)}"
        elif body is None:
            yield f"{name}: needs a body"
        else:
            yield from self._check(name, (method, template, status), schema, body)

    def check_event(self, event: str, payload: Mapping[str, Any]) -> Iterator[str]:
        """Say what is wrong with a webhook's payload."""
        action = payload.get("action")
        key = "-".join((event, *([action] if action else []))).replace("_", "-")
        hook = self._document["x-webhooks"].get(key)
        if hook is None:
            yield f"webhook {key}: GitHub has no such event"
            return
        schema = hook["post"]["requestBody"]["content"]["application/json"]["schema"]
        yield from self._check(f"webhook {key}", ("webhook", key), schema, payload)

    def _check_parameters(
        self,
        name: str,
        parameters: list[Mapping[str, Any]],
        query: Mapping[str, str],
        values: Mapping[str, str],
    ) -> Iterator[str]:
        declared = {(each["in"], each["name"]): each for each in parameters}
        for place, given in (("query", query), ("path", values)):
            for key, value in given.items():
                parameter = declared.get((place, key))
                if parameter is None:
                    known = [name for where, name in declared if where == place]
                    yield f"{name}: no {place} parameter {key!r}, only {', '.join(known)}"
                    continue
                schema = self._resolve(parameter["schema"])
                read = _read(value, schema)
                yield from self._check(f"{name} {key}", (name, place, key), schema, read)
        for (place, key), parameter in declared.items():
            if place == "query" and parameter.get("required") and key not in query:
                yield f"{name}: needs the query parameter {key!r}"
        if query.get("per_page", "").isdigit() and int(query["per_page"]) > 100:
            yield f"{name}: per_page is at most 100"

    def _check(self, name: str, key: object, schema: Schema, value: Json) -> Iterator[str]:
        for error in self._validator(key, schema).iter_errors(value):
            place = "/".join(str(part) for part in error.instance_path)
            yield f"{name}, at /{place}: {error.message[:300]}"
        for place in self._unknown([schema], value):
            yield f"{name}, at {place}: GitHub knows no such field"

    # Finding an operation

    def _pattern(self, path: str, operation: Mapping[str, Any]) -> re.Pattern[str]:
        parameters = (self._resolve(each) for each in operation.get("parameters", []))
        wide = {each["name"] for each in parameters if each.get("x-multi-segment")}
        wide |= {"basehead"} & set(re.findall(r"\{(\w+)\}", path))
        parts = re.split(r"\{(\w+)\}", path)
        pattern = "".join(
            (f"(?P<{part}>{'.+' if part in wide else '[^/]+'})" if index % 2 else re.escape(part))
            for index, part in enumerate(parts)
        )
        return re.compile(pattern)

    @functools.lru_cache(maxsize=4096)  # noqa: B019 - lives as long as the process does
    def _find(self, method: str, path: str) -> tuple[str, Mapping[str, Any], dict[str, str]] | None:
        best: tuple[str, Mapping[str, Any], dict[str, str]] | None = None
        for pattern, template, operation in self._operations.get(method, ()):
            if not (match := pattern.fullmatch(path)):
                continue
            if best is None or _says_more(template, best[0]):
                values = {name: unquote(value) for name, value in match.groupdict().items()}
                best = (template, operation, values)
        return best

    def _resolve(self, said: Mapping[str, Any]) -> Any:
        while "$ref" in said:
            place: Any = self._document
            for part in said["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            said = place
        return said

    # OpenAPI 3.0 schemas as JSON Schema

    def _validator(self, key: object, schema: Schema) -> Any:
        """Return the validator of a place, turned from the schema when it is first wanted."""
        if key not in self._validators:
            self._validators[key] = self._compile(schema)
        return self._validators[key]

    def _compile(self, schema: Schema) -> Any:
        root = self._turn(schema)
        definitions: dict[str, Schema] = {}
        waiting = _references(root)
        while waiting:
            name = waiting.pop()
            if name in definitions:
                continue
            if name not in self._turned:
                self._turned[name] = self._turn(self._schemas[name])
            definitions[name] = self._turned[name]
            waiting |= _references(definitions[name])
        return jsonschema_rs.Draft202012Validator(
            {**root, "$defs": definitions}, validate_formats=True
        )

    def _turn(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            turned: Schema = {"$ref": "#/$defs/" + schema["$ref"].removeprefix(_SCHEMAS)}
            return {"anyOf": [turned, {"type": "null"}]} if schema.get("nullable") else turned
        turned = {}
        for key, value in schema.items():
            if key in _SILENT or key.startswith("x-"):
                continue
            if key == "properties":
                turned[key] = {name: self._turn(each) for name, each in value.items()}
            elif key in _BRANCHES:
                # Branches of a oneOf overlap in places, so that no value fits just one.
                turned["anyOf" if key == "oneOf" else key] = [self._turn(each) for each in value]
            elif key in ("items", "not", "additionalProperties") and isinstance(value, dict):
                turned[key] = self._turn(value)
            elif not (key == "format" and value in ("uri", "uri-template")):
                turned[key] = value  # addresses are empty or templates in GitHub's own examples
        if schema.get("nullable"):
            return {"anyOf": [turned, {"type": "null"}]}
        return turned

    # Fields that no schema names

    def _unknown(self, schemas: list[Schema], value: Json, place: str = "") -> Iterator[str]:
        shapes = [shape for schema in schemas for shape in self._shapes(schema)]
        if isinstance(value, dict):
            is_open = any(_takes_any(shape) for shape in shapes)
            for name, inner in value.items():
                under = [each["properties"][name] for each in shapes
                         if name in each.get("properties", ())]  # fmt: skip
                if under:
                    yield from self._unknown(under, inner, f"{place}/{name}")
                elif not is_open:
                    yield f"{place}/{name}"
        elif isinstance(value, list):
            under = [shape["items"] for shape in shapes if "items" in shape]
            for index, inner in enumerate(value if under else ()):
                yield from self._unknown(under, inner, f"{place}/{index}")

    def _shapes(self, schema: Schema) -> Iterator[Schema]:
        """Go through a schema and all its branches."""
        resolved = self._resolve(schema)
        yield resolved
        for branch in _BRANCHES:
            for each in resolved.get(branch, ()):
                yield from self._shapes(each)


def _says_more(template: str, other: str) -> bool:
    """Say whether one path is the more exact: fewer parameters, else more letters."""
    return (template.count("{"), -len(template)) < (other.count("{"), -len(other))


def _references(schema: object) -> set[str]:
    if isinstance(schema, dict):
        found = set().union(*(_references(each) for each in schema.values())) if schema else set()
        reference = schema.get("$ref")
        return found | (
            {reference.removeprefix("#/$defs/")} if isinstance(reference, str) else set()
        )
    if isinstance(schema, list):
        return set().union(*(_references(each) for each in schema)) if schema else set()
    return set()


def _takes_any(shape: Schema) -> bool:
    """Say whether a schema lets fields pass that it does not name."""
    if shape.get("additionalProperties") not in (None, False):
        return True
    return not any(key in shape for key in ("properties", "items", "enum", *_BRANCHES)) and (
        shape.get("type") in (None, "object")
    )


def _read(value: str, schema: Schema) -> Json:
    """Read a parameter as its schema takes it; what cannot be read stays text, and fails there."""
    kinds = {schema.get("type"), *(each.get("type") for each in schema.get("oneOf", ()))}
    if "integer" in kinds and re.fullmatch(r"-?\d+", value):
        return int(value)
    if "boolean" in kinds and value in ("true", "false"):
        return value == "true"
    return value


def _short(value: Json) -> str:
    return json.dumps(value)[:80]
