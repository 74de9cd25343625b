-- The history of a project: versions of its domain set, swarms, fits and mixtures. Records are added and never changed.
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    -- SHA-256 over the columns below and the hashes of the parents, 64 hex digits.
    hash TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('domains', 'swarm', 'fit', 'mixture')),
    -- A record's name is LINE@NUMBER. Lines other than those of the first three kinds are of mixtures.
    line TEXT NOT NULL,
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    content TEXT NOT NULL CHECK (json_valid(content)),
    command TEXT NOT NULL,
    olmix TEXT NOT NULL,
    created INTEGER NOT NULL,
    -- What it cost, and what it gained over the natural distribution.
    runs INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    flops REAL NOT NULL,
    gain REAL,
    UNIQUE (line, number)
) STRICT;

CREATE TABLE parents (
    record INTEGER NOT NULL REFERENCES records (id),
    position INTEGER NOT NULL,
    parent INTEGER NOT NULL REFERENCES records (id),
    PRIMARY KEY (record, position)
) STRICT, WITHOUT ROWID;

-- Names that people gave to records; a tag can be moved.
CREATE TABLE tags (
    name TEXT PRIMARY KEY,
    record INTEGER NOT NULL REFERENCES records (id),
    created INTEGER NOT NULL
) STRICT;
