//! How one door hands a conn to another: by name, so that neither knows the other.
//!
//! **Invariant.** Whoever hands a conn over has found out who is at its other end; whoever takes it logs in with just
//! that, and asks the peer for no secret.

use crate::{Conn, DoorCtx, door::Serving};
use hubbub_hub::Credentials;
use std::sync::Arc;

/// Serves conns that another door has begun: a WebSocket after its HTTP upgrade.
pub trait TakesOver: Send + Sync + 'static {
    /// Serves the conn to its end, with `who` as its only login. As [`crate::Door::serve`] otherwise.
    fn take_over(self: Arc<Self>, conn: Conn, who: Credentials, cx: DoorCtx) -> Serving;
}
