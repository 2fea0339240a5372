//! The fuzz step: every target runs for a minute, two at a time. A crash leaves its input in `fuzz/artifacts`.

use crate::cargo;
use anyhow::{Context, Result, bail};
use std::{fs, path::Path, process::Command, thread};

const SECONDS_PER_TARGET: u32 = 60;
const TARGETS_AT_ONCE: usize = 2;

pub(crate) fn run() -> Result<()> {
    let targets = targets(&cargo::root().join("fuzz/fuzz_targets"))?;
    cargo::need_subcommand("fuzz")?;
    // Built first, so that the runs do not wait for each other's lock.
    cargo::run(&mut cargo_fuzz("build"))?;
    targets.chunks(TARGETS_AT_ONCE).try_for_each(run_at_once)
}

fn targets(dir: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).with_context(|| format!("no fuzz targets in {}", dir.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    if names.is_empty() {
        bail!("no fuzz targets in {}", dir.display());
    }
    names.sort();
    Ok(names)
}

fn run_at_once(targets: &[String]) -> Result<()> {
    thread::scope(|scope| {
        let runs: Vec<_> = targets.iter().map(|target| scope.spawn(|| run_one(target))).collect();
        let ends = runs.into_iter().map(|run| run.join().unwrap_or_else(|_| bail!("a fuzz run panicked")));
        ends.collect::<Result<Vec<()>>>().map(drop)
    })
}

fn run_one(target: &str) -> Result<()> {
    cargo::run(&mut cargo_fuzz(&format!(
        "run {target} -- -max_total_time={SECONDS_PER_TARGET} -timeout=10 -print_final_stats=1 -verbosity=0"
    )))
    .with_context(|| format!("fuzz target {target}"))
}

/// `cargo fuzz` needs the unstable sanitizer flags; the variable unlocks them in a stable compiler.
fn cargo_fuzz(line: &str) -> Command {
    let mut command = cargo::cargo(&format!("fuzz {line}"));
    command.env("RUSTC_BOOTSTRAP", "1").env_remove("CARGO_TARGET_DIR");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_without_targets_fails() {
        assert!(targets(Path::new("no/such/folder")).is_err());
        assert!(targets(&cargo::root().join(".ci")).is_err());
    }

    #[test]
    fn a_target_is_named_after_its_file() {
        assert!(targets(&cargo::root().join("xtask/src")).unwrap().contains(&"fuzz".to_owned()));
    }
}
