-- Warnings to the public: drafts, and the documents that went out, which are never changed.

CREATE TABLE ref.warning (
    id            uuid        PRIMARY KEY,
    agency        text        NOT NULL,
    district      text        NOT NULL,
    incident      uuid        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('Alert', 'Update', 'Cancel')),
    refers_to     uuid        REFERENCES ref.warning (id),
    state         text        NOT NULL CHECK (state IN ('draft', 'dropped', 'published')),
    content       bytea       NOT NULL, -- JSON of core.warnings.Content
    edits         integer     NOT NULL DEFAULT 1,
    written_by    text        NOT NULL, -- who wrote it last, who may not approve it
    written_name  text        NOT NULL,
    written_at    timestamptz NOT NULL,
    approved_by   text,
    approved_name text,
    sent_at       timestamptz,
    expires_at    timestamptz,
    document      bytea, -- CAP 1.2 as it was published
    CONSTRAINT refers_if_it_must CHECK ((kind = 'Alert') = (refers_to IS NULL)),
    CONSTRAINT published_is_whole CHECK ((state = 'published') = (document IS NOT NULL)
        AND (state <> 'published' OR (approved_by IS NOT NULL AND approved_by <> written_by
            AND approved_name IS NOT NULL AND sent_at IS NOT NULL AND expires_at IS NOT NULL)))
);
CREATE INDEX warning_newest ON ref.warning (agency, written_at DESC);
CREATE INDEX warning_listed ON ref.warning (expires_at) WHERE state = 'published';
-- What was published is updated or cancelled by one message at a time.
CREATE UNIQUE INDEX warning_followed ON ref.warning (refers_to) WHERE state <> 'dropped';

CREATE FUNCTION ref.warning_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' THEN
        RAISE EXCEPTION 'a warning that was published or dropped is never changed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER warning_stands BEFORE UPDATE ON ref.warning
    FOR EACH ROW EXECUTE FUNCTION ref.warning_stands();

-- Who did what to which warning, and what it said then.
CREATE TABLE ref.warning_act (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    warning uuid        NOT NULL REFERENCES ref.warning (id),
    at      timestamptz NOT NULL,
    by      text        NOT NULL,
    by_name text        NOT NULL,
    act     text        NOT NULL CHECK (act IN ('written', 'edited', 'dropped', 'published')),
    content bytea       NOT NULL
);
CREATE INDEX warning_act_of ON ref.warning_act (warning, id);
