"""What is no secret although it may look like one: digests, identifiers, names, placeholders. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter

_TEMPLATE = re.compile(
    r"""
      .*(?:\$\{[\w.:?+-]*\}|\$\{\{.*\}\}|\{\{[^{}]*\}\}|<%.*%>|<[\w .-]+>|%\(\w+\)s).*      # filled in when it is used
    | \$\(?\w+.* | %\w+% | @\w+@ | \{\w*\} | &.* | <.* | \[redacted.* | \(.*\)
    | .*(?:x{4,}|X{4,}|\*{3,}|\.{3,}|…|_{4,}|-{6,}|\#{4,}).*                               # struck out
    """,
    re.VERBOSE,
)
_PLACEHOLDER = re.compile(
    r"""
      .*(?:example|placeholder|change[-_]?me|replace[-_]?me|redacted|masked|dummy|sample|fake|insert[-_ ]|foobar
         |yourtoken|yourpassword|yourkey|yoursecret|[-_ ]your[-_ ]).*
    | (?:your|my|the|some|mock)[-_ ].*
    | (?:true|false|null|none|nil|undefined|unset|empty|optional|required|string|str|text|bytes|number|int|integer|bool
      |boolean|object|any|hidden|secret|secrets|password|passwd|passphrase|token|key|apikey|credentials?|value|default
      |test|tests|todo|tbd|n/?a|off|on|yes|no|file|env|prompt|stdin|required|missing|invalid|expired|wrong|correct|old
      |new|user|username|admin|basic|bearer|digest|localhost|unknown|enabled|disabled|self|this)[.!?]?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"""
      [A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+                                    # NAME_OF_A_VARIABLE
    | (?:[A-Za-z_]+\d{0,2})(?:\??\.[A-Za-z_]+\d{0,2})+(?:[\[(].*)?       # an.attribute, a.call(
    | [A-Za-z_]\w*(?:::\w+)*\(.*                                       # a_call(
    | [A-Za-z_]\w*\[.*                                                 # a[subscript]
    | (?:~|\.{1,2})?/[\w.@~+-]+(?:/[\w.@~+-]*)*                        # /a/path
    | [A-Za-z]:\\.*                                                    # C:\a\path
    | (?:new|await)\ .* | .*\ \|\ \w+                                     # an expression
    | (?:vault|file|env|op|ssm|secretsmanager|awssm|gcpsm|keyring|arn|secret|ref[+\w]*|sops|https?):.*
    | [\w.-]+\.(?:pem|key|crt|cer|json|ya?ml|toml|env|txt|py|js|ts|go|md|sh|cfg|ini|conf|lock|sql)   # a file
    """,
    re.VERBOSE,
)
_WORDS = re.compile(r"[A-Za-z][a-z]+(?:[-_./ ]?[A-Za-z][a-z]+)*[.,;:!?]?")
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_OWN_IDENTIFIER = re.compile(r"(?:[krfpes]|flt)_[0-9a-z]{20}")
_SEPARATED = re.compile(r"[/_+=-]+")
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+")


def is_template(value: str) -> bool:
    """Whether a value is filled in later, or struck out: `${TOKEN}`, `<token>`, `xxxx`."""
    return _TEMPLATE.fullmatch(value) is not None or len(set(value)) <= 2


def is_example(value: str) -> bool:
    """Whether a value in a published form says of itself that it is none."""
    return is_template(value) or "example" in value.casefold()


def is_placeholder(value: str) -> bool:
    """Whether a value stands for a secret that is not there: what is filled in later, `your-api-key`, `example`."""
    return is_template(value) or _PLACEHOLDER.fullmatch(value) is not None


def is_reference(value: str) -> bool:
    """Whether a value says where a secret is: a variable, an attribute, a call, a path, a file."""
    return _REFERENCE.fullmatch(value) is not None


def is_wordlike(value: str) -> bool:
    """Whether a value is words, with nothing in it that words do not have."""
    return _WORDS.fullmatch(value) is not None


def is_identifier(value: str) -> bool:
    """Whether a value is hexadecimal or a uuid, as digests, commits and identifiers are, or an id of fleetlore's."""
    return is_own(value) or any(form.fullmatch(value) is not None for form in (_HEX, _UUID))


def is_own(value: str) -> bool:
    """Whether a value is an id of fleetlore's."""
    return _OWN_IDENTIFIER.fullmatch(value) is not None


def entropy(value: str) -> float:
    """Shannon's entropy of a value in bits a character."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def is_random(value: str, *, least: int) -> bool:
    """Whether a value of at least so many characters looks drawn at random from letters of both cases and digits.

    Split where camel case splits, characters drawn in base 62 make a part of every two; names, words and versions have
    parts twice as long. A random value of n characters has nearly log2(n) bits a character while n is small.
    """
    parts = [part for part in _SEPARATED.split(value) if not is_wordlike(part) and not is_identifier(part)]
    if len("".join(parts)) < least or is_identifier(value):
        return False
    if not (re.search(r"[a-z]", value) and re.search(r"[A-Z]", value) and re.search(r"[0-9]", value)):
        return False
    return len(_HUMP.findall(value)) >= 0.32 * len(value) and entropy(value) >= min(0.82 * math.log2(len(value)), 4.6)
