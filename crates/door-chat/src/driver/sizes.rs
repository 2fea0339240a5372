//! What an idle conn costs in this crate.

use super::*;

/// The future that serves a conn, as its task holds it.
#[tokio::test]
async fn the_future_of_a_conn_is_small() {
    let hub = hubbub_testkit::TestHub::new();
    let (near, _far) = tokio::net::UnixStream::pair().unwrap();
    let options = "chat://127.0.0.1:0".parse::<hubbub_door::Listener>().unwrap().options;
    let origin = Box::new(hubbub_door::Origin {
        peer: hubbub_door::Peer::Unix { uid: None },
        local: "test".into(),
        tls: None,
        options: Arc::new(options),
        protocol: hubbub_door::Protocol::Text,
    });
    let conn = Conn { io: Io::plain(near.into()), origin };
    let cx = DoorCtx { hub: hub.hub().clone(), limits: Arc::default(), stop: CancellationToken::new() };
    let talk = crate::text::TextSession::new(&cx.limits, &conn.origin.options, false);
    let future = drive(conn, talk, &cx);
    let size = size_of_val(&future);
    println!("drive()       {size:>4} bytes");
    assert!(size <= 288, "the future has grown to {size} bytes");
}

/// What each idle conn costs in this door, printed for `docs/performance.md`.
#[test]
fn the_parts_of_an_idle_conn_are_small() {
    let parts = [
        ("Driver<Json>", size_of::<Driver<crate::json::JsonSession>>(), 600),
        ("Driver<Text>", size_of::<Driver<crate::text::TextSession>>(), 600),
        ("JsonSession", size_of::<crate::json::JsonSession>(), 224),
        ("TextSession", size_of::<crate::text::TextSession>(), 224),
        ("Io", size_of::<Io>(), 64),
        ("Origin", size_of::<hubbub_door::Origin>(), 128),
        ("Seat", size_of::<Seat>(), 320),
    ];
    for (name, is, most) in parts {
        println!("{name:<13} {is:>4} bytes");
        assert!(is <= most, "{name} has grown to {is} bytes, {most} at most");
    }
}
