//! Who a client command is and which hub it talks to: the flags that `chat`, `say` and `tail` share.

use crate::words::{tell, tongue};
use anyhow::{Context, Result, bail};
use hubbub_client::{Address, LoginAs, Options, Pinned, wire::Secret};
use hubbub_model::UserName;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::{
    env,
    io::{self, BufRead, IsTerminal, Read, Write},
    path::{Path, PathBuf},
};
use tokio::sync::oneshot;

/// Who and where.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Login {
    /// The hub: hubbub://HOST:PORT, hubbubs://HOST:PORT (TLS), unix:///PATH, or just HOST [default: 127.0.0.1:7272]
    #[arg(long, value_name = "URL", env = "HUBBUB_URL", hide_env_values = true)]
    pub(crate) url: Option<Address>,
    /// Come in as a guest of this name [default: your login name]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<UserName>,
    /// Log in to this account; the password comes from HUBBUB_PASSWORD, or is asked for at a terminal
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    account: Option<UserName>,
    /// Log in with the token in this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "account"])]
    token_file: Option<PathBuf>,
}

impl Login {
    /// Whether somebody was named.
    pub(crate) fn names_somebody(&self) -> bool {
        self.name.is_some() || self.is_registered()
    }

    /// Whether this is more than a guest.
    pub(crate) fn is_registered(&self) -> bool {
        self.account.is_some() || self.token_file.is_some()
    }

    /// What the client library needs; asks for a password if it must.
    pub(crate) async fn options(&self) -> Result<Options> {
        let mut options = Options::new(self.url.clone().unwrap_or_default(), self.who().await?);
        options.known_hubs = known_hubs();
        options.lang = Some(tongue().code().to_owned());
        Ok(options)
    }

    async fn who(&self) -> Result<LoginAs> {
        if let Some(file) = &self.token_file {
            return Ok(LoginAs::Token(token(file)?));
        }
        if let Some(name) = &self.account {
            let password = Secret(password(name.as_str()).await?);
            return Ok(LoginAs::Account { name: name.to_string(), password });
        }
        let name = self.name.clone().or_else(own_name);
        Ok(LoginAs::Guest(name.map(|name| name.to_string())))
    }
}

/// The name that the system knows the user by, where a hub can take it.
fn own_name() -> Option<UserName> {
    let names = ["USER", "LOGNAME", "USERNAME"].map(|variable| env::var(variable).ok());
    names.into_iter().flatten().find_map(|name| UserName::parse(&name).ok())
}

fn token(file: &Path) -> Result<Secret> {
    let at = file.display();
    let mut text = String::new();
    let open = std::fs::File::open(file).with_context(|| format!("cannot read the token file {at}"))?;
    open.take(SECRET_BYTES_MAX).read_to_string(&mut text).with_context(|| format!("cannot read the token file {at}"))?;
    match text.trim() {
        "" => bail!("the token file {at} is empty"),
        token => Ok(Secret(token.to_owned())),
    }
}

async fn password(name: &str) -> Result<String> {
    if let Ok(password) = env::var("HUBBUB_PASSWORD") {
        return Ok(password);
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        bail!("the password of {name} is needed: set HUBBUB_PASSWORD, or use --token-file");
    }
    let _unseen = Unseen::begin()?;
    eprint!("{}", tell("Password of {name}: ", &[("name", name)]));
    io::stderr().flush()?;
    let (tell_line, line) = oneshot::channel();
    // A thread of its own, which nobody waits for: reading a terminal cannot be broken off.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().take(SECRET_BYTES_MAX).read_line(&mut line);
        let _ = tell_line.send(read.map(|_| line));
    });
    let line = tokio::select! {
        line = line => line?.context("cannot read the password")?,
        _ = tokio::signal::ctrl_c() => bail!("given up"),
    };
    eprintln!();
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// While it lives, the terminal does not show what is typed.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> Result<Self> {
        let seen = tcgetattr(io::stdin()).context("cannot hide the password that will be typed: set HUBBUB_PASSWORD")?;
        let mut unseen = seen.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &unseen)?;
        Ok(Self(seen))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that has gone away needs nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// The file of hubs whose certificates are known; none without a home folder.
fn known_hubs() -> Option<PathBuf> {
    let named = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let folder = if cfg!(target_os = "macos") {
        home()?.join("Library/Application Support")
    } else {
        named.or_else(|| Some(home()?.join(".local/share")))?
    };
    Some(folder.join("hubbub/known_hubs"))
}

/// Tells on standard error that a hub's certificate was seen for the first time.
pub(crate) fn tell_pinned(pinned: &Pinned) {
    let fingerprint = format!("sha256:{}", pinned.fingerprint);
    let gist = tell(
        "this hub is new here; its certificate is known from now on: {fingerprint}",
        &[("fingerprint", &fingerprint)],
    );
    eprintln!("hubbub: {gist}");
}

const SECRET_BYTES_MAX: u64 = 4_096;
