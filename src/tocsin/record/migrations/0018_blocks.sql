-- Block rules, from facts; `row` is the JSON that the API ships. Drafts are open too.
CREATE TABLE view.block (
    id       uuid        PRIMARY KEY,
    version  bigint      NOT NULL,
    district text        NOT NULL,
    agency   text        NOT NULL,
    open     boolean     NOT NULL,
    in_force boolean     NOT NULL,
    until    timestamptz NOT NULL,
    row      bytea       NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX block_open ON view.block (id DESC) WHERE open;
