//! One file for each command. Those that manage a hub share `manage`.

pub(crate) mod bench;
pub(crate) mod chat;
pub(crate) mod doctor;
mod login;
mod manage;
mod password;
pub(crate) mod reload;
pub(crate) mod room;
pub(crate) mod say;
pub(crate) mod shell;
pub(crate) mod tail;
pub(crate) mod token;
pub(crate) mod user;
