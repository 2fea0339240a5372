//! Who a client command is and which hub it talks to: the flags that `chat`, `say` and `tail` share.

use crate::{
    cmd::password,
    config::data_folder,
    words::{tell, tongue},
};
use anyhow::{Context, Result, anyhow, bail};
use hubbub_client::{Address, LoginAs, Options, Pinned, wire::Secret};
use hubbub_model::{UserName, harmless};
use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

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
            let password = Secret(account_password(name.as_str()).await?);
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
    open.take(SECRET_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read the token file {at}"))?;
    match text.trim() {
        "" => bail!("the token file {at} is empty"),
        token => Ok(Secret(token.to_owned())),
    }
}

async fn account_password(name: &str) -> Result<String> {
    if let Ok(password) = env::var("HUBBUB_PASSWORD") {
        return Ok(password);
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        bail!("the password of {name} is needed: set HUBBUB_PASSWORD, or use --token-file");
    }
    password::unseen(&tell("Password of {name}: ", &[("name", name)])).await
}

/// An error to end with. What the hub said in it commands no terminal.
pub(crate) fn told(error: impl Display) -> anyhow::Error {
    anyhow!(safe(error))
}

/// What the hub said, on one line, without anything that a terminal would obey.
pub(crate) fn safe(text: impl Display) -> String {
    harmless(&text.to_string().replace('\n', " ")).into_owned()
}

/// The file of hubs whose certificates are known; none without a home folder.
fn known_hubs() -> Option<PathBuf> {
    data_folder().ok().map(|folder| folder.join("known_hubs"))
}

/// Tells on standard error that a hub's certificate was seen for the first time.
pub(crate) fn tell_pinned(pinned: &Pinned) {
    let fingerprint = format!("sha256:{}", pinned.fingerprint);
    let gist = tell(
        "this hub is new here; its key is known from now on: {fingerprint}",
        &[("fingerprint", &fingerprint)],
    );
    eprintln!("hubbub: {gist}");
}

const SECRET_BYTES_MAX: u64 = 4_096;
