"""Secrets of many kinds, drawn by chance in the forms that their issuers give them, each in a text that carries it.

Forms are put together from parts, so that no file of this repository holds anything that looks like a real secret.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
BASE62 = string.ascii_letters + DIGITS
HEX = "0123456789abcdef"
URL_SAFE = BASE62 + "-_"
BASE64 = BASE62 + "+/"

Draw = random.Random


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """A text with one secret in it."""

    kind: str
    text: str
    secret: str


def drawn(draw: Draw, size: int, letters: str = BASE62) -> str:
    return "".join(draw.choice(letters) for _ in range(size))


def _mixed(draw: Draw, size: int, letters: str = BASE62) -> str:
    """Drawn until it has letters of both cases and a digit, as nearly all have."""
    while True:
        value = drawn(draw, size, letters)
        if any(c.islower() for c in value) and any(c.isupper() for c in value) and any(c.isdigit() for c in value):
            return value


def _password(draw: Draw) -> str:
    """As people and generators make them."""
    words = ("winter", "Dragon", "monkey", "Sunshine", "orange", "Falcon", "purple", "Thunder", "garden", "Rocket")
    match draw.randrange(4):
        case 0:
            return draw.choice(words) + drawn(draw, draw.randint(2, 4), DIGITS) + draw.choice("!?#%*+-_")
        case 1:
            return "-".join(draw.choice(words).lower() for _ in range(3)) + drawn(draw, 2, DIGITS)
        case 2:
            return _mixed(draw, draw.randint(12, 20), BASE62 + "!#%*+_-=.^~")
        case _:
            return _mixed(draw, draw.randint(8, 14))


def _base64(draw: Draw, size: int) -> str:
    return base64.b64encode(draw.randbytes(size)).decode()


def _json_web_token(draw: Draw) -> str:
    parts = (
        json.dumps({"alg": "HS256", "typ": "JWT"}).encode(),
        json.dumps({"sub": drawn(draw, 8, DIGITS), "iat": draw.randint(1_700_000_000, 1_800_000_000)}).encode(),
        draw.randbytes(32),
    )
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _key_block(draw: Draw, sort: str, size: int) -> str:
    lines = _base64(draw, size)
    rows = "\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
    return f"-----BEGIN {sort}-----\n{rows}\n-----END {sort}-----"


# Where the name says nothing: the form itself is known.
FORMS: dict[str, Callable[[Draw], str]] = {
    "aws access key": lambda d: "AK" + "IA" + drawn(d, 16, UPPER + "234567"),
    "github classic token": lambda d: d.choice(("gh" + "p_", "gh" + "o_", "gh" + "s_")) + _mixed(d, 36),
    "github fine-grained token": lambda d: "github" + "_pat_" + _mixed(d, 22) + "_" + _mixed(d, 59),
    "gitlab token": lambda d: "gl" + "pat-" + _mixed(d, 20, URL_SAFE[:-2]),
    "slack bot token": lambda d: "-".join(("xo" + "xb", drawn(d, 12, DIGITS), drawn(d, 13, DIGITS), _mixed(d, 24))),
    "slack webhook": lambda d: (
        "https://hooks."
        + "slack.com/services/T"
        + drawn(d, 10, UPPER + DIGITS)
        + "/B"
        + drawn(d, 10, UPPER + DIGITS)
        + "/"
        + _mixed(d, 24)
    ),
    "stripe key": lambda d: "sk_" + "live_" + _mixed(d, d.choice((24, 99))),
    "sendgrid key": lambda d: "SG" + "." + _mixed(d, 22, URL_SAFE) + "." + _mixed(d, 43, URL_SAFE),
    "google api key": lambda d: "AI" + "za" + _mixed(d, 35, BASE62),
    "google oauth secret": lambda d: "GOC" + "SPX-" + _mixed(d, 28, BASE62),
    "openai key": lambda d: "sk-" + "proj-" + _mixed(d, 74, BASE62) + "T3Blbk" + "FJ" + _mixed(d, 74, BASE62),
    "anthropic key": lambda d: "sk-ant-" + "api03-" + _mixed(d, 93, URL_SAFE) + "AA",
    "hugging face token": lambda d: "hf" + "_" + drawn(d, 34, string.ascii_letters),
    "npm token": lambda d: "np" + "m_" + _mixed(d, 36),
    "pypi token": lambda d: "pypi-" + "AgEIcHlwaS5vcmc" + _mixed(d, d.randint(80, 120), URL_SAFE),
    "digitalocean token": lambda d: "dop" + "_v1_" + drawn(d, 64, HEX),
    "shopify token": lambda d: "shp" + "at_" + drawn(d, 32, HEX),
    "telegram bot token": lambda d: drawn(d, 1, "123456789") + drawn(d, 9, DIGITS) + ":AA" + _mixed(d, 33, URL_SAFE),
    "vault token": lambda d: "hv" + "s." + _mixed(d, 92, URL_SAFE),
    "terraform token": lambda d: _mixed(d, 14) + ".atlas" + "v1." + _mixed(d, 67),
    "doppler token": lambda d: "dp." + "pt." + _mixed(d, 43),
    "linear key": lambda d: "lin_" + "api_" + _mixed(d, 40),
    "grafana token": lambda d: "gl" + "sa_" + _mixed(d, 32) + "_" + drawn(d, 8, HEX),
    "new relic key": lambda d: "NR" + "AK-" + drawn(d, 27, UPPER + DIGITS),
    "databricks token": lambda d: "da" + "pi" + drawn(d, 32, HEX),
    "postman key": lambda d: "PM" + "AK-" + drawn(d, 24, HEX) + "-" + drawn(d, 34, HEX),
    "rubygems key": lambda d: "ruby" + "gems_" + drawn(d, 48, HEX),
    "pulumi token": lambda d: "pul" + "-" + drawn(d, 40, HEX),
    "planetscale token": lambda d: "ps" + "cale_tkn_" + _mixed(d, 43, BASE62),
    "fleetlore token": lambda d: "fl" + "t_" + drawn(d, 20, LOWER + DIGITS) + "_" + _mixed(d, 43, URL_SAFE),
    "json web token": _json_web_token,
    "random string": lambda d: _mixed(d, d.randint(32, 48)),
    "rsa private key": lambda d: _key_block(d, "RSA " + "PRIVATE KEY", 600),
    "openssh private key": lambda d: _key_block(d, "OPENSSH " + "PRIVATE KEY", 400),
    "pkcs8 private key": lambda d: _key_block(d, "PRIVATE" + " KEY", 140),
}

# What a name gives away: the name, and the value that it is given.
NAMED: dict[str, tuple[Sequence[str], Callable[[Draw], str]]] = {
    "aws secret key": (("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"), lambda d: _mixed(d, 40, BASE64)),
    "azure storage key": (("AccountKey", "AZURE_STORAGE_KEY"), lambda d: _base64(d, 64)),
    "datadog key": (("DD_API_KEY", "datadog_api_key"), lambda d: drawn(d, 32, HEX)),
    "heroku key": (
        ("HEROKU_API_KEY", "heroku_api_key"),
        lambda d: "-".join(drawn(d, n, HEX) for n in (8, 4, 4, 4, 12)),
    ),
    "twilio auth token": (("TWILIO_AUTH_TOKEN", "twilio_auth_token"), lambda d: drawn(d, 32, HEX)),
    "cloudflare token": (("CLOUDFLARE_API_TOKEN", "cf_api_token"), lambda d: _mixed(d, 40, URL_SAFE[:-2])),
    "signing secret": (("SECRET_KEY", "signing_secret", "session_secret"), lambda d: drawn(d, 64, HEX)),
    "client secret": (("client_secret", "CLIENT_SECRET", "oauthClientSecret"), lambda d: _mixed(d, d.randint(24, 40))),
    "api key": (("api_key", "apiKey", "API_KEY", "x-api-key"), lambda d: _mixed(d, d.randint(20, 40))),
    "access token": (("access_token", "ACCESS_TOKEN", "authToken"), lambda d: _mixed(d, d.randint(20, 60), URL_SAFE)),
    "password": (("password", "DB_PASSWORD", "db.password", "admin_passwd", "smtpPassword"), _password),
    "passphrase": (("passphrase", "KEY_PASSPHRASE"), _password),
}

_AROUND: Sequence[str] = (
    "The deploy failed with 403 until I exported {} in the shell of the runner.",
    "curl: the request with {} came back as 401, rotated it after that",
    "2026-03-14T09:26:53Z ERROR worker[4312] upstream refused credential {} (attempt 3)",
    "Tried {} first; the staging account needs another one.",
    'client = Client("{}", timeout=30)',
    '{{"level": "warn", "msg": "retrying", "credential": "{}"}}',
    "    - run: ./publish.sh {}",
    "set it to {}, then restart the pod",
)
_ASSIGNED: Sequence[str] = (
    "export {name}={value}",
    "{name}={value}",
    '{name} = "{value}"',
    "{name}: {value}",
    '  "{name}": "{value}",',
    "    {name}: '{value}'",
    'config["{name}"] = "{value}"',
    "The build only passed with {name}={value} in the environment.",
    "2026-03-14 09:26:53 DEBUG settings loaded {name}={value} region=eu-west-1",
    'os.environ["{name}"] = "{value}"',
    "const settings = {{ {name}: '{value}' }};",
    "docker run -e {name}={value} -p 8080:80 app",
)


def planted(draw: Draw, each: int) -> Iterator[Planted]:
    """So many texts of each kind."""
    for kind, form in FORMS.items():
        for _ in range(each):
            secret = form(draw)
            yield Planted(kind=kind, secret=secret, text=draw.choice(_AROUND).format(secret))
    for kind, (names, form) in NAMED.items():
        for _ in range(each):
            secret = form(draw)
            text = draw.choice(_ASSIGNED).format(name=draw.choice(names), value=secret)
            yield Planted(kind=kind, secret=secret, text=text)
    for kind, carry in CARRIED.items():
        for _ in range(each):
            yield carry(kind, draw)


def _carried(kind: str, secret: str, text: str) -> Planted:
    return Planted(kind=kind, secret=secret, text=text.format(secret))


def _host(draw: Draw) -> str:
    return f"{drawn(draw, 5, LOWER)}.{draw.choice(('internal', 'example.com', 'acme.io', 'svc.cluster.local'))}"


def _url(scheme: str) -> Callable[[str, Draw], Planted]:
    def carry(kind: str, draw: Draw) -> Planted:
        secret = _mixed(draw, draw.randint(10, 24))
        url = f"{scheme}://{drawn(draw, 6, LOWER)}:{{}}@{_host(draw)}:5432/app"
        around = draw.choice(("DATABASE_URL={}", "connects to {} and hangs", 'engine = create_engine("{}")', "url: {}"))
        return _carried(kind, secret, around.replace("{}", url))

    return carry


def _header(kind: str, draw: Draw) -> Planted:
    secret = _mixed(draw, draw.randint(24, 60), URL_SAFE)
    return _carried(
        kind,
        secret,
        draw.choice(
            (
                "Authorization: Bearer {}",
                'curl -H "Authorization: Bearer {}" https://api.acme.io/v1/jobs',
                'headers = {{"Authorization": "Bearer {}"}}',
                "the proxy drops Bearer {} when it redirects",
            )
        ),
    )


def _basic(kind: str, draw: Draw) -> Planted:
    secret = base64.b64encode(f"{drawn(draw, 6, LOWER)}:{_password(draw)}".encode()).decode()
    return _carried(
        kind, secret, draw.choice(("Authorization: Basic {}", 'curl -H "Authorization: Basic {}" x.acme.io'))
    )


def _netrc(kind: str, draw: Draw) -> Planted:
    secret = _password(draw)
    return _carried(kind, secret, f"machine {_host(draw)} login {drawn(draw, 5, LOWER)} password {{}}")


def _option(kind: str, draw: Draw) -> Planted:
    secret = _password(draw) if draw.random() < 0.5 else _mixed(draw, 30)
    return _carried(
        kind,
        secret,
        draw.choice(("deploy --token {} --env prod", "psql-wrap --password {} -h db", "x --api-key={} run")),
    )


def _query(kind: str, draw: Draw) -> Planted:
    secret = _mixed(draw, draw.randint(24, 40))
    name = draw.choice(("token", "api_key", "access_token", "apikey", "key_secret"))
    return _carried(kind, secret, f"GET https://{_host(draw)}/v2/items?page=3&{name}={{}}&sort=asc HTTP/1.1")


def _npmrc(kind: str, draw: Draw) -> Planted:
    secret = "-".join(drawn(draw, n, HEX) for n in (8, 4, 4, 4, 12))
    return _carried(kind, secret, f"//registry.{_host(draw)}/:_auth" + "Token={}")


def _jdbc(kind: str, draw: Draw) -> Planted:
    return _carried(kind, _password(draw), f"jdbc:postgresql://{_host(draw)}:5432/app?user=svc&password={{}}")


def _dotnet(kind: str, draw: Draw) -> Planted:
    secret = _mixed(draw, draw.randint(10, 18))
    return _carried(kind, secret, f"Server={_host(draw)};Database=app;User Id=svc;Password={{}};Encrypt=True")


def _cookie(kind: str, draw: Draw) -> Planted:
    return _carried(kind, _mixed(draw, 40), "Cookie: theme=dark; sessionid={}; lang=en")


def _spoken(kind: str, draw: Draw) -> Planted:
    around = draw.choice(("the password is {}", "log in as admin, password: {}", "Its password was {} until today."))
    return _carried(kind, _mixed(draw, draw.randint(10, 16)), around)


def _escaped(kind: str, draw: Draw) -> Planted:
    secret = _mixed(draw, draw.randint(20, 32))
    return Planted(kind=kind, secret=secret, text=json.dumps({"body": json.dumps({"apiKey": secret, "retries": 3})}))


def _escaped_block(kind: str, draw: Draw) -> Planted:
    block = _key_block(draw, "RSA " + "PRIVATE KEY", 300)
    secret = json.dumps(block)[1:-1]
    return Planted(kind=kind, secret=secret, text=json.dumps({"type": "service_account", "private" + "_key": block}))


CARRIED: dict[str, Callable[[str, Draw], Planted]] = {
    "postgres url": _url("postgres"),
    "mysql url": _url("mysql+pymysql"),
    "mongodb url": _url("mongodb+srv"),
    "redis url": _url("rediss"),
    "amqp url": _url("amqps"),
    "https url": _url("https"),
    "bearer header": _header,
    "basic header": _basic,
    "netrc": _netrc,
    "option of a command": _option,
    "query parameter": _query,
    "npmrc": _npmrc,
    "jdbc url": _jdbc,
    "connection string": _dotnet,
    "session cookie": _cookie,
    "password in a sentence": _spoken,
    "json in json": _escaped,
    "key block in json": _escaped_block,
}
