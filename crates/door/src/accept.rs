//! Accepting conns, whatever goes wrong: one loop, and who starts it again.
//!
//! **Invariant.** No error of a socket and no panic ends accepting for good. While the system lets no conn in, the loop
//! waits longer each time and says so now and then, not each time. This file must not know what a conn is for.

use crate::{Peer, Plain, listen::Acceptor};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// What conns come out of.
pub(crate) trait Accept: Send + Sync + 'static {
    /// The next conn. Cancel safe.
    fn accept(&self) -> impl Future<Output = io::Result<(Plain, Peer)>> + Send;
}

impl Accept for Acceptor {
    fn accept(&self) -> impl Future<Output = io::Result<(Plain, Peer)>> + Send {
        Self::accept(self)
    }
}

/// Accepts until `closing`, and starts again after a panic.
pub(crate) async fn keep_accepting<A: Accept>(
    listener: Arc<str>,
    acceptor: A,
    receive: impl Fn(Plain, Peer) + Send + Sync + 'static,
    closing: CancellationToken,
) {
    let (acceptor, receive) = (Arc::new(acceptor), Arc::new(receive));
    let mut pause = Pause::default();
    loop {
        let started = Instant::now();
        let mut once = JoinSet::new();
        once.spawn(accept(
            Arc::clone(&listener),
            Arc::clone(&acceptor),
            Arc::clone(&receive),
            closing.clone(),
        ));
        match once.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(%listener, "the accept loop failed and is started again");
                pause.forget_after(started);
                if closing.run_until_cancelled(pause.wait()).await.is_none() {
                    return;
                }
            }
            _ => return,
        }
    }
}

async fn accept<A: Accept>(
    listener: Arc<str>,
    acceptor: Arc<A>,
    receive: Arc<impl Fn(Plain, Peer)>,
    closing: CancellationToken,
) {
    let mut pause = Pause::default();
    let mut failures = Failures::default();
    while let Some(accepted) = closing.run_until_cancelled(acceptor.accept()).await {
        match accepted {
            Ok((plain, peer)) => {
                pause = Pause::default();
                failures.over(&listener);
                receive(plain, peer);
            }
            Err(error) if is_peers_fault(&error) => {}
            Err(error) => {
                failures.tell(&listener, &error);
                if closing.run_until_cancelled(pause.wait()).await.is_none() {
                    return;
                }
            }
        }
    }
}

/// The conn was over before it was accepted.
fn is_peers_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// Tries that failed in a row, told once in a while. Who comes in between does not make it news.
#[derive(Default)]
struct Failures {
    in_a_row: u64,
    told: Option<Instant>,
}

impl Failures {
    fn tell(&mut self, listener: &str, error: &io::Error) {
        self.in_a_row += 1;
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            tracing::warn!(listener, %error, "cannot accept conns now; trying again. Those that are there go on");
        }
    }

    fn over(&mut self, listener: &str) {
        let failed = std::mem::take(&mut self.in_a_row);
        if failed > 0 {
            tracing::debug!(listener, failed, "accepting conns again");
        }
    }
}

/// Waits longer each time, from 5 ms to 1 s.
pub(crate) struct Pause(Duration);

impl Pause {
    /// The longest.
    pub(crate) const MAX: Duration = Duration::from_secs(1);

    /// Waits. Cancel safe; the next wait is longer in any case.
    pub(crate) async fn wait(&mut self) {
        let now = self.0;
        self.0 = (now * 2).min(Self::MAX);
        sleep(now).await;
    }

    /// What ran well for a while before it failed has a new beginning.
    pub(crate) fn forget_after(&mut self, started: Instant) {
        if started.elapsed() > Self::MAX {
            *self = Self::default();
        }
    }
}

impl Default for Pause {
    fn default() -> Self {
        Self(Duration::from_millis(5))
    }
}

/// Between two lines of the log about the same trouble.
const TELL_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::{collections::VecDeque, io::Write};
    use tokio::net::UnixStream;
    use tracing::Level;

    /// Gives what the test wrote down, then nothing more; notes when it was asked.
    struct Script {
        steps: Mutex<VecDeque<Turn>>,
        asked: Arc<Mutex<Vec<Instant>>>,
        done: CancellationToken,
    }

    enum Turn {
        Conn,
        Fail(io::ErrorKind),
        NoDescriptor,
        Panic,
    }

    /// The system's number of "too many open files", on Linux and on macOS.
    const EMFILE: i32 = 24;

    impl Accept for Script {
        async fn accept(&self) -> io::Result<(Plain, Peer)> {
            self.asked.lock().push(Instant::now());
            let turn = self.steps.lock().pop_front();
            match turn {
                Some(Turn::Conn) => Ok((UnixStream::pair()?.0.into(), Peer::Unix { uid: None })),
                Some(Turn::Fail(kind)) => Err(kind.into()),
                Some(Turn::NoDescriptor) => Err(io::Error::from_raw_os_error(EMFILE)),
                Some(Turn::Panic) => panic!("as the test asked"),
                None => {
                    self.done.cancel();
                    std::future::pending().await
                }
            }
        }
    }

    /// Plays the script to its end: how many conns came, and the milliseconds between the tries.
    async fn played(steps: impl IntoIterator<Item = Turn>) -> (usize, Vec<u128>) {
        let (asked, done) = (Arc::<Mutex<Vec<Instant>>>::default(), CancellationToken::new());
        let steps = Mutex::new(steps.into_iter().collect());
        let script = Script { steps, asked: Arc::clone(&asked), done: done.clone() };
        let came = Arc::new(Mutex::new(0));
        let count = Arc::clone(&came);
        let receive = move |_, _| *count.lock() += 1;
        keep_accepting("test".into(), script, receive, done).await;
        let asked = asked.lock();
        let gaps = asked.windows(2).map(|two| (two[1] - two[0]).as_millis()).collect();
        let came = *came.lock();
        (came, gaps)
    }

    #[tokio::test(start_paused = true)]
    async fn without_descriptors_it_waits_longer_each_time_and_then_goes_on() {
        use Turn::{Conn, NoDescriptor};
        let (came, gaps) =
            played([Conn].into_iter().chain((0..10).map(|_| NoDescriptor)).chain([Conn, NoDescriptor, Conn]))
                .await;
        assert_eq!(came, 3);
        let waits = [0, 5, 10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 0, 5];
        // The clock of a test goes by whole milliseconds.
        assert!(gaps.iter().zip(waits).all(|(gap, wait)| (wait..=wait + 1).contains(gap)), "{gaps:?}");
        assert_eq!(gaps.len(), waits.len() + 1, "each success is a new beginning: {gaps:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_left_before_it_was_accepted_holds_nobody_up() {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        let faults = [ConnectionAborted, ConnectionReset, Interrupted].map(Turn::Fail);
        let (came, gaps) = played(faults.into_iter().chain([Turn::Conn])).await;
        assert_eq!((came, gaps), (1, vec![0, 0, 0, 0]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_panics_is_started_again() {
        use Turn::{Conn, Panic};
        let (came, gaps) = played([Conn, Panic, Conn, Panic, Panic, Conn]).await;
        assert_eq!(came, 3);
        assert!(gaps.iter().sum::<u128>() >= 5 + 10 + 20, "with pauses: {gaps:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_hears_of_it_once_in_a_while() {
        let log = Log::default();
        let guard = tracing::subscriber::set_default(
            tracing_subscriber::fmt()
                .with_max_level(Level::WARN)
                .with_writer({
                    let log = log.clone();
                    move || log.clone()
                })
                .finish(),
        );
        // About two minutes of failures at one try a second, with conns between them now and then.
        let steps = (0..130)
            .flat_map(|n| [Turn::NoDescriptor].into_iter().chain((n % 50 == 49).then_some(Turn::Conn)));
        let (came, gaps) = played(steps).await;
        drop(guard);
        let seconds = gaps.iter().sum::<u128>() / 1_000;
        let lines = String::from_utf8(log.0.lock().clone()).unwrap();
        let told = lines.lines().filter(|line| line.contains("cannot accept conns now")).count();
        assert_eq!((came, told as u128), (2, seconds / 60 + 1), "in {seconds} s:\n{lines}");
        assert!(seconds > 60);
    }

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
