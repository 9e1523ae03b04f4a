-- Ways in that Tocsin goes to itself: feeds of warnings that are polled, brokers of sites that it is
-- a client of. Written by the edge when something changes, and once a minute (record/fetching.py).
CREATE TABLE ref.fetched (
    intake            text        NOT NULL, -- cap: a feed; mqtt: a broker
    name              text        NOT NULL, -- in the configuration
    address           text        NOT NULL, -- where it is, without anything that could be a secret
    is_tls            boolean     NOT NULL,
    checks_signatures boolean     NOT NULL,
    state             text        NOT NULL CHECK (state IN ('waiting', 'good', 'failing')),
    good_at           timestamptz,          -- last
    failing_since     timestamptz,
    problem           text        NOT NULL, -- as it is counted
    noted_at          timestamptz NOT NULL, -- the edge is alive
    PRIMARY KEY (intake, name),
    CONSTRAINT failing_since_then CHECK ((state = 'failing') = (failing_since IS NOT NULL))
) WITH (fillfactor = 50);
