//! `hubbub say`: say something from a script.
//!
//! **Invariant.** Messages are committed in the order of their lines, each once. 0 means that all were.

use super::{
    chat::{is_closed_pipe, print_line, stdin_lines, stop_signal},
    login::{Login, safe, tell_pinned, told},
};
use crate::words::tell;
use anyhow::{Result, anyhow, bail};
use hubbub_client::{Answer, Begin, Client, ClientError, Events, Incoming, Said};
use hubbub_model::{Kind, RoomName};
use std::{process::ExitCode, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// Say something in a room, and wait until it is kept
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hubbub say lab the printer is free
  make 2>&1 | hubbub say builds - --name make
  hubbub say lab hello --json")]
pub(crate) struct Args {
    /// The room
    room: RoomName,
    /// What to say; - or nothing: each line of standard input
    #[arg(value_name = "TEXT", allow_hyphen_values = false)]
    text: Vec<String>,
    #[command(flatten)]
    login: Login,
    /// Say nothing about failures
    #[arg(long, short)]
    quiet: bool,
    /// Print room, seq and id of each message
    #[arg(long)]
    json: bool,
}

/// Says all of it.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let quiet = args.quiet;
    match Box::pin(say_all(args)).await {
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(_) if quiet => Ok(ExitCode::FAILURE),
        ended => ended,
    }
}

async fn say_all(args: Args) -> Result<ExitCode> {
    let lines = match &*args.text {
        [] => stdin_lines(),
        [dash] if dash == "-" => stdin_lines(),
        words => one_line(words.join(" ")),
    };
    let options = args.login.options().await?;
    let (client, events) = Client::connect(options).await.map_err(told)?;
    let room = args.room.to_string();
    let mouth = Mouth { client: client.clone(), room, registered: args.login.is_registered(), lines };
    let (tell, answers) = mpsc::channel(ANSWERS_MAX);
    let report = Report { quiet: args.quiet, json: args.json, failed: false };
    // They end together: whoever fails first ends the other by being awaited no longer.
    let code = tokio::select! {
        ended = async { tokio::try_join!(mouth.speak(tell), report.listen(answers)) } => ended?.1,
        gone = hub_gone(events) => bail!(gone),
        () = stop_signal() => bail!("stopped before all was known to be said"),
    };
    client.quit().await;
    Ok(code)
}

fn one_line(text: String) -> mpsc::Receiver<String> {
    let (tell, line) = mpsc::channel(1);
    // The queue is empty, so that there is room.
    let _ = tell.try_send(text);
    line
}

/// Asks for everything to be said, in order.
struct Mouth {
    client: Client,
    room: String,
    registered: bool,
    lines: mpsc::Receiver<String>,
}

impl Mouth {
    async fn speak(mut self, answers: mpsc::Sender<Answer>) -> Result<()> {
        let mut is_in = false;
        while let Some(line) = self.lines.recv().await {
            let text = line.trim_end_matches(['\r', '\n']);
            if text.trim().is_empty() {
                continue;
            }
            if !std::mem::replace(&mut is_in, true) {
                self.enter().await?;
            }
            let answer = self.client.submit_say(&self.room, text).await.map_err(told)?;
            if answers.send(answer).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A guest must have the room open to speak in it. An account that belongs to it need not.
    async fn enter(&self) -> Result<()> {
        if self.registered && self.belongs().await.map_err(told)? {
            return Ok(());
        }
        self.client.join(&self.room, Begin::Head).await.map_err(told)?;
        Ok(())
    }

    async fn belongs(&self) -> Result<bool, ClientError> {
        use hubbub_client::wire::{FromHub, Request};
        match self.client.request(Request::Room { room: Some(self.room.clone()) }).await {
            Ok(FromHub::Room(card)) => Ok(card.member),
            Ok(_) => Ok(false),
            // Whether it may be spoken in is found out by speaking.
            Err(error) if error.kind() == Some(Kind::NotAllowed) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Takes the answers, in order.
struct Report {
    quiet: bool,
    json: bool,
    failed: bool,
}

impl Report {
    async fn listen(mut self, mut answers: mpsc::Receiver<Answer>) -> Result<ExitCode> {
        while let Some(answer) = answers.recv().await {
            self.tell(answer.said().await)?;
        }
        Ok(if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn tell(&mut self, said: Result<Said, ClientError>) -> Result<()> {
        match said {
            Ok(said) if self.json => {
                let line = serde_json::json!({ "room": said.room, "seq": said.seq, "id": said.id });
                Ok(print_line(&line.to_string())?)
            }
            Ok(_) => Ok(()),
            Err(ClientError::Closed(fault)) => Err(told(fault)),
            Err(error) => {
                self.failed = true;
                if !self.quiet {
                    eprintln!("hubbub: {}", tell("not sent: {why}", &[("why", &safe(error))]));
                }
                Ok(())
            }
        }
    }
}

/// Hears everything, and ends when the hub has been away for too long.
pub(crate) async fn hub_gone(mut events: Events) -> anyhow::Error {
    let mut since: Option<(Instant, String)> = None;
    loop {
        let until = since.as_ref().map_or_else(Instant::now, |(at, _)| *at) + PATIENCE;
        tokio::select! {
            incoming = events.next() => match incoming {
                Some(Incoming::Offline { reason, .. }) => {
                    let at = since.take().map_or_else(Instant::now, |(at, _)| at);
                    since = Some((at, reason.to_string()));
                }
                Some(Incoming::Connected { .. }) => since = None,
                Some(Incoming::Pinned(pinned)) => tell_pinned(&pinned),
                Some(Incoming::Closed(fault)) => return told(fault),
                Some(_) => {}
                None => return anyhow!("the client has ended"),
            },
            () = sleep_until(until), if since.is_some() => {
                let why = since.map(|(_, why)| why).unwrap_or_default();
                return told(format_args!("{why}; the hub has been away for {} s", PATIENCE.as_secs()));
            }
        }
    }
}

/// Answers that wait for the report, beside the client's own window.
const ANSWERS_MAX: usize = 1_024;
/// How long the hub may be away.
const PATIENCE: Duration = Duration::from_secs(30);
