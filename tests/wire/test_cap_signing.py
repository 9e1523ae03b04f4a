"""Signatures of alerts: what is verified, at which time, and every way to be taken in by one."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from cap_samples import NAMESPACE, NOW, ODD_NAMES, Authority, document, outcome, sample, to_bytes
from tocsin.wire.cap.document import parse
from tocsin.wire.cap.signing import Anchors, BadKey, Outcome, Signer, is_strict_base64

DS = "{http://www.w3.org/2000/09/xmldsig#}"
SENT = datetime(2026, 7, 11, 7, 20, tzinfo=UTC)
ROOT = Authority()
KEY, CERTIFICATE = ROOT.signer()


def signed(raw: bytes | None = None, key: bytes = KEY, chain: bytes = CERTIFICATE) -> bytes:
    return to_bytes(Signer(key, chain).sign(parse(raw or document())))


SIGNED = signed()


# -- the published samples ----------------------------------------------------------------------


def wmo_signer() -> bytes:
    """The certificate in WMO's sample, as somebody who trusts it would have it in a file."""
    text = parse(sample("wmo_sc_valid.xml")).findtext(f".//{DS}X509Certificate", "")
    der = base64.b64decode(text)
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def test_the_valid_sample_of_wmo_verifies_without_blanks_long_after_its_certificate() -> None:
    pem = wmo_signer()
    assert outcome(sample("wmo_sc_valid.xml"), pem) is Outcome.VERIFIED_WITHOUT_BLANKS
    (certificate,) = Anchors(pem).certificates
    assert certificate.not_valid_after_utc < NOW - timedelta(days=600)
    before = certificate.not_valid_before_utc - timedelta(seconds=1)
    assert outcome(sample("wmo_sc_valid.xml"), pem, before) is Outcome.UNKNOWN_SIGNER
    assert outcome(sample("wmo_sc_valid.xml"), ROOT.pem) is Outcome.UNKNOWN_SIGNER
    assert outcome(sample("wmo_sc_no_signature.xml"), pem) is Outcome.NOT_SIGNED


def test_the_invalid_digest_of_wmo_is_refused() -> None:
    """It differs in the last digit of base64 only; its value is not one that a writer writes."""
    pem = wmo_signer()
    assert outcome(sample("wmo_sc_invalid_digest.xml"), pem) is Outcome.BAD_FORM
    valid = sample("wmo_sc_valid.xml")
    start = valid.index(b"<ds:SignatureValue>") + len(b"<ds:SignatureValue>")
    end = valid.index(b"==</ds:SignatureValue>")
    assert valid[end - 1 : end] == b"A"
    for digit in b"BCDEFGHIJKLMNOP":  # other digits with the same first two bits
        spare = valid[: end - 1] + bytes([digit]) + valid[end:]
        assert base64.b64decode(spare[start : end + 2]) == base64.b64decode(valid[start : end + 2])
        assert outcome(spare, pem) is Outcome.BAD_FORM


def test_the_canadian_sample_is_no_signature_for_us() -> None:
    assert outcome(sample("google_canada_signed.cap"), ROOT.pem) is Outcome.BAD_FORM


@pytest.mark.parametrize(
    ("text", "is_strict"),
    [
        ("QQ==", True),
        ("Q\n Q=\t=", True),
        ("QR==", False),
        ("QQ=", False),
        ("QQ", False),
        ("QQ==QQ==", False),
        ("Q-==", False),
        ("", False),
        ("é", False),
        ("QUI=", True),
        ("QUJ=", False),
    ],
)
def test_base64_is_strict(text: str, is_strict: bool) -> None:
    assert is_strict_base64(text) is is_strict


# -- by a signer of ours ------------------------------------------------------------------------


@pytest.mark.parametrize("is_rsa", [False, True])
def test_what_is_signed_verifies_by_authority_and_by_its_own_certificate(is_rsa: bool) -> None:
    key, certificate = ROOT.signer(is_rsa=is_rsa)
    raw = signed(key=key, chain=certificate)
    assert outcome(raw, ROOT.pem) is Outcome.VERIFIED
    assert outcome(raw, certificate) is Outcome.VERIFIED
    assert outcome(raw, ROOT.pem + Authority().pem) is Outcome.VERIFIED
    assert outcome(raw, Authority().pem) is Outcome.UNKNOWN_SIGNER


def test_the_algorithms_are_those_of_the_field() -> None:
    root = parse(SIGNED)
    method = root.find(f".//{DS}SignatureMethod")
    assert method is not None
    assert method.get("Algorithm") == "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    canonical = root.find(f".//{DS}CanonicalizationMethod")
    assert canonical is not None
    assert canonical.get("Algorithm") == "http://www.w3.org/2006/12/xml-c14n11"


def test_a_certificate_counts_at_the_time_of_signing() -> None:
    year = timedelta(days=365)
    key, expired = ROOT.signer(begin=SENT - timedelta(days=80), end=SENT + timedelta(days=10))
    raw = signed(key=key, chain=expired)
    assert outcome(raw, ROOT.pem, heard=SENT + year) is Outcome.VERIFIED
    key, over = ROOT.signer(begin=SENT - year, end=SENT - timedelta(seconds=1))
    assert outcome(signed(key=key, chain=over), ROOT.pem) is Outcome.UNKNOWN_SIGNER
    assert outcome(signed(key=key, chain=over), over) is Outcome.UNKNOWN_SIGNER
    key, later = ROOT.signer(begin=SENT + timedelta(hours=1), end=SENT + year)
    raw = signed(key=key, chain=later)
    assert outcome(raw, ROOT.pem, heard=SENT) is Outcome.UNKNOWN_SIGNER
    assert outcome(raw, ROOT.pem, heard=SENT + timedelta(hours=1)) is Outcome.VERIFIED


def test_a_certificate_must_be_for_signing() -> None:
    key, certificate = ROOT.signer(may_sign=False)
    assert outcome(signed(key=key, chain=certificate), ROOT.pem) is Outcome.UNKNOWN_SIGNER


@pytest.mark.parametrize("named", ODD_NAMES)
def test_a_certificate_that_the_library_does_not_read_is_not_trusted(named) -> None:
    key, certificate = ROOT.signer(named=named)
    raw = signed(key=key, chain=certificate)
    assert outcome(raw, ROOT.pem) is Outcome.UNKNOWN_SIGNER
    assert outcome(raw, certificate) is Outcome.UNKNOWN_SIGNER  # pinned, its use is not known


def test_whoever_signs_with_a_certificate_of_their_own_is_unknown() -> None:
    own = Authority("Root")  # the same name
    key, certificate = own.signer()
    raw = signed(key=key, chain=certificate + own.pem)
    assert outcome(raw, ROOT.pem) is Outcome.UNKNOWN_SIGNER
    assert outcome(raw, own.pem) is Outcome.VERIFIED


# -- attacks ------------------------------------------------------------------------------------


def test_any_change_of_the_text_is_seen() -> None:
    for old, new in (
        (b"Severe", b"Minor!"),
        (b"fire@example.org", b"fire@example.com"),
        (b"Actual", b"Test"),
        (b"Fire at the ridge", b"Fire at  the ridge"),
        (b"<event>", b"<event >x<!-- -->"),
    ):
        assert old in SIGNED
        assert outcome(SIGNED.replace(old, new), ROOT.pem) is Outcome.ALTERED


def test_every_bit_of_the_signature_counts() -> None:
    root = parse(SIGNED)
    element = root.find(f".//{DS}SignatureValue")
    assert element is not None
    value = bytearray(base64.b64decode(element.text or ""))
    value[5] ^= 1
    element.text = base64.b64encode(value).decode()
    assert outcome(to_bytes(root), ROOT.pem) is Outcome.ALTERED
    element.text = base64.b64encode(value[:-1]).decode()
    assert outcome(to_bytes(root), ROOT.pem) is Outcome.ALTERED
    element.text = ""
    assert outcome(to_bytes(root), ROOT.pem) is Outcome.BAD_FORM


def altered(change) -> bytes:
    root = parse(SIGNED)
    signature = root.find(f"{DS}Signature")
    assert signature is not None
    change(root, signature)
    return to_bytes(root)


def wrapped(root: etree._Element, signature: etree._Element) -> None:
    """The classic: what was signed is kept elsewhere, by its Id, and something else is read."""
    inner = parse(SIGNED)
    inner.set("Id", "x")
    kept = etree.SubElement(signature, f"{DS}Object")
    kept.append(inner)
    root.findall(f"{{{NAMESPACE}}}info/*")[1].text = "Forged"


def points_elsewhere(root: etree._Element, signature: etree._Element) -> None:
    signature.find(f".//{DS}Reference").set("URI", "#x")
    root.find(f"{{{NAMESPACE}}}info").set("Id", "x")


def points_to_the_net(_: etree._Element, signature: etree._Element) -> None:
    signature.find(f".//{DS}Reference").set("URI", "http://127.0.0.1:9/x")


def points_nowhere(_: etree._Element, signature: etree._Element) -> None:
    del signature.find(f".//{DS}Reference").attrib["URI"]


def filters(_: etree._Element, signature: etree._Element) -> None:
    transforms = signature.find(f".//{DS}Transforms")
    path = etree.SubElement(transforms, f"{DS}Transform")
    path.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")


def second_reference(_: etree._Element, signature: etree._Element) -> None:
    reference = signature.find(f".//{DS}Reference")
    reference.addnext(etree.fromstring(etree.tostring(reference)))


def twice(root: etree._Element, signature: etree._Element) -> None:
    root.append(etree.fromstring(etree.tostring(signature)))


def deeper(root: etree._Element, signature: etree._Element) -> None:
    root.find(f"{{{NAMESPACE}}}info").append(signature)


@pytest.mark.parametrize(
    "change",
    [
        *(wrapped, points_elsewhere, points_to_the_net, points_nowhere, filters),
        *(second_reference, twice, deeper),
    ],
)
def test_a_signature_of_anything_but_the_whole_alert_is_none(change) -> None:
    assert not outcome(altered(change), ROOT.pem).is_verified
    assert outcome(altered(lambda *_: None), ROOT.pem) is Outcome.VERIFIED  # the control


def test_a_true_signature_of_a_part_does_not_vouch_for_the_rest() -> None:
    root = parse(document())
    root.find(f"{{{NAMESPACE}}}info").set("Id", "x")
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA256, digest_algorithm=DigestAlgorithm.SHA256
    )
    part = signer.sign(root, key=KEY, cert=CERTIFICATE.decode(), reference_uri="x")
    raw = to_bytes(part).replace(b"fire@example.org", b"fire@example.com")
    (certificate,) = Anchors(CERTIFICATE).certificates
    wanted = SignatureConfiguration(location="./", verification_time=NOW)
    XMLVerifier().verify(raw, x509_cert=certificate, expect_config=wanted)  # true as far as it goes
    assert outcome(raw, ROOT.pem) is Outcome.BAD_FORM


def test_weak_and_shared_secret_methods_are_refused() -> None:
    for old, new in (
        (b"2001/04/xmldsig-more#ecdsa-sha256", b"2001/04/xmldsig-more#ecdsa-sha1"),
        (b"2001/04/xmldsig-more#ecdsa-sha256", b"2001/04/xmldsig-more#hmac-sha256"),
        (b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1"),
        (b"2001/04/xmldsig-more#ecdsa-sha256", b"nonsense"),
    ):
        assert old in SIGNED
        assert outcome(SIGNED.replace(old, new), ROOT.pem) is Outcome.WEAK
    # A method that does not fit the certificate's key is refused too, without an error of its own.
    other = SIGNED.replace(b"#ecdsa-sha256", b"#rsa-sha256")
    assert outcome(other, ROOT.pem) is Outcome.ALTERED


def test_a_certificate_that_is_none_is_an_unknown_signer() -> None:
    root = parse(SIGNED)
    element = root.find(f".//{DS}X509Certificate")
    assert element is not None
    element.text = base64.b64encode(b"no certificate").decode()
    assert outcome(to_bytes(root), ROOT.pem) is Outcome.UNKNOWN_SIGNER
    element.getparent().remove(element)
    assert outcome(to_bytes(root), ROOT.pem) is Outcome.UNKNOWN_SIGNER


def test_an_intermediate_authority_may_stand_between_and_not_sign_itself() -> None:
    """The leaf comes first; an authority that signs an alert itself is not a signer."""
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA256, digest_algorithm=DigestAlgorithm.SHA256
    )
    root = signer.sign(parse(document()), key=ROOT.key, cert=[ROOT.certificate])
    assert outcome(to_bytes(root), Authority("Root").pem) is Outcome.UNKNOWN_SIGNER


# -- keys ---------------------------------------------------------------------------------------


def test_files_that_are_no_keys_are_named() -> None:
    other_key, _ = ROOT.signer()
    for key, chain in ((b"x", CERTIFICATE), (KEY, b"x"), (other_key, CERTIFICATE)):
        with pytest.raises(BadKey):
            Signer(key, chain)
    with pytest.raises(BadKey):
        Anchors(b"")
