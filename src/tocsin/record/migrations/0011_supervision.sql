-- Supervision: who is silent, since when, and in which spans of time each way in could hear at all.

-- A way in was hearing from `began_at` to `until_at`, and all that it had heard by then is written.
-- Time outside of these spans is nobody's silence.
CREATE TABLE ref.hearing (
    intake   text        NOT NULL,
    began_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL,
    PRIMARY KEY (intake, began_at)
) WITH (fillfactor = 50);

-- Many devices of one way in that fell silent together: one card for all of them.
CREATE TABLE ref.outage (
    id        uuid        PRIMARY KEY, -- of the signal that told of it
    intake    text        NOT NULL,
    district  text        NOT NULL,
    agency    text        NOT NULL,
    began_at  timestamptz NOT NULL, -- when the first of its devices was last heard
    told_at   timestamptz NOT NULL, -- when a signal last said how many they are
    joined_at timestamptz NOT NULL, -- when the last device was taken in
    told      integer     NOT NULL, -- how many were silent, as the last signal said
    ended_at  timestamptz
);
CREATE UNIQUE INDEX outage_open ON ref.outage (intake, district, agency) WHERE ended_at IS NULL;

-- Devices that are silent now, each told of by a signal of its own or by its outage.
CREATE TABLE ref.silence (
    device       uuid        PRIMARY KEY,
    last_seen_at timestamptz NOT NULL,
    told_at      timestamptz NOT NULL,
    outage       uuid,
    singly       boolean     NOT NULL DEFAULT false -- a signal of its own told of it
);
CREATE INDEX silence_of_outage ON ref.silence (outage) WHERE outage IS NOT NULL;

-- A signal whose judging failed comes again after a while.
ALTER TABLE heard.pending ADD COLUMN failed_at timestamptz;

CREATE INDEX device_changed ON ref.device (changed_at);
-- Since when a device is expected to report: a device that never did counts from then.
ALTER TABLE ref.device ADD COLUMN supervised_since timestamptz NOT NULL DEFAULT now();
