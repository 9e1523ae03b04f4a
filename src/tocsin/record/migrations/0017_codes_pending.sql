-- An approved version of a code table may come into force at a later time, until then be withdrawn.
ALTER TABLE ref.code_table ADD COLUMN pending_from timestamptz;
ALTER TABLE ref.code_table DROP CONSTRAINT code_table_state_check;
ALTER TABLE ref.code_table ADD CONSTRAINT code_table_state_check
    CHECK (state IN ('draft', 'dropped', 'pending', 'in_force', 'retired'));
ALTER TABLE ref.code_table DROP CONSTRAINT in_force_is_approved;
ALTER TABLE ref.code_table ADD CONSTRAINT in_force_is_approved CHECK (
    (state = 'pending') = (pending_from IS NOT NULL) AND CASE
        WHEN state = 'pending' THEN approved_by IS NOT NULL
        WHEN state IN ('in_force', 'retired')
            THEN in_force_from IS NOT NULL AND approved_by IS NOT NULL
        ELSE true END);
-- One that is to come for each agency and site.
CREATE UNIQUE INDEX code_table_pending ON ref.code_table (agency, site) NULLS NOT DISTINCT
    WHERE state = 'pending';

ALTER TABLE ref.code_change DROP CONSTRAINT code_change_act_check;
ALTER TABLE ref.code_change ADD CONSTRAINT code_change_act_check CHECK (act IN (
    'created', 'edited', 'tried', 'put_in_force', 'rolled_back', 'dropped',
    'scheduled', 'withdrawn', 'came_into_force'));

-- A version never becomes a draft again, unless it was withdrawn before it ever was in force; when
-- it came into force changes only when it comes into force.
CREATE OR REPLACE FUNCTION ref.code_table_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'draft' AND OLD.state <> 'draft'
        AND NOT (OLD.state = 'pending' AND OLD.in_force_from IS NULL)
    THEN
        RAISE EXCEPTION 'a version of a code table never becomes a draft again'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.in_force_from IS NOT NULL AND NEW.in_force_from IS DISTINCT FROM OLD.in_force_from
        AND NOT (OLD.state IN ('retired', 'pending') AND NEW.state = 'in_force'
            AND NEW.in_force_from IS NOT NULL)
    THEN
        RAISE EXCEPTION 'when a version of a code table came into force is never changed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'pending' AND NEW.state = 'pending' AND NEW.pending_from <> OLD.pending_from THEN
        RAISE EXCEPTION 'when a version is to come into force is not changed: it is withdrawn'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
