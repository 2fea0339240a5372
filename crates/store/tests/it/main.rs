//! Both stores, from the outside. One binary, so that it is linked once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod faults;
mod hub;
mod keep;
mod model;
mod search;
mod support;
