//! A peer on a socket that sends and expects lines, like somebody with `nc`. It knows no protocol.

use crate::PATIENCE;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One conn and its transcript.
pub struct LinePeer {
    stream: TcpStream,
    buffer: Vec<u8>,
    transcript: Vec<String>,
}

impl LinePeer {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens there; the others when the conn ends, or what is awaited does not come.
    pub async fn connect(address: SocketAddr) -> Self {
        match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => Self { stream, buffer: Vec::new(), transcript: Vec::new() },
            Ok(Err(error)) => panic!("no connection to {address}: {error}"),
            Err(_) => panic!("no connection to {address} within {PATIENCE:?}"),
        }
    }

    /// The peer's own address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.stream.local_addr().ok()
    }

    /// Sends a line with CR LF behind it.
    pub async fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\r\n").as_bytes()).await;
    }

    /// Sends just these bytes.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.transcript.push(format!("-> {}", String::from_utf8_lossy(bytes).escape_debug()));
        match tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.fail(&format!("sending failed: {error}")),
            Err(_) => self.fail("the hub takes no more bytes"),
        }
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        self.transcript.push("-> (end)".into());
        // A conn that is gone already needs no end.
        let _ = self.stream.shutdown().await;
    }

    /// The next line, without its CR LF.
    pub async fn line(&mut self) -> String {
        match self.next_line("a line").await {
            Some(line) => line,
            None => self.fail("the conn ended before a line came"),
        }
    }

    /// The next line must be this one.
    pub async fn expect(&mut self, line: &str) {
        let came = self.line().await;
        if came != line {
            self.fail(&format!("{line:?} was to come, not {came:?}"));
        }
    }

    /// Reads lines until one contains this; returns it.
    pub async fn until(&mut self, part: &str) -> String {
        loop {
            match self.next_line(&format!("a line with {part:?}")).await {
                Some(line) if line.contains(part) => return line,
                Some(_) => {}
                None => self.fail(&format!("the conn ended before a line with {part:?} came")),
            }
        }
    }

    /// Reads just so many bytes.
    pub async fn bytes(&mut self, n: usize) -> Vec<u8> {
        while self.buffer.len() < n {
            if !self.fill(&format!("{n} bytes")).await {
                self.fail(&format!("the conn ended before {n} bytes came"));
            }
        }
        let rest = self.buffer.split_off(n);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        self.transcript.push(format!("<- {}", String::from_utf8_lossy(&bytes).escape_debug()));
        bytes
    }

    /// Waits for the end of the conn; returns what came before it.
    pub async fn closed(&mut self) -> Vec<u8> {
        while self.fill("the end of the conn").await {}
        self.transcript.push(format!("<- {} (end)", String::from_utf8_lossy(&self.buffer).escape_debug()));
        std::mem::take(&mut self.buffer)
    }

    /// Fails the test with the transcript.
    ///
    /// # Panics
    /// Always.
    pub fn fail(&self, why: &str) -> ! {
        let rest = String::from_utf8_lossy(&self.buffer);
        panic!("{why}\n{}\nnot read yet: {:?}", self.transcript.join("\n"), rest)
    }

    async fn next_line(&mut self, what: &str) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.truncate(line.len() - 1);
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                let line = String::from_utf8_lossy(&line).into_owned();
                self.transcript.push(format!("<- {}", line.escape_debug()));
                return Some(line);
            }
            if !self.fill(what).await {
                return None;
            }
        }
    }

    /// Reads more. False: the conn has ended.
    async fn fill(&mut self, what: &str) -> bool {
        match tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await {
            Ok(Ok(n)) => n > 0,
            // Being reset is an end too.
            Ok(Err(_)) => false,
            Err(_) => self.fail(&format!("waited {PATIENCE:?} for {what}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn lines_come_whole_however_they_were_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut peer, accepted) = tokio::join!(LinePeer::connect(address), listener.accept());
        let (mut hub, _) = accepted.unwrap();
        for part in ["on", "e\r", "\ntwo\nnoise\n", "three: 3\r\nrest"] {
            hub.write_all(part.as_bytes()).await.unwrap();
        }
        peer.expect("one").await;
        assert_eq!(peer.line().await, "two");
        assert_eq!(peer.until("three").await, "three: 3");
        assert_eq!(peer.bytes(2).await, b"re");
        peer.send("bye").await;
        let mut heard = [0; 5];
        hub.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"bye\r\n");
        drop(hub);
        assert_eq!(peer.closed().await, b"st");
    }
}
