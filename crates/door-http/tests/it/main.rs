//! The door end to end: on free ports, with a real HTTP client, and with raw bytes for what no client would send.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod bad;
mod invites;
mod rest;
mod signin;
mod socket;
mod support;
mod web;
