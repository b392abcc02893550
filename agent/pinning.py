"""TLS with a pinned certificate: the boot script says which one the bus has."""

from __future__ import annotations

import hashlib
import ssl


def context(fingerprint: str) -> ssl.SSLContext:
    """Return a context that takes the one certificate of this SHA-256, in lower-case hexadecimal.

    With no fingerprint, the one that the machine's authorities vouch for.
    """
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if fingerprint:
        # Its issuer and its names say nothing that its fingerprint does not.
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
        made.sslobject_class = _pinned(fingerprint)
    return made


def _pinned(fingerprint: str) -> type[ssl.SSLObject]:
    class Pinned(ssl.SSLObject):
        """A connection that ends its handshake only with the right certificate."""

        def do_handshake(self) -> None:
            """Shake hands; raises `SSLCertVerificationError` before anything is sent."""
            super().do_handshake()
            shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if shown != fingerprint:
                raise ssl.SSLCertVerificationError(
                    f"the bus shows certificate {shown}, not {fingerprint}"
                )

    return Pinned
