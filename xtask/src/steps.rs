//! The steps of `cargo xtask test`, in their order. A step either passes or stops the run.
//!
//! To add a step: a small function here, and a row of `STEPS`.

use crate::{cargo, clients, fuzz, tidy};
use anyhow::{Context, Result, bail};
use std::{env, fmt::Write as _, fs, path::PathBuf, time::Instant};

struct Step {
    name: &'static str,
    does: &'static str,
    run: fn() -> Result<()>,
}

const STEPS: &[Step] = &[
    Step {
        name: "clients",
        does: "install the programs that tests drive, where missing",
        run: clients::install,
    },
    Step { name: "fmt", does: "the sources are formatted", run: fmt },
    Step { name: "clippy", does: "no warning of the compiler or of clippy", run: clippy },
    Step { name: "tidy", does: "crate arrows, file sizes, file headings, refused words", run: tidy::check },
    Step { name: "deny", does: "licences, bans, sources and advisories of dependencies", run: deny },
    Step { name: "test", does: "unit, property and end-to-end tests", run: test },
    Step {
        name: "loom",
        does: "the hub's concurrency models, each interleaving of few preemptions",
        run: loom,
    },
    Step { name: "docs", does: "the documentation builds without a warning", run: docs },
    Step { name: "release", does: "the release build", run: release },
    Step { name: "black-box", does: "real clients against the release build", run: black_box },
    Step { name: FUZZ, does: "each fuzz target for 60 seconds, two at a time", run: fuzz::run },
];

const FUZZ: &str = "fuzz";

/// How often loom may interrupt a thread in one run of a model; the variable of that name sets another bound.
const PREEMPTIONS_MAX: &str = "3";

/// Which steps a run takes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// Only these; all when empty.
    pub(crate) only: Vec<&'static str>,
    /// Leaves the fuzz step out.
    pub(crate) no_fuzz: bool,
}

impl Plan {
    fn has(&self, step: &Step) -> bool {
        self.only.is_empty() || self.only.contains(&step.name)
    }

    fn skips(&self, step: &Step) -> bool {
        self.no_fuzz && step.name == FUZZ
    }
}

/// The steps of a list such as `fmt,tidy`.
pub(crate) fn named(list: &str) -> Result<Vec<&'static str>> {
    let find = |name: &str| STEPS.iter().map(|step| step.name).find(|known| *known == name.trim());
    let known =
        |name: &str| find(name).with_context(|| format!("no step `{name}`; there are:\n{}", self::list()));
    list.split(',').map(known).collect()
}

/// One line for each step.
pub(crate) fn list() -> String {
    STEPS.iter().fold(String::new(), |mut out, step| {
        let _ = writeln!(out, "{:<10} {}", step.name, step.does);
        out
    })
}

/// Runs the steps of the plan, stops at the first that fails, and counts.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let began = Instant::now();
    let mut passed = 0;
    for step in STEPS.iter().filter(|step| plan.has(step)) {
        if plan.skips(step) {
            println!("\n==> {}: SKIPPED, because of --no-fuzz", step.name);
            continue;
        }
        if let Err(fault) = run_step(step) {
            println!("\n{passed} passed, 1 failed");
            return Err(fault);
        }
        passed += 1;
    }
    println!("\nall steps took {:.0} s", began.elapsed().as_secs_f32());
    println!("{passed} passed, 0 failed");
    Ok(())
}

fn run_step(step: &Step) -> Result<()> {
    let began = Instant::now();
    println!("\n==> {}: {}", step.name, step.does);
    let end = (step.run)();
    let word = if end.is_ok() { "passed" } else { "FAILED" };
    println!("==> {}: {word} after {:.1} s", step.name, began.elapsed().as_secs_f32());
    end.with_context(|| format!("step {}", step.name))
}

fn fmt() -> Result<()> {
    cargo::need_component("fmt", "rustfmt")?;
    cargo::run(&mut cargo::cargo("fmt --all --check"))
}

fn clippy() -> Result<()> {
    cargo::need_component("clippy", "clippy")?;
    cargo::run(&mut cargo::cargo("clippy --workspace --all-targets -- -D warnings"))
}

fn deny() -> Result<()> {
    cargo::need_subcommand("deny")?;
    cargo::run(&mut cargo::cargo("deny check bans licenses sources"))?;
    if !has_advisory_database() {
        println!("advisories: not checked, no advisory database at hand");
        return Ok(());
    }
    cargo::run(&mut cargo::cargo("deny check --disable-fetch advisories"))
}

/// Whether `cargo deny` has a copy of an advisory database; nothing is fetched for it here.
fn has_advisory_database() -> bool {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let copies = home.and_then(|home| fs::read_dir(home.join("advisory-dbs")).ok());
    copies.is_some_and(|mut copies| copies.any(|copy| copy.is_ok_and(|copy| copy.path().is_dir())))
}

fn test() -> Result<()> {
    cargo::run(&mut cargo::cargo("test --workspace"))
}

/// A target folder of its own, so that the other flags do not rebuild everything twice. The flag is ours alone:
/// `loom` itself would change crates that we depend on. Without a bound the models run for many minutes.
fn loom() -> Result<()> {
    let bound = env::var("LOOM_MAX_PREEMPTIONS").unwrap_or_else(|_| PREEMPTIONS_MAX.to_owned());
    let models = || {
        let mut command = cargo::cargo("test -p hubbub-hub --release --lib loom_");
        command.env("RUSTFLAGS", "--cfg hubbub_loom").env("LOOM_MAX_PREEMPTIONS", &bound);
        command.env("CARGO_TARGET_DIR", cargo::target_dir().join("loom"));
        command
    };
    cargo::run(&mut models())?;
    // A filter that matches nothing also succeeds.
    if !cargo::output(models().args(["--", "--list"]))?.contains(": test") {
        bail!("hubbub-hub has no test whose name contains `loom_`");
    }
    Ok(())
}

fn docs() -> Result<()> {
    cargo::run(cargo::cargo("doc --workspace --no-deps").env("RUSTDOCFLAGS", "-Dwarnings"))
}

fn release() -> Result<()> {
    cargo::run(&mut cargo::cargo("build --release"))
}

/// In this run a missing client program is a failure; by hand it is a skip that says so.
fn black_box() -> Result<()> {
    let mut python = cargo::command("python3", "-m unittest discover -v -s tests -p test_*.py");
    python.env("HUBBUB", cargo::target_dir().join("release/hubbub"));
    cargo::run(python.env("HUBBUB_TEST_CLIENTS", "required").env("PYTHONDONTWRITEBYTECODE", "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let mut names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn a_plan_without_only_has_every_step() {
        assert!(STEPS.iter().all(|step| Plan::default().has(step)));
    }

    #[test]
    fn no_fuzz_skips_fuzz_and_nothing_else() {
        let plan = Plan { no_fuzz: true, ..Plan::default() };
        let skipped: Vec<_> = STEPS.iter().filter(|step| plan.skips(step)).map(|step| step.name).collect();
        assert_eq!(skipped, [FUZZ]);
    }

    #[test]
    fn an_unknown_step_is_told_with_the_known_ones() {
        let fault = format!("{:#}", named("fmt,lint").unwrap_err());
        assert!(fault.contains("no step `lint`") && fault.contains("black-box"), "{fault}");
    }
}
