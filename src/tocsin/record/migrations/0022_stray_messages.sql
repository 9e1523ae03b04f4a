-- What fell into the default partition of messages, since no day of its own was there: a clock that
-- jumped, or a clock process that was away. It leaves in its time as the other days do, row by row.

-- The moment in an id (UUID v7).
CREATE FUNCTION log.time_of(id uuid) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_timestamp(
        ('x0000' || substr(replace(id::text, '-', ''), 1, 12))::bit(64)::bigint / 1000.0)
$$;

CREATE VIEW heard.stray AS SELECT id FROM heard.message_default;

-- Its days (UTC), each with its bounds; the first 1000. Found by stepping through the key.
CREATE VIEW heard.stray_day AS
    WITH RECURSIVE step (place, day) AS (
        SELECT 1, date_trunc('day', log.time_of(
            (SELECT id FROM heard.message_default ORDER BY id LIMIT 1)), 'UTC')
        UNION ALL
        SELECT place + 1, date_trunc('day', log.time_of(
            (SELECT m.id FROM heard.message_default m
             WHERE m.id >= log.first_id(step.day + interval '1 day') ORDER BY m.id LIMIT 1)), 'UTC')
        FROM step WHERE day < '9999-01-01' AND place <= 1000
    )
    SELECT day, log.first_id(day) AS first_id, log.first_id(day + interval '1 day') AS end_id
    FROM step WHERE day IS NOT NULL AND place <= 1000;

-- Removes rows of the oldest of those days that ended before `before` and is held by nothing, at
-- most `limit_to` of them; returns how many. No day of the last 35 goes, whoever asks.
CREATE FUNCTION log.forget_stray_messages(before timestamptz, limit_to integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
    gone record;
    went integer;
BEGIN
    SELECT d.first_id, d.end_id INTO gone FROM heard.stray_day d
    WHERE d.day + interval '1 day' <= least(before, now() - interval '35 days')
        AND heard.held_by(d.first_id, d.end_id) IS NULL
    ORDER BY d.day LIMIT 1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- In the order in which whoever sorts in takes them. Reading goes on.
    LOCK TABLE heard.message_default IN EXCLUSIVE MODE;
    LOCK TABLE heard.pending IN EXCLUSIVE MODE;
    IF heard.held_by(gone.first_id, gone.end_id) IS NOT NULL THEN
        RAISE lock_not_available;
    END IF;
    WITH old AS MATERIALIZED (
        SELECT id FROM heard.message_default
        WHERE id >= gone.first_id AND id < gone.end_id ORDER BY id LIMIT limit_to
    ), further AS (
        DELETE FROM heard.further f USING old WHERE f.message = old.id
    ), rewrapped AS (
        DELETE FROM heard.rewrapped r USING old WHERE r.message = old.id
    ), removed AS (
        DELETE FROM heard.message_default m USING old WHERE m.id = old.id RETURNING 1
    )
    SELECT count(*) INTO went FROM removed;
    RETURN went;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RETURN 0;
END $$;
