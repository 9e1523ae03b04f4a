-- The newest of what each way in refused, for whoever connects a panel that is not heard. No message:
-- nothing follows from it, and it is gone after an hour (record/refused.py).
CREATE TABLE heard.refused (
    id             uuid        PRIMARY KEY,
    at             timestamptz NOT NULL,
    intake         text        NOT NULL,
    source_address text        NOT NULL,
    network        text        NOT NULL, -- whose share it counts to
    reason         text        NOT NULL, -- as it is counted
    size           integer     NOT NULL, -- of what came, in bytes
    further        integer     NOT NULL, -- how many more were refused in this second
    district       text        NOT NULL,
    agency         text        NOT NULL,
    body           bytea       NOT NULL -- nonce and AES-256-GCM of its first 64 bytes
);
