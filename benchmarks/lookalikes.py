"""What looks like a secret and is none: digests, identifiers, names, images, placeholders, code, sentences."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from planted import BASE62, DIGITS, HEX, LOWER, URL_SAFE, Draw, drawn

_WORDS = tuple(
    """order invoice payment customer session worker queue router parser buffer handler service account ledger stream
    billing checkout gateway profile search index cache config client server token widget chart report export
    upload""".split()  # noqa: SIM905  one word a line would be a page
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookalike:
    """A text without a secret."""

    kind: str
    text: str


def _digest(draw: Draw, sort: str) -> str:
    return hashlib.new(sort, draw.randbytes(16)).hexdigest()


def _camel(draw: Draw, least: int = 2, most: int = 6) -> str:
    return "".join(draw.choice(_WORDS).capitalize() for _ in range(draw.randint(least, most)))


def _snake(draw: Draw, least: int = 2, most: int = 5) -> str:
    return "_".join(draw.choice(_WORDS) for _ in range(draw.randint(least, most)))


def _path(draw: Draw) -> str:
    folders = "/".join(draw.choice(_WORDS) for _ in range(draw.randint(2, 6)))
    name = draw.choice((_snake(draw), _camel(draw), f"{draw.choice(_WORDS)}-{draw.randint(1, 99)}"))
    return f"{draw.choice(('src', '/usr/share', '/var/lib', './packages', '~/work'))}/{folders}/{name}." + draw.choice(
        ("py", "ts", "java", "go", "json", "sql", "md", "test.tsx", "tar.gz", "pem")
    )


def _from(*texts: str) -> Callable[[Draw], str]:
    return lambda draw: draw.choice(texts)


def _with(value: Callable[[Draw], str], *around: str) -> Callable[[Draw], str]:
    return lambda draw: draw.choice(around).replace("@@", value(draw))


def _uuid(draw: Draw) -> str:
    return str(uuid.UUID(bytes=draw.randbytes(16), version=4))


def _image(draw: Draw) -> str:
    sort = draw.choice(("image/png", "image/jpeg", "image/svg+xml", "font/woff2"))
    start = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff\xe0"}.get(sort, b"")
    return f"data:{sort};base64,{base64.b64encode(start + draw.randbytes(draw.randint(30, 3000))).decode()}"


def _public_block(draw: Draw) -> str:
    sort = draw.choice(("CERTIFICATE", "PUBLIC KEY", "CERTIFICATE REQUEST"))
    body = base64.b64encode(draw.randbytes(draw.randint(200, 900))).decode()
    rows = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {sort}-----\n{rows}\n-----END {sort}-----"


def _ulid(draw: Draw) -> str:
    return "01" + drawn(draw, 24, "0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def _version(draw: Draw) -> str:
    return (
        f"{draw.randint(0, 30)}.{draw.randint(0, 40)}.{draw.randint(0, 99)}-rc.{draw.randint(1, 9)}"
        f"+build.{drawn(draw, 7, HEX)}"
    )


def _bundle(draw: Draw) -> str:
    script, style = draw.choice(_WORDS), draw.choice(_WORDS)
    return f"assets/{script}-{drawn(draw, 8, URL_SAFE)}.js and {style}.{drawn(draw, 20, HEX)}.css"


def _integrity(draw: Draw) -> str:
    sort, size = draw.choice((("sha512", 64), ("sha256", 32), ("sha384", 48)))
    return f"{sort}-{base64.b64encode(draw.randbytes(size)).decode()}"


_PLACEHOLDERS = tuple(
    """<token>  <your-api-key>  xxxxxxxxxxxx  XXXXXXXX  your-api-key  your_token_here  ${TOKEN}  $API_TOKEN  todo  null
    {{ secrets.token }}  ${{ secrets.NPM_TOKEN }}  %PASSWORD%  changeme  ********  REDACTED  [redacted]  ...  None
    AKIAIOSFODNN7EXAMPLE  YOUR_SECRET_KEY  my-secret-token  placeholder  example-password  <password>  xxx-xxx-xxx
    example-key-1234  insert-your-key-here  ${DB_PASSWORD:-changeme}""".replace("\n  ", "").split("  ")
)
_SECRET_NAMES = [
    "password",
    "api_key",
    "API_TOKEN",
    "secret",
    "client_secret",
    "auth_token",
    "DB_PASSWORD",
    "privateKey",
]
_VALUES_IN_CODE = tuple(
    """get_password()  os.environ["API_TOKEN"]  process.env.API_KEY  settings.secret_key  None  null  self._token
    String  request.headers.get('X-Api-Key')  config.get('token')  input('Password: ')  getpass.getpass()
    Optional[str]  str | None  token.strip()  Field(default='')  new Token(user)  useSecret(name)  undefined
    await fetchToken(user)  vault.read('kv/app')  secretRef.name  /run/secrets/db_password  ./certs/server.pem
    vault:kv/app#password  op://prod/db/password
    ref+awsssm://prod/db  true  false  required  string""".replace("\n  ", "").split("  ")
)


def _assigned(draw: Draw, values: tuple[str, ...]) -> str:
    name, value = draw.choice(_SECRET_NAMES), draw.choice(values)
    around = draw.choice(("{n} = {v}", "{n}: {v}", "export {n}={v}", '"{n}": "{v}",', "    {n}={v},", "{n} := {v}"))
    return around.format(n=name, v=value)


_SENTENCES = (
    "The password must be rotated every ninety days, and the old one is invalid at once.",
    "Never log the access token: mask it, or leave the header out.",
    "The API key is missing in CI, so the job is skipped on forks.",
    "password: minimum length is 12, at least one digit",
    "Tokens expire after 3600 seconds; refresh them with the refresh token before that.",
    "secret: see the vault, path kv/app",
    "The secret is to warm the cache before the first request.",
    "max_tokens: 4096 and temperature: 0.2 were used for all runs",
    "completion_tokens=1532 prompt_tokens=20481 total_tokens=22013",
    "Set the token in the repository settings, not in the workflow file.",
    "The csrf token was invalid because two tabs shared one session.",
    "Authorization: the caller needs the scope write to post feedback.",
    "auth: use OAuth 2.1 with PKCE; basic auth was removed in v3",
    "The private key is in the HSM and never leaves it.",
    "bearer tokens in query strings end up in access logs",
    "the key is unique per tenant and the secret_name is db-credentials",
    "password_hash, token_count and secret_id are columns of the table users",
    "tokenizer: keep words of a snake_case_name together",
    "The primary key: order_id, foreign key: customer_id, sort key: created_at",
    "pass: 218, fail: 3, skipped: 12",
    "cookie: SameSite=Lax is needed for the redirect, Secure for SameSite=None",
    "Use the keyboard shortcut, key: Ctrl+Shift+P",
    "author: the one who passes tests; passed: true, bypass: never",
    "password strength: weak; token type: bearer; secret version: 4",
)

_KINDS: dict[str, Callable[[Draw], str]] = {
    "md5": _with(lambda d: _digest(d, "md5"), "md5 @@", 'etag: "@@"', "checksum=@@", "file @@ has changed"),
    "sha1 or commit": _with(
        lambda d: _digest(d, "sha1"),
        "commit @@",
        "reverted @@ because tests failed",
        "HEAD is now at @@",
        "sha1:@@",
        "@@",
        "git bisect says @@ is the first bad commit",
        "uses: actions/checkout@@@",
    ),
    "sha256": _with(
        lambda d: _digest(d, "sha256"),
        "sha256:@@",
        "image app@sha256:@@",
        "--hash=sha256:@@",
        "digest @@ does not match",
        "@@  dist/app.tar.gz",
        "cache key linux-@@",
    ),
    "sha512": _with(lambda d: _digest(d, "sha512"), "sha512 @@", "@@  app.iso"),
    "integrity": _with(_integrity, 'integrity="@@"', '"integrity": "@@",', "integrity @@"),
    "uuid": _with(
        _uuid, "request_id=@@", "trace @@", '"id": "@@"', "user @@ was not found", "DELETE /v1/jobs/@@", "tenant: @@"
    ),
    "trace": _with(lambda d: drawn(d, 32, HEX), "trace_id=@@", "traceparent: 00-@@-00f067aa0ba902b7-01", "span of @@"),
    "ulid": _with(_ulid, "event @@", "id=@@", '"cursor": "@@"'),
    "own id": _with(
        lambda d: d.choice("krfp") + "_01m88" + drawn(d, 15, LOWER + DIGITS), "item @@ helped", "receipt: @@"
    ),
    "file name": _with(_path, "see @@", 'File "@@", line 12, in run', "edit @@ first", "touches @@", "@@:42:7: error"),
    "bundle": _bundle,
    "base64 image": _with(_image, "background: url(@@)", '<img src="@@">', "icon = '@@'", "@@"),
    "certificate or public key": _public_block,
    "ssh public key": lambda d: (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + base64.b64encode(d.randbytes(32)).decode().rstrip("=") + " ana@host"
    ),
    "fingerprint": lambda d: (
        "ED25519 key fingerprint is SHA256:" + base64.b64encode(d.randbytes(32)).decode().rstrip("=")
    ),
    "version": _with(_version, "pinned to @@", "upgrade from @@ to 4.1.0", "lib@@@"),
    "placeholder": lambda d: _assigned(d, _PLACEHOLDERS),
    "value in code": lambda d: _assigned(d, _VALUES_IN_CODE),
    "sentence": _from(*_SENTENCES),
    "class or test": _with(
        lambda d: _camel(d, 3, 8), "class @@:", "@@Test failed", "java.lang.@@Exception: x", "use @@V2Factory3"
    ),
    "function": _with(lambda d: _snake(d, 4, 8), "def test_@@():", "call @@ first", "@@_2026_03_14"),
    "kubernetes": lambda d: (
        f"pod/{d.choice(_WORDS)}-{drawn(d, 10, 'bcdfghjklmnpqrstvwxz2456789')}-{drawn(d, 5, LOWER + DIGITS)} restarted"
    ),
    "aws resource": _with(
        lambda d: drawn(d, 17, HEX),
        "i-0@@",
        "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-@@",
        "subnet-@@ has no route",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbC12d",
    ),
    "address on the web": lambda d: d.choice(
        (
            f"https://www.youtube.com/watch?v={drawn(d, 11, URL_SAFE)}",
            f"https://docs.google.com/document/d/{drawn(d, 44, URL_SAFE)}/edit",
            f"https://cdn.acme.io/{drawn(d, 40, HEX)}/app.min.js",
            f"https://github.com/acme/billing/blob/{drawn(d, 40, HEX)}/src/app.py#L10-L20",
            f"http://localhost:8717/mcp?session={_uuid(d)}",
            "https://user@example.com/path and git@github.com:acme/billing.git",
        )
    ),
    "number": lambda d: d.choice(
        (
            f"order {drawn(d, 16, DIGITS)}",
            f"epoch {drawn(d, 13, DIGITS)}",
            f"loss=0.{drawn(d, 16, DIGITS)}",
            "1e-9 ± 3e-12",
        )
    ),
    "hex": lambda d: d.choice(
        (
            " ".join(drawn(d, 2, HEX) for _ in range(16)),
            f"0x{drawn(d, 16, HEX)} in frame 7",
            f"address 0x{drawn(d, 40, HEX)}",
            f"fe80::{drawn(d, 4, HEX)}:{drawn(d, 4, HEX)}:{drawn(d, 4, HEX)}:{drawn(d, 4, HEX)}",
        )
    ),
    "content id": lambda d: f"ipfs://Qm{drawn(d, 44, BASE62)}",
    "nix": lambda d: f"/nix/store/{drawn(d, 32, LOWER + DIGITS)}-{d.choice(_WORDS)}-1.2.3/bin",
    "digest of a password": lambda d: f"password_hash: {_digest(d, 'sha256')}, token_sha256={_digest(d, 'sha256')}",
    "log line": lambda d: (
        f"2026-03-14T09:26:53.{drawn(d, 6, DIGITS)}Z INFO {_snake(d)} handled in {d.randint(1, 900)}ms "
        f"req={_uuid(d)} build={drawn(d, 12, HEX)}"
    ),
    "lock file": lambda d: (
        f'resolved "https://packages.acme.io/{d.choice(_WORDS)}/-/{d.choice(_WORDS)}-1.0.tgz#{drawn(d, 40, HEX)}"'
    ),
}


def lookalikes(draw: random.Random, count: int) -> Iterator[Lookalike]:
    """So many texts, of all kinds alike."""
    kinds = list(_KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        yield Lookalike(kind=kind, text=_KINDS[kind](draw))
