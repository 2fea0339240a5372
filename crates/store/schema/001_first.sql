-- The first schema of hubbub.db. A migration is never edited once it has been released: write the next one.

-- Numbers that outlive the rows that they numbered, and what identifies this store.
CREATE TABLE counter (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO counter VALUES
    ('store', randomblob(16)), ('boot', 0), ('guest_number', 0), ('last_id', zeroblob(16)),
    ('next_sender', 1), ('next_account', 1), ('next_room', 1), ('next_token', 1);

-- Senders as they were when they spoke. Rows are never changed.
CREATE TABLE sender (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, account INTEGER, number INTEGER NOT NULL, name TEXT NOT NULL,
    fold TEXT NOT NULL, session INTEGER NOT NULL, via TEXT NOT NULL);

-- The logs of all rooms in one tree: place = room << 36 | seq. Ids grow with seq within a room, so that they need no index.
-- kind: 1 message, 2 edit, 3 redaction, 4 redacted, 5 reaction, 6 member, 7 topic, 8 notice, 9 file.
-- meta: JSON of what is not text; NULL for a plain message.
CREATE TABLE event (
    place INTEGER PRIMARY KEY, id BLOB NOT NULL, ts INTEGER NOT NULL, sender INTEGER NOT NULL, kind INTEGER NOT NULL,
    ordinal INTEGER NOT NULL, body TEXT, meta TEXT);

-- Where each log begins and ends; beside room, so that a commit changes little.
CREATE TABLE log (
    room INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, head INTEGER NOT NULL, countable INTEGER NOT NULL, last_id BLOB NOT NULL);

CREATE TABLE txn (key TEXT PRIMARY KEY, place INTEGER NOT NULL, id BLOB NOT NULL, ts INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE account (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, fold TEXT NOT NULL UNIQUE, nick TEXT NOT NULL, kind TEXT NOT NULL,
    role TEXT NOT NULL, status TEXT NOT NULL, created INTEGER NOT NULL, last_seen INTEGER, password TEXT);

CREATE TABLE room (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, fold TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, pair_a INTEGER, pair_b INTEGER,
    topic TEXT NOT NULL, visibility TEXT NOT NULL, durability TEXT NOT NULL, moderated INTEGER NOT NULL,
    read_only INTEGER NOT NULL, keep_events INTEGER, keep_age INTEGER, epoch INTEGER NOT NULL, created INTEGER NOT NULL);

CREATE TABLE member (
    room INTEGER NOT NULL, account INTEGER NOT NULL, standing TEXT NOT NULL, invited INTEGER NOT NULL,
    PRIMARY KEY (room, account)) WITHOUT ROWID;

CREATE TABLE ban (
    room INTEGER NOT NULL, fold TEXT NOT NULL, account INTEGER, reason TEXT NOT NULL, by TEXT NOT NULL, until INTEGER,
    PRIMARY KEY (room, fold)) WITHOUT ROWID;

CREATE TABLE token (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, scopes TEXT NOT NULL,
    created INTEGER NOT NULL, expires INTEGER, last_used INTEGER, hash BLOB NOT NULL UNIQUE);

CREATE TABLE mark (
    room INTEGER NOT NULL, account INTEGER NOT NULL, seq INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    PRIMARY KEY (room, account)) WITHOUT ROWID;

CREATE TABLE mention (
    room INTEGER NOT NULL, account INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (room, account, seq)) WITHOUT ROWID;

CREATE TABLE ignore (account INTEGER NOT NULL, fold TEXT NOT NULL, PRIMARY KEY (account, fold)) WITHOUT ROWID;

-- Edits by what they change, so that a redaction finds the texts that it must blank, and search the text that is shown.
-- Only edits that still have a text are here.
CREATE TABLE amend (place INTEGER PRIMARY KEY, target BLOB NOT NULL);
CREATE INDEX amend_target ON amend (target, place);

-- Events up to `last` of this room are in no log any more, and are deleted some at a time.
CREATE TABLE waste (room INTEGER PRIMARY KEY, last INTEGER NOT NULL);
