//! Makes the table of the web client's files: each with its type, the hash of its content, and a compressed twin
//! where that is smaller. Cargo is the only tool that this needs.

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// What the web client is made of, by the end of its name. Anything else in the folder is for its authors.
const TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("webmanifest", "application/manifest+json"),
    ("txt", "text/plain; charset=utf-8"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("webp", "image/webp"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("wav", "audio/wav"),
];
/// Folders that hold nothing of the client itself.
const NOT_SERVED: &[&str] = &["node_modules", "test", "tests"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../web").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    find(&root, &root, &mut files)?;
    files.sort();
    let mut table = String::from("static FILES: &[File] = &[\n");
    for (n, (name, kind, path)) in files.iter().enumerate() {
        let bytes = fs::read(path)?;
        let hash = Sha256::digest(&bytes)
            .iter()
            .take(12)
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let mut small = GzEncoder::new(Vec::new(), Compression::best());
        small.write_all(&bytes)?;
        let small = small.finish()?;
        let twin = out.join(format!("{n}.gz"));
        let gzip = if small.len() < bytes.len() {
            fs::write(&twin, &small)?;
            format!("Some(include_bytes!({twin:?}))")
        } else {
            "None".to_owned()
        };
        writeln!(
            table,
            "    File {{ path: {name:?}, kind: {kind:?}, hash: {hash:?}, plain: include_bytes!({path:?}), gzip: {gzip} }},"
        )?;
    }
    table += "];\n";
    fs::write(out.join("files.rs"), table)?;
    Ok(())
}

/// Name as it is asked for, type, path on the disk.
type Found = (String, &'static str, PathBuf);

fn find(root: &Path, folder: &Path, found: &mut Vec<Found>) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a file name is not UTF-8")?;
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if !NOT_SERVED.contains(&name) {
                find(root, &path, found)?;
            }
            continue;
        }
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let Some((_, kind)) = TYPES.iter().find(|(known, _)| *known == end) else { continue };
        let asked = path.strip_prefix(root)?.to_str().ok_or("a file name is not UTF-8")?;
        found.push((format!("/{}", asked.replace('\\', "/")), kind, path.clone()));
    }
    Ok(())
}
