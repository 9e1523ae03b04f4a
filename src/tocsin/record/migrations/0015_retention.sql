-- What was heard is kept for a time, then goes day by day, one partition at a time.

-- The incidents that are open, and those that live on in one of them.
CREATE VIEW view.living AS
    WITH RECURSIVE living (id) AS (
        SELECT id FROM view.incident WHERE open
        UNION
        SELECT m.id FROM view.incident m JOIN living l ON l.id = substring(
            convert_from(m.row, 'UTF8') FROM '"merged_into":"([0-9a-f-]{36})"')::uuid
        WHERE m.state = 'merged'
    )
    SELECT id FROM living;

-- The days of what was heard, each with its bounds; the default partition is none of them.
CREATE VIEW heard.day AS
    SELECT c.oid, c.relname AS name, d.day, log.first_id(d.day) AS first_id,
        log.first_id(d.day + interval '1 day') AS end_id
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid,
    LATERAL (SELECT to_timestamp(substr(c.relname, 9) || '+00', 'YYYYMMDDTZH') AS day) d
    WHERE i.inhparent = 'heard.message'::regclass AND c.relname ~ '^message_\d{8}$';

-- Why the messages of a span of ids may not go yet: signals that nobody has judged, or were set
-- aside, or belong to an incident that is not over. NULL: they may.
CREATE FUNCTION heard.held_by(first_id uuid, end_id uuid) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN EXISTS (SELECT FROM heard.pending WHERE signal >= first_id AND signal < end_id)
            THEN 'waiting'
        WHEN EXISTS (SELECT FROM heard.quarantined WHERE signal >= first_id AND signal < end_id)
            THEN 'set_aside'
        WHEN EXISTS (
            SELECT FROM view.living l JOIN view.signal s ON s.incident = l.id
            WHERE s.id >= first_id AND s.id < end_id) THEN 'open_incident'
    END
$$;

-- Drops the oldest day that ended before `before` and is held by nothing; returns how many it
-- dropped, 0 or 1, so that whoever calls it commits between two. No day of the last 35 goes,
-- whoever asks: senders that name their messages repeat them for 30.
CREATE FUNCTION log.forget_messages(before timestamptz) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
    gone record;
BEGIN
    SELECT d.name, d.first_id, d.end_id INTO gone FROM heard.day d
    WHERE d.day + interval '1 day' <= least(before, now() - interval '35 days')
        AND heard.held_by(d.first_id, d.end_id) IS NULL
    ORDER BY d.day LIMIT 1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    DELETE FROM heard.further f WHERE f.message >= gone.first_id AND f.message < gone.end_id;
    DELETE FROM heard.rewrapped r WHERE r.message >= gone.first_id AND r.message < gone.end_id;
    -- In the order in which whoever sorts in and whoever judges takes them: then nobody writes to
    -- either, and what was found above is still so, or nothing is done.
    LOCK TABLE heard.message IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE heard.pending IN EXCLUSIVE MODE;
    IF heard.held_by(gone.first_id, gone.end_id) IS NOT NULL THEN
        RAISE lock_not_available;
    END IF;
    EXECUTE format('DROP TABLE heard.%I', gone.name);
    RETURN 1;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RETURN 0;
END $$;
