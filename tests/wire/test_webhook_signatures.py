"""Signatures of webhooks: published vectors, everything that can be wrong, and the window."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.wire.webhook.signature import (
    UNKNOWN_SECRET,
    WINDOW,
    Form,
    NotSigned,
    Signed,
    check,
    secret_bytes,
)

FRAMES = Path(__file__).parent.parent / "frames" / "webhook" / "signatures.json"
VECTORS: list[dict[str, Any]] = json.loads(FRAMES.read_text(encoding="utf-8"))
KEY = b"a secret of twenty b"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = b'{"code": "FA"}'


def digest(signed: bytes, key: bytes = KEY) -> bytes:
    return hmac.digest(key, signed, hashlib.sha256)


def standard(**changes: str) -> dict[str, str]:
    headers = {"webhook-id": "msg_1", "webhook-timestamp": STAMP} | changes
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + BODY
    return {"webhook-signature": "v1," + base64.b64encode(digest(signed)).decode()} | headers


def stripe(at: str = STAMP) -> dict[str, str]:
    return {"stripe-signature": f"t={at},v1={digest(at.encode() + b'.' + BODY).hex()},v0=00"}


def github() -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + digest(BODY).hex()}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["form"])
def test_a_published_vector_is_right_and_one_bit_more_is_not(vector: dict[str, Any]) -> None:
    at = datetime.fromtimestamp(vector["at"], UTC)
    args = (Form(vector["form"]), vector["headers"])
    key = vector["secret"].encode()
    signed = check(*args, vector["body"].encode(), key, at)
    assert signed.name == vector["headers"].get("webhook-id")
    for body, secret in ((vector["body"] + " ", key), (vector["body"], key + b"x" * 4)):
        with pytest.raises(NotSigned) as found:
            check(*args, body.encode(), secret, at)
        assert found.value.reason == "signature_wrong"


def test_each_form_says_name_and_time() -> None:
    assert check(Form.STANDARD, standard(), BODY, KEY, NOW) == Signed("msg_1", NOW)
    seconds = str(int(NOW.timestamp()))
    assert check(Form.STRIPE, stripe(), BODY, KEY, NOW) == Signed(seconds, NOW)
    named = {**stripe(), "idempotency-key": '"abc-1"'}
    assert check(Form.STRIPE, named, BODY, KEY, NOW) == Signed(seconds, NOW)  # nobody signed it
    assert check(Form.GITHUB, github(), BODY, KEY, NOW) == Signed(None, None)
    other = {"x-signature": github()["x-hub-signature-256"]}
    assert check(Form.GITHUB, other, BODY, KEY, NOW, header="X-Signature") == Signed(None, None)


def test_one_of_several_signatures_is_enough_and_nine_are_too_many() -> None:
    right = standard()["webhook-signature"]
    wrong = "v1," + base64.b64encode(bytes(32)).decode()
    many = standard() | {"webhook-signature": " ".join([wrong] * 7 + [right])}
    assert check(Form.STANDARD, many, BODY, KEY, NOW).name == "msg_1"
    many["webhook-signature"] = " ".join([wrong] * 8 + [right])
    with pytest.raises(NotSigned, match="signature_malformed"):
        check(Form.STANDARD, many, BODY, KEY, NOW)


@pytest.mark.parametrize("off", [WINDOW, -WINDOW])
def test_the_window_to_the_second(off: timedelta) -> None:
    step = timedelta(seconds=1) if off > timedelta(0) else timedelta(seconds=-1)
    for headers, form in ((standard(), Form.STANDARD), (stripe(), Form.STRIPE)):
        check(form, headers, BODY, KEY, NOW + off)
        with pytest.raises(NotSigned, match="time_outside_window"):
            check(form, headers, BODY, KEY, NOW + off + step)


@pytest.mark.parametrize(
    ("form", "headers", "reason"),
    [
        (Form.STANDARD, {}, "signature_missing"),
        (Form.STANDARD, {"webhook-signature": "v1,AAAA"}, "signature_missing"),
        (Form.STANDARD, standard() | {"webhook-signature": "v1,!!"}, "signature_malformed"),
        (Form.STANDARD, standard() | {"webhook-signature": "v2,AAAA"}, "signature_malformed"),
        (Form.STANDARD, standard() | {"webhook-signature": "v1,AAAA"}, "signature_wrong"),
        (Form.STANDARD, standard() | {"webhook-id": "msg_2"}, "signature_wrong"),
        (Form.STANDARD, standard(**{"webhook-id": "a.b"}), "signature_malformed"),
        (Form.STANDARD, standard(**{"webhook-id": "a" * 256}), "signature_malformed"),
        (Form.STANDARD, standard(**{"webhook-timestamp": "soon"}), "signature_malformed"),
        (Form.STANDARD, standard(**{"webhook-timestamp": "9" * 12}), "signature_malformed"),
        (Form.STRIPE, {"stripe-signature": "v1=00"}, "signature_malformed"),
        (Form.STRIPE, {"stripe-signature": f"t={STAMP}"}, "signature_malformed"),
        (Form.GITHUB, {"x-hub-signature-256": "sha1=00"}, "signature_malformed"),
        (Form.GITHUB, {"x-hub-signature-256": "sha256=0"}, "signature_malformed"),
        (Form.GITHUB, {"x-hub-signature-256": "sha256=00"}, "signature_wrong"),
        (Form.GITHUB, {"x-hub-signature-256": "sha256=é"}, "signature_malformed"),
    ],
)
def test_what_is_wrong_is_named(form: Form, headers: dict[str, str], reason: str) -> None:
    with pytest.raises(NotSigned) as found:
        check(form, headers, BODY, KEY, NOW)
    assert found.value.reason == reason


def test_an_unknown_source_is_never_right_and_costs_as_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not even for whoever signs with the secret that nobody has."""
    digests = []
    new = hmac.new

    def counted(*args: Any) -> Any:
        digests.append(args)
        return new(*args)

    monkeypatch.setattr(hmac, "new", counted)
    for form, headers in ((Form.STANDARD, standard()), (Form.GITHUB, github())):
        for key in (KEY + b"x", None):
            with pytest.raises(NotSigned, match="signature_wrong"):
                check(form, headers, BODY, key, NOW)
    assert len(digests) == 4
    guessed = new(UNKNOWN_SECRET, BODY, hashlib.sha256).hexdigest()
    with pytest.raises(NotSigned, match="signature_wrong"):
        check(Form.GITHUB, {"x-hub-signature-256": f"sha256={guessed}"}, BODY, None, NOW)


def test_a_secret_as_standard_webhooks_writes_it() -> None:
    assert secret_bytes(b"whsec_" + base64.b64encode(KEY)) == KEY
    assert secret_bytes(b"whsec_not base64") == b"whsec_not base64"
    assert secret_bytes(KEY) == KEY


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(Form),
    st.text(st.characters(max_codepoint=255), max_size=80),
    st.text(st.characters(max_codepoint=255), max_size=40),
)
def test_rubbish_raises_one_error_only(form: Form, text: str, more: str) -> None:
    headers = {
        "webhook-id": more or "x",
        "webhook-timestamp": STAMP,
        "webhook-signature": text,
        "stripe-signature": text,
        "x-hub-signature-256": text,
        "idempotency-key": more,
    }
    with pytest.raises(NotSigned):
        check(form, headers, BODY, KEY, NOW)
