-- Times are milliseconds since 1970.

-- A folder of launch configs that is trained into a folder of runs. Both are relative to the ledger's
-- folder, so that all of it can be moved.
CREATE TABLE swarms (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    variants TEXT NOT NULL,
    out TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL
) STRICT;

-- Processes that run runs. One whose heartbeat stops is dead, and its runs are taken from it.
CREATE TABLE launchers (
    id TEXT PRIMARY KEY,
    engine TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process_started TEXT NOT NULL,
    started INTEGER NOT NULL,
    heartbeat INTEGER NOT NULL,
    ended INTEGER
) STRICT;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    swarm INTEGER NOT NULL REFERENCES swarms (id),
    name TEXT NOT NULL,
    -- Relative to the swarm's folder of launch configs.
    config TEXT NOT NULL,
    config_sha256 TEXT NOT NULL,
    mixture TEXT NOT NULL CHECK (json_valid(mixture)),
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    stage TEXT CHECK (stage IN ('prepare', 'train', 'evaluate', 'record')),
    -- How often it was begun, and how often it failed by itself since it was queued by hand.
    attempt INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    -- What an earlier attempt left in the folder is of another config.
    fresh INTEGER NOT NULL DEFAULT 0,
    -- Someone asked to cancel it; its launcher will.
    cancel INTEGER NOT NULL DEFAULT 0,
    launcher TEXT REFERENCES launchers (id),
    -- The process of the latest attempt. Kept when its launcher dies, as it may have survived.
    host TEXT,
    pid INTEGER,
    process_started TEXT,
    queued INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    failure TEXT,
    cause TEXT,
    log_tail TEXT,
    metrics TEXT CHECK (metrics IS NULL OR json_valid(metrics)),
    tokens INTEGER,
    -- Of all attempts.
    milliseconds INTEGER NOT NULL DEFAULT 0,
    UNIQUE (swarm, name),
    CHECK (state <> 'running' OR launcher IS NOT NULL),
    CHECK (state <> 'finished' OR metrics IS NOT NULL)
) STRICT;

CREATE INDEX runs_to_claim ON runs (swarm, state, failures, id);
CREATE INDEX runs_of_launchers ON runs (launcher, state);
