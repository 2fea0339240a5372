//! Every row of the table, every ambiguous case, every cut.

use super::*;
use Protocol::*;
use proptest::prelude::*;

const WHOLE: &[(&str, &[u8], Verdict)] = &[
    ("a TLS 1.2 hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Verdict::Is(Tls)),
    ("a TLS record that is no hello", b"\x16\x03\x01\x02\x00\x02", Verdict::Refuse(Scanner::Binary)),
    ("a TLS record that is too long", b"\x16\x03\x01\x40\x01\x01", Verdict::Refuse(Scanner::Binary)),
    ("a TLS record of version 9", b"\x16\x03\x09\x00\x40\x01", Verdict::Refuse(Scanner::Binary)),
    ("PROXY version 1", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", Verdict::Is(ProxyV1)),
    ("PROXY version 2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", Verdict::Is(ProxyV2)),
    ("almost PROXY version 2", b"\r\n\r\n\0\r\nQUIX\n", Verdict::Refuse(Scanner::Binary)),
    ("somebody called PROXY", b"PROXY\n", Verdict::Is(Text)),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", Verdict::Is(Ssh)),
    ("somebody called SSH", b"SSH\r\n", Verdict::Is(Text)),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", Verdict::Is(Http2)),
    ("a preface that breaks", b"PRI * HTTP/2.0\r\n\r\nXX", Verdict::Is(Http1)),
    ("somebody called PRI", b"PRI\n", Verdict::Is(Text)),
    ("GET", b"GET / HTTP/1.1\r\n", Verdict::Is(Http1)),
    ("POST with a chat line in its body", b"POST /x HTTP/1.1\r\n\r\n{\"type\":1}", Verdict::Is(Http1)),
    ("PROPFIND", b"PROPFIND / HTTP/1.1\r\n", Verdict::Is(Http1)),
    ("PUT", b"PUT /a HTTP/1.1\r\n", Verdict::Is(Http1)),
    ("case a: a method alone on its line", b"GET\r\n", Verdict::Is(Http1)),
    ("case a: a method is a whole word", b"GETTY\n", Verdict::Is(Text)),
    ("methods are capitals", b"get me\n", Verdict::Is(Text)),
    ("MQTT 3.1.1", b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", Verdict::Is(Mqtt)),
    ("MQTT 5 with a long varint", b"\x10\x80\x01\0\x04MQTT\x05", Verdict::Is(Mqtt)),
    ("MQTT 3.1", b"\x10\x0e\0\x06MQIsdp\x03", Verdict::Is(Mqtt)),
    ("MQTT that claims 256 MiB", b"\x10\xff\xff\xff\x7f\0\x04MQTT\x04", Verdict::Refuse(Scanner::Binary)),
    ("MQTT with a broken length", b"\x10\xff\xff\xff\xff", Verdict::Refuse(Scanner::Binary)),
    ("no MQTT", b"\x10\x0c\0\x04MQXX", Verdict::Refuse(Scanner::Binary)),
    ("case b: JSON", b"{\"type\":\"login\"}", Verdict::Is(Json)),
    ("case b: a brace is JSON, well formed or not", b"{hello", Verdict::Is(Json)),
    ("JSON after spaces", b" \t{", Verdict::Is(Json)),
    ("JSON after an empty line", b"\n{", Verdict::Is(Json)),
    ("case e: JSON after a mark", b"\xef\xbb\xbf{\"type\"", Verdict::Is(Json)),
    ("case e: text after a mark", b"\xef\xbb\xbfada\n", Verdict::Is(Text)),
    ("IRC: NICK", b"NICK ada\r\n", Verdict::Is(Irc)),
    ("IRC: typed NICK", b"nick ada\n", Verdict::Is(Irc)),
    ("IRC: USER", b"USER ada 0 * :Ada L\r\n", Verdict::Is(Irc)),
    ("IRC: CAP", b"CAP LS 302\r\n", Verdict::Is(Irc)),
    ("IRC: WEBIRC", b"WEBIRC pw gw host 10.0.0.1\r\n", Verdict::Is(Irc)),
    ("IRC: AUTHENTICATE", b"AUTHENTICATE PLAIN\r\n", Verdict::Is(Irc)),
    ("IRC: with a source", b":ada NICK ada\r\n", Verdict::Is(Irc)),
    ("IRC: with tags", b"@a=b :ada NICK ada\r\n", Verdict::Is(Irc)),
    ("case c: PASS, then NICK", b"PASS secret\r\nNICK ada\r\n", Verdict::Is(Irc)),
    ("case c: PASS, then anything", b"PASS secret\r\nhello\r\n", Verdict::Is(Text)),
    ("case c: PASS alone", b"PASS secret\r\n", Verdict::NeedMore),
    ("a person called Nick Cave", b"Nick Cave\n", Verdict::Is(Text)),
    ("a person who types nick and no name", b"nick\n", Verdict::Is(Text)),
    ("many words are no nick", b"nick and ada and bob\n", Verdict::Is(Text)),
    ("a cap is a hat", b"CAP is red\n", Verdict::Is(Text)),
    ("FTP's USER", b"USER ada\r\n", Verdict::Is(Text)),
    ("a smile", b":-)\n", Verdict::Is(Text)),
    ("a mention", b"@ada hello\n", Verdict::Is(Text)),
    ("Telnet: DO", b"\xff\xfd\x01", Verdict::Is(Telnet)),
    ("Telnet: interrupt", b"\xff\xf4", Verdict::Is(Telnet)),
    ("no Telnet", b"\xff\xff", Verdict::Refuse(Scanner::Binary)),
    ("text in UTF-8", "阿达\n".as_bytes(), Verdict::Is(Text)),
    ("case g: text in GBK", b"\xd6\xd0\xce\xc4\n", Verdict::Is(Text)),
    ("case g: the lowest GBK lead byte", b"\x81\x40\n", Verdict::Is(Text)),
    ("text that starts like a mark", b"\xef\xbc\x81", Verdict::Is(Text)),
    ("case d: an empty line, then a request", b"\r\nGET / HTTP/1.1\r\n", Verdict::Is(Http1)),
    ("case d: an empty line, then text", b"\r\nada\n", Verdict::Is(Text)),
    ("case d: two empty lines", b"\n\n", Verdict::Is(Text)),
    ("case d: two empty lines, then a letter", b"\r\n\r\nx", Verdict::Is(Text)),
    ("case d: one empty line", b"\r\n", Verdict::NeedMore),
    ("a carriage return alone", b"\rada", Verdict::Is(Text)),
    ("case f: half a word", b"NI", Verdict::NeedMore),
    ("SOCKS 5", b"\x05\x01\0", Verdict::Refuse(Scanner::Socks5)),
    ("SOCKS 4", b"\x04\x01\0\x50", Verdict::Refuse(Scanner::Socks4)),
    ("RDP", b"\x03\0\0\x13", Verdict::Refuse(Scanner::Rdp)),
    ("SMB", b"\0\0\0\x85\xffSMB", Verdict::Refuse(Scanner::Smb)),
    ("SSL 2", b"\x80\x2e\x01", Verdict::Refuse(Scanner::Ssl2)),
    ("PostgreSQL that asks for TLS", b"\0\0\0\x08\x04\xd2\x16\x2f", Verdict::Refuse(Scanner::Postgres)),
    ("zeros", b"\0\0\0\0\0\0\0\0", Verdict::Refuse(Scanner::Binary)),
    ("an escape", b"\x1b[A", Verdict::Refuse(Scanner::Binary)),
    ("a control byte within a word", b"NI\x01", Verdict::Refuse(Scanner::Binary)),
];

/// Reads of any size, one `Detector`.
fn in_pieces(bytes: &[u8], cuts: &[usize]) -> Verdict {
    let mut detector = Detector::default();
    let mut verdict = Verdict::NeedMore;
    for end in cuts.iter().copied().chain([bytes.len()]) {
        verdict = detector.look(&bytes[..end]);
        if verdict != Verdict::NeedMore {
            break;
        }
    }
    verdict
}

#[test]
fn each_row_has_its_door() {
    for (case, bytes, verdict) in WHOLE {
        assert_eq!(detect(bytes), *verdict, "{case}");
    }
}

#[test]
fn each_row_has_the_same_door_at_each_cut() {
    for (case, bytes, verdict) in WHOLE {
        for cut in 0..=bytes.len() {
            assert_eq!(in_pieces(bytes, &[cut]), *verdict, "{case}, cut at {cut}");
        }
        let single: Vec<usize> = (0..bytes.len()).collect();
        assert_eq!(in_pieces(bytes, &single), *verdict, "{case}, byte by byte");
    }
}

#[test]
fn a_verdict_stays_when_more_comes() {
    let mut detector = Detector::default();
    assert_eq!(detector.look(b"h"), Verdict::Is(Text));
    assert_eq!(detector.look(b"h\0\0"), Verdict::Is(Text));
}

#[test]
fn when_the_clock_runs_out_printable_bytes_are_text() {
    for (bytes, verdict) in [
        (b"\r\n".as_slice(), Verdict::Is(Text)),
        (b"NICK ada", Verdict::Is(Text)),
        (b"P", Verdict::Is(Text)),
        (b"   ", Verdict::Is(Text)),
        (b"\xef", Verdict::Is(Text)),
        (b"GET", Verdict::Is(Http1)),
        (b"\r\nPOST", Verdict::Is(Http1)),
        (b"PRI * HTTP", Verdict::Is(Http1)),
        (b"PASS secret\r\n", Verdict::Is(Irc)),
        (b"PASS secret\r\nNI", Verdict::Is(Irc)),
        (b"\x16\x03", Verdict::Refuse(Scanner::Binary)),
        (b"\x10", Verdict::Refuse(Scanner::Binary)),
        (b"\xff", Verdict::Refuse(Scanner::Binary)),
        (b"\0", Verdict::Refuse(Scanner::Binary)),
        (b"ada", Verdict::Is(Text)),
    ] {
        assert_eq!(after_deadline(bytes), verdict, "{bytes:?}");
    }
}

#[test]
fn the_order_of_the_list_is_the_order_of_the_enum() {
    for (index, protocol) in Protocol::ALL.iter().enumerate() {
        assert_eq!(*protocol as usize, index);
    }
}

fn likely() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"NICK ".to_vec()),
        Just(b"PASS x\r\n".to_vec()),
        Just(b"GET ".to_vec()),
        Just(b"PRI * HTTP/2.0".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\xef\xbb\xbf".to_vec()),
        Just(b"\x16\x03\x01".to_vec()),
        Just(b"\x10\x0c\0\x04MQTT".to_vec()),
        Just(b"{".to_vec()),
        Just(b":".to_vec()),
        Just(b" ".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
        proptest::collection::vec(b'a'..=b'z', 0..300),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_cuts_give_the_same_door(bytes in likely(), mut cuts in proptest::collection::vec(0usize..600, 0..6)) {
        cuts.iter_mut().for_each(|cut| *cut = (*cut).min(bytes.len()));
        cuts.sort_unstable();
        prop_assert_eq!(in_pieces(&bytes, &cuts), detect(&bytes));
    }

    #[test]
    fn a_longer_input_never_changes_a_verdict(bytes in likely(), more in proptest::collection::vec(any::<u8>(), 0..40)) {
        let verdict = detect(&bytes);
        if verdict != Verdict::NeedMore {
            prop_assert_eq!(detect(&[bytes, more].concat()), verdict);
        }
    }

    #[test]
    fn full_bytes_always_have_a_verdict(bytes in likely()) {
        let mut bytes = bytes;
        bytes.resize(SNIFF_BYTES_MAX, b'n');
        prop_assert_ne!(detect(&bytes), Verdict::NeedMore);
        bytes.fill(b' ');
        prop_assert_eq!(detect(&bytes), Verdict::Is(Text));
    }

    #[test]
    fn the_clock_always_decides(bytes in likely()) {
        prop_assert_ne!(after_deadline(&bytes), Verdict::NeedMore);
    }

    #[test]
    fn a_request_never_becomes_text(method in 0..METHODS.len(), rest in ".{0,40}") {
        let bytes = [METHODS[method], b" ", rest.as_bytes()].concat();
        prop_assert_eq!(detect(&bytes), Verdict::Is(Http1));
    }
}
