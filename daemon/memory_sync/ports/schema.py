"""The schema of the state database, as the steps that lead from each version to the next."""

MIGRATIONS: tuple[str, ...] = (
    # 1: the three trees, and what spares reading files again
    """
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    CREATE TABLE listing (
        path BLOB PRIMARY KEY CHECK (length(path) > 0),
        mode TEXT NOT NULL CHECK (length(mode) = 6),
        id TEXT NOT NULL CHECK (length(id) = 40)
    ) STRICT;
    CREATE TABLE object (
        name TEXT PRIMARY KEY CHECK (name LIKE 'objects/__/%.age'),
        path TEXT NOT NULL UNIQUE CHECK (path LIKE '_%/_%'),
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        size INTEGER NOT NULL CHECK (size >= 0),
        mode INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 511),
        mtime INTEGER NOT NULL CHECK (mtime >= 0),
        device TEXT NOT NULL,
        parts TEXT NOT NULL CHECK (json_array_length(parts) > 0)
    ) STRICT;
    CREATE TABLE broken (
        name TEXT PRIMARY KEY CHECK (name LIKE 'objects/__/%.age'),
        blobs TEXT NOT NULL CHECK (json_valid(blobs)),
        detail TEXT NOT NULL CHECK (detail <> '')
    ) STRICT;
    CREATE TABLE base (
        path TEXT PRIMARY KEY CHECK (path LIKE '_%/_%'),
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        blobs TEXT NOT NULL CHECK (json_array_length(blobs) > 0)
    ) STRICT;
    CREATE TABLE glance (
        root TEXT NOT NULL CHECK (root <> ''),
        path TEXT NOT NULL CHECK (path <> ''),
        size INTEGER NOT NULL CHECK (size >= 0),
        mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL,
        inode TEXT NOT NULL,
        mode INTEGER NOT NULL,
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        settled INTEGER NOT NULL CHECK (settled IN (0, 1)),
        PRIMARY KEY (root, path)
    ) STRICT;
    """,
    # 2: the chain that was accepted, merges about to be written, roots whose base was once whole
    """
    CREATE TABLE accepted (
        id TEXT PRIMARY KEY CHECK (length(id) = 40),
        n INTEGER NOT NULL CHECK (n > 0)
    ) STRICT;
    CREATE TABLE includes (
        path TEXT PRIMARY KEY CHECK (path LIKE '_%/_%'),
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        remote TEXT NOT NULL CHECK (length(remote) = 64)
    ) STRICT;
    CREATE TABLE established (
        root TEXT PRIMARY KEY CHECK (root <> '')
    ) STRICT;
    INSERT INTO established SELECT DISTINCT substr(path, 1, instr(path, '/') - 1) FROM base;
    """,
    # 3: roots that a guard has stopped, the contents that are in the vault's history, and what was
    # once the base of paths that are not synced at the moment
    """
    CREATE TABLE alarm (
        root TEXT PRIMARY KEY CHECK (root <> ''),
        guard TEXT NOT NULL CHECK (guard <> ''),
        known INTEGER NOT NULL CHECK (known > 0),
        approved INTEGER NOT NULL CHECK (approved IN (0, 1))
    ) STRICT;
    CREATE TABLE suspect (
        root TEXT NOT NULL REFERENCES alarm (root),
        path TEXT NOT NULL CHECK (path LIKE '_%/_%'),
        PRIMARY KEY (root, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE history (
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        path TEXT NOT NULL CHECK (path LIKE '_%/_%'),
        PRIMARY KEY (digest, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE former (
        path TEXT PRIMARY KEY CHECK (path LIKE '_%/_%'),
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        blobs TEXT NOT NULL CHECK (json_array_length(blobs) > 0)
    ) STRICT;
    DROP TABLE includes;
    CREATE TABLE includes (
        path TEXT PRIMARY KEY CHECK (path LIKE '_%/_%'),
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        remote TEXT NOT NULL CHECK (length(remote) = 64),
        blobs TEXT NOT NULL CHECK (json_array_length(blobs) > 0)
    ) STRICT;
    INSERT OR IGNORE INTO history SELECT digest, path FROM base;
    INSERT OR IGNORE INTO history SELECT digest, path FROM object;
    """,
)
