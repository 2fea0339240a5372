//! WebSocket frames (RFC 6455), the server's side: what a client sends is unmasked and put together, what it is sent
//! is written behind a header.
//!
//! **Invariant.** What comes out does not depend on how the bytes were cut, and nothing that a peer sends holds more
//! than one message and one frame of the limit. Nothing incomplete, nothing held. Extensions are not spoken: what
//! RSV bits would mean was never agreed on (section 5.2).

use crate::carry::Carry;
use bytes::Bytes;
use std::ops::Range;

/// The longest payload of a control frame (section 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// The meanings of close codes that this side uses (section 7.4.1).
pub mod close {
    /// All that was to be done is done.
    pub const NORMAL: u16 = 1000;
    /// The hub stops.
    pub const GOING_AWAY: u16 = 1001;
    /// The frames are not as the protocol says.
    pub const PROTOCOL: u16 = 1002;
    /// The kind of data is not spoken here.
    pub const UNSUPPORTED: u16 = 1003;
    /// A text is not UTF-8.
    pub const NOT_UTF8: u16 = 1007;
    /// A message is longer than the limit.
    pub const TOO_BIG: u16 = 1009;
    /// The server has a fault.
    pub const INTERNAL: u16 = 1011;
}

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A whole text; it is UTF-8.
    Text(Bytes),
    /// To be answered with a pong of the same payload (section 5.5.2).
    Ping(Bytes),
    /// The answer to a ping.
    Pong,
    /// The client closes, with a code if it gave one (section 5.5.1). Nothing counts that comes after.
    Close(Option<u16>),
}

/// Why the frames cannot be followed any further. The conn ends with [`WsError::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WsError {
    /// A frame is not as the protocol says.
    #[error("a frame breaks the protocol: {0}")]
    Protocol(&'static str),
    /// Binary data.
    #[error("only text is spoken here")]
    Binary,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A message is longer than the limit.
    #[error("a message has more than {0} bytes")]
    TooBig(usize),
}

impl WsError {
    /// The close code that tells the client (section 7.4.1).
    pub fn code(self) -> u16 {
        match self {
            Self::Protocol(_) => close::PROTOCOL,
            Self::Binary => close::UNSUPPORTED,
            Self::NotUtf8 => close::NOT_UTF8,
            Self::TooBig(_) => close::TOO_BIG,
        }
    }
}

/// Puts the messages of one client together.
#[derive(Debug)]
pub struct Decoder {
    carry: Carry,
    message_bytes_max: usize,
    /// A text of which a part has come (section 5.4).
    partial: Option<Vec<u8>>,
    broken: Option<WsError>,
}

impl Decoder {
    /// For messages of at most so many bytes, in one frame or several.
    pub fn new(message_bytes_max: usize) -> Self {
        Self { carry: Carry::default(), message_bytes_max, partial: None, broken: None }
    }

    /// Adds what a read brought.
    pub fn feed(&mut self, chunk: Bytes) {
        if self.broken.is_none() {
            self.carry.feed(chunk);
        }
    }

    /// The next message. `None`: more bytes are needed.
    ///
    /// # Errors
    /// See [`WsError`]. After one, the same comes again and again.
    pub fn next_message(&mut self) -> Option<Result<Message, WsError>> {
        if let Some(broken) = self.broken {
            return Some(Err(broken));
        }
        loop {
            match self.frame() {
                Ok(Some(message)) => return Some(Ok(message)),
                Ok(None) if self.has_frame() => {}
                Ok(None) => {
                    self.carry.settle();
                    return None;
                }
                Err(error) => {
                    (self.carry, self.partial, self.broken) = (Carry::default(), None, Some(error));
                    return Some(Err(error));
                }
            }
        }
    }

    /// Whether something incomplete is held.
    pub fn is_partial(&self) -> bool {
        self.partial.is_some() || !self.carry.is_empty()
    }

    /// Whether a frame, good or not, can be looked at.
    fn has_frame(&self) -> bool {
        match Head::parse(self.carry.bytes()) {
            Ok(Some(head)) => self.refuse(&head).is_err() || self.carry.bytes().len() >= head.end(),
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Takes one frame. `None`: it has not come whole, or is a part of a message that has not.
    fn frame(&mut self) -> Result<Option<Message>, WsError> {
        let Some(head) = Head::parse(self.carry.bytes())? else { return Ok(None) };
        self.refuse(&head)?;
        if self.carry.bytes().len() < head.end() {
            return Ok(None);
        }
        let frame = self.carry.take(head.end());
        let payload = unmask(frame.get(head.payload()).unwrap_or_default(), head.mask);
        match head.opcode {
            Opcode::Text if head.fin => text(payload).map(Some),
            Opcode::Text => {
                self.partial = Some(payload);
                Ok(None)
            }
            Opcode::More => self.more(head.fin, &payload),
            Opcode::Ping => Ok(Some(Message::Ping(payload.into()))),
            Opcode::Pong => Ok(Some(Message::Pong)),
            Opcode::Close => closing(&payload).map(|code| Some(Message::Close(code))),
        }
    }

    fn more(&mut self, fin: bool, payload: &[u8]) -> Result<Option<Message>, WsError> {
        let mut so_far = self.partial.take().unwrap_or_default();
        so_far.extend_from_slice(payload);
        if fin {
            return text(so_far).map(Some);
        }
        self.partial = Some(so_far);
        Ok(None)
    }

    /// Refuses what does not fit what came before, as soon as the header says it.
    fn refuse(&self, head: &Head) -> Result<(), WsError> {
        let so_far = match (head.opcode, &self.partial) {
            (Opcode::Text, Some(_)) => return Err(WsError::Protocol("a message begins within another")),
            (Opcode::More, None) => return Err(WsError::Protocol("a message goes on that never began")),
            (Opcode::More, Some(so_far)) => so_far.len(),
            _ => 0,
        };
        if head.length > self.message_bytes_max.saturating_sub(so_far) as u64 {
            return Err(WsError::TooBig(self.message_bytes_max));
        }
        Ok(())
    }
}

/// What a frame is (section 5.2). Binary frames are refused where they are parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opcode {
    More,
    Text,
    Close,
    Ping,
    Pong,
}

/// The header of a client's frame (section 5.2).
#[derive(Debug)]
struct Head {
    fin: bool,
    opcode: Opcode,
    length: u64,
    mask: [u8; 4],
    /// Bytes of the header itself.
    size: usize,
}

impl Head {
    /// `None`: more bytes are needed. Each byte is judged as soon as it is there.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, WsError> {
        let Some(first) = bytes.first() else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(WsError::Protocol("a reserved bit is set"));
        }
        let (fin, opcode) = (first & 0x80 != 0, opcode(first & 0x0f)?);
        let is_control = !matches!(opcode, Opcode::More | Opcode::Text);
        if is_control && !fin {
            return Err(WsError::Protocol("a control frame comes in parts"));
        }
        let Some(second) = bytes.get(1) else { return Ok(None) };
        if second & 0x80 == 0 {
            return Err(WsError::Protocol("a client's frame is not masked"));
        }
        let short = second & 0x7f;
        if is_control && usize::from(short) > CONTROL_BYTES_MAX {
            return Err(WsError::Protocol("a control frame is longer than 125 bytes"));
        }
        let Some((length, size)) = length(short, bytes)? else { return Ok(None) };
        let Some(mask) = bytes.get(size..).and_then(|rest| rest.first_chunk::<4>()) else { return Ok(None) };
        Ok(Some(Self { fin, opcode, length, mask: *mask, size: size + 4 }))
    }

    /// Where the payload lies. The length is known to be within the limit.
    fn payload(&self) -> Range<usize> {
        self.size..self.end()
    }

    fn end(&self) -> usize {
        self.size.saturating_add(usize::try_from(self.length).unwrap_or(usize::MAX))
    }
}

fn opcode(code: u8) -> Result<Opcode, WsError> {
    Ok(match code {
        0x0 => Opcode::More,
        0x1 => Opcode::Text,
        0x2 => return Err(WsError::Binary),
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xa => Opcode::Pong,
        _ => return Err(WsError::Protocol("the kind of a frame is not known")),
    })
}

/// The payload's length, and where the mask begins. The shortest form must be used (section 5.2).
fn length(short: u8, bytes: &[u8]) -> Result<Option<(u64, usize)>, WsError> {
    let rest = bytes.get(2..).unwrap_or_default();
    let (length, size, least) = match short {
        126 => (rest.first_chunk().map(|two| u64::from(u16::from_be_bytes(*two))), 4, 126),
        127 => (rest.first_chunk().map(|eight| u64::from_be_bytes(*eight)), 10, 1 << 16),
        short => (Some(u64::from(short)), 2, 0),
    };
    match length {
        Some(length) if length < least => Err(WsError::Protocol("a length is longer than it need be")),
        Some(length) if length >> 63 != 0 => Err(WsError::Protocol("a length is negative")),
        length => Ok(length.map(|length| (length, size))),
    }
}

/// Section 5.3: each byte is the exclusive or of a byte of the payload and one of the mask.
fn unmask(payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut plain = Vec::with_capacity(payload.len());
    let (eights, rest) = payload.as_chunks::<8>();
    for eight in eights {
        plain.extend_from_slice(&(u64::from_ne_bytes(*eight) ^ wide).to_ne_bytes());
    }
    plain.extend(rest.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    plain
}

fn text(payload: Vec<u8>) -> Result<Message, WsError> {
    match std::str::from_utf8(&payload) {
        Ok(_) => Ok(Message::Text(payload.into())),
        Err(_) => Err(WsError::NotUtf8),
    }
}

/// The code of a close frame, if there is one; the reason behind it must be UTF-8 (section 5.5.1).
fn closing(payload: &[u8]) -> Result<Option<u16>, WsError> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(WsError::Protocol("a close code is cut off")) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(WsError::Protocol("a close code may not be sent"));
    }
    std::str::from_utf8(reason).map(|_| Some(code)).map_err(|_| WsError::NotUtf8)
}

/// Appends a text as one frame.
pub fn text_into(text: &[u8], out: &mut Vec<u8>) {
    frame_into(0x81, text, out);
}

/// Appends the answer to a ping; its payload is at most [`CONTROL_BYTES_MAX`] long, as a ping's is.
pub fn pong_into(payload: &[u8], out: &mut Vec<u8>) {
    frame_into(0x8a, payload.get(..CONTROL_BYTES_MAX).unwrap_or(payload), out);
}

/// Appends a close frame. A reason that is too long is cut between characters.
pub fn close_into(code: u16, reason: &str, out: &mut Vec<u8>) {
    let reason = reason.get(..reason.floor_char_boundary(CONTROL_BYTES_MAX - 2)).unwrap_or_default();
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    frame_into(0x88, &payload, out);
}

/// A server's frames are not masked (section 5.1).
fn frame_into(first: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..=125), _) => out.push(short),
        (_, Ok(medium)) => {
            out.push(126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests;
