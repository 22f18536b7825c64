"""Secrets are taken out in every spelling; what only looks like one stays."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.redact import Redactor, SecretFound

R36 = "aB3dE6gH9kL2mN5pQ8rS1tU4vW7xY0zAbCdE"
R64 = R36 + "fG7hJ2kL5nM8pQ1sT4vX6zB9dF3g"
PEM_BODY = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"] * 3)
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{PEM_BODY}\nq1==\n-----END RSA PRIVATE KEY-----"
ENCRYPTED_PEM = PEM.replace(
    "KEY-----\nM", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F1E2D3C\n\nM", 1
)

PLAIN = Redactor()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *[
            pytest.param("github-token", f"gh{c}_{R36}", id=f"a gh{c}_ token of GitHub's")
            for c in "pousr"
        ],
        pytest.param(
            "github-token",
            f"ghs_123456_eyJhbGciOi.{R64}.{R36}-_x",
            id="an installation token in its form of 2026",
        ),
        pytest.param("github-token", f"github_pat_11AB_{R64}", id="a fine-grained GitHub token"),
        pytest.param("openai-key", f"sk-{R36}", id="an old OpenAI key"),
        pytest.param("openai-key", f"sk-proj-{R36}-_{R36}", id="an OpenAI project key"),
        pytest.param("anthropic-key", f"sk-ant-api03-{R64}-AA", id="an Anthropic key"),
        pytest.param(
            "openrouter-key", "sk-or-v1-" + "0123456789abcdef" * 4, id="an OpenRouter key"
        ),
        pytest.param("google-key", f"AIza{R36[:35]}", id="a Google key"),
        pytest.param("aws-key", "AKIAQ3EGRRZK5WT7NNPL", id="an AWS key"),
        pytest.param("aws-key", "ASIAQ3EGRRZK5WT7NNPL", id="an AWS key for a session"),
        pytest.param("slack-token", f"xoxb-123456789012-{R36}", id="a Slack token"),
        pytest.param("groq-key", f"gsk_{R64[:52]}", id="a Groq key"),
        pytest.param("nvidia-key", f"nvapi-{R64}", id="an NVIDIA key"),
        pytest.param("private-key", PEM, id="a private key"),
        pytest.param("private-key", ENCRYPTED_PEM, id="a private key with a password"),
        pytest.param("private-key", json.dumps(PEM)[1:-1], id="a private key in JSON"),
        pytest.param("private-key", PEM.replace("\n", "\r\n"), id="a private key from Windows"),
        pytest.param("private-key", PEM.replace("\n", "\n+"), id="a private key in a diff"),
        pytest.param("private-key", PEM[:180], id="a private key that the log cut off"),
    ],
)
def test_a_key_goes_by_its_shape_and_the_words_around_it_stay(kind, text):
    before = f"one line\nexport KEY={text}"
    assert (
        PLAIN.text(f"{before} # and so on") == f"one line\nexport KEY=[redacted:{kind}] # and so on"
    )
    assert PLAIN.found(before) == (SecretFound(kind, 2),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f"Authorization: Bearer {R36}\nAccept: */*",
            "Authorization: Bearer [redacted:authorization]\nAccept: */*",
            id="a header",
        ),
        pytest.param(
            f'{{"authorization": "Basic {R36}=="}}',
            '{"authorization": "Basic [redacted:authorization]"}',
            id="a header in JSON",
        ),
        pytest.param(
            f'{{\\"Authorization\\": \\"token {R36}\\"}}',
            '{\\"Authorization\\": \\"token [redacted:authorization]\\"}',
            id="a header in JSON in JSON",
        ),
        pytest.param(
            "fetch https://bot:hunter2@git.example/x.git",
            "fetch https://bot:[redacted:url-password]@git.example/x.git",
            id="an address with a password",
        ),
        pytest.param(
            "redis://:p4ss:w0rd@cache:6379/0",
            "redis://:[redacted:url-password]@cache:6379/0",
            id="an address with a password alone",
        ),
    ],
)
def test_of_a_header_or_an_address_only_the_secret_goes(text, expected):
    assert PLAIN.text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("9e107d9d372bb6826bd81d3542a419d6", id="an MD5 hash"),
        pytest.param("da39a3ee5e6b4b0d3255bfef95601890afd80709", id="a commit"),
        pytest.param(
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", id="SHA-256"
        ),
        pytest.param("123e4567-e89b-12d3-a456-426614174000", id="a UUID"),
        pytest.param("sha512-" + base64.b64encode(bytes(range(64))).decode(), id="an integrity"),
        pytest.param(
            "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 40).decode(),
            id="a picture in base64",
        ),
        pytest.param(
            "iVBORw0KGgo/AIzaAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQ", id="AIza in base64"
        ),
        pytest.param("q8AKIAQ3EGRRZK5WT7NNPLx9+/aa==", id="AKIA in base64"),
        pytest.param('class="sk-fading-circle sk-circle1 sk-cube-grid"', id="CSS classes"),
        pytest.param("#sk-container-id-1 div.sk-estimator-doc-link", id="scikit-learn's classes"),
        pytest.param("ask-me-anything-about-risk-management-in-2024-and-2025", id="sk- in words"),
        pytest.param("OPENAI_API_KEY=sk-...", id="a key left out"),
        pytest.param("sk-proj-your-key-goes-here-please", id="a placeholder in words"),
        pytest.param("sk-ant-api03-your-anthropic-key-here", id="a placeholder with a version"),
        pytest.param("sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", id="a placeholder of x"),
        pytest.param("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", id="a GitHub placeholder"),
        pytest.param("export GITHUB_TOKEN=ghp_YOUR_TOKEN_HERE", id="a short GitHub placeholder"),
        pytest.param("the prefixes ghp_, gho_ and github_pat_ are GitHub's", id="prefixes alone"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", id="the key in Amazon's manuals"),
        pytest.param("xoxb-your-slack-bot-token-goes-here", id="a Slack placeholder"),
        pytest.param("Authorization: Bearer $GITHUB_TOKEN", id="a header with a variable"),
        pytest.param("Authorization: Bearer <your token>", id="a header with a gap"),
        pytest.param("Authorization: Bearer YOUR_ACCESS_TOKEN", id="a header with a placeholder"),
        pytest.param("https://user:password@host.example/", id="an address in a manual"),
        pytest.param("postgres://$USER:$PASS@db and {u}://{user}:{password}@db", id="variables"),
        pytest.param("https://host.example:8443/@scope/package", id="a port and an at sign"),
        pytest.param("git@github.example:owner/name.git ssh://git@host:22/x", id="SSH addresses"),
        pytest.param(
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", id="no key in it"
        ),
        pytest.param("if b'-----BEGIN PRIVATE KEY-----' in data:", id="code about keys"),
        pytest.param("-----BEGIN PUBLIC KEY-----\n" + PEM_BODY, id="a public key"),
        pytest.param("[redacted:github-token] and [redacted:value]", id="marks of ours"),
    ],
)
def test_what_only_looks_like_a_secret_stays(text):
    assert PLAIN.text(text) == text
    assert PLAIN.found(text) == ()


SECRET = 'p"ss/wörd+1 &2'


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(SECRET, id="as it is"),
        pytest.param(json.dumps(SECRET)[1:-1], id="in JSON"),
        pytest.param(json.dumps(SECRET, ensure_ascii=False)[1:-1], id="in JSON with letters"),
        pytest.param(json.dumps(json.dumps(SECRET))[3:-3], id="in JSON in JSON"),
        pytest.param(quote(SECRET, safe=""), id="in a URL"),
        pytest.param(quote(SECRET, safe="").lower(), id="in a URL, lower case"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="in base64"),
        pytest.param(base64.urlsafe_b64encode(SECRET.encode()).decode(), id="in base64 for URLs"),
    ],
)
def test_a_known_value_goes_in_every_spelling(spelled):
    redacted = Redactor(frozenset({SECRET})).text(f"<{spelled}>")
    assert redacted == "<[redacted:value]>"


@given(st.binary(min_size=8, max_size=40), st.binary(max_size=9), st.binary(max_size=9))
def test_a_known_value_goes_from_the_middle_of_base64(middle, before, after):
    secret = middle.hex()
    wrapped = base64.b64encode(before + secret.encode() + after).decode()
    redacted = Redactor(frozenset({secret})).text(wrapped)
    assert "[redacted:value]" in redacted
    assert len(redacted.replace("[redacted:value]", "")) <= len(wrapped) - len(secret)


def test_overlapping_values_leave_no_rest():
    redactor = Redactor(frozenset({"abcdefgh", "efghijkl"}))
    assert redactor.text("-abcdefghijkl-") == "-[redacted:value]-"


def test_each_line_of_a_long_value_goes_by_itself():
    redacted = Redactor(frozenset({PEM})).text(f"  12 | {PEM_BODY.splitlines()[0]}")
    assert redacted == "  12 | [redacted:value]"


def test_short_values_and_blank_ones_are_let_stand():
    assert Redactor(frozenset({"", "a", "true", "      ", "12345"})).text("a true 12345      ") == (
        "a true 12345      "
    )


def test_bytes_that_are_no_text_stay():
    text = b"\xff\x00\xfe hunter2hunter2 \x80".decode("utf-8", "surrogateescape")
    redacted = Redactor(frozenset({"hunter2hunter2"})).text(text)
    assert redacted.encode("utf-8", "surrogateescape") == b"\xff\x00\xfe [redacted:value] \x80"


def test_secrets_are_found_by_line_and_never_repeated():
    text = f"a\n\nghp_{R36} hunter2hunter2\nb\nAKIAQ3EGRRZK5WT7NNPL"
    found = Redactor(frozenset({"hunter2hunter2"})).found(text)
    assert [(f.kind, f.line) for f in found] == [("github-token", 3), ("value", 3), ("aws-key", 5)]
    assert R36 not in repr(found)


def test_a_redactor_does_not_show_what_it_knows():
    assert "hunter2" not in repr(Redactor(frozenset({"hunter2hunter2"})))


FRAGMENTS = st.sampled_from(
    (
        *("ghp_", "sk-", "sk-ant-", "AKIA", "Q3EGRRZK5WT7NNPL", "xoxb-", R36, PEM_BODY),
        *("://", "user", ":", "@", "/", "-", "[", " ", "\n"),
        *("Authorization: Bearer ", "-----BEGIN PRIVATE KEY-----\n"),
        *("hunter2hunter2", "[redacted:value]", "]redacted", "redacted:", "value]"),
    )
)
VALUES = st.frozensets(
    st.sampled_from(
        ["hunter2hunter2", "redacted", "[redacted", "value]", "]redac", "hunter", "ghp_aB"]
    )
)


@given(st.lists(FRAGMENTS, max_size=25).map("".join), VALUES)
def test_redacting_again_changes_nothing_and_nothing_is_found_after(text, values):
    redactor = Redactor(values)
    once = redactor.text(text)
    assert redactor.text(once) == once
    assert redactor.found(once) == ()
    assert ("redacted:" in once) == ("redacted:" in text or redactor.found(text) != ())


@given(st.binary(max_size=200))
def test_data_without_secrets_is_returned_as_it_is(data):
    text = data.decode("utf-8", "surrogateescape")
    assert PLAIN.text(text) == text
