-- search.db: made again from hubbub.db whenever it is missing, damaged or of another version.
-- scrub: words of redacted texts are in the file still.
CREATE TABLE origin (store BLOB NOT NULL, scrub INTEGER NOT NULL DEFAULT 0);

-- How far each log has been indexed: rows below `first` are gone, rows up to `seq` are in.
CREATE TABLE progress (room INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, first INTEGER NOT NULL, seq INTEGER NOT NULL);

-- rowid = place. The text comes as words that `words.rs` has cut, with spaces between them.
CREATE VIRTUAL TABLE words USING fts5(
    body, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co M*'");
