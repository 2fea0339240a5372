//! Both stores under the one suite.

use hubbub_hub::store::Store;
use hubbub_store::{MemoryStore, SqliteStore, Subject, conformance};
use tempfile::TempDir;

struct Memory;

impl Subject for Memory {
    type Store = MemoryStore;

    fn open(&mut self) -> MemoryStore {
        MemoryStore::new()
    }

    fn reopen(&mut self, store: MemoryStore) -> MemoryStore {
        store.clone()
    }

    fn settle(&self, _: &MemoryStore) {}

    fn tidied(&self, _: &MemoryStore) {}
}

#[derive(Default)]
struct Sqlite {
    dir: Option<TempDir>,
}

impl Subject for Sqlite {
    type Store = SqliteStore;

    fn open(&mut self) -> SqliteStore {
        let dir = self.dir.insert(tempfile::tempdir().unwrap());
        SqliteStore::open(dir.path()).unwrap()
    }

    fn reopen(&mut self, store: SqliteStore) -> SqliteStore {
        drop(store);
        SqliteStore::open(self.dir.as_ref().unwrap().path()).unwrap()
    }

    fn settle(&self, store: &SqliteStore) {
        store.flush_search();
    }

    fn tidied(&self, store: &SqliteStore) {
        store.flush_tidy();
    }
}

#[test]
fn the_memory_store_conforms() {
    conformance(&mut Memory);
}

#[test]
fn the_sqlite_store_conforms() {
    conformance(&mut Sqlite::default());
}

#[test]
fn a_store_can_go_to_another_thread() {
    fn sendable<T: Send>(_: &T) {}
    let store = MemoryStore::new();
    sendable(&store);
    sendable(&store.reader().unwrap());
    sendable(&Sqlite::default().open());
}
