"""Endpoints of a repository itself: people, refs, comparisons, rulesets, limits."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

from tests.support.github.refused import Refused
from tests.support.github.rest import NOT_ACCESSIBLE, Answer, Call, route
from tests.support.github.views import Json, node_id, when

REPO = "/repos/{owner}/{repo}"
MOST_FILES = 300
_LIKE = {"maintain": "write", "triage": "read"}


@route("GET", REPO, "metadata:read")
def get_repository(call: Call) -> Answer:
    """The repository."""
    return Answer(200, call.views.whole_repository(call.repository))


@route("GET", "/user")
def get_user(call: Call) -> Answer:
    """Who a person's token belongs to."""
    if call.token.app:
        raise Refused(403, NOT_ACCESSIBLE)
    user = call.views.user(call.token.user)
    nothing = ("name", "company", "blog", "location", "email", "hireable", "bio")
    made = when(call.world.clock.now())
    counts = ("public_repos", "public_gists", "followers", "following")
    return Answer(
        200,
        user
        | dict.fromkeys(nothing)
        | dict.fromkeys(counts, 0)
        | {"created_at": made, "updated_at": made},
    )


@route("GET", f"{REPO}/collaborators/{{login}}/permission", "metadata:read")
def get_permission(call: Call) -> Answer:
    """role_name tells maintain and triage, permission does not; 404 for who is no user."""
    login = call.values["login"]
    user = call.world.users.get(login.lower())
    if user is None or user.kind == "Organization":
        raise Refused(404, f"{login} is not a user")
    owner = user == call.repository.owner
    role = "admin" if owner else call.repository.collaborators.get(user.login, "none")
    permission = _LIKE.get(role, role)
    drawn = call.views.user(user) | {"role_name": role}
    return Answer(200, {"permission": permission, "role_name": role, "user": drawn})


# Refs and commits


@route("GET", f"{REPO}/git/ref/{{ref+}}", "contents:read")
def get_ref(call: Call) -> Answer:
    """One ref, named without refs/."""
    ref = f"refs/{call.values['ref']}"
    sha = call.repository.refs.get(ref)
    if sha is None:
        raise Refused(404, "Not Found")
    target = {
        "type": "commit",
        "sha": sha,
        "url": call.views.api(call.repository, "git/commits", sha),
    }
    return Answer(
        200,
        {
            "ref": ref,
            "node_id": node_id("REF", int(sha[:12], 16)),
            "url": call.views.api(call.repository, "git", ref),
            "object": target,
        },
    )


def resolve(call: Call, name: str) -> str:
    """Return the commit that a branch, tag or id names."""
    for ref in (f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}"):
        if ref in call.repository.refs:
            return call.repository.refs[ref]
    if len(name) == 40 and (sha := call.repository.git.sha(name)):
        return sha
    raise Refused(422, f"No commit found for SHA: {name}")


@route("GET", f"{REPO}/commits/{{ref+}}", "contents:read")
def get_commit(call: Call) -> Answer:
    """One commit."""
    commit = call.repository.git.one(resolve(call, call.values["ref"]))
    return Answer(200, call.views.commit(call.repository, commit))


@route("GET", f"{REPO}/compare/{{basehead+}}", "contents:read")
def compare(call: Call) -> Answer:
    """base...head, from where they parted; at most 300 files."""
    git, draw = call.repository.git, call.views.commit
    names = call.values["basehead"].split("...")
    try:
        base, head = (resolve(call, name.rpartition(":")[2]) for name in names)
    except (Refused, ValueError):
        raise Refused(404, "Not Found") from None
    start = git.merge_base(base, head)
    if start is None:
        raise Refused(404, f"No common ancestor between {names[0]} and {names[1]}.")
    ahead, behind = git.commits(f"{base}..{head}"), git.commits(f"{head}..{base}")
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}
    web = call.views.web(call.repository, "compare", call.values["basehead"])
    return Answer(
        200,
        {
            "url": call.views.api(call.repository, "compare", call.values["basehead"]),
            "html_url": web,
            "permalink_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "base_commit": draw(call.repository, git.one(base)),
            "merge_base_commit": draw(call.repository, git.one(start)),
            "status": status.get((bool(ahead), bool(behind)), "identical"),
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "commits": [draw(call.repository, commit) for commit in ahead],
            "files": [
                call.views.file(call.repository, head, change)
                for change in git.changes(start, head)[:MOST_FILES]
            ],
        },
    )


# Rulesets


@route("GET", f"{REPO}/rulesets", "metadata:read")
def list_rulesets(call: Call) -> Answer:
    """Rulesets without their rules."""
    short = [
        {name: value for name, value in ruleset.items() if name not in ("rules", "conditions")}
        for ruleset in call.repository.rulesets
    ]
    return call.page(short, lambda _, ruleset: ruleset)


@route("GET", f"{REPO}/rulesets/{{ruleset_id}}", "metadata:read")
def get_ruleset(call: Call) -> Answer:
    """One ruleset; who may bypass it is for administrators."""
    return Answer(200, _ruleset(call))


@route("POST", f"{REPO}/rulesets", "administration:write")
def create_ruleset(call: Call) -> Answer:
    """Make a ruleset; names are taken once."""
    if any(each["name"] == call.said("name") for each in call.repository.rulesets):
        raise Refused(422, "Validation Failed: Name must be unique")
    number = call.world.new_id() % 10**7
    ruleset = {
        "id": number,
        "target": "branch",
        "source_type": "Repository",
        "source": call.repository.full_name,
        "node_id": node_id("RRS", number),
        "created_at": when(call.world.clock.now()),
        "updated_at": when(call.world.clock.now()),
        "bypass_actors": [],
        "conditions": {},
        "rules": [],
        **call.body,
    }
    call.repository.rulesets.append(ruleset)
    return Answer(201, ruleset)


@route("PUT", f"{REPO}/rulesets/{{ruleset_id}}", "administration:write")
def update_ruleset(call: Call) -> Answer:
    """Replace what the body names."""
    ruleset = _ruleset(call)
    ruleset.update(call.body)
    return Answer(200, ruleset)


@route("GET", f"{REPO}/rules/branches/{{branch+}}", "metadata:read")
def branch_rules(call: Call) -> Answer:
    """The active rules that apply to a branch."""
    found = [
        rule
        | {
            "ruleset_source_type": "Repository",
            "ruleset_source": call.repository.full_name,
            "ruleset_id": ruleset["id"],
        }
        for ruleset in call.repository.rulesets
        if ruleset["enforcement"] == "active" and _covers(call, ruleset)
        for rule in ruleset["rules"]
    ]
    return call.page(found, lambda _, rule: rule)


def _ruleset(call: Call) -> Json:
    wanted = int(call.values["ruleset_id"])
    for ruleset in call.repository.rulesets:
        if ruleset["id"] == wanted:
            return ruleset
    raise Refused(404, "Not Found")


def _covers(call: Call, ruleset: dict[str, Any]) -> bool:
    names = ruleset["conditions"].get("ref_name", {})
    ref = f"refs/heads/{call.values['branch']}"
    default = f"refs/heads/{call.repository.default_branch}"
    special = {"~ALL": ref, "~DEFAULT_BRANCH": default}

    def matches(kind: str) -> bool:
        return any(fnmatch(ref, special.get(name, name)) for name in names.get(kind, ()))

    return matches("include") and not matches("exclude")
