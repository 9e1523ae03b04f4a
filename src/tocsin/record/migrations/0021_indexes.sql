-- What is asked of many rows, and answered from few.

-- With its id, so that it is the index to take also on a day that has just begun, of which the
-- planner knows nothing yet.
DROP INDEX heard.message_of_replay;
CREATE INDEX message_of_replay ON heard.message (replay_key, id) WHERE replay_key IS NOT NULL;

-- What could not be understood, or came with a wrong time: few of all that is heard.
CREATE INDEX message_with_problem ON heard.message (id DESC) WHERE problem IS NOT NULL;
CREATE INDEX further_with_problem ON heard.further (id DESC) WHERE problem IS NOT NULL;

-- Every incident that a site ever had, and the one that somebody reads out by its number.
CREATE INDEX incident_at_site ON view.incident (site, opened_at DESC, id DESC)
    WHERE site IS NOT NULL;
CREATE INDEX incident_number ON view.incident (number);

-- Signals are taken from the queues, never from all of them by age.
DROP INDEX heard.pending_known;
DROP INDEX heard.pending_unknown;
