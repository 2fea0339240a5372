//! What the hub's process uses, from `/proc` (Linux).

use serde_json::{Value, json};
use std::fs;

/// What a process has used by now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) rss_bytes: u64,
    cpu_s: f64,
}

impl Usage {
    /// `None` without a process, or without `/proc`.
    pub(super) fn of(pid: Option<u32>) -> Option<Self> {
        let pid = pid?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(Self { rss_bytes: rss(&status)?, cpu_s: cpu(&stat)? })
    }

    /// From `before` to now.
    pub(super) fn since(self, before: Self) -> Value {
        json!({
            "rss_bytes_before": before.rss_bytes,
            "rss_bytes": self.rss_bytes,
            "cpu_s": self.cpu_s - before.cpu_s,
        })
    }
}

fn rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024)
}

/// The fields behind the name, which may hold spaces: user and system time are the 12th and 13th.
fn cpu(stat: &str) -> Option<f64> {
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS_PER_S)
}

/// `USER_HZ`, which Linux keeps at 100 towards programs.
const TICKS_PER_S: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_read() {
        assert_eq!(rss("Name:\tx\nVmRSS:\t  2048 kB\n"), Some(2_097_152));
        assert_eq!(cpu("7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0"), Some(3.0));
    }
}
