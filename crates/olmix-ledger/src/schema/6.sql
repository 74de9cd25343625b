-- The phases of a run, a JSON list of names, fractions and mixes; NULL for a run with one mixture. `mixture` is then the mean of
-- theirs by their tokens, and `mixture_sha256` is of both.
ALTER TABLE runs ADD COLUMN phases TEXT;
