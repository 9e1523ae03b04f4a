-- What codes mean where it differs from the built-in tables: for a whole agency, or for one site.

-- One row per version. Versions are numbered through all agencies and sites, so that a number in a
-- fact names one table for ever.
CREATE TABLE ref.code_table (
    version       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency        text        NOT NULL,
    site          uuid        REFERENCES ref.site (id), -- NULL: the whole agency
    state         text        NOT NULL CHECK (state IN ('draft', 'dropped', 'in_force', 'retired')),
    note          text        NOT NULL DEFAULT '',
    created_by    text        NOT NULL,
    created_at    timestamptz NOT NULL,
    edits         integer     NOT NULL DEFAULT 0,
    tried_edits   integer, -- how many edits it had when it was last tried
    in_force_from timestamptz,
    approved_by   text,
    CONSTRAINT in_force_is_approved
        CHECK (state IN ('draft', 'dropped') OR (in_force_from IS NOT NULL AND approved_by IS NOT NULL))
);
-- One draft and one version in force for each agency and site.
CREATE UNIQUE INDEX code_table_one ON ref.code_table (agency, site, state) NULLS NOT DISTINCT
    WHERE state IN ('draft', 'in_force');

CREATE TABLE ref.code_override (
    version      integer  NOT NULL REFERENCES ref.code_table (version),
    list         text     NOT NULL CHECK (list IN ('sia', 'cid')),
    code         text     NOT NULL,
    qualifier    text     NOT NULL CHECK (qualifier IN ('', '1', '3', '6')), -- '': each
    zone_from    integer, -- both NULL: every zone
    zone_to      integer,
    effect       text     NOT NULL CHECK (effect IN ('alarm', 'trouble', 'restore', 'test', 'status')),
    type         text     NOT NULL,
    level        smallint NOT NULL CHECK (level BETWEEN 1 AND 4),
    text_zh      text     NOT NULL DEFAULT '', -- '': the built-in text
    text_en      text     NOT NULL DEFAULT '',
    needs_answer boolean  NOT NULL,
    CONSTRAINT zones CHECK ((zone_from IS NULL) = (zone_to IS NULL) AND zone_from <= zone_to),
    UNIQUE NULLS NOT DISTINCT (version, list, code, qualifier, zone_from)
);

-- What has once been in force is never changed: history is explained by it.
CREATE FUNCTION ref.code_override_is_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM ref.code_table
        WHERE state <> 'draft' AND version IN (
            CASE WHEN TG_OP <> 'INSERT' THEN OLD.version END,
            CASE WHEN TG_OP <> 'DELETE' THEN NEW.version END)
    ) THEN
        RAISE EXCEPTION 'only a draft of a code table can be changed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER code_override_is_draft BEFORE INSERT OR UPDATE OR DELETE ON ref.code_override
    FOR EACH ROW EXECUTE FUNCTION ref.code_override_is_draft();

-- A version never becomes a draft again; when it came into force changes only when a retired one
-- comes into force once more.
CREATE FUNCTION ref.code_table_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'draft' AND OLD.state <> 'draft' THEN
        RAISE EXCEPTION 'a version of a code table never becomes a draft again'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.in_force_from IS NOT NULL AND NEW.in_force_from IS DISTINCT FROM OLD.in_force_from
        AND NOT (OLD.state = 'retired' AND NEW.state = 'in_force' AND NEW.in_force_from IS NOT NULL)
    THEN
        RAISE EXCEPTION 'when a version of a code table came into force is never changed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER code_table_goes_on BEFORE UPDATE ON ref.code_table
    FOR EACH ROW EXECUTE FUNCTION ref.code_table_goes_on();

-- Who did what to which version, when and why. Its greatest id also says whether a copy is current.
CREATE TABLE ref.code_change (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version integer     NOT NULL REFERENCES ref.code_table (version),
    at      timestamptz NOT NULL,
    by      text        NOT NULL,
    by_name text        NOT NULL,
    act     text        NOT NULL
        CHECK (act IN ('created', 'edited', 'tried', 'put_in_force', 'rolled_back', 'dropped')),
    reason  text        NOT NULL DEFAULT '',
    silences text       NOT NULL DEFAULT '', -- why an alarm may open no incident any more
    detail  jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX code_change_of_version ON ref.code_change (version, id);
