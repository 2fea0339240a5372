//! One conn's way to its door: the PROXY header, what it speaks, TLS, what it speaks inside, the door.
//!
//! **Invariant.** All that is needed to find the door is dropped before the door serves. A conn that has sent nothing
//! holds no buffer. The clock of detection runs from the first byte, and no byte restarts it.

use crate::{
    Conn, DynDoor, Io, Origin, Peer, Plain, Protocol, Verdict,
    admit::{Admitted, Silent},
    after_deadline,
    conn::TlsFacts,
    counters::Refused,
    detect::{Detector, SNIFF_BYTES_MAX, is_blank},
    door::Serving,
    proxy::{self, Header},
    refuse::last_words,
    supervise::Gate,
    tls,
    url::{Scheme, TlsMode},
};
use std::{
    borrow::Cow,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::{Instant, timeout, timeout_at},
};

/// A conn that was accepted and counted.
pub(crate) struct Newcomer {
    pub(crate) plain: Plain,
    pub(crate) peer: Peer,
    pub(crate) admitted: Admitted,
    pub(crate) silent: Silent,
}

/// A conn that has its door.
struct Ready {
    serving: Serving,
    admitted: Admitted,
}

/// The whole life of a conn, as its task. Small: what finds the door and what serves are boxed, one after the other.
pub(crate) fn attend(gate: Arc<Gate>, newcomer: Newcomer) -> impl Future<Output = ()> + Send + 'static {
    let mut stay = Stay { peer: newcomer.peer, gate, admitted: None };
    let mut finding: Finding = Box::pin(prepare(Arc::clone(&stay.gate), Box::new(newcomer)));
    async move {
        let mut serving = match (&mut finding).await {
            Ok(ready) => {
                stay.admitted = Some(ready.admitted);
                ready.serving
            }
            Err(reason) => return stay.gate.refused(&stay.peer, reason),
        };
        drop(finding);
        let mut killed = pin!(stay.gate.hall.kill.cancelled());
        let ended = poll_fn(|cx| match killed.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => serving.as_mut().poll(cx).map(Some),
        });
        if let Some(Err(error)) = ended.await {
            tracing::debug!(peer = %stay.peer, listener = %stay.gate.local, %error, "conn ended");
        }
    }
}

/// The future that finds the door.
type Finding = Pin<Box<dyn Future<Output = Result<Ready, Refused>> + Send>>;

/// What a conn's task holds to its end. Tells when the end is a panic, which ends this conn only.
struct Stay {
    peer: Peer,
    gate: Arc<Gate>,
    /// Counts the conn while its door serves it.
    admitted: Option<Admitted>,
}

impl Drop for Stay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.gate.hall.counters.count_refused(Refused::Panic);
            tracing::error!(peer = %self.peer, listener = %self.gate.local, "a conn's task panicked; the conn is closed");
        }
    }
}

async fn prepare(gate: Arc<Gate>, newcomer: Box<Newcomer>) -> Result<Ready, Refused> {
    let stop = gate.hall.cx.stop.clone();
    stop.run_until_cancelled(find_door(&gate, newcomer)).await.unwrap_or(Err(Refused::Stopped))
}

async fn find_door(gate: &Gate, newcomer: Box<Newcomer>) -> Result<Ready, Refused> {
    let Newcomer { mut plain, mut peer, mut admitted, silent } = *newcomer;
    let mut seen = Vec::new();
    if gate.expects_proxy(&peer) {
        peer = Box::pin(read_proxy(&mut plain, &mut seen, peer)).await?;
        admitted.come_from(&peer)?;
    }
    let (Looked { mut stream, seen }, protocol, tls) = Box::pin(identify(gate, plain, seen)).await?;
    gate.hall.counters.count_detected(protocol);
    drop(silent);
    let Some(door) = gate.door_for(protocol) else {
        turn_away(&mut stream, last_words(protocol, Refused::NoDoor, &seen, &gate.options)).await;
        return Err(Refused::NoDoor);
    };
    stream.unread(&seen);
    let (local, options) = (Arc::clone(&gate.local), Arc::clone(&gate.options));
    let origin = Box::new(Origin { peer, local, tls, options, protocol });
    let serving = door.serve_boxed(Conn { io: stream, origin }, gate.hall.cx.clone());
    Ok(Ready { serving, admitted })
}

/// A stream, and what was read from it in order to know it.
struct Looked {
    stream: Io,
    seen: Vec<u8>,
}

/// What the conn speaks, with TLS taken off.
async fn identify(
    gate: &Gate,
    mut plain: Plain,
    mut seen: Vec<u8>,
) -> Result<(Looked, Protocol, Option<Box<TlsFacts>>), Refused> {
    let protocol = gate.look_outside().at(gate, &mut plain, &mut seen).await?;
    if protocol != Protocol::Tls {
        if gate.needs_tls(protocol) {
            turn_away(&mut plain, last_words(protocol, Refused::TlsRequired, &seen, &gate.options)).await;
            return Err(Refused::TlsRequired);
        }
        return Ok((Looked { stream: Io::plain(plain), seen }, protocol, None));
    }
    let Some(source) = gate.hall.tls.as_ref().filter(|_| gate.options.tls != TlsMode::Off) else {
        turn_away(&mut plain, last_words(Protocol::Tls, Refused::NoTls, &seen, &gate.options)).await;
        return Err(Refused::NoTls);
    };
    gate.hall.counters.count_detected(Protocol::Tls);
    plain.unread(&seen);
    seen.clear();
    let made = Box::pin(tls::handshake(plain, source.config(gate.alpn))).await;
    let (mut stream, facts) = made.map_err(|error| {
        tracing::debug!(listener = %gate.local, %error, "TLS handshake failed");
        Refused::Handshake
    })?;
    let agreed = facts.alpn.as_deref().and_then(tls::alpn_protocol);
    let protocol = match agreed {
        Some(protocol) => protocol,
        None => gate.look_inside().at(gate, &mut *stream, &mut seen).await?,
    };
    if protocol == Protocol::Tls {
        return Err(Refused::Scanner);
    }
    Ok((Looked { stream: Io::tls(stream), seen }, protocol, Some(facts)))
}

/// How much a listener wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Any protocol.
    All,
    /// Which of the chat formats.
    Chat,
    /// Only whether it is TLS; it may be.
    MaybeTls,
    /// Only whether it is TLS; it must be.
    MustBeTls,
    /// Nothing: the listener has one door, and its peer may wait for the first byte from us.
    Nothing,
}

impl Gate {
    fn look_outside(&self) -> Look {
        let may_be_tls = self.hall.tls.is_some() && self.options.tls != TlsMode::Off;
        match self.scheme {
            _ if self.secure => Look::MustBeTls,
            Scheme::Any => Look::All,
            Scheme::Chat => Look::Chat,
            Scheme::Irc | Scheme::Http | Scheme::Mqtt if may_be_tls => Look::MaybeTls,
            Scheme::Relay | Scheme::Echo | Scheme::Run if self.options.tls == TlsMode::Required => {
                Look::MustBeTls
            }
            _ => Look::Nothing,
        }
    }

    fn look_inside(&self) -> Look {
        match self.scheme {
            Scheme::Any => Look::All,
            Scheme::Chat => Look::Chat,
            _ => Look::Nothing,
        }
    }

    /// The listener's own door, or the one that speaks this. Only the chat formats reach the door of a chat listener.
    fn door_for(&self, protocol: Protocol) -> Option<Arc<dyn DynDoor>> {
        match (self.scheme, protocol) {
            (Scheme::Any, _) => self.hall.doors.speaking(protocol),
            (Scheme::Chat, Protocol::Text | Protocol::Json | Protocol::Telnet) => self.door.clone(),
            (Scheme::Chat, _) => None,
            _ => self.door.clone(),
        }
    }

    /// SSH is encrypted by itself, and FTP asks for TLS in its own words.
    fn needs_tls(&self, protocol: Protocol) -> bool {
        let has_own = match self.scheme {
            Scheme::Any => protocol == Protocol::Ssh,
            Scheme::Ssh | Scheme::Ftp => true,
            _ => false,
        };
        self.secure || (self.options.tls == TlsMode::Required && !has_own)
    }

    fn clocks(&self) -> Clocks {
        let limits = &self.hall.cx.limits;
        Clocks {
            silence: Duration::from_secs(limits.silence_s),
            detect: Duration::from_millis(limits.detect_ms),
            greet: self.options.greet,
        }
    }
}

impl Look {
    async fn at<I: AsyncRead + Unpin>(
        self,
        gate: &Gate,
        io: &mut I,
        seen: &mut Vec<u8>,
    ) -> Result<Protocol, Refused> {
        let clocks = gate.clocks();
        let silent = Clocks { greet: None, ..clocks };
        match self {
            Self::Nothing => Ok(gate.scheme.protocol()),
            Self::All => known(sniff(io, seen, clocks).await?),
            Self::Chat => match known(sniff(io, seen, clocks).await?)? {
                // Whoever is called NICK here is called NICK.
                Protocol::Irc => Ok(Protocol::Text),
                protocol => Ok(protocol),
            },
            Self::MustBeTls => known(sniff(io, seen, silent).await?),
            Self::MaybeTls => {
                first_bytes(io, seen, clocks.silence).await?;
                if seen.first() == Some(&TLS_HANDSHAKE) {
                    return known(sniff(io, seen, silent).await?);
                }
                Ok(gate.scheme.protocol())
            }
        }
    }
}

/// A PROXY header is believed only where one must come.
fn known(protocol: Protocol) -> Result<Protocol, Refused> {
    match protocol {
        Protocol::ProxyV1 | Protocol::ProxyV2 => Err(Refused::UntrustedProxy),
        protocol => Ok(protocol),
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    /// For the first byte.
    silence: Duration,
    /// From the first byte to the verdict.
    detect: Duration,
    /// For the first byte, where silence means text.
    greet: Option<Duration>,
}

/// Reads until the first bytes have a verdict.
async fn sniff<I: AsyncRead + Unpin>(
    io: &mut I,
    seen: &mut Vec<u8>,
    clocks: Clocks,
) -> Result<Protocol, Refused> {
    match (first_bytes(io, seen, clocks.greet.unwrap_or(clocks.silence)).await, clocks.greet) {
        (Err(Refused::Silence), Some(_)) => return Ok(Protocol::Text),
        (came, _) => came?,
    }
    let since = Instant::now();
    let mut detector = Detector::default();
    loop {
        match detector.look(seen) {
            Verdict::NeedMore => {}
            verdict => return settle(verdict),
        }
        let patience = if is_blank(seen) { clocks.detect.min(BLANK_MAX) } else { clocks.detect };
        match timeout_at(since + patience, read_more(io, seen, SNIFF_BYTES_MAX)).await {
            Ok(Ok(1..)) => {}
            Ok(Err(_)) => return Err(Refused::Gone),
            // The clock has run out, or the peer has said all that it will.
            Ok(Ok(0)) | Err(_) => return settle(after_deadline(seen)),
        }
    }
}

fn settle(verdict: Verdict) -> Result<Protocol, Refused> {
    match verdict {
        Verdict::Is(protocol) => Ok(protocol),
        Verdict::Refuse(scanner) => {
            tracing::debug!(what = scanner.word(), "first bytes of no door");
            Err(Refused::Scanner)
        }
        Verdict::NeedMore => Err(Refused::Scanner),
    }
}

async fn first_bytes<I: AsyncRead + Unpin>(
    io: &mut I,
    seen: &mut Vec<u8>,
    max: Duration,
) -> Result<(), Refused> {
    if !seen.is_empty() {
        return Ok(());
    }
    match timeout(max, read_more(io, seen, SNIFF_BYTES_MAX)).await {
        Err(_) => Err(Refused::Silence),
        Ok(Ok(1..)) => Ok(()),
        Ok(Ok(0) | Err(_)) => Err(Refused::Gone),
    }
}

/// Reads the header that must come first; bytes behind it stay in `seen`.
async fn read_proxy(plain: &mut Plain, seen: &mut Vec<u8>, proxy: Peer) -> Result<Peer, Refused> {
    let until = Instant::now() + PROXY_MAX;
    loop {
        match proxy::parse(seen) {
            Header::Is(length, source) => {
                seen.drain(..length);
                return Ok(source.map_or(proxy, Peer::Ip));
            }
            Header::Broken => return Err(Refused::BadProxy),
            Header::NeedMore => {
                match timeout_at(until, read_more(plain, seen, proxy::HEADER_BYTES_MAX)).await {
                    Ok(Ok(1..)) => {}
                    Ok(Ok(0) | Err(_)) if seen.is_empty() => return Err(Refused::Gone),
                    Ok(Ok(0) | Err(_)) | Err(_) => return Err(Refused::BadProxy),
                }
            }
        }
    }
}

/// Adds what comes next, up to `max` bytes in all; 0 at the end. The buffer is on the stack until bytes are there.
///
/// Cancel safe: bytes are taken only when the future is ready.
async fn read_more<I: AsyncRead + Unpin>(io: &mut I, seen: &mut Vec<u8>, max: usize) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut scratch = [0; proxy::HEADER_BYTES_MAX];
        let room = max.saturating_sub(seen.len());
        let mut buf = ReadBuf::new(scratch.get_mut(..room).unwrap_or_default());
        ready!(Pin::new(&mut *io).poll_read(cx, &mut buf))?;
        seen.extend_from_slice(buf.filled());
        io::Result::Ok(buf.filled().len()).into()
    })
    .await
}

/// Says the last words, ends our direction, and reads a little of what still comes: closing with unread bytes would
/// make the system take the words back. Boxed, because most conns never come here.
fn turn_away<'a, I>(io: &'a mut I, words: Cow<'static, [u8]>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
{
    Box::pin(async move {
        // The conn is refused whether or not the peer hears why.
        let _ = timeout(FAREWELL_MAX, farewell(io, &words)).await;
    })
}

async fn farewell(io: &mut (impl AsyncRead + AsyncWrite + Unpin), words: &[u8]) -> io::Result<()> {
    io.write_all(words).await?;
    io.shutdown().await?;
    let mut left = DRAIN_BYTES_MAX;
    let mut scratch = [0; 256];
    while left > 0 {
        match io.read(&mut scratch).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}

const TLS_HANDSHAKE: u8 = 0x16;
/// Nobody who sends an empty line and waits is a web browser.
const BLANK_MAX: Duration = Duration::from_millis(200);
const PROXY_MAX: Duration = Duration::from_secs(1);
const FAREWELL_MAX: Duration = Duration::from_secs(2);
const DRAIN_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{io::duplex, time::sleep};

    const CLOCKS: Clocks =
        Clocks { silence: Duration::from_secs(600), detect: Duration::from_millis(1_500), greet: None };

    /// Sends each byte after `gap`, then waits; gives the verdict and how long it took.
    async fn typed(
        bytes: &'static [u8],
        gap: Duration,
        clocks: Clocks,
    ) -> (Result<Protocol, Refused>, Duration, Vec<u8>) {
        let (mut near, mut far) = duplex(1_024);
        let typist = async move {
            for byte in bytes {
                sleep(gap).await;
                far.write_all(&[*byte]).await.unwrap();
            }
            sleep(Duration::from_secs(10_000)).await;
        };
        let since = Instant::now();
        let mut seen = Vec::new();
        let verdict = tokio::select! {
            verdict = sniff(&mut near, &mut seen, clocks) => verdict,
            () = typist => panic!("no verdict"),
        };
        (verdict, since.elapsed(), seen)
    }

    fn result_size<A, B, R>(_: fn(A, B) -> R) -> usize {
        size_of::<R>()
    }

    #[test]
    fn an_idle_conn_is_small() {
        let (task, finding) = (result_size(attend), result_size(prepare));
        let looking = looking_size(identify);
        let (conn, pointer) = (size_of::<Conn>() + size_of::<Origin>(), size_of::<Serving>());
        println!(
            "task {task}, find {finding}, look {looking}, conn {conn}, pointer to what serves {pointer}"
        );
        assert!(task <= 256, "the task that stays: {task}");
        assert!(finding + looking <= 1_536, "what a silent conn has besides: {finding} + {looking}");
    }

    fn looking_size<'a, R>(_: fn(&'a Gate, Plain, Vec<u8>) -> R) -> usize {
        size_of::<R>()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_long_and_bounded() {
        let (verdict, after, _) = typed(b"", Duration::ZERO, CLOCKS).await;
        assert_eq!(verdict, Err(Refused::Silence));
        assert_eq!(after.as_secs(), 600);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_may_ask_for_a_greeting() {
        let clocks = Clocks { greet: Some(Duration::from_millis(1_500)), ..CLOCKS };
        let (verdict, after, _) = typed(b"", Duration::ZERO, clocks).await;
        assert_eq!(verdict, Ok(Protocol::Text));
        assert_eq!(after.as_millis() / 10, 150);
    }

    #[tokio::test(start_paused = true)]
    async fn single_bytes_in_time_are_put_together() {
        let (verdict, _, seen) = typed(b"NICK ada\r\n", Duration::from_millis(100), CLOCKS).await;
        assert_eq!(verdict, Ok(Protocol::Irc));
        assert_eq!(seen, b"NICK ada\r\n");
    }

    #[tokio::test(start_paused = true)]
    async fn single_bytes_do_not_restart_the_clock() {
        let (verdict, after, seen) = typed(b"NICK ada and more", Duration::from_millis(400), CLOCKS).await;
        assert_eq!(verdict, Ok(Protocol::Text));
        assert_eq!(after.as_millis() / 10, (400 + 1_500) / 10);
        assert_eq!(seen, b"NICK");
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_hello_is_refused_when_the_clock_runs_out() {
        let (verdict, _, _) = typed(b"\x16\x03\x01", Duration::from_millis(1), CLOCKS).await;
        assert_eq!(verdict, Err(Refused::Scanner));
    }

    #[tokio::test(start_paused = true)]
    async fn who_presses_enter_does_not_wait_long() {
        let (verdict, after, _) = typed(b"\r\n", Duration::from_millis(1), CLOCKS).await;
        assert_eq!(verdict, Ok(Protocol::Text));
        assert!(after < Duration::from_millis(250), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_bytes_decides_at_once() {
        let (mut near, mut far) = duplex(64);
        far.write_all(b"NICK").await.unwrap();
        drop(far);
        let since = Instant::now();
        assert_eq!(sniff(&mut near, &mut Vec::new(), CLOCKS).await, Ok(Protocol::Text));
        assert!(since.elapsed() < Duration::from_millis(100));
    }

    #[tokio::test]
    async fn who_leaves_without_a_word_is_gone() {
        let (mut near, far) = duplex(64);
        drop(far);
        assert_eq!(sniff(&mut near, &mut Vec::new(), CLOCKS).await, Err(Refused::Gone));
    }
}
