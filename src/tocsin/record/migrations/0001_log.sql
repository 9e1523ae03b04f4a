-- The log: facts, their order, and what `handle` needs beside them.

CREATE SCHEMA log;

CREATE TABLE log.fact (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject      uuid        NOT NULL,
    subject_kind text        NOT NULL,
    version      bigint      NOT NULL CHECK (version > 0),
    kind         text        NOT NULL,
    kind_version integer     NOT NULL,
    recorded_at  timestamptz NOT NULL,
    district     text        NOT NULL,
    agency       text        NOT NULL,
    actor        text        NOT NULL,
    actor_name   text        NOT NULL,
    incident     uuid,
    command      uuid        NOT NULL,
    body         bytea       NOT NULL, -- canonical JSON: keys sorted, no spaces, UTF-8
    salt         bytea       NOT NULL CHECK (octet_length(salt) = 32),
    sealed       bytea,                -- nonce and AES-256-GCM of the personal fields
    UNIQUE (subject, version)
);
CREATE INDEX fact_of_incident ON log.fact (incident, id) WHERE incident IS NOT NULL;

-- Facts are never changed, not even by the owner by mistake.
CREATE FUNCTION log.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, TG_OP;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.fact
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();

-- The order of the log: one writer (the sequencer), no gaps. An id says nothing about commits.
CREATE TABLE log.position (
    position bigint PRIMARY KEY CHECK (position > 0),
    fact     bigint NOT NULL UNIQUE
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.position
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();

-- Committed facts that wait for their position.
CREATE TABLE log.pending (
    fact bigint PRIMARY KEY
);

-- The present state of each subject: what a command locks and decides on. Rebuilt from facts.
CREATE TABLE log.head (
    subject  uuid   PRIMARY KEY,
    kind     text   NOT NULL,
    version  bigint NOT NULL,
    state    bytea  NOT NULL,
    district text   NOT NULL,
    agency   text   NOT NULL
) WITH (fillfactor = 70);

-- Idempotency keys with their outcome (subject and version of each fact); kept 30 days. A caller's
-- begins with `api:` and who it is; our own processes' keys never do.
CREATE TABLE log.command (
    key       text        PRIMARY KEY,
    id        uuid        NOT NULL,
    actor     text        NOT NULL,
    body_hash bytea       NOT NULL, -- HMAC under a key outside the database
    outcome   bytea       NOT NULL,
    at        timestamptz NOT NULL
);
CREATE INDEX command_at ON log.command USING brin (at);

-- Deadlines. `ring_at` is `due_at` until a clock has claimed it; then when to try again.
CREATE TABLE log.due (
    subject uuid        PRIMARY KEY,
    kind    text        NOT NULL,
    due_at  timestamptz NOT NULL,
    ring_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX due_ring_at ON log.due (ring_at);

-- The last incident number of each agency, without gaps: on a desk of several districts a number
-- names one incident.
CREATE TABLE log.number (
    agency text   PRIMARY KEY,
    last   bigint NOT NULL
);

-- How far each of our own followers has come.
CREATE TABLE log.cursor (
    name     text   PRIMARY KEY,
    position bigint NOT NULL
);

-- Facts whose reaction failed: tried again, and after five failures set aside for a person.
CREATE TABLE log.reaction_waiting (
    position bigint      PRIMARY KEY,
    failures smallint    NOT NULL,
    error    text        NOT NULL,
    at       timestamptz NOT NULL
);
