//! Where a password comes from: a line of standard input, or a person who types it twice, unseen.

use crate::words::tell;
use anyhow::{Context, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// One line of standard input.
pub(crate) fn from_stdin() -> Result<String> {
    let line = line().context("cannot read the password from standard input")?;
    usable(&line)
}

/// Asks for a new password, twice. `None` where nobody sits at a terminal.
pub(crate) async fn from_terminal() -> Result<Option<String>> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Ok(None);
    }
    let _unseen = Unseen::begin()?;
    let first = typed(&tell("Password: ", &[])).await?;
    let second = typed(&tell("The same again: ", &[])).await?;
    if first != second {
        bail!("the two passwords differ: try again");
    }
    usable(&first).map(Some)
}

/// Asks for a known password, once, at a terminal.
pub(crate) async fn unseen(prompt: &str) -> Result<String> {
    let _unseen = Unseen::begin()?;
    typed(prompt).await
}

fn usable(password: &str) -> Result<String> {
    match password {
        "" => bail!("the password is empty"),
        password if password.contains('\0') => bail!("a password cannot contain a NUL byte"),
        password => Ok(password.to_owned()),
    }
}

/// A line that is typed. Ctrl-C is heard here, so that the terminal is put right before the end.
async fn typed(prompt: &str) -> Result<String> {
    let prompt = prompt.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        eprint!("{prompt}");
        io::stderr().flush()?;
        let line = line();
        eprintln!();
        line
    });
    tokio::select! {
        line = read => line?.context("cannot read the password"),
        _ = tokio::signal::ctrl_c() => {
            eprintln!();
            bail!("given up");
        }
    }
}

/// The next line of standard input, without its end. The hub says how long a password may be; this only bounds memory.
fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(BYTES_MAX).read_line(&mut line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

/// While it lives, the terminal does not show what is typed.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> Result<Self> {
        let seen = tcgetattr(io::stdin()).context(
            "cannot hide the password that will be typed: use --password-stdin, or HUBBUB_PASSWORD",
        )?;
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

const BYTES_MAX: u64 = 16 * 1_024;
