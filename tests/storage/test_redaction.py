"""Redaction: what is taken out of a text, what stays, and that doing it again changes nothing."""

import base64
import json
import time

import pytest
from chance import chance, digest, key_block
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetlore.storage.redaction import redact

# Around a secret, `{}`: what is left is the rest, with a mark.
MARKED = {
    "deploy with Authorization: Bearer {} please": "deploy with Authorization: Bearer [redacted: token] please",
    "postgres://svc:{}@db.internal:5432/app": "postgres://svc:[redacted]@db.internal:5432/app",
    'DB_PASSWORD="{}"': 'DB_PASSWORD="[redacted: password]"',
    "the password is {}.": "the password is [redacted: password].",
    "password={}&user=ana": "password=[redacted: password]&user=ana",
    "machine host.io login ana password {}": "machine host.io login ana password [redacted: password]",
    "export NPM_AUTH_TOKEN={}": "export NPM_AUTH_TOKEN=[redacted: secret]",
    '{{"api_key": "{}", "retries": 3}}': '{{"api_key": "[redacted: secret]", "retries": 3}}',
    "api_key: {}": "api_key: [redacted: secret]",
    "run --token {} --fast": "run --token [redacted: token] --fast",
    "GET /v1?page=2&access_token={}&sort=asc": "GET /v1?page=2&access_token=[redacted: secret]&sort=asc",
    "Server=sql;Password={};Encrypt=True": "Server=sql;Password=[redacted: password];Encrypt=True",
    "Cookie: theme=dark; sessionid={}; a=b": "Cookie: theme=dark; sessionid=[redacted: secret]; a=b",
    "flt_01m88a7td9ebjkya681e_{} is the agent's": "[redacted: fleetlore token] is the agent's",
    "Ünïcode before AKIAQ2{} 日本": None,
}
KEPT = (
    "commit " + digest(40) + " broke it",
    "sha256:" + digest(64),
    "md5 " + digest(32),
    "request_id=0c5b3a52-6a0f-4f2e-9a4d-2f7f1d1c9b1e",
    "there is no token flt_01m88a7td9ebjkya681e",
    "item k_01m88a7td9ebjkya681e of receipt r_01m88a7tr4p14sbkg1ch",
    "token_sha256: " + digest(64),
    "data:image/png;base64," + chance(400),
    "integrity sha512-" + chance(86) + "==",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + chance(43) + " ana@host",
    "SHA256:" + chance(43),
    "go.sum: example.org/errors v0.9.1 h1:" + chance(43) + "=",
    'ETag: W/"' + chance(27) + '"',
    "integrity sha1-" + chance(27) + "=",
    key_block("PUBLIC").replace("RSA ", ""),
    "src/payments/InvoiceHandlerFactory2Test.java:42",
    "pinned to 4.12.0-rc.1+build.7f3a9c2",
    "password: ${DB_PASSWORD}",
    "token = os.environ['API_TOKEN']",
    "password = getpass.getpass()",
    "api_key: your-api-key",
    "NPM_TOKEN: ${{ secrets.NPM_TOKEN }}",
    "export TOKEN=<token>",
    "secret = xxxxxxxxxxxx",
    "AKIAIOSFODNN7EXAMPLE is the example of the docs",
    "max_tokens: 4096, completion_tokens=1532",
    "The password must be rotated every ninety days.",
    "password: minimum length is 12",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbC12d",
    "read it from /run/secrets/db_password",
)


@pytest.mark.parametrize("around", MARKED)
def test_a_secret_leaves_a_mark_and_nothing_of_itself(around):
    secret = "MKWJZ3T5XRBYV4" if "AKIA" in around else chance(24)
    found = redact(around.format(secret))
    assert secret not in found.text
    assert len(found.secrets) == 1
    if MARKED[around] is not None:
        assert found.text == MARKED[around].replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize("text", KEPT, ids=[text[:30] for text in KEPT])
def test_what_only_looks_like_a_secret_stays_the_same_object(text):
    assert redact(text).text is text


def test_a_private_key_goes_whole_also_where_json_has_it_on_one_line():
    block = key_block()
    assert redact(f"it has {block} in it").text == "it has [redacted: private key] in it"
    assert redact(json.dumps({"private": block})).text == '{"private": "[redacted: private key]"}'
    assert redact(block[:300]).text == "[redacted: private key]"


@pytest.mark.parametrize("before", ["", "a", "ab"])
@pytest.mark.parametrize("width", [64, 76, 10_000])
def test_a_private_key_in_base64_goes_wherever_its_lines_break(before, width):
    coded = base64.b64encode((before + key_block("OPENSSH PRIVATE")).encode()).decode()
    lines = "\n    ".join(coded[at : at + width] for at in range(0, len(coded), width))
    left = redact(f"data:\n  tls.key: {lines}\n").text
    assert left.startswith("data:\n  tls.key: [redacted: private key]")
    assert len(left) < 65


@pytest.mark.parametrize("mark", ["\u200b", "\u00ad", "\u2060", "\u202e", "\ufe0f", "\x00", "\U000e0041"])
def test_what_is_not_seen_hides_no_secret(mark):
    hidden = mark.join("gh" + "p_" + chance(36))
    assert redact(f"é: use {hidden} here").text == "é: use [redacted: github pat] here"
    assert redact(f"pass{mark}word={chance(12)}").text == f"pass{mark}word=[redacted: password]"


def test_letters_of_another_form_hide_no_secret():
    wide = "".join(chr(ord(one) + 0xFEE0) for one in "password=" + chance(20))
    assert redact(wide).text == wide[:9] + "[redacted: password]"


def test_a_token_whose_form_its_issuer_published_goes_without_any_word_about_it():
    token = "gh" + "p_" + chance(36)
    for around in ("{}", "first {}, then restart", "see ({}).", 'x("{}")'):
        assert redact(around.format(token)).text == around.format("[redacted: github pat]")


def test_found_once_a_secret_goes_wherever_it_stands_in_the_text():
    secret = chance(12)
    text = redact(f"log in with {secret}; the password is {secret}").text
    assert text == "log in with [redacted]; the password is [redacted: password]"


def test_basic_authentication_goes_although_it_may_have_no_digit():
    header = base64.b64encode(b"ana:" + b"winter").decode()
    assert redact(f"Authorization: Basic {header}").text == "Authorization: Basic [redacted: token]"


_PIECES = st.sampled_from(
    [
        "password=",
        "token: ",
        '"',
        "'",
        "://",
        "a:",
        "@host ",
        "Bearer ",
        "[redacted: secret]",
        "[redacted]",
        "\n",
        " ",
        "=",
    ]
)
_WORDS = st.sampled_from(
    ["api_key", "is ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "flt_", "ünï", "\0"]
)
_TEXTS = st.lists(st.one_of(_PIECES, _WORDS, st.builds(chance, st.integers(4, 60)), st.text(max_size=8)), max_size=12)


@given(_TEXTS)
@settings(max_examples=200, deadline=None)
def test_redacting_what_was_redacted_changes_nothing(pieces):
    once = redact("".join(pieces)).text
    assert redact(once).text is once


@pytest.mark.parametrize(
    "pattern",
    [
        "a",
        "=",
        '"',
        "' ",
        "password=",
        "://a:",
        "token ",
        "Bearer ",
        "eyaaaaaaaaaa.",
        "_key",
        "[redacted: a]",
        "-----BEGIN ",
        "\u200ba",
        "key=\u00a0",
        "UFJJVkFURSBLRVkt ",
    ],
)
def test_no_text_takes_long(pattern):
    text = (pattern * 200_000)[:200_000]
    redact("the rules are loaded")
    began = time.thread_time()
    redact(text)
    assert time.thread_time() - began < 2
