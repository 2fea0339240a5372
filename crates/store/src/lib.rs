//! The stores of Hubbub: [`SqliteStore`] for every day, [`MemoryStore`] for tests and `--data :memory:`, and the
//! [`conformance`] suite that both pass.
//!
//! **Invariant.** A store knows rows and logs, and nothing of sessions, rules or protocols. What it was asked to write
//! it writes in order, or not at all; the contract is on the methods of `hubbub_hub::store::Store`.
//!
//! | module | is |
//! |---|---|
//! | `place` | a room and a seq as one integer, and the bounds of both |
//! | `rules` | what all stores check and count in the same way |
//! | `words` | texts and queries cut into words; each CJK character is one |
//! | `memory` | the store that forgets |
//! | `sqlite` | the store that does not: hubbub.db, and search.db beside it |
//! | `conformance` | what every store must do, as one function |
#![warn(missing_docs)]

mod conformance;
mod memory;
mod place;
mod rules;
mod sqlite;
mod words;

pub use conformance::{Subject, conformance};
pub use memory::MemoryStore;
pub use sqlite::SqliteStore;
