-- How many panels have been under this account: set one higher when another key, dialect or site is
-- given, or when somebody says so. What was learnt of an earlier one holds no longer.
ALTER TABLE ref.device ADD COLUMN panel integer NOT NULL DEFAULT 0;

-- What a way in has found out about a device from what it sends (record/learnt.py). Written when it
-- changes; no row where there is nothing out of the ordinary.
CREATE TABLE ref.learnt (
    device        uuid        PRIMARY KEY REFERENCES ref.device (id) ON DELETE CASCADE,
    panel         integer     NOT NULL, -- of which one
    dialects      text        NOT NULL, -- forms that it was heard to speak, ; between them
    turn          smallint    NOT NULL, -- which of the forms of an answer it takes
    clock_ahead_s integer,              -- of GMT, what its clock shows; NULL: GMT, or not known
    clock_since   timestamptz,          -- when that was found
    changed_at    timestamptz NOT NULL,
    CONSTRAINT clock_known_since CHECK ((clock_ahead_s IS NULL) = (clock_since IS NULL))
);
