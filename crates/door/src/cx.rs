//! What every door is given beside its conn.
//!
//! **Invariant.** Beside `handover` this is the one file of the crate that names the hub. Nothing here knows a protocol.

use hubbub_hub::Hub;
use hubbub_model::Limits;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The hub, the limits and the sign to stop. Cheap to clone.
#[derive(Clone)]
pub struct DoorCtx {
    /// The one hub.
    pub hub: Hub,
    /// The named limits.
    pub limits: Arc<Limits>,
    /// Cancelled when the hub stops: say goodbye and return within `Limits::shutdown_s`.
    pub stop: CancellationToken,
}
