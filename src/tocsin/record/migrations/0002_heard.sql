-- What was heard: as it was kept before its sender was answered, and as it is sorted in; and the
-- signals read from it.

CREATE SCHEMA heard;

-- One row per message, with the first signal read from it: nearly every message has just one. Ids
-- are UUID v7 made from that of the commit, so an id finds its partition.
CREATE TABLE heard.message (
    id             uuid        PRIMARY KEY,
    received_at    timestamptz NOT NULL,
    intake         text        NOT NULL,
    protocol       text        NOT NULL,
    source_address text        NOT NULL,
    body           bytea       NOT NULL, -- nonce and AES-256-GCM of the bytes as they came
    answer         text        NOT NULL,
    problem        text,
    repeat_key     bytea,
    district       text        NOT NULL,
    agency         text        NOT NULL,
    device         uuid,
    site           uuid,
    assurance      text        NOT NULL,
    repeat_of      uuid,
    read           bytea       NOT NULL, -- JSON of the first SignalRead without its text
    text           bytea  -- nonce and AES-256-GCM of its text under the message's key
) PARTITION BY RANGE (id);
CREATE TABLE heard.message_default PARTITION OF heard.message DEFAULT;
CREATE INDEX message_of_district ON heard.message (district, id DESC);
CREATE INDEX message_of_device ON heard.message (device, id DESC) WHERE device IS NOT NULL;
CREATE INDEX message_of_site ON heard.message (site, id DESC) WHERE site IS NOT NULL;
-- What a message may repeat, found when it is sorted in.
CREATE INDEX message_of_repeat ON heard.message (repeat_key)
    WHERE repeat_key IS NOT NULL AND repeat_of IS NULL;

-- The second and further signals of a message.
CREATE TABLE heard.further (
    id          uuid        PRIMARY KEY,
    message     uuid        NOT NULL,
    received_at timestamptz NOT NULL,
    intake      text        NOT NULL,
    protocol    text        NOT NULL,
    source_address text    NOT NULL,
    problem     text,
    district    text        NOT NULL,
    agency      text        NOT NULL,
    device      uuid,
    site        uuid,
    assurance   text        NOT NULL,
    repeat_of   uuid,
    read        bytea       NOT NULL,
    text        bytea
);
CREATE INDEX further_of_district ON heard.further (district, id DESC);
CREATE INDEX further_of_device ON heard.further (device, id DESC) WHERE device IS NOT NULL;
CREATE INDEX further_of_site ON heard.further (site, id DESC) WHERE site IS NOT NULL;
CREATE INDEX further_of_message ON heard.further (message);

-- Without a condition, so that it is read through the indexes of both.
CREATE VIEW heard.signal AS
    SELECT id, id AS message, received_at, intake, protocol, source_address, problem, district,
        agency, device, site, assurance, repeat_of, read, text
    FROM heard.message
    UNION ALL
    SELECT id, message, received_at, intake, protocol, source_address, problem, district,
        agency, device, site, assurance, repeat_of, read, text
    FROM heard.further;

-- The message's key again, under the key of the incident that a signal of it joined.
CREATE TABLE heard.rewrapped (
    message     uuid        NOT NULL,
    incident    uuid        NOT NULL,
    wrapped_key bytea       NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (message, incident)
);

-- What an intake has committed, as it committed it: one row for each lane of a commit. `tocsin work`
-- sorts its messages into the tables above and their signals into `pending`, lane by lane.
CREATE TABLE heard.arrived (
    lane      smallint    NOT NULL, -- 0 known devices, 1 unknown sources, 2 floods, 3 set aside
    id        uuid        NOT NULL,
    messages  integer     NOT NULL,
    oldest_at timestamptz NOT NULL, -- when the first of them was received
    body      bytea       NOT NULL, -- nonce and AES-256-GCM of the messages, packed
    PRIMARY KEY (lane, id)
);
ALTER TABLE heard.arrived ALTER COLUMN body SET STORAGE EXTERNAL; -- what is sealed does not shrink

-- Signals that nobody has judged yet. Each sender has a queue of its own, so that a flood from one
-- delays nobody else: a known device its id (also when it reports on two ways), else the address.
CREATE TABLE heard.pending (
    signal   uuid     PRIMARY KEY,
    known    boolean  NOT NULL,
    queue    text     NOT NULL,
    failures smallint NOT NULL DEFAULT 0,
    error    text
) WITH (fillfactor = 90);
CREATE INDEX pending_of_known ON heard.pending (queue, signal) WHERE known;
CREATE INDEX pending_of_unknown ON heard.pending (queue, signal) WHERE NOT known;
CREATE INDEX pending_known ON heard.pending (signal) INCLUDE (queue) WHERE known;
CREATE INDEX pending_unknown ON heard.pending (signal) INCLUDE (queue) WHERE NOT known;

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
