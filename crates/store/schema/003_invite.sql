-- Invite links: who may come in, how often, until when. Of the code only the hash is kept.
CREATE TABLE invite (
    id INTEGER PRIMARY KEY, account INTEGER, by TEXT NOT NULL, room INTEGER, room_name TEXT, admits TEXT NOT NULL,
    uses INTEGER NOT NULL, uses_left INTEGER NOT NULL, created INTEGER NOT NULL, ends INTEGER NOT NULL,
    hash BLOB NOT NULL UNIQUE);
INSERT INTO counter VALUES ('next_invite', 1);
