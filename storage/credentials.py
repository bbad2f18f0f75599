"""Secrets that their surroundings give away, or that nothing but chance can have made. Pure.

No expression here looks back over text that another has looked at: each starts from a word, a mark or a run of letters
and reads on for a bounded number of characters, so that time grows with the length of the text and nothing else.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import TypeAlias

from fleetlore.storage.randomness import (
    is_example,
    is_own,
    is_placeholder,
    is_random,
    is_reference,
    is_template,
    is_wordlike,
)

Span: TypeAlias = tuple[int, int, str]

_LONGEST_NAME = 64
_LONGEST_RUN = 100
_LONGEST_TOKEN = 512
_SHORTEST_KEY = 60
_LONGEST_BLOCK = 20_000
# The kind of a secret that nothing but its look gives away.
RANDOM = "random string"

_KEY_BLOCK = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
# In base64, as in the secrets of Kubernetes: "PRIVATE KEY-" where it begins at each of three places.
_CODED_KEY = re.compile("UFJJVkFURSBLRVkt|BSSVZBVEUgS0VZL|QUklWQVRFIEtFWS")
_CODED = re.compile(r"[A-Za-z0-9+/]{20,}+={0,2}+(?:(?:\\[nr]|\s){1,20}+[A-Za-z0-9+/]{20,}+={0,2}+)*+")
_KEY_LINES = re.compile(r"(?:\s|\\[nr]|[A-Za-z0-9+/=:,. \"'-])*")

# Forms that Kingfisher's rules report only beside a companion, or not at all.
_FORMS = re.compile(
    r"""(?<![A-Za-z0-9_])(?:
        (?P<fleetlore_token>flt_[0-9a-z]{20}_[A-Za-z0-9_-]{16,200})
      | (?P<aws_access_key>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})
      | (?P<slack_token>xox[a-z](?:-\d)?-[A-Za-z0-9-]{14,250})
      | (?P<gitlab_token>gl[a-z]{2,6}-[A-Za-z0-9_-]{20,64})
      | (?P<discord_bot_token>[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})
      | (?P<mailchimp_api_key>[0-9a-f]{32}-us[0-9]{1,2})
      | (?P<api_key>sk-[A-Za-z0-9_-]{32,250})
      | (?P<paypal_token>access_token\$(?:production|sandbox)\$[a-z0-9]{1,32}\$[0-9a-f]{32})
      | (?P<telegram_bot_token>[0-9]{8,10}:AA[A-Za-z0-9_-]{33})
      | (?P<new_relic_key>NRAK-[A-Z0-9]{27})
      | (?P<json_web_token>eyJ[A-Za-z0-9_-]{14,4000}\.eyJ[A-Za-z0-9_-]{14,8000}(?:\.[A-Za-z0-9_-]{1,4000}){0,3})
    )(?![A-Za-z0-9_])""",
    re.VERBOSE,
)
_URL_PASSWORD = re.compile(r"://[^\s/?#:@'\"<>`]{0,128}:([^\s'\"<>`]{1,256})@(?=[\w\[$])")
_URL_TOKEN = re.compile(r"://([A-Za-z0-9_-]{20,256})@")
_NPMRC = re.compile(r":_(?:authToken|auth|password)[ \t]*=[ \t]*([^\s\"']{4,4096})")
_AUTHORISATION = re.compile(
    r"\b(?:bearer|basic|token|negotiate|apikey|api-key)[ \t]{1,4}[\"']?([A-Za-z0-9_~+/.=:-]{12,4096})", re.IGNORECASE
)
_NAME = re.compile(
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|api[-_. ]?key|(?:access|auth|account|private|signing|encryption"
    r"|master|service|storage|shared|license|webhook|client|consumer|application|app)[-_. ]?key|credential"
    r"|(?<![a-z])pass(?![a-z])|_key(?![a-z0-9])|(?<=[a-z])Key(?![a-z])|contraseña|mot[-_]de[-_]passe|passwort|kennwort"
    r"|(?<![a-z])pw(?![a-z])"
    r"|session[-_]?id|cookie|jwt|authorization|authentication|(?<![a-z])auth(?![a-z])|(?<![a-z])dsn(?![a-z])"
    r"|(?<![a-z])sig(?:nature)?(?![a-z])",
    re.IGNORECASE,
)
_PASSWORD_NAME = re.compile(r"pass(?:word|wd|phrase|code|wort)?$|pw$|pwd|contraseña|passe$|kennwort", re.IGNORECASE)
# A name that goes on like this names no secret: its digest, its length, where it is.
_ABOUT = re.compile(
    r"[-_.]?(?:hash|digest|sha\d*|md5|checksum|name|file|path|dir|url|uri|endpoint|id|ids|type|kind|count|length|len|size"
    r"|limit|max|min|ttl|expir\w*|age|at|date|time\w*|field|column|label|policy|version|arn|ref|reference|manager|store"
    r"|provider|regex|pattern|format|prefix|suffix|used|usage|budget|index|position|s_used|hint|strength|env|var|alg\w*"
    r"|iz\w*|s?_?per_\w+)$",
    re.IGNORECASE,
)
_AFTER = re.compile(r"[A-Za-z0-9_-]*")
_ASSIGNS = re.compile(
    r"""(?:\[\d{0,4}\])?["'`\])]{0,3}(?:
        [ \t]{0,8}(?::=|=>|={1,3}|!==?|:|\|)[ \t]{0,8}
      | [ \t]{1,4}(?:is|was|to|of|as)[ \t]{1,4}
      | \([ \t]{0,4}(?=["'])
      | [ \t]{0,4}(?=["'][^"'\n]{4,256}["'];)
      | ["'][ \t]{0,4},[ \t]{0,4}(?=["'])
      | \\["'][ \t]{0,4}:[ \t]{0,4}(?=\\["'])
      | >(?=[^<>\s]{4,256}</)
    )""",
    re.VERBOSE,
)
_PUBLIC_NAMES = ("public", "Public", "PUBLIC", "public_", "public-", "Public-", "PUBLIC_")
_LOGIN = re.compile(r"\blogin[ \t\n]{1,8}\S{1,64}[ \t\n]{1,8}$")
_FLAG = re.compile(r"[ \t]{1,4}")
_QUOTED = re.compile(r"""(?:[bBrRuUfF@]{0,2})(\\?["'`])((?:(?!\1|\\?\n).){1,4096}?)\1""", re.DOTALL)
_BARE = re.compile(r"[^\s\"'`,;<|&]{1,4096}")
_RUN = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
# What stands before or begins something public: a digest, a part of an address or of a path, a key to check with.
_BINARY = re.compile(r"[/+]|^[A-Za-z0-9]*$")
_PUBLIC_BEFORE = re.compile(
    r"(?:base64,|sha\d{1,3}:|md5:|\bh1:|[/.@%]|etag[\"']?\s{0,2}[:=]?\s{0,2}(?:W/)?[\"']|ssh-[a-z0-9-]{2,20} "
    r"|public[-_ ]?keys?[\"']?\s*[:=]"
    r"\s*(?:- ?)?(?:>-?\s*)?[\"']?)$",
    re.IGNORECASE,
)
_PUBLIC_START = re.compile(r"sha\d{1,3}-|md5-|AAAA|eyJ|/{0,2}Qm[0-9A-Za-z]{44}$", re.IGNORECASE)
_PUBLIC_BLOCK = re.compile(r"-----BEGIN ((?!(?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY)[A-Z0-9 ]{1,60})-----")


def credentials(text: str) -> Iterator[Span]:
    """Where a secret stands in a text and what it is; spans may overlap."""
    yield from _key_blocks(text)
    for match in _FORMS.finditer(text):
        if not is_example(match.group()):
            yield *match.span(), (match.lastgroup or "").replace("_", " ")
    yield from _in_urls(text)
    for match in _AUTHORISATION.finditer(text):
        value = match.group(1)
        if not is_placeholder(value) and not _is_told_openly(value) and (_mixed(value) or _is_basic(value)):
            yield *match.span(1), "token"
    for match in _NPMRC.finditer(text):
        if not is_template(match.group(1)):
            yield *match.span(1), "secret"
    yield from _assigned(text)
    yield from _random(text)


def _is_basic(value: str) -> bool:
    """Whether it is a name and a password as basic authentication writes them."""
    try:
        return b":" in base64.b64decode(value, validate=True)
    except ValueError:
        return False


def _key_blocks(text: str) -> Iterator[Span]:
    """Whole blocks; one that breaks off goes as far as it looks like a key."""
    reached = 0
    ends = [match.end() for match in _KEY_END.finditer(text)]
    for match in _KEY_BLOCK.finditer(text):
        if match.start() < reached:
            continue
        place = bisect_right(ends, match.end())
        lines = _KEY_LINES.match(text, match.end())
        reached = ends[place] if place < len(ends) else lines.end() if lines else match.end()
        if reached - match.end() > _SHORTEST_KEY:
            yield match.start(), reached, "private key"
    if _CODED_KEY.search(text):
        for match in _CODED.finditer(text):
            if _CODED_KEY.search(match.group()):
                yield *match.span(), "private key"


def _in_urls(text: str) -> Iterator[Span]:
    for match in _URL_PASSWORD.finditer(text):
        if not is_template(match.group(1)):
            yield *match.span(1), ""
    for match in _URL_TOKEN.finditer(text):
        if is_random(match.group(1), least=20):
            yield *match.span(1), ""


def _assigned(text: str) -> Iterator[Span]:
    """Values that a telling name is given: `password = "…"`, `api_key: …`, `--token …`, `"secret": "…"`."""
    reached = 0
    for match in _NAME.finditer(text):
        after = _AFTER.match(text, match.end(), match.end() + _LONGEST_NAME)
        if match.start() < reached or after is None:
            continue  # another word of the same name, or a value
        reached = after.end()
        if _ABOUT.search(after.group()):
            continue
        if text[max(match.start() - 7, 0) : match.start()].endswith(_PUBLIC_NAMES) or _is_in_arn(text, match.start()):
            continue
        assigns = _ASSIGNS.match(text, after.end())
        if assigns is None and (_is_flag(text, match.start()) or _is_login(text, match)):
            assigns = _FLAG.match(text, after.end())
        if assigns is None:
            continue
        password = _PASSWORD_NAME.search(match.group()) is not None
        value = _value(text, assigns.end(), password=password, prose=assigns.group().strip().isalpha())
        if value is not None:
            reached = value[1]
            yield value


def _is_flag(text: str, at: int) -> bool:
    """Whether the name there is that of an option of a command."""
    start = at
    while start > max(at - _LONGEST_NAME, 0) and (text[start - 1].isalnum() or text[start - 1] in "-_"):
        start -= 1
    return text.startswith("-", start) and (start == 0 or text[start - 1].isspace())


def _is_in_arn(text: str, at: int) -> bool:
    """Whether the name there is a part of the name of a resource, as in `arn:aws:secretsmanager:…:secret:prod/db`."""
    return text.startswith(":", at - 1) and "arn:" in text[max(at - 128, 0) : at].rpartition(" ")[2]


def _is_login(text: str, name: re.Match[str]) -> bool:
    """Whether it is the last word of `machine … login … password …`."""
    return _LOGIN.search(text, max(name.start() - 128, 0), name.start()) is not None


def _value(text: str, at: int, *, password: bool, prose: bool) -> Span | None:
    kind = "password" if password else "secret"
    if (quoted := _QUOTED.match(text, at)) is not None:
        value = quoted.group(2)
        credible = _credible(value, quoted=True, password=password, prose=prose)
        return (*quoted.span(2), kind) if credible else None
    if (bare := _BARE.match(text, at)) is None:
        return None
    value = _closed(bare.group().rstrip(".:!?\\"))
    credible = _credible(value, quoted=False, password=password, prose=prose)
    return (bare.start(), bare.start() + len(value), kind) if credible else None


def _closed(value: str) -> str:
    """The value without the brackets behind it that were opened before it."""
    for opening, closing in ("()", "[]", "{}", "<>"):
        while value.endswith(closing) and value.count(closing) > value.count(opening):
            value = value[:-1]
    return value


def _credible(value: str, *, quoted: bool, password: bool, prose: bool) -> bool:
    """Whether a value that a telling name is given can be a secret."""
    if len(value) < 4 or is_placeholder(value) or _is_told_openly(value):
        return False
    if password and quoted and not prose:
        return " " not in value or not is_wordlike(value)
    if is_wordlike(value) or " " in value:
        return False
    if password:
        return _mixed(value) or len(value) >= 8
    return len(value) >= 8 and _mixed(value)


def _is_told_openly(value: str) -> bool:
    """Whether it is where a secret is kept, or what fleetlore calls something."""
    return is_reference(value) or is_own(value)


def _mixed(value: str) -> bool:
    """Letters and digits, as in anything that was drawn at random, or letters and marks that no name has."""
    letters = re.search(r"[A-Za-z]", value) is not None
    return letters and (re.search(r"[0-9]", value) is not None or len(re.findall(r"[^\w\s./:@,-]", value)) > 2)


def _random(text: str) -> Iterator[Span]:
    """Runs that look drawn at random, whatever stands beside them; what long binary data is written as stays."""
    reached = 0
    for start, end in (*_public_blocks(text), (len(text), len(text))):
        yield from _random_between(text, reached, start)
        reached = end


def _random_between(text: str, first: int, last: int) -> Iterator[Span]:
    for match in _RUN.finditer(text, first, last):
        start, end = match.span()
        # Longer ones are binary data, unless they are written for addresses.
        longest = _LONGEST_RUN if _BINARY.search(text, start, end) else _LONGEST_TOKEN
        if end - start > longest or _PUBLIC_START.match(text, start, end):
            continue
        if not _PUBLIC_BEFORE.search(text, max(start - 48, 0), start) and _is_drawn(match.group()):
            yield start, end, RANDOM


def _is_drawn(run: str) -> bool:
    return not is_example(run) and is_random(run, least=20)


def _public_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Certificates and keys that anybody may know, one behind the other."""
    reached = 0
    for match in _PUBLIC_BLOCK.finditer(text):
        end = text.find(f"-----END {match.group(1)}-----", match.end(), match.end() + _LONGEST_BLOCK)
        if end >= 0 and match.start() >= reached:
            reached = end
            yield match.start(), end
