-- Where callers were, as their networks said (AML): sealed, without anything that names or tells
-- again a phone, and gone after an hour. What an incident uses as evidence is sealed under its key.

CREATE TABLE heard.call_place (
    id          uuid        PRIMARY KEY, -- UUID v7
    received_at timestamptz NOT NULL,
    district    text        NOT NULL,
    agency      text        NOT NULL,
    assurance   text        NOT NULL,
    repeat_key  bytea       NOT NULL UNIQUE, -- HMAC of the place itself, under a key outside of here
    sealed      bytea       NOT NULL, -- nonce and AES-256-GCM of place and message
    incident    uuid                  -- whose key it is sealed under; NULL: under the day's
);
CREATE INDEX call_place_to_forget ON heard.call_place (received_at) WHERE incident IS NULL;
CREATE INDEX call_place_of_agency ON heard.call_place (agency, received_at DESC);
