//! From a stream of bytes to messages.
//!
//! **Invariant.** A message ends with `\n` or `\r\n`; before the first newline of the conn, silence ends one too
//! (the source documents' clients send none). What comes out does not depend on how the bytes arrived. Bounded,
//! and nothing is held while nothing is incomplete.

use super::telnet::Telnet;
use crate::{
    carry::Carry,
    charset::{Charset, Unreadable},
};
use bytes::Bytes;
use hubbub_model::{Text, TextError};

/// Finds the messages of one conn's stream.
#[derive(Debug)]
pub struct LineDecoder {
    carry: Carry,
    /// Of what is held, so much has no newline.
    scanned: usize,
    charset: Charset,
    telnet: Option<Telnet>,
    line_bytes_max: usize,
    has_newlines: bool,
    broken: bool,
}

/// Why a message could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A line is longer than the limit. The conn cannot be followed any further.
    #[error("a line has more than {0} bytes")]
    TooLong(usize),
    /// The line is text in no charset that the conn may speak. The next can be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A NUL byte is in the line. The next can be read.
    #[error("a NUL byte is not allowed")]
    Nul,
}

impl LineError {
    /// Whether nothing that follows can be read.
    pub fn is_fatal(self) -> bool {
        matches!(self, Self::TooLong(_))
    }
}

impl LineDecoder {
    /// A decoder for lines of at most so many bytes, without their end (`Limits::line_bytes_max`).
    pub fn new(line_bytes_max: usize, charset: Charset) -> Self {
        Self {
            carry: Carry::default(),
            scanned: 0,
            charset,
            telnet: None,
            line_bytes_max,
            has_newlines: false,
            broken: false,
        }
    }

    /// Leaves out what Telnet clients send between their lines.
    pub fn filter_telnet(&mut self) {
        self.telnet.get_or_insert_default();
    }

    /// Adds what a read brought. Messages will be slices of it.
    pub fn feed(&mut self, chunk: Bytes) {
        if self.broken {
            return;
        }
        match &mut self.telnet {
            Some(telnet) if !telnet.passes(&chunk) => self.carry.feed(telnet.filter(&chunk).into()),
            _ => self.carry.feed(chunk),
        }
    }

    /// Adds what a read brought, copied once.
    pub fn feed_slice(&mut self, chunk: &[u8]) {
        self.feed(Bytes::copy_from_slice(chunk));
    }

    /// The next complete message. `None`: more bytes are needed.
    ///
    /// # Errors
    /// See [`LineError`]. After a fatal one the same error comes again and again.
    pub fn next_message(&mut self) -> Option<Result<Text, LineError>> {
        if self.broken {
            return Some(Err(LineError::TooLong(self.line_bytes_max)));
        }
        let bytes = self.carry.bytes();
        let fresh = bytes.get(self.scanned..).unwrap_or_default();
        match memchr::memchr(b'\n', fresh).map(|i| self.scanned + i) {
            Some(end) => Some(self.line(end)),
            None => self.partial(bytes.len()),
        }
    }

    /// 200 ms passed without a byte: before the first newline this ends a message. Call it when
    /// [`wants_quiet`](Self::wants_quiet) says so.
    pub fn quiet(&mut self) -> Option<Result<Text, LineError>> {
        if !self.wants_quiet() {
            return None;
        }
        self.scanned = 0;
        let mut message = self.carry.take(usize::MAX);
        strip_cr(&mut message);
        Some(self.decode(&message))
    }

    /// Whether a message waits for silence.
    pub fn wants_quiet(&self) -> bool {
        !self.has_newlines && !self.broken && !self.carry.is_empty()
    }

    /// What the peer speaks, as far as it is known.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// Whether part of a message is held.
    pub fn is_partial(&self) -> bool {
        !self.carry.is_empty()
    }

    /// Takes what is not cut yet: for a conn that changes its protocol.
    pub fn take_rest(&mut self) -> Bytes {
        self.scanned = 0;
        self.carry.take(usize::MAX)
    }

    fn line(&mut self, end: usize) -> Result<Text, LineError> {
        self.has_newlines = true;
        self.scanned = 0;
        let mut line = self.carry.take(end + 1);
        line.truncate(end);
        strip_cr(&mut line);
        if line.len() > self.line_bytes_max {
            return Err(self.too_long());
        }
        self.decode(&line)
    }

    /// No newline: the rest is kept, unless it can become no line any more (one `\r` may still be stripped).
    fn partial(&mut self, len: usize) -> Option<Result<Text, LineError>> {
        self.scanned = len;
        let over = len.saturating_sub(self.line_bytes_max);
        if over > 1 || (over == 1 && self.carry.bytes().last() != Some(&b'\r')) {
            return Some(Err(self.too_long()));
        }
        self.carry.settle();
        None
    }

    fn too_long(&mut self) -> LineError {
        self.carry.clear();
        self.broken = true;
        LineError::TooLong(self.line_bytes_max)
    }

    fn decode(&mut self, line: &Bytes) -> Result<Text, LineError> {
        if self.charset.is_gbk() && !line.is_ascii() {
            return self.decode_gbk(line);
        }
        match Text::parse(line.clone()) {
            Ok(text) => Ok(text),
            Err(TextError::Nul) => Err(LineError::Nul),
            Err(TextError::NotUtf8) => self.decode_gbk(line),
        }
    }

    fn decode_gbk(&mut self, line: &[u8]) -> Result<Text, LineError> {
        Text::parse(self.charset.decode_gbk(line)?).map_err(|_| LineError::Nul)
    }
}

fn strip_cr(line: &mut Bytes) {
    if line.last() == Some(&b'\r') {
        line.truncate(line.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charset::to_gbk;
    use proptest::prelude::*;

    type Messages = Vec<Result<String, LineError>>;

    fn drain(decoder: &mut LineDecoder, out: &mut Messages) {
        while let Some(message) = decoder.next_message() {
            let fatal = message.as_ref().is_err_and(|e| e.is_fatal());
            out.push(message.map(|text| text.to_string()));
            if fatal {
                return;
            }
        }
    }

    fn decode(pieces: &[&[u8]], max: usize, charset: Charset) -> (Messages, bool) {
        let mut decoder = LineDecoder::new(max, charset);
        decoder.filter_telnet();
        let mut out = Vec::new();
        for piece in pieces {
            decoder.feed_slice(piece);
            drain(&mut decoder, &mut out);
            if decoder.broken {
                break;
            }
        }
        (out, decoder.is_partial())
    }

    fn auto(input: &[u8]) -> Messages {
        decode(&[input], 1024, Charset::Auto).0
    }

    #[test]
    fn lines_end_with_newlines() {
        let cases: [(&str, &[u8], &[&str]); 6] = [
            ("plain", b"ada\nhi\n", &["ada", "hi"]),
            ("with carriage returns", b"ada\r\nhi\r\n", &["ada", "hi"]),
            ("empty lines are lines", b"\n\r\n", &["", ""]),
            ("a carriage return inside stays", b"a\rb\n", &["a\rb"]),
            ("incomplete", b"ada", &[]),
            ("telnet", b"\xff\xfb\x1fada\r\n", &["ada"]),
        ];
        for (why, input, want) in cases {
            let got: Vec<String> = auto(input).into_iter().map(Result::unwrap).collect();
            assert_eq!(got, want, "{why}");
        }
    }

    #[test]
    fn before_the_first_newline_silence_ends_a_message() {
        let mut decoder = LineDecoder::new(1024, Charset::Auto);
        assert_eq!(decoder.quiet(), None, "nothing has come");
        for said in ["zhangsan", "你好"] {
            decoder.feed_slice(said.as_bytes());
            assert_eq!(decoder.next_message(), None);
            assert!(decoder.wants_quiet());
            assert_eq!(decoder.quiet().unwrap().unwrap().as_str(), said);
            assert!(!decoder.wants_quiet());
        }
        decoder.feed_slice(b"now\nhalf");
        assert_eq!(decoder.next_message().unwrap().unwrap().as_str(), "now");
        assert_eq!(decoder.next_message(), None);
        assert!(!decoder.wants_quiet() && decoder.is_partial());
        assert_eq!(decoder.quiet(), None, "from now on only a newline ends a message");
        decoder.feed_slice(b" line\n");
        assert_eq!(decoder.next_message().unwrap().unwrap().as_str(), "half line");
    }

    #[test]
    fn a_conn_that_speaks_gbk_is_understood_from_then_on() {
        let mut decoder = LineDecoder::new(1024, Charset::Auto);
        decoder.feed(to_gbk("张三\n你好\nplain\n".as_bytes()).into());
        for want in ["张三", "你好", "plain"] {
            assert_eq!(decoder.next_message().unwrap().unwrap().as_str(), want);
            assert_eq!(decoder.charset(), Charset::Gbk);
        }
        let mut forced = LineDecoder::new(1024, Charset::Utf8);
        forced.feed(to_gbk("张三\n".as_bytes()).into());
        assert_eq!(forced.next_message(), Some(Err(LineError::Unreadable(Unreadable))));
    }

    #[test]
    fn a_bad_line_is_told_and_the_next_is_read() {
        assert_eq!(auto(b"a\0b\nok\n"), [Err(LineError::Nul), Ok("ok".into())]);
        assert_eq!(auto(b"\xfe\xfe\xfe\nok\n")[1], Ok("ok".into()));
        let mut plain = LineDecoder::new(64, Charset::Auto);
        plain.feed_slice(b"\xff\xff\nok\n");
        assert_eq!(plain.next_message(), Some(Err(LineError::Unreadable(Unreadable))));
        assert_eq!(plain.next_message().unwrap().unwrap().as_str(), "ok");
    }

    #[test]
    fn a_line_is_bounded() {
        let just = [&[b'x'; 10][..], b"\r\n"].concat();
        let more = [&[b'x'; 11][..], b"\n"].concat();
        let ends = |input: &[u8]| {
            let whole = decode(&[input], 10, Charset::Auto).0;
            let single: Vec<&[u8]> = input.chunks(1).collect();
            assert_eq!(decode(&single, 10, Charset::Auto).0, whole);
            whole
        };
        assert_eq!(ends(&just), [Ok("x".repeat(10))]);
        assert_eq!(ends(&more), [Err(LineError::TooLong(10))]);
        assert_eq!(ends(&[b'x'; 100]), [Err(LineError::TooLong(10))]);
    }

    #[test]
    fn messages_share_the_reads_buffer_and_nothing_is_held() {
        let mut decoder = LineDecoder::new(1024, Charset::Auto);
        let read = Bytes::from_static(b"one\ntwo\nthr");
        decoder.feed(read.clone());
        let one = decoder.next_message().unwrap().unwrap();
        let two = decoder.next_message().unwrap().unwrap();
        assert_eq!((one.bytes().as_ptr(), two.bytes().as_ptr()), (read.as_ptr(), read[4..].as_ptr()));
        assert_eq!(decoder.next_message(), None);
        decoder.feed_slice(b"ee\n");
        assert_eq!(decoder.next_message().unwrap().unwrap().as_str(), "three");
        assert_eq!(decoder.next_message(), None);
        assert_eq!(decoder.carry.capacity(), 0);
    }

    #[test]
    fn every_split_gives_the_same() {
        let mut input = "zhangsan\r\n聊天 hi\n\n\u{ff}\n".as_bytes().to_vec();
        input.extend(b"\xff\xfd\x03x\r\r\n\xc1\xc4\xcc\xec\nlast");
        let whole = decode(&[&input], 64, Charset::Auto);
        for at in 0..=input.len() {
            assert_eq!(decode(&[&input[..at], &input[at..]], 64, Charset::Auto), whole, "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces(
            input in proptest::collection::vec(prop_oneof![
                Just(b'\n'), Just(b'\r'), Just(255u8), Just(b'a'), any::<u8>()
            ], 0..120),
            size in 1usize..7,
            max in 1usize..40,
        ) {
            for charset in [Charset::Auto, Charset::Utf8, Charset::Gbk] {
                let pieces: Vec<&[u8]> = input.chunks(size).collect();
                prop_assert_eq!(decode(&pieces, max, charset), decode(&[&input], max, charset));
            }
        }
    }
}
