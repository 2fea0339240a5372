//! The reference of all keys: what the example file, the documents, the variables and the error messages are made of.

use hubbub_model::Limits;
use std::{fmt::Write, sync::LazyLock};

/// A key of the configuration.
#[derive(Debug)]
pub(crate) struct Key {
    /// With its section: `log.level`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What it takes, as the end of a sentence.
    pub(crate) wanted: &'static str,
    /// The default, or an example where the default depends on the machine; as the file has it.
    pub(crate) sample: String,
    /// Sentences for the operator.
    pub(crate) meaning: &'static str,
}

/// How a variable's text becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// In a file: from the file's folder on.
    Path,
    /// In a variable: with commas between.
    List,
    Number,
    YesNo,
}

impl Key {
    /// The environment variable: `HUBBUB_LOG_LEVEL`.
    pub(crate) fn variable(&self) -> String {
        format!("{}{}", super::layers::PREFIX, self.name.replace('.', "_").to_uppercase())
    }
}

/// All keys, in the order of the example file.
pub(crate) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let own = OWN.iter().map(|(name, kind, sample, wanted, meaning)| Key {
        name,
        kind: *kind,
        wanted,
        sample: (*sample).to_owned(),
        meaning,
    });
    own.chain(limits()).collect()
});

/// The key of this name.
pub(crate) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The names live as long as the program, as those of the other keys do.
fn limits() -> impl Iterator<Item = Key> {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| Limits::TABLE.iter().map(|(name, _, _)| format!("limits.{name}")).collect());
    NAMES.iter().zip(Limits::TABLE).map(|(name, (_, default, meaning))| Key {
        name,
        kind: Kind::Number,
        wanted: "a whole number, such as 100",
        sample: default.to_string(),
        meaning: meaning.trim(),
    })
}

/// Name, kind, sample, what it takes, meaning.
type Row = (&'static str, Kind, &'static str, &'static str, &'static str);

const OWN: &[Row] = &[
    ("name", Kind::Text, r#""hubbub""#, r#"a name, such as "lab""#, "What the hub calls itself."),
    (
        "language",
        Kind::Text,
        r#""en""#,
        r#""en" or "zh""#,
        "The language of the hub's own lines to text clients, and of refusals: en or zh. A listener may say otherwise with \
         lang=zh, whoever writes a Chinese name or GBK reads Chinese, and /lang chooses for oneself.",
    ),
    (
        "data",
        Kind::Path,
        r#""/var/lib/hubbub""#,
        r#"a folder, such as "/var/lib/hubbub""#,
        "The folder that keeps everything; one hub at a time runs on it. Unless given: the platform's data folder, \
         ~/.local/share/hubbub or ~/Library/Application Support/hubbub. \":memory:\" keeps nothing.",
    ),
    (
        "listen",
        Kind::List,
        r#"["any://127.0.0.1:7272"]"#,
        r#"a list of listeners, such as ["any://127.0.0.1:7272"]"#,
        "Where the hub listens. any:// tells protocols apart by their first bytes; chat://, http://, relay:// and \
         echo:// are one door each, and an s behind the name (anys://) means TLS from the first byte. any+unix:///PATH is a Unix \
         socket, port 0 any free port, * every address. Options follow as in any://0.0.0.0:7272?guests=yes&tls=required: \
         guests, tls, encoding, greet, proxy, paced, backlog, lang, metrics. Beyond this machine, guests are welcome only where it says \
         guests=yes.",
    ),
    (
        "guests.registration",
        Kind::YesNo,
        "true",
        "true or false",
        "Whether guests may make accounts for themselves.",
    ),
    (
        "tls.cert",
        Kind::Path,
        r#""/etc/hubbub/cert.pem""#,
        r#"a file, such as "/etc/hubbub/cert.pem""#,
        "The certificate with its issuers behind it, as PEM. Unless given: a self-made one in the data folder.",
    ),
    (
        "tls.key",
        Kind::Path,
        r#""/etc/hubbub/key.pem""#,
        r#"a file, such as "/etc/hubbub/key.pem""#,
        "The private key of the certificate, as PEM, not encrypted.",
    ),
    (
        "tls.names",
        Kind::List,
        "[]",
        r#"a list of names and addresses, such as ["hub.lab.example"]"#,
        "More names and addresses for the self-made certificate, beside localhost, this machine's name and addresses. \
         It is renewed under the same key when a name is missing or 30 days are left.",
    ),
    (
        "log.format",
        Kind::Text,
        r#""text""#,
        r#""text" or "json""#,
        "How lines of the log look; it goes to standard error.",
    ),
    (
        "log.level",
        Kind::Text,
        r#""info""#,
        r#"a level, such as "info", or a filter, such as "info,hubbub_door=debug""#,
        "Which lines there are: off, error, warn, info, debug, trace, or a filter such as \"info,hubbub_door=debug\". \
         A reload changes it.",
    ),
];

/// The text of `hubbub.example.toml`.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the test that compares the file with this is its one user")
)]
pub(crate) fn example() -> String {
    let mut text = String::from(EXAMPLE_HEAD);
    let mut section = "";
    for key in KEYS.iter() {
        let (of, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if of != section {
            section = of;
            // Writing to a string cannot fail.
            let _ = write!(text, "\n[{section}]\n");
        }
        for line in wrapped(key.meaning) {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "#{name} = {}", key.sample);
    }
    text
}

/// The tables of `docs/configuration.md`: the keys, then the limits.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the test that compares the file with this is its one user")
)]
pub(crate) fn tables() -> (String, String) {
    let (limits, others): (Vec<&Key>, Vec<&Key>) =
        KEYS.iter().partition(|key| key.name.starts_with("limits."));
    let keys = others.iter().fold(
        "| key | variable | sample | meaning |\n|---|---|---|---|\n".to_owned(),
        |text, key| {
            text + &format!(
                "| `{}` | `{}` | `{}` | {} |\n",
                key.name,
                key.variable(),
                key.sample,
                key.meaning
            )
        },
    );
    let limits =
        limits.iter().fold("| limit | default | meaning |\n|---|---:|---|\n".to_owned(), |text, key| {
            text + &format!(
                "| `{}` | {} | {} |\n",
                key.name.trim_start_matches("limits."),
                key.sample,
                key.meaning
            )
        });
    (keys, limits)
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < EXAMPLE_COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

const EXAMPLE_COLUMNS: usize = 98;

const EXAMPLE_HEAD: &str = "\
# The configuration of a hub. Every key is optional; what stands here behind a # is its default, or a sample
# where the default depends on the machine. Copy this file, take the # away where you want something else, and:
#
#     hubbub serve --config hubbub.toml
#
# Each key is also an environment variable (HUBBUB_DATA, HUBBUB_LOG_LEVEL, HUBBUB_LISTEN with commas between), and
# data and listen are flags. A flag wins over a variable, a variable over this file. Paths are meant from the
# folder of this file. `hubbub doctor` shows what is in force and where it comes from.

";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use std::{collections::BTreeSet, fs, path::PathBuf};

    fn of_the_project(path: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
    }

    /// Compares a file with what it is generated from; `UPDATE=1` writes it.
    fn holds(path: &str, wanted: &str) {
        let path = of_the_project(path);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, wanted).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(there == wanted, "{} is not as generated: run this test with UPDATE=1", path.display());
    }

    #[test]
    fn the_example_file_is_as_generated_and_says_nothing() {
        holds("hubbub.example.toml", &example());
        assert_eq!(toml::from_str::<Settings>(&example()).unwrap(), Settings::default());
    }

    #[test]
    fn the_example_file_still_parses_with_every_key_in_force() {
        let all: String = example()
            .lines()
            .map(|line| {
                line.strip_prefix('#').filter(|key| !key.is_empty() && !key.starts_with(' ')).unwrap_or(line)
            })
            .fold(String::new(), |text, line| text + line + "\n");
        let mut settings: Settings = toml::from_str(&all).unwrap();
        assert_eq!(settings.data.take(), Some("/var/lib/hubbub".into()));
        assert!(settings.tls.cert.take().is_some() && settings.tls.key.take().is_some());
        assert_eq!(settings, Settings::default(), "every other sample is the default");
    }

    #[test]
    fn the_reference_has_every_key_of_the_types_and_no_other() {
        let mut settings = Settings { data: Some("x".into()), ..Settings::default() };
        settings.tls.cert = Some("x".into());
        settings.tls.key = Some("x".into());
        let of_types = toml::Table::try_from(&settings).unwrap();
        let names = of_types.iter().flat_map(|(name, value)| match value {
            toml::Value::Table(section) => section.keys().map(|key| format!("{name}.{key}")).collect(),
            _ => vec![name.clone()],
        });
        let referred: BTreeSet<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
        assert_eq!(names.collect::<BTreeSet<_>>(), referred);
        assert_eq!(
            KEYS.iter().map(Key::variable).collect::<BTreeSet<_>>().len(),
            KEYS.len(),
            "variables are unique"
        );
    }

    #[test]
    fn the_tables_of_the_documents_are_as_generated() {
        let path = "docs/configuration.md";
        let text = fs::read_to_string(of_the_project(path)).unwrap();
        let (keys, limits) = tables();
        let text = between(&text, "<!-- keys: generated -->\n", &keys);
        holds(path, &between(&text, "<!-- limits: generated -->\n", &limits));
    }

    /// The text with what stands between the mark and the end mark replaced.
    fn between(text: &str, mark: &str, new: &str) -> String {
        let (head, rest) = text.split_once(mark).unwrap();
        let (_, tail) = rest.split_once("<!-- end -->").unwrap();
        format!("{head}{mark}\n{new}\n<!-- end -->{tail}")
    }
}
