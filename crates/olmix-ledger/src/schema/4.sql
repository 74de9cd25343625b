-- Runs may be with the scheduler of a cluster, which has them before they begin: a state of its own, and how the run is known there.
ALTER TABLE swarms ADD COLUMN engine TEXT CHECK (engine IS NULL OR json_valid(engine));

CREATE TABLE runs_4 (
    id INTEGER PRIMARY KEY,
    swarm INTEGER NOT NULL REFERENCES swarms (id),
    name TEXT NOT NULL,
    -- Relative to the swarm's folder of launch configs.
    config TEXT NOT NULL,
    config_sha256 TEXT NOT NULL,
    mixture TEXT NOT NULL CHECK (json_valid(mixture)),
    state TEXT NOT NULL CHECK (state IN ('queued', 'submitted', 'running', 'finished', 'failed', 'cancelled')),
    stage TEXT CHECK (stage IN ('prepare', 'train', 'evaluate', 'record')),
    -- How often it was begun, and how often it failed by itself since it was queued by hand.
    attempt INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    -- How often its engine took it away or lost it, since it was queued by hand.
    losses INTEGER NOT NULL DEFAULT 0,
    -- What an earlier attempt left in the folder is of another config.
    fresh INTEGER NOT NULL DEFAULT 0,
    -- Someone asked to cancel it; its launcher will.
    cancel INTEGER NOT NULL DEFAULT 0,
    launcher TEXT REFERENCES launchers (id),
    -- The process of the latest attempt. Kept when its launcher dies, as it may have survived.
    host TEXT,
    pid INTEGER,
    process_started TEXT,
    -- Of a run that outlives its launcher: the engine that has it, what we call it there, what the engine calls it, and GPUs.
    engine TEXT,
    ticket TEXT,
    job TEXT,
    gpus INTEGER NOT NULL DEFAULT 0,
    queued INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    failure TEXT,
    cause TEXT,
    log_tail TEXT,
    metrics TEXT CHECK (metrics IS NULL OR json_valid(metrics)),
    tokens INTEGER,
    -- Of all attempts; the second times their GPUs.
    milliseconds INTEGER NOT NULL DEFAULT 0,
    gpu_milliseconds INTEGER NOT NULL DEFAULT 0,
    UNIQUE (swarm, name),
    CHECK (state NOT IN ('submitted', 'running') OR launcher IS NOT NULL),
    CHECK (state <> 'finished' OR metrics IS NOT NULL)
) STRICT;

INSERT INTO runs_4 (id, swarm, name, config, config_sha256, mixture, state, stage, attempt, failures, fresh, cancel,
        launcher, host, pid, process_started, queued, started, ended, failure, cause, log_tail, metrics, tokens, milliseconds)
    SELECT id, swarm, name, config, config_sha256, mixture, state, stage, attempt, failures, fresh, cancel,
        launcher, host, pid, process_started, queued, started, ended, failure, cause, log_tail, metrics, tokens, milliseconds
    FROM runs;
DROP TABLE runs;
ALTER TABLE runs_4 RENAME TO runs;
CREATE INDEX runs_to_claim ON runs (swarm, state, failures, id);
CREATE INDEX runs_of_launchers ON runs (launcher, state);
