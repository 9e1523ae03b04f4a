-- What the desk knows beforehand about a site's devices and what to do there; who may be told; what
-- is on test; who looked at what is kept closed.

ALTER TABLE ref.device ADD COLUMN dialect text NOT NULL DEFAULT '';

-- Zones and partitions are a device's: two panels of a site may each have a zone 1.
CREATE TABLE ref.partition (
    id       uuid PRIMARY KEY,
    device   uuid NOT NULL REFERENCES ref.device (id) ON DELETE CASCADE,
    number   text NOT NULL,
    name_zh  text NOT NULL,
    name_en  text NOT NULL,
    CONSTRAINT partition_of_device UNIQUE (device, number)
);

CREATE TABLE ref.zone (
    id        uuid PRIMARY KEY,
    device    uuid NOT NULL REFERENCES ref.device (id) ON DELETE CASCADE,
    number    text NOT NULL, -- without leading zeros
    partition text NOT NULL DEFAULT '',
    name_zh   text NOT NULL,
    name_en   text NOT NULL,
    kind      text NOT NULL,
    location  text NOT NULL DEFAULT '',
    delay     text NOT NULL DEFAULT '',
    CONSTRAINT zone_of_device UNIQUE (device, number)
);

-- Whom to call at a site. Who that is stands in `sealed` only, under a key outside the database:
-- nobody can be searched for here. Gone after `valid_until`.
CREATE TABLE ref.contact (
    id          uuid PRIMARY KEY,
    site        uuid NOT NULL REFERENCES ref.site (id) ON DELETE CASCADE,
    place       smallint NOT NULL, -- 1 is called first
    valid_until date,
    sealed      bytea NOT NULL -- nonce and AES-256-GCM of name, role, telephone, language
);
CREATE INDEX contact_of_site ON ref.contact (site, place);

-- What to do, in order: at the site, or for one zone of it.
CREATE TABLE ref.step (
    id      uuid PRIMARY KEY,
    site    uuid NOT NULL REFERENCES ref.site (id) ON DELETE CASCADE,
    zone    uuid REFERENCES ref.zone (id) ON DELETE CASCADE, -- NULL: for the whole site
    place   smallint NOT NULL,
    text_zh text NOT NULL,
    text_en text NOT NULL
);
CREATE INDEX step_of_site ON ref.step (site, place);
CREATE INDEX step_of_zone ON ref.step (zone) WHERE zone IS NOT NULL;

-- What is on test, from facts; `row` is the JSON that the API ships.
CREATE TABLE view.on_test (
    id       uuid        PRIMARY KEY,
    version  bigint      NOT NULL,
    district text        NOT NULL,
    agency   text        NOT NULL,
    site     uuid        NOT NULL,
    device   uuid,
    open     boolean     NOT NULL,
    until    timestamptz NOT NULL,
    row      bytea       NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX on_test_of_site ON view.on_test (site) WHERE open;
CREATE INDEX on_test_newest ON view.on_test (id DESC) WHERE open;

-- Who looked at what is kept closed (contacts, keys, what unknown senders say), when and why.
CREATE TABLE log.looked (
    id         uuid        PRIMARY KEY,
    at         timestamptz NOT NULL,
    actor      text        NOT NULL,
    actor_name text        NOT NULL,
    what       text        NOT NULL,
    about      text        NOT NULL, -- the id or code of what was looked at
    district   text        NOT NULL,
    agency     text        NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.looked
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
