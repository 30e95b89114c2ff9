"""Self-made certificates for https servers on loopback."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What a server shows, and what its clients must trust."""

    server: ssl.SSLContext
    trust: ssl.SSLContext


def server_certificate(folder: Path, *names: str, expired: bool = False) -> ServerCertificate:
    """Make a certificate for host names and IP addresses; its files go to `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key, names, expired=expired)
    chain, secret = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
    chain.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, secret)
    return ServerCertificate(server, ssl.create_default_context(cafile=str(chain)))


def _certificate(key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], *, expired: bool) -> x509.Certificate:
    now = datetime.now(UTC)  # what TLS compares with is the machine's clock
    ends = now + timedelta(days=-1 if expired else 1)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    return (
        x509.CertificateBuilder()
        .issuer_name(subject)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
