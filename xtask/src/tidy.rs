//! Rules of the sources that no compiler checks. Each rule is a function from one file to its complaints.

use crate::{arrows, cargo};
use anyhow::{Context, Result, bail};
use std::{fs, path::Path};

/// Longest `.rs` file, in lines.
const LINES_MAX: usize = 1_000;

/// What product code never contains, and why.
const REFUSED_IN_PRODUCT: &[(&str, &str)] = &[
    (concat!("todo", "!("), "write it, or open an issue"),
    (concat!("dbg", "!("), "debugging stays at home"),
    (concat!("tokio::", "spawn("), "every task has an owner: spawn into a JoinSet or a TaskTracker"),
];

/// What no file contains: paths that mean something on one machine only.
const REFUSED_ANYWHERE: &[&str] = &[concat!("/wo", "rk/"), concat!("../sha", "red"), concat!("/tm", "p/t/")];

/// What is not ours to check: built, fetched, or git's own (a file in a second work tree).
const FOREIGN: &[&str] = &["target", ".git", "corpus", "artifacts", "node_modules", "__pycache__"];

/// A text file of the repository.
struct Source {
    /// From the root, with `/`.
    path: String,
    text: String,
}

/// Runs every rule over every file; prints each complaint and fails if there is one.
pub(crate) fn check() -> Result<()> {
    let mut found = arrows::check()?;
    for source in sources(cargo::root())? {
        found.extend(complaints(&source));
    }
    found.iter().for_each(|complaint| eprintln!("tidy: {complaint}"));
    if !found.is_empty() {
        bail!("{} complaint(s) of tidy", found.len());
    }
    Ok(())
}

fn complaints(source: &Source) -> Vec<String> {
    [too_long, no_heading, refused_in_product, refused_anywhere]
        .iter()
        .flat_map(|rule| rule(source))
        .collect()
}

fn too_long(Source { path, text }: &Source) -> Vec<String> {
    let lines = text.lines().count();
    let is_long = path.ends_with(".rs") && lines > LINES_MAX;
    is_long.then(|| format!("{path}: {lines} lines; a file has at most {LINES_MAX}")).into_iter().collect()
}

fn no_heading(Source { path, text }: &Source) -> Vec<String> {
    let is_ours = path.ends_with(".rs") && (path.starts_with("crates/") || path.starts_with("xtask/"));
    let is_bare = is_ours && !text.starts_with("//!");
    is_bare.then(|| format!("{path}:1: the file does not open with `//!`")).into_iter().collect()
}

fn refused_in_product(source: &Source) -> Vec<String> {
    let mut parts = source.path.split('/');
    let is_product = parts.next() == Some("crates") && parts.nth(1) == Some("src");
    if !is_product || !source.path.ends_with(".rs") {
        return Vec::new();
    }
    REFUSED_IN_PRODUCT.iter().flat_map(|(word, why)| lines_with(source, word, why)).collect()
}

fn refused_anywhere(source: &Source) -> Vec<String> {
    let why = "it means something on one machine only";
    REFUSED_ANYWHERE.iter().flat_map(|word| lines_with(source, word, why)).collect()
}

fn lines_with(Source { path, text }: &Source, word: &str, why: &str) -> Vec<String> {
    let hits = text.lines().enumerate().filter(|(_, line)| line.contains(word));
    hits.map(|(index, _)| format!("{path}:{}: `{word}` is refused: {why}", index + 1)).collect()
}

/// Every text file under the root, in order of its path.
fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let kind = entry.file_type()?;
            if FOREIGN.iter().any(|foreign| name == *foreign) {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.extend(source(root, &entry.path()));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// The file, unless it is not text or has just been removed.
fn source(root: &Path, path: &Path) -> Option<Source> {
    let text = fs::read_to_string(path).ok()?;
    let path = path.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/");
    Some(Source { path, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_is_left_out_whether_folder_or_file() {
        let root = std::env::temp_dir().join(format!("hubbub-tidy-{}", std::process::id()));
        fs::create_dir_all(root.join("target")).unwrap();
        for path in [".git", "target/x.rs", "own.rs"] {
            fs::write(root.join(path), "text").unwrap();
        }
        let found: Vec<String> = sources(&root).unwrap().into_iter().map(|source| source.path).collect();
        fs::remove_dir_all(root).unwrap();
        assert_eq!(found, ["own.rs"]);
    }

    fn file(path: &str, text: &str) -> Vec<String> {
        complaints(&Source { path: path.into(), text: text.into() })
    }

    #[test]
    fn the_repository_is_tidy() {
        let found: Vec<_> = sources(cargo::root()).unwrap().iter().flat_map(complaints).collect();
        assert!(found.is_empty(), "{found:#?}");
    }

    #[test]
    fn the_walk_finds_this_file_and_nothing_built() {
        let sources = sources(cargo::root()).unwrap();
        assert!(sources.iter().any(|source| source.path == "xtask/src/tidy.rs"));
        assert!(!sources.iter().any(|source| source.path.starts_with("target/")));
    }

    #[test]
    fn a_rust_file_opens_with_its_heading_and_stays_short() {
        assert_eq!(file("crates/hub/src/lib.rs", "//! The hub.\n"), Vec::<String>::new());
        assert_eq!(file("crates/hub/src/lib.rs", "use std::fmt;\n").len(), 1);
        assert_eq!(file("crates/hub/src/lib.rs", &"//! line\n".repeat(LINES_MAX + 1)).len(), 1);
        assert_eq!(file("docs/long.md", &"line\n".repeat(LINES_MAX + 1)), Vec::<String>::new());
    }

    #[test]
    fn product_code_has_no_unowned_task_and_no_leftovers() {
        for (word, _) in REFUSED_IN_PRODUCT {
            let text = format!("//! Heading.\nfn f() {{ {word}x) }}\n");
            let found = file("crates/hub/src/room.rs", &text);
            assert_eq!(found.len(), 1, "{word}");
            assert!(found[0].starts_with("crates/hub/src/room.rs:2: "), "{}", found[0]);
            assert_eq!(file("crates/hub/tests/room.rs", &text), Vec::<String>::new());
        }
    }

    #[test]
    fn no_file_names_a_folder_of_one_machine() {
        for word in REFUSED_ANYWHERE {
            assert_eq!(file("docs/guide.md", &format!("See {word}notes.\n")).len(), 1, "{word}");
        }
    }
}
