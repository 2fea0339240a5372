//! The system's limit of open files, which is the real limit of conns.

use hubbub_model::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the system's limit as far as this user may, and lowers ours where that is not enough: a conn too many is then
/// refused with a reason, and the store and the control socket can still open what they need.
pub(super) fn within_the_system(limits: Limits) -> Limits {
    raise_descriptors();
    let files = getrlimit(Resource::Nofile).current.filter(|files| *files < wanted(limits.conns_max));
    let Some(files) = files else { return limits };
    let conns_max =
        usize::try_from(files.saturating_sub(DESCRIPTORS_OF_OUR_OWN)).unwrap_or(usize::MAX).max(1);
    let told = format!("limits.conns_max is {conns_max} now: the system allows no more open files");
    // Nobody asked for the default, so that less than that needs no care.
    if limits.conns_max == Limits::default().conns_max {
        tracing::info!("{told}");
    } else {
        tracing::warn!("{told}");
    }
    Limits { conns_max, ..limits }
}

fn raise_descriptors() {
    let has = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: has.maximum, maximum: has.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        // macOS takes no unlimited value here, and the old one still holds.
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// One for each conn, and some for the rest.
pub(crate) fn wanted(conns_max: usize) -> u64 {
    u64::try_from(conns_max).unwrap_or(u64::MAX).saturating_add(DESCRIPTORS_OF_OUR_OWN)
}

/// The store's files, the listeners, the runtime.
const DESCRIPTORS_OF_OUR_OWN: u64 = 64;
