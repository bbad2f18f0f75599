"""TLS: whether the certificate and the key that were given are any good, before anything listens."""

import ssl

from fleetlore.server.access.settings import Access
from fleetlore.storage.errors import Refusal


def check_certificate(access: Access) -> None:
    """Raises `Refusal` where they cannot be used."""
    if access.certificate is None:
        return
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(access.certificate, access.key, password=_nobody_is_asked)
    except (OSError, ValueError) as error:
        reason = (
            (error.strerror if not isinstance(error, ssl.SSLError) else error.reason)
            if isinstance(error, OSError)
            else error
        )
        raise Refusal(
            "--tls-cert",
            f"{access.certificate} and {access.key} cannot be used together ({reason or error})",
            "Give a certificate chain and its private key, both as PEM and without a passphrase",
        ) from error


def _nobody_is_asked() -> str:
    raise ValueError("the key needs a passphrase")
