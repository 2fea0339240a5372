//! Every limit has a name and a unit here; configuration can change it, tests can make it small.

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($($(#[doc = $doc:expr])* $name:ident: $type:ty = $value:expr,)*) => {
        /// The named limits of a hub and its doors. What happens at each is said in `docs/configuration.md`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Limits { $($(#[doc = $doc])* pub $name: $type,)* }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $value,)* }
            }
        }

        impl Limits {
            /// Name, default and meaning of each limit, in the order of the reference.
            pub const TABLE: &'static [(&'static str, u64, &'static str)] = &[$((stringify!($name), $value as u64, concat!($($doc),*)),)*];
        }
    };
}

limits! {
    /// Longest message, in bytes of UTF-8. A longer one is refused.
    message_bytes_max: usize = 16 * 1024,
    /// Longest line or JSON value of a client, in bytes. A longer one closes the conn.
    line_bytes_max: usize = 64 * 1024,
    /// Longest topic, reason, away text or label, in bytes.
    note_bytes_max: usize = 512,
    /// Conns at once, in all.
    conns_max: usize = 50_000,
    /// Conns at once from one address (IPv6: one /64). Loopback is not counted.
    conns_per_address_max: usize = 64,
    /// Conns at once that have not logged in, in all.
    silent_conns_max: usize = 20_000,
    /// Seconds that a conn may stay silent before its first byte.
    silence_s: u64 = 600,
    /// Seconds from the first byte to the end of the login.
    login_s: u64 = 600,
    /// Milliseconds from the first byte until the protocol must be known.
    detect_ms: u64 = 1_500,
    /// Seconds that a write may make no progress before the conn is closed.
    write_stall_s: u64 = 30,
    /// Rooms that one session may have open.
    rooms_per_session_max: usize = 200,
    /// Rooms in the hub.
    rooms_max: usize = 100_000,
    /// Commands of one session that wait for their reply.
    pending_per_session_max: usize = 4_096,
    /// Commands of one session each second, after a burst. Beyond it nothing more is read from that peer until it is due; nobody else waits. 0: no limit.
    commands_per_s: u64 = 50,
    /// The same for loopback and Unix sockets. 0: no limit.
    local_commands_per_s: u64 = 0,
    /// Commands that one session may send at once before its pace counts.
    commands_burst: usize = 500,
    /// Replies and signals that wait for one conn. Signals beyond it are dropped, replies hold the commands back.
    control_queue_max: usize = 256,
    /// Submissions that wait for the hub, from all sessions. A full queue holds the senders back.
    hub_queue_max: usize = 1_024,
    /// Commands in one commit.
    batch_commands_max: usize = 8_192,
    /// Microseconds between two commits when busy, five times as many at most in front of many readers; none are added when idle.
    commit_pace_us: u64 = 1_000,
    /// Events that one room keeps in memory.
    ring_events_max: usize = 65_536,
    /// Bytes that one room keeps in memory.
    ring_bytes_max: usize = 16 << 20,
    /// Bytes that all rooms keep in memory.
    rings_bytes_max: usize = 256 << 20,
    /// Bytes that one relay listener keeps for conns that read slowly. Who falls further behind is closed.
    relay_bytes_max: usize = 4 << 20,
    /// Events in one answer to a history request.
    history_events_max: u32 = 500,
    /// Rows in one list.
    list_rows_max: usize = 1_000,
    /// Failed logins from one address, or on one account, within 15 minutes.
    login_failures_max: u32 = 10,
    /// Passwords that are checked at once.
    password_checks_max: usize = 1,
    /// Invite links in the hub that have not ended.
    invites_max: usize = 1_000,
    /// Times that one invite link can be taken.
    invite_uses_max: u32 = 1_000,
    /// Seconds that an invite link is good at most.
    invite_s_max: u64 = 2_592_000,
    /// Marks (`txn`) of clients that rooms which are never stored remember, in all. The oldest go first.
    ephemeral_txns_max: usize = 16_384,
    /// Seconds that such a mark is remembered. In stored rooms it is a week.
    ephemeral_txn_s: u64 = 3_600,
    /// Rooms with more attendees than this fold arrivals and departures into counts; with more attendees or members, they tell nobody's presence.
    arrivals_shown_max: usize = 50,
    /// Seconds after the end of somebody's last session until the others are told: who comes back before never was gone.
    presence_grace_s: u64 = 5,
    /// Seconds given to conns to end when the hub stops.
    shutdown_s: u64 = 5,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_a_meaning_written_down() {
        for (name, _, meaning) in Limits::TABLE {
            assert!(!meaning.trim().is_empty(), "{name}");
        }
    }
}
