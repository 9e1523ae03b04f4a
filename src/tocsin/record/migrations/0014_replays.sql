-- What an encrypted message says, with its time: whoever sends the same again, under whatever
-- header, repeats it. `repeat_key` is of what its panel sends again, with a new time.
ALTER TABLE heard.message ADD COLUMN replay_key bytea;
CREATE INDEX message_of_replay ON heard.message (replay_key) WHERE replay_key IS NOT NULL;
