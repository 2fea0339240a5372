//! Times in buckets that are a thirty-second of their value wide: percentiles within 3 %, whatever the number.

use serde_json::{Value, json};
use std::time::Duration;

/// Counts of nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    buckets: Vec<u64>,
    n: u64,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], n: 0, max_ns: 0 }
    }
}

impl Histogram {
    pub(super) fn record(&mut self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get_mut(bucket(ns)) {
            *bucket += 1;
        }
        self.n += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.n += other.n;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    pub(super) fn len(&self) -> u64 {
        self.n
    }

    /// The percentiles in microseconds.
    pub(super) fn report(&self) -> Value {
        let us = |part| self.at(part) as f64 / 1_000.0;
        json!({ "p50": us(0.5), "p90": us(0.9), "p99": us(0.99), "max": self.max_ns as f64 / 1_000.0 })
    }

    /// The time that this part of all took at most.
    fn at(&self, part: f64) -> u64 {
        let wanted = (self.n as f64 * part).ceil() as u64;
        let mut seen = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return top(at).min(self.max_ns);
            }
        }
        0
    }
}

/// Values below 32 have a bucket each; above, each doubling has 32.
fn bucket(ns: u64) -> usize {
    let doublings = (64 - ns.leading_zeros()).saturating_sub(6);
    let within = ns >> doublings;
    doublings as usize * 32 + within as usize
}

/// The largest value of a bucket.
fn top(bucket: usize) -> u64 {
    let doublings = (bucket / 32).saturating_sub(1);
    let within = bucket - doublings * 32;
    ((within as u64 + 1) << doublings) - 1
}

const BUCKETS: usize = 60 * 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_in_a_bucket_as_wide_as_a_thirty_second_of_it() {
        for ns in (0..5_000).chain([1 << 20, (1 << 20) + 1, 123_456_789, 1 << 40]) {
            let top = top(bucket(ns));
            assert!(top >= ns && top - ns <= ns / 32 + 1, "{ns} {top}");
        }
        assert!(bucket(u64::MAX) <= BUCKETS);
    }

    #[test]
    fn percentiles_are_within_a_few_percent() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|us| histogram.record(Duration::from_micros(us)));
        let report = histogram.report();
        let near = |name: &str, want: f64| {
            let got = report[name].as_f64().unwrap();
            assert!((got / want - 1.0).abs() < 0.04, "{name} {got}");
        };
        near("p50", 500.0);
        near("p90", 900.0);
        near("p99", 990.0);
        assert_eq!(report["max"], 1_000.0);
    }
}
