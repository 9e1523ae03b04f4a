"""CAP documents for the tests: the published samples with what must become of each, alerts made to
order, and signers with certificates of any time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

from tocsin.wire.cap.alert import Flaw, decode
from tocsin.wire.cap.document import BadAlert, Reason, parse
from tocsin.wire.cap.signing import Anchors, Outcome, check

FRAMES = Path(__file__).parent / "frames" / "cap"
NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
NOW = datetime(2026, 7, 11, 7, 30, tzinfo=UTC)

# What must become of each file: flaws where it is read, the reason where it is not.
OUTCOMES: dict[str, tuple[Flaw, ...] | Reason] = {
    "google_amber.atom": Reason.NOT_CAP,
    "google_canada.cap": (),
    "google_canada_errors.cap": (Flaw.NO_REFERENCES,),
    "google_canada_signed.cap": (),
    "google_earthquake-iso8859-1.cap": (),
    "google_earthquake.cap": Reason.EARLIER_CAP,
    "google_invalid.cap": Reason.NOT_SCHEMA,
    "google_no_optional_fields.cap": Reason.EARLIER_CAP,
    "google_ny_index.rss": Reason.NOT_CAP,
    "google_weather_index.atom": Reason.NOT_CAP,
    "google_xee.cap": Reason.DOCTYPE,
    "own_edxl.xml": Reason.NOT_CAP,
    "own_zh_en.xml": (),
    "wmo_sc_invalid_digest.xml": (),
    "wmo_sc_no_signature.xml": (),
    "wmo_sc_valid.xml": (),
}


def sample(name: str) -> bytes:
    return (FRAMES / name).read_bytes()


INFO = """<info><category>Fire</category><event>Forest fire</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty>
<expires>2026-07-11T12:00:00+08:00</expires><headline>Fire at the ridge</headline>{more}</info>"""


def document(
    identifier: str = "a-1",
    *,
    sender: str = "fire@example.org",
    sent: str = "2026-07-11T15:20:00+08:00",
    status: str = "Actual",
    message: str = "Alert",
    references: str = "",
    infos: str | None = None,
    area: str = "",
    more: str = "",
) -> bytes:
    """An alert as most services write it. `more` goes to the end of the alert."""
    told = INFO.replace("{more}", area) if infos is None else infos
    if references:
        references = f"<references>{references}</references>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="{NAMESPACE}">'
        f"<identifier>{identifier}</identifier><sender>{sender}</sender><sent>{sent}</sent>"
        f"<status>{status}</status><msgType>{message}</msgType><scope>Public</scope>"
        f"{references}{told}{more}</alert>"
    ).encode()


def polygon(text: str) -> str:
    return f"<area><areaDesc>Ridge</areaDesc><polygon>{text}</polygon></area>"


def circle(text: str) -> str:
    return f"<area><areaDesc>Ridge</areaDesc><circle>{text}</circle></area>"


def reason_of(raw: bytes, read: Any = decode) -> Reason:
    try:
        read(raw)
    except BadAlert as error:
        return error.reason
    raise AssertionError("it was read")


class Authority:
    """A certificate authority of the tests."""

    def __init__(self, name: str = "Root") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        begin = NOW - timedelta(days=3_650)
        self.certificate = (
            _builder(self.name, self.name, self.key, begin, begin + timedelta(days=7_300))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs=False, certifies=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        self.pem = self.certificate.public_bytes(Encoding.PEM)

    def signer(
        self,
        *,
        begin: datetime = NOW - timedelta(days=30),
        end: datetime = NOW + timedelta(days=60),
        is_rsa: bool = False,
        may_sign: bool = True,
        named: x509.ExtensionType | None = None,
    ) -> tuple[bytes, bytes]:
        """Key and certificate of one who signs, both PEM. `named`: in place of its host's name."""
        key: Any = (
            rsa.generate_private_key(65_537, 2_048)
            if is_rsa
            else ec.generate_private_key(ec.SECP256R1())
        )
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Signer")])
        certificate = (
            _builder(subject, self.name, key, begin, end)
            .add_extension(_usage(signs=may_sign, certifies=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .add_extension(
                named or x509.SubjectAlternativeName([x509.DNSName("example.org")]), False
            )
            .sign(self.key, hashes.SHA256())
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem, certificate.public_bytes(Encoding.PEM)


# Of RFC 5280 4.2.1.6: x400Address, ediPartyName, and what is no name at all. No reader takes them.
ODD_NAMES = [
    x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, value)
    for value in (b"\x30\x02\xa3\x00", b"\x30\x06\xa5\x04\xa1\x02\x0c\x00", b"\x30\x01")
]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _usage(*, signs: bool, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        key_cert_sign=certifies,
        content_commitment=False,
        key_encipherment=not signs and not certifies,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )


def outcome(raw: bytes, pem: bytes, heard: datetime = NOW) -> Outcome:
    root = parse(raw)
    sent = datetime.fromisoformat(root.findtext(f"{{{NAMESPACE}}}sent", ""))
    return check(root, Anchors(pem), sent=sent, heard=heard)


def to_bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)
