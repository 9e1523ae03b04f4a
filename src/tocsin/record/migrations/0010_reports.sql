-- How the sender of a public report follows it: by a code of which only a keyed digest is here. Not
-- made from facts; a row goes some time after its incident was closed.

CREATE TABLE heard.report (
    code_digest  bytea       PRIMARY KEY CHECK (octet_length(code_digest) = 32),
    report       uuid        NOT NULL,
    incident     uuid        NOT NULL,
    received_at  timestamptz NOT NULL,
    collected    boolean     NOT NULL, -- joined a collecting card
    content      bytea       NOT NULL, -- keyed digest of what was sent: sent again, or something else
    additions    smallint    NOT NULL DEFAULT 0 CONSTRAINT additions_max CHECK (additions <= 10),
    withdrawn_at timestamptz
) WITH (fillfactor = 90);
CREATE INDEX report_of_incident ON heard.report (incident);
