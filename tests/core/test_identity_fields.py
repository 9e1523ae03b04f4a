"""Which names identify somebody, as senders in the field spell them."""

import pytest

from tocsin.core.identity_fields import PERSONS, SECRETS, is_identity


@pytest.mark.parametrize(
    "name",
    [
        *(*SECRETS, *PERSONS),
        *("sub_label", "sub_labels", "subLabel", "SubLabels", "sublabel", "sublabels"),
        *("plate", "plates", "license_plate", "licensePlateNumber", "license-plate-number"),
        *("recognized_plate", "recognizedPlates", "recognized_license_plate", "PLATE_TEXT"),
        *("face", "faces", "face_name", "knownFaces", "person_name", "personNames"),
        *("pin", "PIN", "user_pin", "PINCode", "pin2", "pincodes", "passCode", "usercodes"),
        *("password", "wifi_password", "imsi", "IMEI", "device_imei", "msisdns", "MSISDN"),
        *(
            "phone",
            "driver_phone",
            "phoneNumbers",
            "phone.no",
            "caller_id",
            "callerID",
            "caller-ids",
        ),
        *("card", "cards", "card_number", "cardNo", "id_card", "idCardNumber", "passport_no"),
        *("fingerprints", "biometric_template", "VIN", "车牌号", "联系电话", "身份证号"),
        "x" * 80 + "_plate",
    ],
)
def test_names_that_identify_somebody(name: str) -> None:
    assert is_identity(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "code",
            "label",
            "labels",
            "text",
            "zone",
            "state",
            "surface",
            "template",
            "spinning",
        ),
        *("id", "name", "number", "device", "sd_card_state", "mobile_signal", "hotel", "telemetry"),
        *(
            "access",
            "user",
            "action",
            "interface",
            "person",
            "identity",
            "district",
            "区域",
            "discard",
        ),
    ],
)
def test_names_that_do_not(name: str) -> None:
    assert not is_identity(name)
