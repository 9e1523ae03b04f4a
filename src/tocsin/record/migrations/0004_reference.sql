-- What the desk knows beforehand: districts, agencies, stations, sites and their devices.

CREATE TABLE ref.district (
    code    text PRIMARY KEY,
    name_zh text NOT NULL,
    name_en text NOT NULL
);

CREATE TABLE ref.agency (
    code    text PRIMARY KEY,
    name_zh text NOT NULL,
    name_en text NOT NULL
);

CREATE TABLE ref.station (
    id       uuid PRIMARY KEY,
    name_zh  text NOT NULL,
    name_en  text NOT NULL,
    lat      double precision NOT NULL,
    lon      double precision NOT NULL,
    datum    text NOT NULL,
    district text NOT NULL,
    agency   text NOT NULL
);

CREATE TABLE ref.site (
    id         uuid PRIMARY KEY,
    code       text NOT NULL UNIQUE, -- the operator's own name for it, from the import
    name_zh    text NOT NULL,
    name_en    text NOT NULL,
    address    text NOT NULL,
    address_en text NOT NULL DEFAULT '',
    lat        double precision NOT NULL,
    lon        double precision NOT NULL,
    datum      text NOT NULL,
    district   text NOT NULL,
    agency     text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX site_of_district ON ref.site (district, id DESC);

CREATE TABLE ref.device (
    id         uuid PRIMARY KEY,
    site       uuid NOT NULL REFERENCES ref.site (id),
    protocol   text NOT NULL,
    account    text NOT NULL,
    key        bytea, -- nonce and AES-256-GCM of the device's key under the device master key
    interval_s integer CHECK (interval_s > 0),
    district   text NOT NULL,
    agency     text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT account_taken UNIQUE (protocol, account)
);
CREATE INDEX device_of_site ON ref.device (site);
