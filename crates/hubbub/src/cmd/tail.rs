//! `hubbub tail`: a room's log on standard output.
//!
//! **Invariant.** Every event once and in order, over any breaks; where the hub keeps some no longer, a gap is printed.

use super::{
    chat::{is_closed_pipe, print_line, show, stop_signal},
    login::{Login, safe, tell_pinned, told},
    say::hub_gone,
};
use crate::words::{tell, translate};
use anyhow::{Result, anyhow, bail};
use hubbub_client::{
    Begin, Client, ClientError, Events, Incoming,
    wire::{At, EventValue, FromHub, Request, Resume},
};
use hubbub_model::RoomName;
use std::process::ExitCode;

/// Print what is said in a room
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --json each line is an event as the protocol has it, or {\"type\":\"gap\",\"room\":…,\"from\":…,\"to\":…}.

Examples:
  hubbub tail lab
  hubbub tail lab --last 100 --no-follow
  hubbub tail lab --since 4711 --json | jq -r .message")]
pub(crate) struct Args {
    /// The room
    room: RoomName,
    /// Begin behind this place; 0 is the beginning
    #[arg(long, value_name = "SEQ", conflicts_with = "last")]
    since: Option<u64>,
    /// Begin with the last so many events
    #[arg(long, value_name = "N", default_value_t = 10)]
    last: u32,
    /// Go on with what is said from now on; this is what happens anyway
    #[arg(long, short, conflicts_with = "no_follow")]
    follow: bool,
    /// End at the last event
    #[arg(long)]
    no_follow: bool,
    #[command(flatten)]
    login: Login,
    /// Say nothing about breaks
    #[arg(long, short)]
    quiet: bool,
    /// Print events as JSON
    #[arg(long)]
    json: bool,
}

/// Prints until it is stopped, or to the end of the log.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    match Box::pin(print_room(args)).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
    }
}

async fn print_room(args: Args) -> Result<()> {
    let (client, events) = Client::connect(args.login.options().await?).await.map_err(told)?;
    let printer = Printer { json: args.json, quiet: args.quiet };
    let room = args.room.as_str();
    let ended = tokio::select! {
        ended = async {
            if args.no_follow {
                return tokio::select! {
                    ended = printer.pages(&client, room, args.since, args.last) => ended,
                    gone = hub_gone(events) => Err(gone),
                };
            }
            let begin = begin(&client, room, args.since, args.last).await.map_err(told)?;
            let joined = async { client.join(room, begin).await.map_err(told).map(drop) };
            tokio::try_join!(joined, printer.follow(events)).map(drop)
        } => ended,
        () = stop_signal() => Ok(()),
    };
    client.quit().await;
    ended
}

/// A place needs the life of the log that it is of.
async fn begin(client: &Client, room: &str, since: Option<u64>, last: u32) -> Result<Begin, ClientError> {
    let Some(seq) = since else { return Ok(Begin::Last(last)) };
    match client.request(Request::Room { room: Some(room.to_owned()) }).await? {
        FromHub::Room(card) => Ok(Begin::After(Resume { epoch: card.epoch, seq: seq.min(card.seq) })),
        _ => Err(ClientError::OddAnswer),
    }
}

/// How events are printed.
struct Printer {
    json: bool,
    quiet: bool,
}

impl Printer {
    async fn follow(&self, mut events: Events) -> Result<()> {
        while let Some(incoming) = events.next().await {
            match incoming {
                Incoming::Event { value, .. } => self.event(&value)?,
                Incoming::Gap { room, from, to } => self.gap(&room, from, to)?,
                Incoming::Joined { joined, restored: true, .. } => {
                    self.note(&tell(
                        "{room} was restored from a backup or begun anew",
                        &[("room", &joined.room)],
                    ));
                }
                Incoming::Offline { reason, .. } => self.note(&translate(&reason.to_string())),
                Incoming::Resumed { missing: 0 } => self.note(&tell("back, nothing missed", &[])),
                Incoming::Resumed { missing } => {
                    self.note(&tell("back; {n} messages are no longer kept", &[("n", &missing.to_string())]));
                }
                Incoming::Refused { refusal, .. } => return Err(told(refusal)),
                Incoming::Signal(value) => {
                    if let FromHub::Closed { .. } = &*value {
                        let why = show::signal(&value, ToOwned::to_owned, |_| None).unwrap_or_default();
                        return Err(told(why.trim_start_matches("-- ")));
                    }
                }
                Incoming::Pinned(pinned) => tell_pinned(&pinned),
                Incoming::Connected { .. } | Incoming::Joined { .. } => {}
                Incoming::Closed(fault) => return Err(told(fault)),
            }
        }
        bail!("the client has ended")
    }

    /// Reads the log page by page, up to the last event that there is now.
    async fn pages(&self, client: &Client, room: &str, since: Option<u64>, last: u32) -> Result<()> {
        let mut after = match since {
            Some(seq) => seq,
            None => match client.request(Request::Room { room: Some(room.to_owned()) }).await? {
                FromHub::Room(card) => {
                    card.seq.saturating_sub(u64::from(last)).max(card.first_seq.saturating_sub(1))
                }
                _ => return Err(ClientError::OddAnswer.into()),
            },
        };
        loop {
            let (events, more) = page(client, room, after).await?;
            for event in &events {
                if event.seq > after + 1 {
                    self.gap(&event.room, after + 1, event.seq - 1)?;
                }
                self.event(event)?;
                after = event.seq;
            }
            if !more || events.is_empty() {
                return Ok(());
            }
        }
    }

    fn event(&self, value: &EventValue) -> Result<()> {
        Ok(print_line(&if self.json { serde_json::to_string(value)? } else { show::event(value, None) })?)
    }

    fn gap(&self, room: &str, from: u64, to: u64) -> Result<()> {
        if self.json {
            return Ok(print_line(
                &serde_json::json!({ "type": "gap", "room": room, "from": from, "to": to }).to_string(),
            )?);
        }
        let n = (to - from + 1).to_string();
        Ok(print_line(&show::notice(&tell(
            "{n} messages of {room} are no longer kept",
            &[("n", &n), ("room", room)],
        )))?)
    }

    fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("hubbub: {}", safe(text));
        }
    }
}

async fn page(client: &Client, room: &str, after: u64) -> Result<(Vec<EventValue>, bool)> {
    let request = Request::History {
        room: Some(room.to_owned()),
        before: None,
        after: Some(At::Seq(after)),
        around: None,
        between: None,
        limit: Some(PAGE),
    };
    match client.request(request).await.map_err(told)? {
        FromHub::History { events, more, .. } => Ok((events, more)),
        _ => Err(anyhow!(ClientError::OddAnswer)),
    }
}

/// Events in one page; a hub gives less if it will.
const PAGE: u32 = 500;
