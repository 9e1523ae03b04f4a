-- Which alerts of which source have been heard (CAP), so that each is heard once, also after a
-- restart, and so that one whose time is over is said to be over.

CREATE TABLE ref.cap_alert (
    key        bytea       PRIMARY KEY, -- digest of source, assurance, sender, identifier, sent
    source     text        NOT NULL,    -- the configured feed, or the inbox
    account    text        NOT NULL,    -- the alert's sender: a service, no person
    code       text        NOT NULL,    -- its category
    level      smallint,
    assurance  text        NOT NULL,
    expires_at timestamptz,             -- NULL: never, or it is over already
    listed_at  timestamptz NOT NULL     -- when its source was last seen to have it
);
CREATE INDEX cap_alert_of_source ON ref.cap_alert (source);
CREATE INDEX cap_alert_to_expire ON ref.cap_alert (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX cap_alert_to_forget ON ref.cap_alert (listed_at);
