-- Positions of units while they have an order. Not facts; gone within 24 hours.

CREATE SCHEMA tracks;

CREATE TABLE tracks.position (
    unit    uuid             NOT NULL,
    at      timestamptz      NOT NULL,
    lat     double precision NOT NULL,
    lon     double precision NOT NULL,
    datum   text             NOT NULL,
    heading real
) PARTITION BY RANGE (at);
CREATE TABLE tracks.position_default PARTITION OF tracks.position DEFAULT;
CREATE INDEX position_of_unit ON tracks.position (unit, at DESC);

-- The newest position of each unit that has an order; deleted when the order ends.
CREATE TABLE tracks.latest (
    unit    uuid             PRIMARY KEY,
    at      timestamptz      NOT NULL,
    lat     double precision NOT NULL,
    lon     double precision NOT NULL,
    datum   text             NOT NULL,
    heading real
) WITH (fillfactor = 50);

-- The smallest id that a UUID v7 of this moment can have.
CREATE FUNCTION log.first_id(at timestamptz) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0')
        || '70008000000000000000')::uuid
$$;

-- Partitions are made ahead: days of messages, hours of positions. The application role may not
-- create tables, so it calls this. A partition that cannot be made now (its rows are already in
-- the default one, or somebody holds a lock) is left out: the default partition takes the rows.
CREATE FUNCTION log.prepare_partitions(at timestamptz) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
    made  integer := 0;
    start timestamptz;
    name  text;
BEGIN
    FOR ahead IN 0..3 LOOP
        start := date_trunc('day', at) + ahead * interval '1 day';
        name := 'message_' || to_char(start, 'YYYYMMDD');
        IF to_regclass('heard.' || name) IS NULL THEN
            BEGIN
                EXECUTE format(
                    'CREATE TABLE heard.%I PARTITION OF heard.message FOR VALUES FROM (%L) TO (%L)',
                    name, log.first_id(start), log.first_id(start + interval '1 day'));
                made := made + 1;
            EXCEPTION WHEN check_violation OR lock_not_available THEN NULL;
            END;
        END IF;
    END LOOP;
    FOR ahead IN 0..6 LOOP
        start := date_trunc('hour', at) + ahead * interval '1 hour';
        name := 'position_' || to_char(start, 'YYYYMMDD_HH24');
        IF to_regclass('tracks.' || name) IS NULL THEN
            BEGIN
                EXECUTE format(
                    'CREATE TABLE tracks.%I PARTITION OF tracks.position FOR VALUES FROM (%L) TO (%L)',
                    name, start, start + interval '1 hour');
                made := made + 1;
            EXCEPTION WHEN check_violation OR lock_not_available THEN NULL;
            END;
        END IF;
    END LOOP;
    RETURN made;
END $$;

-- Removes every position older than `before`: whole partitions as soon as their oldest hour has
-- passed it, so nothing outlives it, and rows of the default one.
CREATE FUNCTION log.forget_positions(before timestamptz) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
    dropped integer := 0;
    name    text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'tracks' AND c.relkind = 'r' AND c.relname ~ '^position_\d{8}_\d{2}$'
          AND to_timestamp(substr(c.relname, 10), 'YYYYMMDD_HH24') <= before
    LOOP
        EXECUTE format('DROP TABLE tracks.%I', name);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM tracks.position_default WHERE tracks.position_default.at < before;
    DELETE FROM tracks.latest WHERE tracks.latest.at < before;
    RETURN dropped;
END $$;
