"""An identity provider for tests: real keys, real HTTP, and whatever a bad day may bring."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "https://memory.example.com/mcp"


class Issuer:
    """Signs tokens, and answers for its keys as it is told: `answers` has what each path gives."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: dict[str, tuple[str, Any]] = {}
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.add_key("first")

    def add_key(self, kid: str, algorithm: str = "ES256") -> None:
        """A new key, published at once."""
        made = {
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }
        self.keys[kid] = (algorithm, made[algorithm]())
        self.publish()

    def rotate(self, kid: str) -> None:
        """A new key in the place of all others."""
        self.keys.clear()
        self.add_key(kid)

    def publish(self) -> None:
        """Answers as an issuer should."""
        metadata = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
        }
        self.answers = {
            "/.well-known/openid-configuration": (200, json.dumps(metadata).encode()),
            "/keys": (200, json.dumps({"keys": [self.jwk(kid) for kid in self.keys]}).encode()),
        }

    def goes_down(self) -> None:
        """Answers nothing of use."""
        self.answers = dict.fromkeys(self.answers, (503, b""))

    def jwk(self, kid: str) -> dict[str, Any]:
        """A public key as it is published."""
        algorithm, key = self.keys[kid]
        forms: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
        return forms[algorithm].to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"}

    def claims(self, **others: Any) -> dict[str, Any]:
        """The claims of a good token, but for what is given; None leaves one out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "ana", "exp": now + 600, "iat": now, "scope": "read write"}
        return {name: value for name, value in (claims | others).items() if value is not None}

    def token(self, kid: str = "first", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token, signed with one of the keys."""
        algorithm, key = self.keys[kid]
        return jwt.encode(
            self.claims(**claims), key, algorithm, headers={"kid": kid, "typ": "at+jwt"} | (headers or {})
        )


@contextmanager
def issuer() -> Iterator[Issuer]:
    """An issuer that listens on loopback until the end."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one.asked.append(self.path)
            status, body = one.answers.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status in (301, 302, 307):
                self.send_header("Location", body.decode())
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            """Gives whoever asks in the form of the specification a token for what he names."""
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            one.asked.append(f"{self.path} {form['grant_type'][0]} {form.get('scope', [''])[0]}".strip())
            named, _, _ = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
            token = one.token(sub=named, aud=form["resource"][0], scope=form["scope"][0])
            body = json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 600}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        one = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield one
        finally:
            server.shutdown()
            thread.join()
