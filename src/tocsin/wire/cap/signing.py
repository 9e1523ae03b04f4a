"""XML signatures of alerts: checked against configured trust anchors at the time of signing, and
made for our own warnings. A signature that does not cover the whole alert is none."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature as InvalidKeySignature
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import verification
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.exceptions import SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from tocsin.wire.cap.document import XMLDSIG

CERTIFICATES_MAX: Final = 8  # of one signature
_METHODS: Final = frozenset(
    (
        *(SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512),
        *(SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512),
    )
)
_DIGESTS: Final = frozenset(
    (DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512)
)
_ENVELOPED: Final = SignatureConstructionMethod.enveloped.value
_CANONICAL: Final = frozenset(method.value for method in CanonicalizationMethod)
# What the library raises for certificates that RFC 5280 allows and it does not read, as an
# x400Address in the alternative names, and for those that are broken.
_ODD: Final = (
    *(ValueError, TypeError, KeyError, x509.InvalidVersion, x509.UnsupportedGeneralNameType),
    *(x509.DuplicateExtension, x509.ExtensionNotFound, UnsupportedAlgorithm),
)
_BASE64: Final = ("SignatureValue", "DigestValue", "X509Certificate")


class Outcome(StrEnum):
    """What is known of an alert's signature."""

    VERIFIED = "verified"
    VERIFIED_WITHOUT_BLANKS = "verified_without_blanks"
    NOT_SIGNED = "not_signed"
    BAD_FORM = "bad_form"  # not one signature over the whole alert, or not strict base64
    WEAK = "weak"  # by a method that is no longer safe, as SHA-1
    UNKNOWN_SIGNER = "unknown_signer"  # no chain to a trust anchor at the time of signing
    ALTERED = "altered"  # it does not fit what is signed

    @property
    def is_verified(self) -> bool:
        return self in (Outcome.VERIFIED, Outcome.VERIFIED_WITHOUT_BLANKS)


class BadKey(ValueError):
    """A file of certificates or a key that cannot be used; the text says why."""


class Anchors:
    """Certificates that are trusted: authorities, and signers' own (pinned)."""

    def __init__(self, pem: bytes) -> None:
        """`pem`: one or more certificates. Raises `BadKey`."""
        try:
            self.certificates = tuple(x509.load_pem_x509_certificates(pem))
        except ValueError as error:
            raise BadKey(str(error)) from None

    @classmethod
    def nobody(cls) -> Anchors:
        """Trusts none: for a file that cannot be read."""
        found = cls.__new__(cls)
        found.certificates = ()
        return found

    def trust(self, chain: list[x509.Certificate], at: datetime) -> bool:
        """Whether the first of `chain` may sign, at that time. The others may stand between."""
        leaf = chain[0]
        if not _may_sign(leaf):
            return False
        if leaf in self.certificates:  # pinned: no authority needs to vouch for it
            return leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc
        if not self.certificates:
            return False
        policy = (
            verification.PolicyBuilder()
            .store(verification.Store(list(self.certificates)))
            .time(at)
            .extension_policies(
                ee_policy=verification.ExtensionPolicy.permit_all(),
                ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
            )
        )
        try:
            policy.build_client_verifier().verify(leaf, chain[1:])
        except (verification.VerificationError, *_ODD):
            return False
        return True


def _may_sign(leaf: x509.Certificate) -> bool:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except _ODD:
        return False
    return usage.digital_signature


def check(alert: etree._Element, anchors: Anchors, *, sent: datetime, heard: datetime) -> Outcome:
    """What is known of the signature of an alert from `document.parse`.

    An alert does not say when it was signed: `sent` stands for it, or the beginning of the
    signer's certificate if that is later, which is then still before `heard`. So a certificate
    that has expired since does not matter.

    Tried as it came first; then without text of white space only, since the WMO's signers sign
    before they indent (shown by their published samples).
    """
    signatures = list(alert.iter(f"{{{XMLDSIG}}}Signature"))
    if not signatures:
        return Outcome.NOT_SIGNED
    if len(signatures) != 1 or signatures[0].getparent() is not alert:
        return Outcome.BAD_FORM  # elsewhere it may sign something else than what is read
    return _check(alert, signatures[0], anchors, sent, heard)


def _check(
    alert: etree._Element,
    signature: etree._Element,
    anchors: Anchors,
    sent: datetime,
    heard: datetime,
) -> Outcome:
    if not _covers_all(signature) or not _is_strict(signature):
        return Outcome.BAD_FORM
    method = signature.find(f"{{{XMLDSIG}}}SignedInfo/{{{XMLDSIG}}}SignatureMethod")
    digest = signature.find(f".//{{{XMLDSIG}}}DigestMethod")
    if (
        method is None
        or method.get("Algorithm") not in {one.value for one in _METHODS}
        or digest is None
        or digest.get("Algorithm") not in {one.value for one in _DIGESTS}
    ):
        return Outcome.WEAK
    chain = _chain(signature)
    if not chain:
        return Outcome.UNKNOWN_SIGNER
    try:
        at = max(sent, chain[0].not_valid_before_utc)
    except _ODD:
        return Outcome.UNKNOWN_SIGNER
    if at > heard or not anchors.trust(chain, at):
        return Outcome.UNKNOWN_SIGNER
    if _fits(alert, chain[0], at):
        return Outcome.VERIFIED
    return Outcome.VERIFIED_WITHOUT_BLANKS if _fits(_bare(alert), chain[0], at) else Outcome.ALTERED


def _covers_all(signature: etree._Element) -> bool:
    """One reference, to the whole document, with nothing taken out but the signature itself."""
    references = signature.findall(f".//{{{XMLDSIG}}}Reference")
    if len(references) != 1 or references[0].get("URI") != "":
        return False
    transforms = [
        one.get("Algorithm") for one in references[0].findall(f".//{{{XMLDSIG}}}Transform")
    ]
    return _ENVELOPED in transforms and all(
        one == _ENVELOPED or one in _CANONICAL for one in transforms
    )


def _is_strict(signature: etree._Element) -> bool:
    """Whether every value is base64 as it is written, with no bit to spare: a lenient reader takes
    several texts for one signature."""
    for name in _BASE64:
        for element in signature.iter(f"{{{XMLDSIG}}}{name}"):
            if len(element) or not is_strict_base64(element.text or ""):
                return False
    return True


def is_strict_base64(text: str) -> bool:
    """Whether this is the one way to write its bytes; white space does not count."""
    digits = "".join(text.split())
    try:
        value = base64.b64decode(digits.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    return bool(value) and base64.b64encode(value).decode() == digits


def _chain(signature: etree._Element) -> list[x509.Certificate]:
    """The certificates that the signature carries, its signer's first; empty if there is none."""
    found = signature.findall(
        f"{{{XMLDSIG}}}KeyInfo/{{{XMLDSIG}}}X509Data/{{{XMLDSIG}}}X509Certificate"
    )
    if not 1 <= len(found) <= CERTIFICATES_MAX:
        return []
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(one.text or "")) for one in found]
    except _ODD:
        return []


def _fits(alert: etree._Element, signer: x509.Certificate, at: datetime) -> bool:
    wanted = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        ignore_ambiguous_key_info=True,  # what counts is the certificate
        verification_time=at,
    )
    try:
        XMLVerifier().verify(alert, x509_cert=signer, expect_config=wanted)
    except (SignXMLException, InvalidKeySignature, etree.LxmlError):
        return False
    except (AttributeError, *_ODD):
        return False  # its words for what is missing or of another kind than expected
    return True


def _bare(alert: etree._Element) -> etree._Element:
    """A copy without text of white space only."""
    copy = etree.fromstring(etree.tostring(alert))
    for element in copy.iter():
        if isinstance(element.tag, str) and not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None
    return copy


class Signer:
    """Signs our own alerts with a key and its certificates."""

    def __init__(self, key_pem: bytes, chain_pem: bytes) -> None:
        """Raises `BadKey`: no PEM, neither RSA nor P-256, P-384, P-521, or not of one another."""
        try:
            key = load_pem_private_key(key_pem, password=None)
            self._chain = x509.load_pem_x509_certificates(chain_pem)
        except (ValueError, TypeError) as error:
            raise BadKey(str(error)) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise BadKey("neither an RSA key nor one of an elliptic curve")
        if key.public_key() != self._chain[0].public_key():
            raise BadKey("the first certificate is not the key's")
        self._key = key
        is_rsa = isinstance(key, rsa.RSAPrivateKey)
        self._method = SignatureMethod.RSA_SHA256 if is_rsa else SignatureMethod.ECDSA_SHA256

    def sign(self, alert: etree._Element) -> etree._Element:
        """The alert with its signature at the end: enveloped, C14N 1.1, SHA-256."""
        signer = XMLSigner(
            signature_algorithm=self._method,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_1,
        )
        return signer.sign(alert, key=self._key, cert=list(self._chain))
