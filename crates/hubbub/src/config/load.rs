//! From the layers to the effective configuration. Each key is checked where it stands, so that an error names the
//! file's line, the variable or the flag that is wrong; then the winners make the whole.

use super::{
    Settings,
    layers::{self, Given},
    paths,
    reference::{KEYS, Key},
};
use anyhow::{Context, Result, anyhow, bail};
use hubbub_hub::WallClock;
use hubbub_model::Language;
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use toml::{Table, Value};

/// What the command line says about configuration.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Flags {
    /// Configuration file (hubbub.toml)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder that keeps everything
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen, such as any://127.0.0.1:7272; repeatable, replaces the list of the file
    #[arg(long, value_name = "URL")]
    pub(crate) listen: Vec<String>,
}

/// Where a key's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    /// The file, and the line in it.
    File(PathBuf, usize),
    Env(String),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// The effective configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    /// The data folder in use; [`MEMORY`] where nothing is kept.
    pub(crate) data: PathBuf,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// Variables that look as if they were meant for the hub, each as a sentence.
    pub(crate) strays: Vec<String>,
    /// Keys that are not at their default.
    sources: BTreeMap<&'static str, Source>,
}

impl Config {
    /// Reads the file and the environment of this process.
    pub(crate) fn load(flags: &Flags) -> Result<Self> {
        let file = match flags.config.clone().or_else(|| named(env::var_os(CONFIG_VARIABLE))) {
            Some(path) => Some(path),
            None => paths::usual_files().into_iter().find(|path| path.exists()),
        };
        let file = file.map(|path| read(&path).map(|text| (path, text))).transpose()?;
        Self::of(flags, env::vars_os(), file)
    }

    /// As [`Config::load`], with everything given.
    fn of(
        flags: &Flags,
        vars: impl Iterator<Item = (OsString, OsString)>,
        file: Option<(PathBuf, String)>,
    ) -> Result<Self> {
        let (of_env, strays) = layers::of_env(vars);
        let of_file = file.as_ref().map(|(path, text)| layers::of_file(path, text)).transpose()?;
        let (mut merged, mut sources) = (Table::new(), BTreeMap::new());
        for given in of_file.into_iter().flatten().chain(of_env).chain(layers::of_flags(flags)) {
            check(&given)?;
            sources.insert(given.key.name, given.source);
            put(&mut merged, given.key, given.value);
        }
        let mut settings: Settings = merged.try_into().context("the configuration contradicts itself")?;
        if settings.language != Language::default() {
            for listener in &mut settings.listen {
                listener.options.language.get_or_insert(settings.language);
            }
        }
        both_or_none(&settings, &sources)?;
        let given = flags.data.clone().or_else(|| settings.data.clone());
        let data = given.map_or_else(paths::data_folder, Ok)?;
        Ok(Self { settings, data, file: file.map(|(path, _)| path), strays, sources })
    }

    /// The hub's own part.
    pub(crate) fn for_hub(&self) -> hubbub_hub::Config {
        hubbub_hub::Config {
            limits: Arc::new(self.settings.limits.clone()),
            clock: Arc::new(WallClock),
            registration: self.settings.guests.registration,
        }
    }

    fn source(&self, name: &str) -> Source {
        self.sources.get(name).cloned().unwrap_or(Source::Default)
    }

    pub(crate) fn is_default(&self, name: &str) -> bool {
        self.source(name) == Source::Default
    }

    /// Each key with its value, as the file would have it, and where that comes from.
    pub(crate) fn effective(&self) -> Result<Vec<(&'static str, String, Source)>> {
        let table = Table::try_from(&self.settings).context("cannot show the configuration")?;
        let show = |key: &Key| match (key.name, get(&table, key)) {
            ("data", _) => Value::String(self.data.to_string_lossy().into_owned()).to_string(),
            (_, Some(value)) => value.to_string(),
            (_, None) => "(none)".to_owned(),
        };
        Ok(KEYS.iter().map(|key| (key.name, show(key), self.source(key.name))).collect())
    }

    /// The keys whose values differ.
    pub(crate) fn changed(&self, other: &Self) -> Result<Vec<&'static str>> {
        let (ours, theirs) = (self.effective()?, other.effective()?);
        let differing = ours.into_iter().zip(theirs).filter(|(a, b)| a.1 != b.1);
        Ok(differing.map(|((name, _, _), _)| name).collect())
    }
}

fn named(variable: Option<OsString>) -> Option<PathBuf> {
    variable.filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read the configuration file {}", path.display()))
}

/// Whether the type takes the value, and the number is one that a hub can live with.
fn check(given: &Given) -> Result<()> {
    let Given { key, value, source } = given;
    let refuse = || anyhow!("{source}: {} = {value} is not possible: it takes {}", key.name, key.wanted);
    if let Some(number) = value.as_integer().filter(|_| key.name.starts_with("limits.")) {
        let least = i64::from(!MAY_BE_ZERO.contains(&key.name));
        let most = if NARROW.contains(&key.name) { i64::from(u32::MAX) } else { NUMBER_MAX };
        if !(least..=most).contains(&number) {
            bail!("{source}: {} = {number} is not possible: it takes {least} to {most}", key.name);
        }
    }
    if key.name == "listen" && value.as_array().is_some_and(Vec::is_empty) {
        return Err(refuse());
    }
    let mut alone = Table::new();
    put(&mut alone, key, value.clone());
    alone.try_into::<Settings>().map(drop).map_err(|error| {
        let message = error.message().trim();
        // The words of the library for a wrong type are for programmers; our own types say what is wrong with a value.
        let is_type = ["invalid type", "invalid value", "unknown variant"]
            .iter()
            .any(|start| message.starts_with(start));
        if is_type { refuse() } else { anyhow!("{source}: {}: {message}", key.name) }
    })
}

fn both_or_none(settings: &Settings, sources: &BTreeMap<&'static str, Source>) -> Result<()> {
    let (given, missing) = match (&settings.tls.cert, &settings.tls.key) {
        (Some(_), None) => ("tls.cert", "tls.key"),
        (None, Some(_)) => ("tls.key", "tls.cert"),
        _ => return Ok(()),
    };
    let source = sources.get(given).unwrap_or(&Source::Default);
    bail!("{source}: {given} is given without {missing}: give both, or none for a self-made certificate")
}

fn put(table: &mut Table, key: &Key, value: Value) {
    match key.name.split_once('.') {
        None => {
            table.insert(key.name.to_owned(), value);
        }
        Some((section, name)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Some(section) = section.as_table_mut() {
                section.insert(name.to_owned(), value);
            }
        }
    }
}

fn get<'t>(table: &'t Table, key: &Key) -> Option<&'t Value> {
    match key.name.split_once('.') {
        None => table.get(key.name),
        Some((section, name)) => table.get(section)?.get(name),
    }
}

/// The data "folder" of a hub that keeps nothing.
pub(crate) const MEMORY: &str = ":memory:";
const CONFIG_VARIABLE: &str = "HUBBUB_CONFIG";
/// Limits that mean something at zero. Any other would stop the hub from working at all.
const MAY_BE_ZERO: [&str; 6] = [
    "limits.presence_grace_s",
    "limits.commit_pace_us",
    "limits.arrivals_shown_max",
    "limits.shutdown_s",
    "limits.commands_per_s",
    "limits.local_commands_per_s",
];
/// Limits that are kept in 32 bits.
const NARROW: [&str; 2] = ["limits.history_events_max", "limits.login_failures_max"];
/// No limit means more than that, and sums of limits cannot overflow.
const NUMBER_MAX: i64 = 1 << 48;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(file: &str, vars: &[(&str, &str)], flags: &Flags) -> Result<Config> {
        let vars = vars.iter().map(|(name, value)| (name.into(), value.into()));
        Config::of(flags, vars, Some(("/etc/hubbub/hubbub.toml".into(), file.to_owned())))
    }

    fn flags(data: Option<&str>, listen: &[&str]) -> Flags {
        Flags {
            config: None,
            data: data.map(Into::into),
            listen: listen.iter().map(|url| (*url).to_owned()).collect(),
        }
    }

    fn from_file(file: &str) -> Config {
        config(file, &[], &flags(Some("/data"), &[])).unwrap()
    }

    fn urls(config: &Config) -> Vec<String> {
        config.settings.listen.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_given_is_the_default() {
        let config = from_file("");
        assert_eq!(config.settings, Settings { data: Some("/data".into()), ..Settings::default() });
        assert_eq!(urls(&config), ["any://127.0.0.1:7272"]);
        assert_eq!(config.source("listen"), Source::Default);
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
        let file =
            "data = \"/file\"\nlisten = [\"any://127.0.0.1:1\"]\n[limits]\nconns_max = 1\nrooms_max = 7\n";
        let vars = [
            ("HUBBUB_DATA", "/env"),
            ("HUBBUB_LISTEN", "any://127.0.0.1:2,echo://127.0.0.1:3"),
            ("HUBBUB_LIMITS_CONNS_MAX", "2"),
        ];
        let all = config(file, &vars, &flags(Some("/flag"), &["any://127.0.0.1:4"])).unwrap();
        assert_eq!((all.data.to_str(), urls(&all)), (Some("/flag"), vec!["any://127.0.0.1:4".to_owned()]));
        assert_eq!(all.source("data"), Source::Flag("--data"));
        let env = config(file, &vars, &Flags::default()).unwrap();
        assert_eq!(env.data.to_str(), Some("/env"));
        assert_eq!(urls(&env), ["any://127.0.0.1:2", "echo://127.0.0.1:3"]);
        assert_eq!(env.source("listen"), Source::Env("HUBBUB_LISTEN".into()));
        assert_eq!((env.settings.limits.conns_max, env.settings.limits.rooms_max), (2, 7));
        assert_eq!(env.source("limits.rooms_max"), Source::File("/etc/hubbub/hubbub.toml".into(), 5));
        let file = config(file, &[], &Flags::default()).unwrap();
        assert_eq!((file.data.to_str(), file.settings.limits.conns_max), (Some("/file"), 1));
    }

    #[test]
    fn paths_of_the_file_are_meant_from_its_folder() {
        let config =
            config("data = \"d\"\n[tls]\ncert = \"c.pem\"\nkey = \"/k.pem\"\n", &[], &Flags::default())
                .unwrap();
        assert_eq!(config.data.to_str(), Some("/etc/hubbub/d"));
        assert_eq!(config.settings.tls.cert, Some("/etc/hubbub/c.pem".into()));
        assert_eq!(config.settings.tls.key, Some("/k.pem".into()));
    }

    #[test]
    fn a_comma_may_stand_inside_of_a_listener() {
        let vars = [
            ("HUBBUB_LISTEN", "any://*:1?proxy=10.0.0.0/8,::1/128, echo://127.0.0.1:3"),
            ("HUBBUB_TLS_NAMES", "a,b"),
        ];
        let config = config("", &vars, &flags(Some("/data"), &[])).unwrap();
        assert_eq!(config.settings.listen.len(), 2);
        assert_eq!(config.settings.tls.names, ["a", "b"]);
    }

    #[test]
    fn errors_say_where_what_and_what_to_do() {
        let cases = [
            ("listn = []", "/etc/hubbub/hubbub.toml:1: there is no key \"listn\"; did you mean \"listen\"?"),
            (
                "\n[limits]\nmesage_bytes_max = 1",
                "/etc/hubbub/hubbub.toml:3: there is no key \"limits.mesage_bytes_max\"; did you mean \"limits.message_bytes_max\"?",
            ),
            (
                "registration = true",
                "/etc/hubbub/hubbub.toml:1: there is no key \"registration\"; did you mean \"guests.registration\"?",
            ),
            (
                "[limit]\nconns_max = 1",
                "/etc/hubbub/hubbub.toml:1: there is no key \"limit\"; did you mean \"limits\"?",
            ),
            (
                "zebra = 1",
                "/etc/hubbub/hubbub.toml:1: there is no key \"zebra\"; docs/configuration.md lists all keys",
            ),
            (
                "limits = 1",
                "/etc/hubbub/hubbub.toml:1: limits is a section: write [limits] on a line of its own",
            ),
            (
                "[limits]\nconns_max = \"many\"",
                "/etc/hubbub/hubbub.toml:2: limits.conns_max = \"many\" is not possible: it takes a whole number, such as 100",
            ),
            (
                "[limits]\nhub_queue_max = 0",
                "/etc/hubbub/hubbub.toml:2: limits.hub_queue_max = 0 is not possible: it takes 1 to 281474976710656",
            ),
            (
                "listen = \"any://127.0.0.1:1\"",
                "/etc/hubbub/hubbub.toml:1: listen = \"any://127.0.0.1:1\" is not possible: it takes a list of listeners, such as [\"any://127.0.0.1:7272\"]",
            ),
            (
                "listen = [\"chatt://127.0.0.1:1\"]",
                "/etc/hubbub/hubbub.toml:1: listen: there is no listener called \"chatt\"; did you mean \"chat\"?",
            ),
            (
                "listen = []",
                "/etc/hubbub/hubbub.toml:1: listen = [] is not possible: it takes a list of listeners, such as [\"any://127.0.0.1:7272\"]",
            ),
            (
                "[log]\nformat = \"xml\"",
                "/etc/hubbub/hubbub.toml:2: log.format = \"xml\" is not possible: it takes \"text\" or \"json\"",
            ),
            (
                "[log]\nlevel = \"inof\"",
                "/etc/hubbub/hubbub.toml:2: log.level: the level is one of off, error, warn, info, debug, trace, or a filter such as \"info,hubbub_door=debug\"",
            ),
            (
                "[tls]\ncert = \"c.pem\"",
                "/etc/hubbub/hubbub.toml:2: tls.cert is given without tls.key: give both, or none for a self-made certificate",
            ),
            ("name = ", "/etc/hubbub/hubbub.toml:1: string values must be quoted, expected literal string"),
        ];
        for (file, wanted) in cases {
            let error = config(file, &[], &flags(Some("/data"), &[])).unwrap_err();
            assert_eq!(error.to_string(), wanted, "{file}");
        }
    }

    #[test]
    fn the_hubs_language_is_that_of_listeners_that_say_nothing_else() {
        let file = "language = \"zh\"\nlisten = [\"any://127.0.0.1:1\", \"any://127.0.0.1:2?lang=en\"]\n";
        assert_eq!(urls(&from_file(file)), ["any://127.0.0.1:1?lang=zh", "any://127.0.0.1:2?lang=en"]);
        let refused = config("language = \"de\"", &[], &Flags::default()).unwrap_err().to_string();
        assert!(
            refused.ends_with("language = \"de\" is not possible: it takes \"en\" or \"zh\""),
            "{refused}"
        );
    }

    #[test]
    fn errors_of_variables_and_flags_name_them() {
        let wrong = |vars: &[(&str, &str)], flags: &Flags| config("", vars, flags).unwrap_err().to_string();
        assert_eq!(
            wrong(&[("HUBBUB_GUESTS_REGISTRATION", "perhaps")], &Flags::default()),
            "HUBBUB_GUESTS_REGISTRATION: guests.registration = \"perhaps\" is not possible: it takes true or false"
        );
        assert_eq!(
            wrong(&[], &flags(None, &["any://127.0.0.1"])),
            "--listen: listen: \"127.0.0.1\" needs a port, such as 127.0.0.1:7272 or [::1]:7272; port 0 takes any free one"
        );
    }

    #[test]
    fn a_variable_that_was_probably_meant_for_the_hub_is_told() {
        let vars = [("HUBBUB_LISTN", "x"), ("HUBBUB_TEST_CLIENTS", "x"), ("HUBBUB_URL", "x")];
        let config = config("", &vars, &flags(Some("/data"), &[])).unwrap();
        assert_eq!(config.strays, ["the variable HUBBUB_LISTN means nothing; did you mean HUBBUB_LISTEN?"]);
    }

    #[test]
    fn what_differs_is_told_by_name() {
        let changed =
            from_file("[log]\nlevel = \"debug\"\n[limits]\nconns_max = 9\n").changed(&from_file("")).unwrap();
        assert_eq!(changed, ["log.level", "limits.conns_max"]);
    }
}
