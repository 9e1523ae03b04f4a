-- What a site asks for before an intrusion alarm counts as one (tocsin.core.confirmation). Seconds;
-- 0: there is none.

ALTER TABLE ref.site
    ADD COLUMN confirm          text    NOT NULL DEFAULT 'none'
        CHECK (confirm IN ('none', 'two_zones', 'two_technologies', 'verified')),
    ADD COLUMN confirm_window_s integer NOT NULL DEFAULT 1800
        CHECK (confirm_window_s BETWEEN 60 AND 7200),
    ADD COLUMN abort_s          integer NOT NULL DEFAULT 0 CHECK (abort_s BETWEEN 0 AND 600),
    ADD COLUMN two_trip_s       integer NOT NULL DEFAULT 0 CHECK (two_trip_s BETWEEN 0 AND 3600);
