-- Crowds: many exceptions on one card. What waits of them in a district is read once for each batch
-- of signals, and in which crowd a sender's last exception is.

-- What an incident waits as: empty where it is no exception, or no longer in the watch band.
ALTER TABLE view.incident ADD COLUMN exception text NOT NULL DEFAULT '';
ALTER TABLE view.incident ADD COLUMN crowd boolean NOT NULL DEFAULT false;
CREATE INDEX incident_exception ON view.incident (agency, district, opened_at)
    WHERE exception <> '';

-- Who went into a crowd with the signal; empty for any other signal.
ALTER TABLE view.signal ADD COLUMN sender text NOT NULL DEFAULT '';
CREATE INDEX signal_of_sender ON view.signal (sender, incident) WHERE sender <> '';
