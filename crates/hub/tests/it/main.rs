//! The hub as its doors use it: stories of people in a hub on a store in memory, by theme.
//!
//! One binary, so that it is linked once. The invariants are those of `DESIGN.md` section 4; each test of one names it.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod invites;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod model;
#[cfg(test)]
mod presence;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod talk;
#[cfg(test)]
mod unread;
