-- What was heard, kept before the sender is answered; and the signals read from it.

CREATE SCHEMA heard;

-- Ids are UUID v7 made of `received_at`, so an id finds its partition.
CREATE TABLE heard.message (
    id             uuid        NOT NULL,
    received_at    timestamptz NOT NULL,
    intake         text        NOT NULL,
    protocol       text        NOT NULL,
    source_address text        NOT NULL,
    wrapped_key    bytea       NOT NULL, -- epoch, nonce and the message's key under the epoch's
    body           bytea       NOT NULL, -- nonce and AES-256-GCM of the bytes as they came
    answer         text        NOT NULL,
    problem        text,
    repeat_key     bytea,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
CREATE TABLE heard.message_default PARTITION OF heard.message DEFAULT;

CREATE TABLE heard.signal (
    id          uuid        PRIMARY KEY,
    message     uuid        NOT NULL,
    received_at timestamptz NOT NULL,
    district    text        NOT NULL,
    agency      text        NOT NULL,
    device      uuid,
    site        uuid,
    assurance   text        NOT NULL,
    repeat_of   uuid,
    read        bytea       NOT NULL, -- JSON of the SignalRead without its text
    text        bytea                 -- nonce and AES-256-GCM of its text under the message's key
);
CREATE INDEX signal_of_district ON heard.signal (district, id DESC);
CREATE INDEX signal_of_device ON heard.signal (device, id DESC) WHERE device IS NOT NULL;

-- One message with its first signal, and a further signal of one, as rows of a batch travel.
CREATE TYPE heard.given AS (
    id             uuid,
    received_at    timestamptz,
    intake         text,
    protocol       text,
    source_address text,
    wrapped_key    bytea,
    body           bytea,
    answer         text,
    problem        text,
    repeat_key     bytea,
    district       text,
    agency         text,
    device         uuid,
    site           uuid,
    assurance      text,
    repeat_of      uuid,
    read           bytea,
    text           bytea
);
CREATE TYPE heard.further AS (
    signal    uuid,
    message   uuid,
    repeat_of uuid,
    read      bytea,
    text      bytea
);

-- The message's key again, under the key of the incident that a signal of it joined.
CREATE TABLE heard.rewrapped (
    message     uuid        NOT NULL,
    incident    uuid        NOT NULL,
    wrapped_key bytea       NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (message, incident)
);

-- Signals that nobody has judged yet. Each sender has a queue of its own, so that a flood from one
-- delays nobody else: a known device its id (also when it reports on two ways), else the address.
CREATE TABLE heard.pending (
    signal   uuid     PRIMARY KEY,
    known    boolean  NOT NULL,
    queue    text     NOT NULL,
    failures smallint NOT NULL DEFAULT 0,
    error    text
) WITH (fillfactor = 90);
CREATE INDEX pending_of_known ON heard.pending (signal) INCLUDE (queue) WHERE known;
CREATE INDEX pending_of_unknown ON heard.pending (queue, signal) WHERE NOT known;

-- Signals whose judging failed again and again: set aside for a person, never forgotten.
CREATE TABLE heard.quarantined (
    signal   uuid        PRIMARY KEY,
    at       timestamptz NOT NULL,
    failures smallint    NOT NULL,
    error    text        NOT NULL
);

-- The counters of each intake: what it took, what it turned away, and why.
CREATE SCHEMA ref;
CREATE TABLE ref.intake_counter (
    name    text        PRIMARY KEY,
    value   bigint      NOT NULL,
    last_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- When each device was last heard, and how many supervision polls it sent.
CREATE TABLE ref.seen (
    device       uuid        PRIMARY KEY,
    last_seen_at timestamptz NOT NULL,
    polls        bigint      NOT NULL
) WITH (fillfactor = 50);
