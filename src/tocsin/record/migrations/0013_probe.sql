-- The built-in probe: what listens where, and how the last test alarm through each way in fared.

-- Written by each process when it has opened its sockets; `host` is the machine's name.
CREATE TABLE ref.listening (
    host    text        NOT NULL,
    process text        NOT NULL,
    intake  text        NOT NULL, -- dc09, mqtt, ..., web
    over    text        NOT NULL, -- tcp, udp, tls, http, https
    bound   text        NOT NULL, -- the network address
    port    integer     NOT NULL,
    since   timestamptz NOT NULL,
    PRIMARY KEY (host, process, intake, over, bound, port)
);

-- One row for each socket or page that is probed, and the last test alarm that was sent there.
CREATE TABLE ref.probe (
    intake          text        PRIMARY KEY, -- dc09.tcp, mqtt.tls, call, ...
    skipped         text        NOT NULL DEFAULT '', -- why none is sent there
    account         text        NOT NULL DEFAULT '', -- of the last one: it holds the nonce
    source          text        NOT NULL DEFAULT '', -- the address that it is heard from
    sent_at         timestamptz,
    reached_at      timestamptz,
    acknowledged_at timestamptz,
    recorded_at     timestamptz,
    judged_at       timestamptz,
    settled_at      timestamptz, -- it was looked at, and counted as one that arrived or was missed
    counted_at      timestamptz, -- the same of this one or the one before: the probe is alive
    why             text        NOT NULL DEFAULT '', -- what the system said where it failed
    arrived_at      timestamptz, -- the last that arrived was settled then
    misses          integer     NOT NULL DEFAULT 0,
    stage           text,
    since           timestamptz,
    incident        uuid,
    is_restored     boolean     NOT NULL DEFAULT false
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX probe_account ON ref.probe (account) WHERE account <> '';

-- Test alarms that were sent and have not come to where they are known again, however long ago:
-- what waits for `work` must not be taken for an unknown source's. Each is expected once.
CREATE TABLE ref.probe_expected (
    account text        PRIMARY KEY,
    intake  text        NOT NULL,
    source  text        NOT NULL,
    sent_at timestamptz NOT NULL
);
