"""The keys that an issuer publishes: which of them may sign a token, and with which algorithm."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from fleetlore.storage.errors import IssuerFault

# A key by the id that the issuer gave it ("": none) and the algorithm.
Keys = Mapping[tuple[str, str], PyJWK]

# Asymmetric ones only, with the type of key and the curve of each. Whoever can check an HMAC can also make one, and an
# algorithm is bound to its type of key, so that no public key is ever taken for a shared secret.
ALGORITHMS: Mapping[str, tuple[str, str | None]] = MappingProxyType(
    {
        "RS256": ("RSA", None),
        "RS384": ("RSA", None),
        "RS512": ("RSA", None),
        "PS256": ("RSA", None),
        "PS384": ("RSA", None),
        "PS512": ("RSA", None),
        "ES256": ("EC", "P-256"),
        "ES384": ("EC", "P-384"),
        "ES512": ("EC", "P-521"),
        "EdDSA": ("OKP", "Ed25519"),
    }
)
_MOST_KEYS = 100
_RSA_BITS = range(2048, 16384 + 1)


def usable_keys(published: object) -> Keys:
    """The keys of a JSON Web Key Set (RFC 7517) with which tokens can be checked; what else it has is left out.

    Raises `IssuerFault` if that is no key set, or none of its keys is of use.
    """
    found = published.get("keys") if isinstance(published, dict) else None
    if not isinstance(found, list):
        raise IssuerFault("its key set is no JSON object with a list of keys")
    if len(found) > _MOST_KEYS:
        raise IssuerFault(f"its key set has more than {_MOST_KEYS} keys")
    keys = {
        (str(jwk.get("kid", "")), algorithm): key
        for jwk in found
        if isinstance(jwk, dict)
        for algorithm, key in _readings(jwk)
    }
    if not keys:
        raise IssuerFault("its key set has no key that can sign tokens (RSA from 2,048 bits, EC or Ed25519)")
    return keys


def _readings(jwk: dict[str, Any]) -> Iterator[tuple[str, PyJWK]]:
    """A key with each algorithm for which it may be used; none where it is private, and so everybody's by now."""
    if jwk.get("use", "sig") != "sig" or "d" in jwk:
        return
    for algorithm, (family, curve) in ALGORITHMS.items():
        if jwk.get("kty") == family and jwk.get("alg", algorithm) == algorithm and jwk.get("crv") == curve:
            try:
                key = PyJWK(jwk, algorithm)
            except PyJWTError:  # one broken key takes none of the others away
                continue
            if not isinstance(key.key, RSAPublicKey) or key.key.key_size in _RSA_BITS:
                yield algorithm, key
