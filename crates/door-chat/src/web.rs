//! The native protocol within WebSocket frames (RFC 6455): one JSON value, one text frame, both ways. The door that
//! did the HTTP upgrade has found out who the peer is; its login names rooms and nothing else.
//!
//! **Invariants.** Events go out in ready-made frames that all WebSockets share. A close frame is the last thing that
//! is written, and says why. An idle conn holds no more than an idle conn without frames.

use crate::{
    json::JsonSession,
    reply,
    step::{Input, Shown, Step, Talk},
};
use hubbub_hub::{Credentials, Encoded, Events, Format, Log};
use hubbub_model::{Event, Language, Limits};
use hubbub_wire::{
    native::encode_event,
    ws::{self, Decoder, Message},
};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

static FRAMES: LazyLock<Format> = LazyLock::new(Format::claim);
static VIA: LazyLock<Arc<str>> = LazyLock::new(|| "web".into());

/// One conn that speaks WebSocket.
pub(crate) struct WebSession {
    frames: Decoder,
    json: JsonSession,
    /// Who the peer is, until it has logged in.
    who: Option<Box<Credentials>>,
    /// A close frame has been written: nothing may follow it (section 5.5.1).
    closed: bool,
}

impl WebSession {
    pub(crate) fn new(limits: Arc<Limits>, language: Language, who: Credentials) -> Self {
        let frames = Decoder::new(limits.line_bytes_max);
        Self { frames, json: JsonSession::native(limits, language), who: Some(Box::new(who)), closed: false }
    }

    /// Looks at complete messages while there is room for what follows from them.
    fn messages(&mut self, step: &mut Step) {
        while !step.is_full() && !self.closed {
            match self.frames.next_message() {
                None => return,
                Some(Ok(Message::Text(value))) => self.within(step, |json, inner| json.value(&value, inner)),
                Some(Ok(Message::Ping(payload))) => ws::pong_into(&payload, &mut step.out),
                Some(Ok(Message::Pong)) => {}
                // The same code comes back (section 5.5.1).
                Some(Ok(Message::Close(code))) => self.close(code.unwrap_or(ws::close::NORMAL), "", step),
                Some(Err(error)) => self.close(error.code(), &error.to_string(), step),
            }
        }
        step.more = !step.close && !step.quit;
    }

    /// What the inner session says, in frames: each of its values ends with a newline and has none within.
    fn within(&mut self, step: &mut Step, act: impl FnOnce(&mut JsonSession, &mut Step)) {
        let mut inner = Step::default();
        act(&mut self.json, &mut inner);
        if !self.closed {
            for value in inner.out.split(|byte| *byte == b'\n').filter(|value| !value.is_empty()) {
                ws::text_into(value, &mut step.out);
            }
        }
        step.commands.append(&mut inner.commands);
        if let Some(mut login) = inner.login {
            match &self.who {
                // Whatever the login says about its sender is not believed.
                Some(who) => {
                    login.credentials = (**who).clone();
                    step.login = Some(login);
                }
                None => self.close(ws::close::PROTOCOL, "logged in already", step),
            }
        }
        step.own_events = inner.own_events.or(step.own_events);
        step.quit |= inner.quit;
        if inner.close {
            self.close(ws::close::PROTOCOL, "", step);
        }
    }

    fn close(&mut self, code: u16, reason: &str, step: &mut Step) {
        if !self.closed {
            ws::close_into(code, reason, &mut step.out);
        }
        self.closed = true;
        step.close = true;
    }
}

impl Talk for WebSession {
    fn step(&mut self, input: Input<'_>, step: &mut Step) {
        match input {
            Input::Bytes(bytes) => {
                self.frames.feed(bytes);
                self.messages(step);
            }
            Input::More => self.messages(step),
            Input::LoggedIn(result) => {
                let refused = result.is_err();
                self.within(step, |json, inner| json.step(Input::LoggedIn(result), inner));
                if refused {
                    // The same credentials would be refused again.
                    self.close(reply::REFUSED, "the login was refused", step);
                } else {
                    self.who = None;
                }
            }
            Input::Goodbye(reason) => {
                self.within(step, |json, inner| json.step(Input::Goodbye(reason), inner));
                self.close(reply::close_code(reason), reason.word(), step);
            }
            Input::Bye => {
                self.within(step, |json, inner| json.step(Input::Bye, inner));
                self.close(ws::close::NORMAL, "quit", step);
            }
            // Who ends its side without a close frame is gone (section 7.1.4).
            Input::End => step.close = true,
            input => self.within(step, |json, inner| json.step(input, inner)),
        }
    }

    fn show(&mut self, _: &Events) -> Shown {
        Shown::Shared(*FRAMES, frames)
    }

    fn quiet_after(&self) -> Option<Duration> {
        None
    }

    fn is_waiting(&self) -> bool {
        self.json.is_waiting()
    }

    fn catches_up(&self) -> bool {
        true
    }

    fn is_paced(&self) -> bool {
        false
    }

    fn via(&self) -> &'static Arc<str> {
        &VIA
    }
}

/// A block as frames, one event each.
fn frames(log: &Log, events: &[Event]) -> Encoded {
    let word = reply::log_word(log);
    let mut value = Vec::new();
    Encoded::new(events, |event, out| {
        value.clear();
        encode_event(&word, event, &mut value);
        ws::text_into(value.strip_suffix(b"\n").unwrap_or(&value), out);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use hubbub_hub::CloseReason;
    use hubbub_model::{Kind, Refusal};

    fn session() -> WebSession {
        WebSession::new(
            Arc::new(Limits { line_bytes_max: 200, ..Limits::default() }),
            Language::En,
            Credentials::Guest(None),
        )
    }

    /// A client's frame; a mask of zeros changes nothing.
    fn frame(first: u8, payload: &[u8]) -> Bytes {
        let mut out = vec![first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        out.extend_from_slice(payload);
        out.into()
    }

    fn steps(session: &mut WebSession, input: Input<'_>) -> Step {
        let mut step = Step::default();
        session.step(input, &mut step);
        step
    }

    fn said(step: &Step) -> String {
        step.out.escape_ascii().to_string()
    }

    #[test]
    fn a_login_names_nobody_and_is_native() {
        let mut session = session();
        let login = br#"{"type":"login","nickname":"eve","token":"stolen","rid":1}"#;
        let step = steps(&mut session, Input::Bytes(frame(0x81, login)));
        assert!(matches!(step.login.unwrap().credentials, Credentials::Guest(None)));
        let refused = steps(&mut session, Input::LoggedIn(Err(Refusal::new(Kind::BadCredentials, "no"))));
        assert!(refused.close && said(&refused).contains("bad-credentials"), "{}", said(&refused));
        assert!(refused.out.windows(2).any(|two| two == reply::REFUSED.to_be_bytes()));
    }

    #[test]
    fn before_the_login_nothing_can_be_asked() {
        let step = steps(&mut session(), Input::Bytes(frame(0x81, br#"{"type":"rooms","rid":7}"#)));
        assert!(step.commands.is_empty() && !step.close && said(&step).contains("not-logged-in"));
        let mut frame = Vec::new();
        ws::text_into(&step.out[4..], &mut frame);
        assert_eq!(step.out, frame, "one value, one frame");
    }

    #[test]
    fn pings_are_answered_and_a_close_is_given_back() {
        let mut session = session();
        assert_eq!(steps(&mut session, Input::Bytes(frame(0x89, b"?"))).out, b"\x8a\x01?");
        let step = steps(&mut session, Input::Bytes(frame(0x88, b"\x0f\xa1bye")));
        assert!(step.close);
        assert_eq!(step.out, b"\x88\x02\x0f\xa1");
        let more = steps(&mut session, Input::Bytes(frame(0x89, b"?")));
        assert!(more.out.is_empty(), "nothing follows a close frame");
    }

    #[test]
    fn faults_end_the_conn_with_their_code() {
        for (reason, bytes, code) in [
            ("binary", frame(0x82, b"x"), ws::close::UNSUPPORTED),
            ("not UTF-8", frame(0x81, b"\xff"), ws::close::NOT_UTF8),
            ("not masked", Bytes::from_static(b"\x81\x01x"), ws::close::PROTOCOL),
            ("too long", Bytes::from_static(b"\x81\xfe\0\xff\0\0\0\0"), ws::close::TOO_BIG),
        ] {
            let step = steps(&mut session(), Input::Bytes(bytes));
            assert!(step.close, "{reason}");
            assert_eq!((step.out[0], &step.out[2..4]), (0x88, &code.to_be_bytes()[..]), "{reason}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_and_the_conn_goes_on() {
        let mut session = session();
        for bad in [&b"hello"[..], b"{} {}", b"[", b""] {
            let step = steps(&mut session, Input::Bytes(frame(0x81, bad)));
            assert!(!step.close && said(&step).contains("invalid"), "{bad:?}: {}", said(&step));
        }
    }

    #[test]
    fn each_end_has_a_code_and_its_word() {
        for (reason, code) in [
            (CloseReason::Stopping, 1001),
            (CloseReason::Slow, 4408),
            (CloseReason::Revoked, 4401),
            (CloseReason::Replaced, 4409),
            (CloseReason::Trouble, 1011),
        ] {
            let step = steps(&mut session(), Input::Goodbye(reason));
            let mut wanted = Vec::new();
            ws::close_into(code, reason.word(), &mut wanted);
            assert!(step.close && step.out.ends_with(&wanted), "{reason:?}: {}", said(&step));
        }
    }
}
