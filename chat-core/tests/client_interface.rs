//! What a driver sees of a client: when it wants to be called.

use chat_core::{
    client::{Client, Event, Options},
    crypto::Identity,
    id::Path,
    time::{Duration, Instant, Now, WallTime},
};

const SERVER: ([u8; 4], u16) = ([127, 0, 0, 1], 5_000);

fn at(seconds: u64) -> Now {
    let wall = WallTime::from_micros(1_700_000_000_000_000 + seconds * 1_000_000);
    Now::new(Instant::from_micros(seconds * 1_000_000), wall)
}

/// Does what the client wants done, without a store: whether it has ended.
fn drain(client: &mut Client, now: Now) -> bool {
    let (mut buffer, mut ended) = (Vec::new(), false);
    while client.poll_transmit(now, &mut buffer).is_some() {}
    while let Some(event) = client.poll_event() {
        ended |= matches!(event, Event::Ended(_));
    }
    ended
}

#[test]
fn a_client_that_has_ended_without_a_word_waits_for_nothing() {
    let name = "alice".parse().expect("a legal name");
    let identity = Identity::from_seed(&[1; 32]);
    let mut options = Options::new(name, identity, Path::to(SERVER.into()), [1; 32]);
    options.silent_exit = true;
    let mut client = Client::new(at(0), options);
    assert!(!drain(&mut client, at(0)));
    // Nobody has answered, and the machine was asleep meanwhile: something is due to be sent.
    client.handle_timeout(at(3_600));
    client.leave(at(3_600));
    client.leave(at(3_600));
    assert!(drain(&mut client, at(3_600)));
    for _ in 0..10 {
        client.handle_timeout(at(3_600));
        drain(&mut client, at(3_600));
    }
    let soon = at(3_600).instant + Duration::from_millis(1);
    assert!(client.poll_timeout().is_none_or(|next| next > soon));
}
