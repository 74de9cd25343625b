-- SHA-256 of what tables are made of, 64 hex digits: of a run's name, config and mixture, and of its metrics, as they are stored.
-- Runs of earlier versions have none.
ALTER TABLE runs ADD COLUMN mixture_sha256 TEXT;
ALTER TABLE runs ADD COLUMN metrics_sha256 TEXT;
