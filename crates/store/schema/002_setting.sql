-- Settings of the hub that its owner changes while it runs, by name.
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
