"""The tables of jobs: each script leads from one version of the schema to the next, and is never changed.

Triggers keep what follows from the jobs: the number of the latest change, how many jobs there are of each name and
status (to count them would take longer the more there are), and which have been removed.
"""

SCHEMA = (
    """
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid TEXT NOT NULL UNIQUE,
        job TEXT NOT NULL,
        created TEXT NOT NULL,
        status TEXT NOT NULL,
        inputs TEXT NOT NULL,
        outputs TEXT NOT NULL,
        started TEXT,
        finished TEXT,
        progress REAL,
        message TEXT,
        error TEXT,
        revision INTEGER NOT NULL,
        owner TEXT
    );
    CREATE INDEX jobs_by_status ON jobs (status, seq);
    CREATE INDEX jobs_by_name ON jobs (job, seq);
    CREATE TABLE log (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        line INTEGER NOT NULL,
        time TEXT NOT NULL,
        level TEXT NOT NULL,
        message TEXT NOT NULL,
        PRIMARY KEY (job, line)
    ) WITHOUT ROWID
    """,
    """
    ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN timeout REAL;
    ALTER TABLE jobs ADD COLUMN key TEXT;
    ALTER TABLE jobs ADD COLUMN restartable INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN retried INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN cancel_requested INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
    UPDATE jobs SET changed = seq;
    DROP INDEX jobs_by_name;
    CREATE INDEX jobs_by_name ON jobs (job, status, seq);
    CREATE INDEX jobs_by_age ON jobs (job, seq);
    CREATE INDEX jobs_by_change ON jobs (changed);
    CREATE UNIQUE INDEX jobs_by_key ON jobs (key) WHERE key IS NOT NULL;
    CREATE INDEX jobs_by_owner ON jobs (owner, seq) WHERE status IN ('pending', 'started');
    CREATE TABLE clock (changed INTEGER NOT NULL);
    INSERT INTO clock SELECT COALESCE(MAX(seq), 0) FROM jobs;
    CREATE TABLE removed (changed INTEGER PRIMARY KEY, uuid TEXT NOT NULL);
    CREATE TABLE counts (
        job TEXT NOT NULL,
        status TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (job, status)
    ) WITHOUT ROWID;
    INSERT INTO counts SELECT job, status, COUNT(*) FROM jobs GROUP BY job, status;
    CREATE TABLE servers (name TEXT PRIMARY KEY, beat INTEGER NOT NULL) WITHOUT ROWID
    """,
    """
    CREATE TRIGGER job_added AFTER INSERT ON jobs BEGIN
        UPDATE clock SET changed = NEW.changed;
        INSERT INTO counts VALUES (NEW.job, NEW.status, 1)
            ON CONFLICT (job, status) DO UPDATE SET count = count + 1;
    END;
    CREATE TRIGGER job_changed AFTER UPDATE OF changed ON jobs BEGIN
        UPDATE clock SET changed = NEW.changed;
    END;
    CREATE TRIGGER job_moved AFTER UPDATE OF status ON jobs WHEN NEW.status <> OLD.status BEGIN
        UPDATE counts SET count = count - 1 WHERE job = OLD.job AND status = OLD.status;
        INSERT INTO counts VALUES (NEW.job, NEW.status, 1)
            ON CONFLICT (job, status) DO UPDATE SET count = count + 1;
    END;
    CREATE TRIGGER job_removed AFTER DELETE ON jobs BEGIN
        UPDATE clock SET changed = changed + 1;
        UPDATE counts SET count = count - 1 WHERE job = OLD.job AND status = OLD.status;
        INSERT INTO removed SELECT changed, OLD.uuid FROM clock;
    END
    """,
    "CREATE INDEX jobs_by_seq ON jobs (seq)",  # narrower than the rows that a page far down a list skips
)
