//! `hubbub serve`: from the configuration to a running hub, and back down in order.
//!
//! What it prints on standard output is a protocol for whoever starts it: `listening URL` for each listener, `tls
//! fingerprint sha256 AB:…`, where there is no account yet two lines that say how to make one, then `hubbub is ready`.
//! Everything else goes to the log.

mod certificate;
mod home;
mod limits;
pub(crate) mod reload;
mod signals;

use crate::{
    config::{Config, Flags},
    control::server::ControlSocket,
    log,
};
use anyhow::{Context, Result, bail};
use certificate::Renewal;
use home::Home;
use hubbub_door::{DoorCtx, Doors, EchoDoor, Listeners, TlsSource};
use hubbub_door_http::{HttpConfig, HttpDoor};
use hubbub_model::Limits;
pub(crate) use limits::wanted as descriptors_wanted;
use reload::{Operation, Started};
use sd_notify::NotifyState;
use signals::{Asked, Signals};
use std::{io::Write, process::ExitCode, sync::Arc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Run a hub in the foreground until it is told to stop
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hubbub serve
  hubbub serve --data /srv/hub --listen 'any://0.0.0.0:7272?guests=yes' --listen any+unix:///run/hubbub.sock

SIGTERM and Ctrl-C stop it, SIGHUP and `hubbub reload` reload it. The log goes to standard error.")]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
}

/// Runs a hub to its end.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let config = Config::load(&args.flags)?;
    // From here on no signal ends the process in the middle of something.
    let mut signals = Signals::install()?;
    let level = log::init(&config.settings.log)?;
    tell_beginning(&config);
    let home = Home::open(&config)?;
    let (open, ended) = match open(&home, Started { config, flags: args.flags, level }).await {
        Ok(open) => {
            let ended = announce(&home, &open).await;
            if ended.is_ok() {
                wait(&mut signals, &open.operation).await;
            }
            (Some(open), ended)
        }
        Err(error) => (None, Err(error)),
    };
    tell_service_manager(&[NotifyState::Stopping]);
    tokio::select! {
        stopped = shut_down(open, home) => ended.and(stopped).map(|()| ExitCode::SUCCESS),
        () = signals.stop() => bail!("stopped at once by a second signal; what was acknowledged is on disk"),
    }
}

/// All that is open towards the outside.
struct Open {
    listeners: Listeners,
    http: Arc<HttpDoor>,
    operation: Arc<Operation>,
    /// The control socket's task, and the certificate's.
    tasks: JoinSet<()>,
    /// Ends them.
    stop_tasks: CancellationToken,
}

async fn open(home: &Home, started: Started) -> Result<Open> {
    let config = &started.config;
    let tls = Arc::new(certificate::source(config, &home.data)?);
    let limits = Arc::new(limits::within_the_system(config.settings.limits.clone()));
    let (doors, http) = doors(home, config)?;
    let mut listeners = bind(home, config, doors, limits, Arc::clone(&tls)).await?;
    http.watch(&listeners);
    let renewal = Renewal::of(config, Arc::clone(&tls));
    let control = ControlSocket::bind(home.data.control_socket())?;
    let operation = Arc::new(Operation::new(home.hub.clone(), started, tls, &listeners));
    let (mut tasks, stop_tasks) = (JoinSet::new(), CancellationToken::new());
    tasks.spawn(control.run(Arc::clone(&operation), stop_tasks.clone()));
    if let Some(renewal) = renewal {
        tasks.spawn(renewal.run(stop_tasks.clone()));
    }
    listeners.open();
    Ok(Open { listeners, http, operation, tasks, stop_tasks })
}

async fn bind(
    home: &Home,
    config: &Config,
    doors: Doors,
    limits: Arc<Limits>,
    tls: Arc<TlsSource>,
) -> Result<Listeners> {
    let cx = DoorCtx { hub: home.hub.clone(), limits, stop: CancellationToken::new() };
    Ok(Listeners::bind(&config.settings.listen, doors, Some(tls), cx).await?)
}

/// Every door of this binary. The HTTP door comes behind those that it hands conns to.
fn doors(home: &Home, config: &Config) -> Result<(Doors, Arc<HttpDoor>)> {
    let mut doors = Doors::new();
    hubbub_door_chat::register(&mut doors);
    let name = (!config.is_default("name")).then(|| config.settings.name.as_str().to_owned());
    let http = HttpConfig { name, guest_key: home.data.guest_key()? };
    let http = hubbub_door_http::register(&mut doors, http);
    doors.stream("echo", Arc::new(EchoDoor));
    doors.datagram("echo", Arc::new(EchoDoor));
    Ok((doors, http))
}

fn tell_beginning(config: &Config) {
    let file = config.file.as_ref().map_or_else(|| "(none)".to_owned(), |file| file.display().to_string());
    let (name, version) = (config.settings.name.as_str(), env!("CARGO_PKG_VERSION"));
    tracing::info!(name, version, data = %config.data.display(), config = file, "hubbub starts");
    for stray in &config.strays {
        tracing::warn!("{stray}");
    }
}

/// The lines that whoever started the hub waits for.
async fn announce(home: &Home, open: &Open) -> Result<()> {
    let mut lines = String::new();
    for url in open.listeners.addresses() {
        lines += &format!("listening {url}\n");
    }
    lines += &format!("tls fingerprint sha256 {}\n", open.operation.fingerprint());
    if home.has_no_account().await? {
        if let Some(link) = open.http.setup_link(open.listeners.addresses()) {
            lines += &format!("set up the hub in a browser: {link}\n");
        }
        lines += &format!("make yourself the owner: hubbub user add NAME --role owner{}\n", home.data_flag());
    }
    lines += "hubbub is ready\n";
    let mut out = std::io::stdout().lock();
    // Whoever started the hub may have stopped listening; that is no reason to end.
    if let Err(error) = out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!(%error, "cannot write to standard output");
    }
    tell_service_manager(&[NotifyState::Ready]);
    Ok(())
}

/// Until somebody asks the hub to stop.
async fn wait(signals: &mut Signals, operation: &Operation) {
    loop {
        match signals.next().await {
            Asked::Stop(signal) => {
                tracing::info!(signal, "hubbub stops");
                return;
            }
            Asked::Reload => drop(operation.reload().await),
        }
    }
}

/// The one order in which everything ends: nothing new comes in; the doors say goodbye and their conns end; the
/// operator's conns end; the hub commits what it has; its threads end, and the store with them; the folder is free.
async fn shut_down(open: Option<Open>, home: Home) -> Result<()> {
    if let Some(Open { listeners, http, operation, mut tasks, stop_tasks }) = open {
        // A session hears of the stop from the hub, behind its last batch; a conn without one from its listener.
        let (left, ()) = tokio::join!(listeners.stop(), home.hub.stop());
        if left > 0 {
            tracing::warn!(conns = left, "conns did not end in time and were cut");
        }
        http.ended().await;
        stop_tasks.cancel();
        while let Some(ended) = tasks.join_next().await {
            if ended.is_err() {
                tracing::error!("a task of the operator's failed");
            }
        }
        drop(operation);
    }
    let Home { hub, threads, lock, data, temporary } = home;
    hub.stop().await;
    tokio::task::spawn_blocking(move || threads.join()).await.context("the hub did not end well")?;
    drop((lock, data, temporary));
    tracing::info!("hubbub has stopped");
    Ok(())
}

/// Tells systemd, where there is one, how things are.
pub(crate) fn tell_service_manager(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "cannot tell the service manager");
    }
}
