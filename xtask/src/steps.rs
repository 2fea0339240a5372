//! The steps of `cargo xtask test`, in their order. A step either passes or stops the run.
//!
//! To add a step: a small function here, and a row of `STEPS`.

use crate::{browser, cargo, clients, fuzz, tidy};
use anyhow::{Context, Result, bail};
use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

struct Step {
    name: &'static str,
    does: &'static str,
    run: Run,
}

/// How a step is run.
enum Run {
    /// It checks all that it names, or fails.
    Whole(fn() -> Result<()>),
    /// It may have to leave a part out, and says which and why.
    Partly(fn() -> Result<Option<&'static str>>),
}
use Run::{Partly, Whole};

const STEPS: &[Step] = &[
    Step {
        name: "clients",
        does: "install the programs that tests drive, where missing",
        run: Whole(clients::install),
    },
    Step { name: "fmt", does: "the sources are formatted", run: Whole(fmt) },
    Step { name: "clippy", does: "no warning of the compiler or of clippy", run: Whole(clippy) },
    Step {
        name: "tidy",
        does: "crate arrows, file sizes, file headings, refused words",
        run: Whole(tidy::check),
    },
    Step { name: "deny", does: "licences, bans, sources and advisories of dependencies", run: Partly(deny) },
    Step { name: "test", does: "unit, property and end-to-end tests", run: Whole(test) },
    Step {
        name: "loom",
        does: "the hub's concurrency models, each interleaving of few preemptions",
        run: Whole(loom),
    },
    Step { name: "docs", does: "the documentation builds without a warning", run: Whole(docs) },
    Step { name: "release", does: "the release build", run: Whole(release) },
    Step { name: "black-box", does: "real clients against the release build", run: Whole(black_box) },
    Step {
        name: "web",
        does: "the web client in Chromium, against the release build",
        run: Whole(browser::run),
    },
    Step { name: FUZZ, does: "each fuzz target for 60 seconds, two at a time", run: Whole(fuzz::run) },
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
    let mut left_out = Vec::new();
    for step in STEPS.iter().filter(|step| plan.has(step)) {
        if plan.skips(step) {
            println!("\n==> {}: SKIPPED, because of --no-fuzz", step.name);
            left_out.push(format!("{}: --no-fuzz", step.name));
            continue;
        }
        match run_step(step) {
            Ok(part) => left_out.extend(part.map(|part| format!("{}: {part}", step.name))),
            Err(fault) => {
                println!("\n{passed} passed, 1 failed");
                return Err(fault);
            }
        }
        passed += 1;
    }
    print!("\n{}", told(&left_out));
    println!("all steps took {:.0} s", began.elapsed().as_secs_f32());
    println!("{passed} passed, 0 failed");
    Ok(())
}

/// What the run has not checked, so that nobody takes it for checked; one line each.
fn told(left_out: &[String]) -> String {
    left_out.iter().fold(String::new(), |out, part| out + "NOT CHECKED: " + part + "\n")
}

fn run_step(step: &Step) -> Result<Option<&'static str>> {
    let began = Instant::now();
    println!("\n==> {}: {}", step.name, step.does);
    let end = match step.run {
        Whole(run) => run().map(|()| None),
        Partly(run) => run(),
    };
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

fn deny() -> Result<Option<&'static str>> {
    cargo::need_subcommand("deny")?;
    cargo::run(&mut cargo::cargo("deny check bans licenses sources"))?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    if !home.is_some_and(|home| has_advisory_database(&home)) {
        println!("not checked: {NO_ADVISORIES}");
        return Ok(Some(NO_ADVISORIES));
    }
    cargo::run(&mut cargo::cargo("deny check --disable-fetch advisories")).map(|()| None)
}

const NO_ADVISORIES: &str =
    "advisories, there is no advisory database at hand (`cargo deny fetch db` gets one)";

/// Whether `cargo deny` has a copy of an advisory database; nothing is fetched for it here.
fn has_advisory_database(cargo_home: &Path) -> bool {
    let copies = fs::read_dir(cargo_home.join("advisory-dbs")).ok();
    let is_copy = |copy: fs::DirEntry| copy.path().join("crates").is_dir();
    copies.is_some_and(|mut copies| copies.any(|copy| copy.is_ok_and(is_copy)))
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
    fn what_is_left_out_is_told_at_the_end() {
        assert_eq!(told(&[]), "");
        let text = told(&[format!("deny: {NO_ADVISORIES}"), "fuzz: --no-fuzz".into()]);
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with("NOT CHECKED: deny: advisories, there is no advisory database"), "{text}");
    }

    #[test]
    fn an_advisory_database_is_a_folder_of_advisories() {
        let home = env::temp_dir().join(format!("hubbub-xtask-{}", std::process::id()));
        assert!(!has_advisory_database(&home), "no such folder");
        fs::create_dir_all(home.join("advisory-dbs/advisory-db-1")).unwrap();
        assert!(!has_advisory_database(&home), "a fetch that failed leaves an empty one");
        fs::create_dir_all(home.join("advisory-dbs/advisory-db-1/crates")).unwrap();
        assert!(has_advisory_database(&home));
        fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn an_unknown_step_is_told_with_the_known_ones() {
        let fault = format!("{:#}", named("fmt,lint").unwrap_err());
        assert!(fault.contains("no step `lint`") && fault.contains("black-box"), "{fault}");
    }
}
