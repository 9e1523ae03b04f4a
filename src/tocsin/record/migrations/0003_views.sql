-- Read tables: written from facts, never back; dropped and replayed by `tocsin rebuild`.
-- Typed columns are what is filtered and sorted by; `row` is the JSON that the API ships.

CREATE SCHEMA view;

CREATE TABLE view.incident (
    id             uuid        PRIMARY KEY,
    version        bigint      NOT NULL,
    district       text        NOT NULL,
    agency         text        NOT NULL,
    number         bigint      NOT NULL,
    state          text        NOT NULL,
    open           boolean     NOT NULL,
    type           text        NOT NULL,
    level          smallint    NOT NULL,
    opened_at      timestamptz NOT NULL,
    closed_at      timestamptz,
    site           uuid,
    watch          boolean     NOT NULL,
    source_key     text        NOT NULL,
    source_address text        NOT NULL,
    lat            double precision,
    lon            double precision,
    row            bytea       NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX incident_newest ON view.incident (opened_at DESC, id DESC);
CREATE INDEX incident_open ON view.incident (opened_at DESC, id DESC) WHERE open;
CREATE INDEX incident_closed ON view.incident (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX incident_of_site ON view.incident (site, opened_at DESC)
    WHERE site IS NOT NULL AND (open OR state = 'merged');
CREATE INDEX incident_of_source ON view.incident (source_key) WHERE open AND source_key <> '';
CREATE INDEX incident_of_address ON view.incident (source_address)
    WHERE open AND source_address <> '';
CREATE INDEX incident_place ON view.incident (lat, lon) WHERE open AND lat IS NOT NULL;

CREATE TABLE view."order" (
    id       uuid        PRIMARY KEY,
    version  bigint      NOT NULL,
    district text        NOT NULL,
    agency   text        NOT NULL,
    incident uuid        NOT NULL,
    unit     uuid        NOT NULL,
    state    text        NOT NULL,
    active   boolean     NOT NULL,
    given_at timestamptz NOT NULL,
    row      bytea       NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX order_newest ON view."order" (given_at DESC, id DESC);
CREATE INDEX order_of_incident ON view."order" (incident);
CREATE INDEX order_of_unit ON view."order" (unit, given_at DESC);
CREATE INDEX order_active ON view."order" (unit) WHERE active;

CREATE TABLE view.unit (
    id        uuid   PRIMARY KEY,
    version   bigint NOT NULL,
    district  text   NOT NULL,
    agency    text   NOT NULL,
    call_sign text   NOT NULL,
    kind      text   NOT NULL,
    state     text   NOT NULL,
    incident  uuid,
    "order"   uuid,
    station   uuid   NOT NULL,
    row       bytea  NOT NULL,
    CONSTRAINT call_sign_taken UNIQUE (agency, call_sign)
) WITH (fillfactor = 70);

CREATE TABLE view.signal (
    id       uuid   PRIMARY KEY,
    version  bigint NOT NULL,
    district text   NOT NULL,
    agency   text   NOT NULL,
    verdict  text   NOT NULL,
    incident uuid,
    row      bytea  NOT NULL
);
CREATE INDEX signal_of_incident ON view.signal (incident, id DESC) WHERE incident IS NOT NULL;
