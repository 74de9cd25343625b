-- Files that records were made from or consist of, such as the ratios and metrics of a swarm: kept here, so that a
-- record can be made again when they are gone elsewhere. The same content is kept once.
CREATE TABLE files (
    -- SHA-256 of the content, 64 hex digits.
    sha256 TEXT PRIMARY KEY,
    -- Of the content as it was.
    bytes INTEGER NOT NULL,
    -- SHA-256 of the frame below: told without unpacking it whether it is what was stored.
    packed_sha256 TEXT NOT NULL,
    -- The content, as one frame of Zstandard.
    content BLOB NOT NULL
) STRICT;

CREATE TABLE record_files (
    record INTEGER NOT NULL REFERENCES records (id),
    -- What it is to the record, such as ratios.csv.
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES files (sha256),
    PRIMARY KEY (record, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX records_by_kind ON records (kind, id);
