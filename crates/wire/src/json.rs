//! Cuts a stream of bytes into JSON values, however the stream was split: values follow one another with or
//! without white space between them (the source documents' clients send no newline).
//!
//! **Invariant.** No byte is looked at twice, a value is bounded in length and depth, and what comes out does not
//! depend on how the bytes arrived. It finds where a value ends, nothing more: whether it is a good one says
//! whoever parses it. RFC 8259 section 2.
//!
//! GBK makes this delicate: the second byte of a character may be a backslash. In a conn that may speak GBK, such
//! a backslash counts as an escape only while the value is valid UTF-8 up to it.

use crate::{
    carry::Carry,
    charset::{Charset, Unreadable},
};
use bytes::Bytes;

/// Deepest nesting of a value.
pub const DEPTH_MAX: u32 = 64;

/// Finds the values of one conn's stream.
#[derive(Debug)]
pub struct Splitter {
    carry: Carry,
    scan: Scan,
    charset: Charset,
    value_bytes_max: usize,
    started: bool,
    broken: Option<SplitError>,
}

/// Why the stream could not be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A byte where a value should begin can begin none. The stream cannot be followed any further.
    #[error("the bytes are not JSON")]
    NotJson,
    /// A value is longer than the limit. The stream cannot be followed any further.
    #[error("a value has more than {0} bytes")]
    TooLong(usize),
    /// A value is nested too deeply. The stream cannot be followed any further.
    #[error("a value is nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// A value is text in no charset that the conn may speak. The next value can be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl SplitError {
    /// Whether nothing that follows can be read.
    pub fn is_fatal(self) -> bool {
        !matches!(self, Self::Unreadable(_))
    }
}

impl Splitter {
    /// A splitter for values of at most so many bytes (`Limits::line_bytes_max`).
    pub fn new(value_bytes_max: usize, charset: Charset) -> Self {
        let (carry, scan) = (Carry::default(), Scan::default());
        Self { carry, scan, charset, value_bytes_max, started: false, broken: None }
    }

    /// Adds what a read brought. Values will be slices of it.
    pub fn feed(&mut self, chunk: Bytes) {
        if self.broken.is_none() {
            self.carry.feed(chunk);
        }
    }

    /// Adds what a read brought, copied once.
    pub fn feed_slice(&mut self, chunk: &[u8]) {
        self.feed(Bytes::copy_from_slice(chunk));
    }

    /// The next complete value, as UTF-8. `None`: more bytes are needed.
    ///
    /// # Errors
    /// See [`SplitError`]. After a fatal one the same error comes again and again.
    pub fn next_value(&mut self) -> Option<Result<Bytes, SplitError>> {
        if let Some(broken) = self.broken {
            return Some(Err(broken));
        }
        match self.cut() {
            Ok(Some(value)) => Some(self.charset.decode(value).map_err(SplitError::from)),
            Ok(None) => {
                self.carry.settle();
                None
            }
            Err(error) => {
                self.carry.clear();
                self.broken = Some(error);
                Some(Err(error))
            }
        }
    }

    /// What the peer speaks, as far as it is known.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// Whether part of a value is held.
    pub fn is_partial(&self) -> bool {
        !self.carry.is_empty()
    }

    /// Takes what is not cut yet: for a conn that changes its protocol.
    pub fn take_rest(&mut self) -> Bytes {
        self.scan = Scan::default();
        self.carry.take(usize::MAX)
    }

    fn cut(&mut self) -> Result<Option<Bytes>, SplitError> {
        if self.scan.shape.is_none() && !self.begin()? {
            return Ok(None);
        }
        // Nothing behind the limit is looked at: which of two faults is found must not depend on how the bytes came.
        let bytes = self.carry.bytes();
        let window = bytes.get(..=self.value_bytes_max).unwrap_or(bytes);
        let end = self.scan.run(window, self.charset)?;
        if end.unwrap_or(self.scan.at) > self.value_bytes_max {
            return Err(SplitError::TooLong(self.value_bytes_max));
        }
        let Some(end) = end else { return Ok(None) };
        self.scan = Scan::default();
        Ok(Some(self.carry.take(end)))
    }

    /// Passes over what may stand before a value and looks at its first byte. `false`: there is none yet.
    fn begin(&mut self) -> Result<bool, SplitError> {
        if !self.started && !self.pass_bom() {
            return Ok(false);
        }
        let bytes = self.carry.bytes();
        let blank = bytes.iter().position(|b| !is_blank(*b)).unwrap_or(bytes.len());
        if blank > 0 {
            self.carry.take(blank);
        }
        let Some(first) = self.carry.bytes().first() else { return Ok(false) };
        self.scan.shape = Some(Shape::of(*first).ok_or(SplitError::NotJson)?);
        Ok(true)
    }

    /// RFC 8259 section 8.1 lets us ignore a byte order mark. `false`: the bytes so far may become one.
    fn pass_bom(&mut self) -> bool {
        let bytes = self.carry.bytes();
        if bytes.len() < BOM.len() && BOM.starts_with(bytes) {
            return false;
        }
        if bytes.starts_with(BOM) {
            self.carry.take(BOM.len());
        }
        self.started = true;
        true
    }
}

/// How a value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// With the bracket that closes it.
    Nest,
    /// With its quote.
    Text,
    /// With the byte before the first that cannot be part of it.
    Number,
    /// When this word is complete.
    Word(&'static [u8]),
}

impl Shape {
    fn of(first: u8) -> Option<Self> {
        match first {
            b'{' | b'[' => Some(Self::Nest),
            b'"' => Some(Self::Text),
            b'-' | b'0'..=b'9' => Some(Self::Number),
            b't' => Some(Self::Word(b"true")),
            b'f' => Some(Self::Word(b"false")),
            b'n' => Some(Self::Word(b"null")),
            _ => None,
        }
    }
}

/// Where the scan of the value at the front stands.
#[derive(Debug, Default)]
struct Scan {
    shape: Option<Shape>,
    /// All before it has been looked at.
    at: usize,
    depth: u32,
    in_string: bool,
    /// The next byte follows a backslash.
    escaped: bool,
    /// Up to here the value was checked for being UTF-8.
    checked: usize,
    /// It is not UTF-8.
    is_foreign: bool,
}

impl Scan {
    /// Goes on. `Some(end)`: the value ends before `end`.
    fn run(&mut self, bytes: &[u8], charset: Charset) -> Result<Option<usize>, SplitError> {
        match self.shape {
            Some(Shape::Number) => Ok(self.number(bytes)),
            Some(Shape::Word(word)) => self.word(bytes, word),
            Some(Shape::Nest | Shape::Text) => self.nest(bytes, charset),
            None => Ok(None),
        }
    }

    fn number(&mut self, bytes: &[u8]) -> Option<usize> {
        let part = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
        let rest = bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|b| !part(b));
        self.at += end.unwrap_or(rest.len());
        end.map(|_| self.at)
    }

    fn word(&mut self, bytes: &[u8], word: &[u8]) -> Result<Option<usize>, SplitError> {
        let seen = bytes.get(..word.len().min(bytes.len())).unwrap_or_default();
        if !word.starts_with(seen) {
            return Err(SplitError::NotJson);
        }
        Ok((seen.len() == word.len()).then_some(word.len()))
    }

    fn nest(&mut self, bytes: &[u8], charset: Charset) -> Result<Option<usize>, SplitError> {
        while self.at < bytes.len() {
            if std::mem::take(&mut self.escaped) {
                self.at += 1;
                continue;
            }
            let closed = if self.in_string { self.string(bytes, charset) } else { self.structure(bytes)? };
            if closed && self.depth == 0 {
                return Ok(Some(self.at));
            }
        }
        Ok(None)
    }

    /// Goes to the next quote or bracket. `true`: a bracket was closed.
    fn structure(&mut self, bytes: &[u8]) -> Result<bool, SplitError> {
        let rest = bytes.get(self.at..).unwrap_or_default();
        for (i, b) in rest.iter().enumerate() {
            match b {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.open()?,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => continue,
            }
            self.at += i + 1;
            return Ok(matches!(b, b'}' | b']'));
        }
        self.at = bytes.len();
        Ok(false)
    }

    fn open(&mut self) -> Result<(), SplitError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(SplitError::TooDeep) } else { Ok(()) }
    }

    /// Goes to the end of the string, or of the bytes. `true`: the string was closed.
    fn string(&mut self, bytes: &[u8], charset: Charset) -> bool {
        let rest = bytes.get(self.at..).unwrap_or_default();
        let Some(i) = memchr::memchr2(b'"', b'\\', rest) else {
            self.at = bytes.len();
            return false;
        };
        let hit = self.at + i;
        if rest.get(i) == Some(&b'"') {
            self.at = hit + 1;
            self.in_string = false;
            return true;
        }
        self.at = hit + 1;
        self.escaped = !self.is_second_half(bytes, hit, charset);
        false
    }

    /// Whether the backslash at `hit` is the second byte of a character of GBK.
    ///
    /// A run of high bytes begins with a first byte, whatever stands before it, so that their number decides.
    fn is_second_half(&mut self, bytes: &[u8], hit: usize, charset: Charset) -> bool {
        let before = bytes.get(..hit).unwrap_or_default();
        let high = before.iter().rev().take_while(|b| **b >= 0x80).count();
        if high.is_multiple_of(2) || charset == Charset::Utf8 {
            return false;
        }
        charset == Charset::Gbk || !self.is_utf8_up_to(before)
    }

    fn is_utf8_up_to(&mut self, before: &[u8]) -> bool {
        let new = before.get(self.checked..).unwrap_or_default();
        self.is_foreign |= std::str::from_utf8(new).is_err();
        self.checked = before.len();
        !self.is_foreign
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

const BOM: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charset::to_gbk;
    use proptest::prelude::*;

    type Values = Vec<Result<Bytes, SplitError>>;

    const MAX: usize = 64 * 1024;

    fn drain(splitter: &mut Splitter, out: &mut Values) {
        while let Some(value) = splitter.next_value() {
            let fatal = value.as_ref().is_err_and(|e| e.is_fatal());
            out.push(value);
            if fatal {
                return;
            }
        }
    }

    fn cut(pieces: &[&[u8]], max: usize, charset: Charset) -> Values {
        let mut splitter = Splitter::new(max, charset);
        let mut out = Vec::new();
        for piece in pieces {
            splitter.feed_slice(piece);
            drain(&mut splitter, &mut out);
            if splitter.broken.is_some() {
                break;
            }
        }
        out
    }

    fn good(input: &[u8]) -> Vec<String> {
        let all = cut(&[input], MAX, Charset::Auto);
        all.into_iter().map(|v| String::from_utf8(v.unwrap().to_vec()).unwrap()).collect()
    }

    #[test]
    fn which_of_two_faults_comes_first_does_not_depend_on_the_cut() {
        // Found by fuzzing: too long, and behind the limit too deep.
        let stream = [b"[1,".as_slice(), &[b'1'; 40], &[b'['; 80]].concat();
        for cut in 1..stream.len() {
            let mut splitter = Splitter::new(32, Charset::Auto);
            let mut first = None;
            for piece in stream.chunks(cut) {
                splitter.feed_slice(piece);
                first = first.or_else(|| splitter.next_value());
            }
            assert_eq!(first, Some(Err(SplitError::TooLong(32))), "cut every {cut} bytes");
        }
    }

    #[test]
    fn values_follow_one_another_with_or_without_space() {
        let cases: [(&str, &[u8], &[&str]); 11] = [
            ("one, no newline", b"{\"a\":1}", &["{\"a\":1}"]),
            ("glued", b"{}{\"a\":[]}[1]", &["{}", "{\"a\":[]}", "[1]"]),
            ("white space around", b" \r\n\t{} \n {}\n", &["{}", "{}"]),
            ("brackets in a string", b"{\"a\":\"}{\"}{}", &["{\"a\":\"}{\"}", "{}"]),
            ("an escaped quote", b"{\"a\":\"\\\"}\"}", &["{\"a\":\"\\\"}\"}"]),
            ("an escaped backslash", b"{\"a\":\"\\\\\"}{}", &["{\"a\":\"\\\\\"}", "{}"]),
            ("a byte order mark first", b"\xef\xbb\xbf{}", &["{}"]),
            ("scalars", b"1 true null\"x\"false{}", &["1", "true", "null", "\"x\"", "false", "{}"]),
            ("a number ends with what follows", b"-1.5e3{}12", &["-1.5e3", "{}"]),
            ("incomplete", b"{\"a\":", &[]),
            ("mismatched brackets are the parser's matter", b"{]{}", &["{]", "{}"]),
        ];
        for (why, input, want) in cases {
            assert_eq!(good(input), want, "{why}");
        }
    }

    #[test]
    fn what_can_begin_no_value_breaks_the_stream() {
        for input in
            [&b"}"[..], b"x", b"GET / HTTP/1.1", b"\0", b"\xff\xfb", b"{}}", b"tru3", b"nihao\n", b","]
        {
            let last = cut(&[input], MAX, Charset::Auto).pop();
            assert_eq!(last, Some(Err(SplitError::NotJson)), "{input:?}");
        }
        let mut splitter = Splitter::new(MAX, Charset::Auto);
        splitter.feed_slice(b"x");
        assert_eq!(splitter.next_value(), Some(Err(SplitError::NotJson)));
        splitter.feed_slice(b"{}");
        assert_eq!(splitter.next_value(), Some(Err(SplitError::NotJson)), "for good");
        assert_eq!(splitter.carry.capacity(), 0);
    }

    #[test]
    fn a_value_is_bounded() {
        let deep = [b'['; 10_000];
        assert_eq!(cut(&[&deep], MAX, Charset::Auto), [Err(SplitError::TooDeep)]);
        let just = [[b'['; DEPTH_MAX as usize], [b']'; DEPTH_MAX as usize]].concat();
        assert_eq!(cut(&[&just], MAX, Charset::Auto), [Ok(Bytes::from(just.clone()))]);
        let value = format!("{{\"a\":\"{}\"}}", "x".repeat(100));
        assert_eq!(cut(&[value.as_bytes()], value.len(), Charset::Auto).len(), 1);
        let less = value.len() - 1;
        assert_eq!(cut(&[value.as_bytes()], less, Charset::Auto), [Err(SplitError::TooLong(less))]);
        let endless = [&b"{\"a\":\""[..], &[b'x'; 100]].concat();
        assert_eq!(cut(&[&endless], 50, Charset::Auto), [Err(SplitError::TooLong(50))]);
        assert_eq!(cut(&[&[b'1'; 100]], 50, Charset::Auto), [Err(SplitError::TooLong(50))]);
    }

    #[test]
    fn nothing_incomplete_nothing_held() {
        let mut splitter = Splitter::new(MAX, Charset::Auto);
        let read = Bytes::from_static(b"{\"a\":1}\n{\"b\"");
        splitter.feed(read.clone());
        let value = splitter.next_value().unwrap().unwrap();
        assert_eq!(value.as_ptr(), read.as_ptr(), "values share the read's buffer");
        assert_eq!(splitter.next_value(), None);
        assert!(splitter.is_partial());
        splitter.feed_slice(b":2} \n");
        assert_eq!(splitter.next_value().unwrap().unwrap(), "{\"b\":2}");
        assert_eq!(splitter.next_value(), None);
        assert!(!splitter.is_partial());
        assert_eq!(splitter.carry.capacity(), 0);
    }

    #[test]
    fn gbk_with_a_backslash_inside_a_character_is_found() {
        // U+8AA0 is D5 5C in GBK.
        let value = "{\"type\":\"broadcast\",\"message\":\"誠\"}";
        let gbk = to_gbk(value.as_bytes());
        assert!(gbk.windows(3).any(|w| w == b"\xd5\\\""), "the test tests what it says");
        let mut splitter = Splitter::new(MAX, Charset::Auto);
        splitter.feed_slice(&[&gbk[..], b"{}"].concat());
        assert_eq!(splitter.next_value().unwrap().unwrap(), value.as_bytes());
        assert_eq!(splitter.charset(), Charset::Gbk);
        assert_eq!(splitter.next_value().unwrap().unwrap(), "{}");
        let utf8 = "{\"a\":\"中\\\"}\"}{}";
        assert_eq!(good(utf8.as_bytes()), ["{\"a\":\"中\\\"}\"}", "{}"], "an escape behind UTF-8 stays one");
    }

    #[test]
    fn a_value_in_no_charset_is_told_and_the_next_is_read() {
        let got = cut(&[b"{\"a\":\"\xff\xff\"}{}"], MAX, Charset::Auto);
        assert_eq!(got, [Err(SplitError::Unreadable(Unreadable)), Ok(Bytes::from_static(b"{}"))]);
    }

    #[test]
    fn the_rest_can_go_to_another_protocol() {
        let mut splitter = Splitter::new(MAX, Charset::Auto);
        splitter.feed_slice(b"{}\x16\x03");
        assert!(splitter.next_value().unwrap().is_ok());
        assert_eq!(splitter.take_rest(), &b"\x16\x03"[..]);
    }

    #[test]
    fn every_split_gives_the_same() {
        let mut inputs: Vec<Vec<u8>> = [
            "\u{feff}{\"a\":\"}\\\"{\\\\\"}  [1,{}]\"x\\n\"12 true{\"聊\":\"天\\n\"}null{}",
            "{\"a\":1}} {",
            "{\"type\":\"login\",\"nickname\":\"zhangsan\"}{\"type\":\"broadcast\",\"message\":\"誠実\"}",
        ]
        .map(|s| s.as_bytes().to_vec())
        .into();
        inputs.push(to_gbk("{\"m\":\"誠\\n誠\"}{\"n\":\"誠\"}".as_bytes()));
        for input in inputs {
            let whole = cut(&[&input], MAX, Charset::Auto);
            for at in 0..=input.len() {
                assert_eq!(cut(&[&input[..at], &input[at..]], MAX, Charset::Auto), whole, "cut at {at}");
            }
            let singles: Vec<&[u8]> = input.chunks(1).collect();
            assert_eq!(cut(&singles, MAX, Charset::Auto), whole);
        }
    }

    fn json_like() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            Just(b"{".to_vec()),
            Just(b"}".to_vec()),
            Just(b"[".to_vec()),
            Just(b"]".to_vec()),
            Just(b"\"".to_vec()),
            Just(b"\\".to_vec()),
            Just(b" ".to_vec()),
            Just(b"{}".to_vec()),
            Just(b"{\"a\":\"b\"}".to_vec()),
            Just("中".as_bytes().to_vec()),
            Just(b"\xd5\\".to_vec()),
            Just(b"1".to_vec()),
            Just(b"true".to_vec()),
            proptest::collection::vec(any::<u8>(), 1..3),
        ];
        proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces(input in json_like(), size in 1usize..7, max in 4usize..60) {
            for charset in [Charset::Auto, Charset::Utf8, Charset::Gbk] {
                let whole = cut(&[&input], max, charset);
                let pieces: Vec<&[u8]> = input.chunks(size).collect();
                prop_assert_eq!(cut(&pieces, max, charset), whole);
            }
        }
    }
}
