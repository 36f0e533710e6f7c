use std::{
    net::UdpSocket as StdSocket,
    time::{Duration, Instant},
};

use super::*;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn on_localhost() -> Socket {
    Socket::bind(Some(LOCALHOST), 0).unwrap()
}

/// What arrives until there are `count` datagrams.
#[expect(
    clippy::disallowed_methods,
    reason = "only bounds how long a failing test takes"
)]
fn received(socket: &mut Socket, count: usize) -> Vec<(Path, Vec<u8>)> {
    let until = Instant::now() + Duration::from_secs(10);
    let mut datagrams = Vec::new();
    while datagrams.len() < count && Instant::now() < until {
        let deliver = |path, bytes: &mut [u8]| datagrams.push((path, bytes.to_vec()));
        if !socket.receive(deliver).unwrap() {
            std::thread::yield_now();
        }
    }
    datagrams
}

fn batch(path: Path, datagrams: &[&[u8]]) -> Batch {
    let mut batch = Batch::default();
    for datagram in datagrams {
        assert!(batch.push(path, datagram, 64));
    }
    batch
}

#[test]
fn a_batch_arrives_as_the_datagrams_it_was_made_of() {
    let (mut from, mut to) = (on_localhost(), on_localhost());
    let path = Path::to(to.address());
    let sent: [&[u8]; 4] = [&[1; 1_200], &[2; 1_200], &[3; 1_200], &[4; 7]];
    assert_eq!(from.send(&batch(path, &sent)), Sent::Yes);
    let datagrams = received(&mut to, 4);
    let bytes: Vec<_> = datagrams.iter().map(|(_, bytes)| &bytes[..]).collect();
    assert_eq!(bytes, sent);
    for (path, _) in datagrams {
        assert_eq!(path.remote, from.address());
        assert_eq!(path.local, Some(LOCALHOST));
    }
    assert_eq!(to.counters().received, 4);
    assert_eq!(from.counters().sent, 4);
    if from.max_batch() > 1 {
        assert_eq!(from.counters().send_calls, 1);
    }
}

#[test]
fn an_empty_datagram_arrives_as_one() {
    let mut to = on_localhost();
    let from = StdSocket::bind((LOCALHOST, 0)).unwrap();
    from.send_to(&[], to.address()).unwrap();
    from.send_to(&[1], to.address()).unwrap();
    let datagrams = received(&mut to, 2);
    let bytes: Vec<_> = datagrams.iter().map(|(_, bytes)| &bytes[..]).collect();
    assert_eq!(bytes, [&[][..], &[1]]);
}

#[test]
fn nothing_is_received_where_nothing_was_sent() {
    assert!(!on_localhost().receive(|_, _| panic!("nothing")).unwrap());
}

#[test]
fn one_socket_serves_ipv4_and_ipv6_and_shows_each_in_its_own_form() {
    let mut server = Socket::bind(None, 0).unwrap();
    let port = server.address().port();
    let mut hosts = vec![LOCALHOST];
    if StdSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        assert!(server.address().is_ipv6());
        hosts.push(Ipv6Addr::LOCALHOST.into());
    }
    for host in hosts {
        let client = StdSocket::bind((host, 0)).unwrap();
        client.send_to(&[1], (host, port)).unwrap();
        let (path, _) = received(&mut server, 1).remove(0);
        assert_eq!(path.remote, client.local_addr().unwrap());
        assert_eq!(path.local, Some(host));

        assert_eq!(server.send(&batch(path, &[&[2], &[3]])), Sent::Yes);
        for expected in [2, 3] {
            let mut byte = [0];
            let (_, from) = client.recv_from(&mut byte).unwrap();
            assert_eq!(byte, [expected]);
            assert_eq!(from, SocketAddr::new(host, port));
        }
    }
}

#[test]
fn a_port_in_use_is_named() {
    let first = Socket::bind(None, 0).unwrap();
    let port = first.address().port();
    for listen in [None, Some(LOCALHOST)] {
        let Err(error) = Socket::bind(listen, port) else {
            panic!("the port is taken");
        };
        assert!(matches!(error, BindError::PortInUse { port: p } if p == port));
        assert!(error.to_string().contains(&port.to_string()));
    }
}

#[test]
fn an_address_of_another_machine_cannot_be_listened_on() {
    let elsewhere = IpAddr::from([192, 0, 2, 1]);
    let Err(error) = Socket::bind(Some(elsewhere), 0) else {
        panic!("TEST-NET-1 is nobody's");
    };
    assert!(matches!(error, BindError::NoSuchAddress { address } if address == elsewhere));
}

#[test]
fn what_cannot_be_sent_is_counted_and_harms_nothing_else() {
    let (mut from, mut to) = (on_localhost(), on_localhost());
    let segments = from.max_batch();
    let nowhere = [
        Path::to((LOCALHOST, 0).into()),
        Path::to((Ipv6Addr::LOCALHOST, 5_000).into()),
    ];
    for path in nowhere {
        assert_eq!(from.send(&batch(path, &[&[1]])), Sent::Yes);
    }
    assert_eq!(from.counters().refused, 2);
    let path = Path::to(to.address());
    from.send(&batch(path, &[&[1; 70_000]]));
    assert_eq!(from.counters().refused, 3);

    from.send(&batch(path, &[&[1], &[2]]));
    assert_eq!(received(&mut to, 2).len(), 2);
    assert_eq!(from.max_batch(), segments);
}

#[test]
fn a_local_address_that_is_gone_is_replaced_by_what_the_system_picks() {
    let (mut from, mut to) = (on_localhost(), on_localhost());
    let path = Path {
        local: Some([192, 0, 2, 1].into()),
        remote: to.address(),
    };
    from.send(&batch(path, &[&[1], &[2]]));
    assert_eq!(received(&mut to, 2).len(), 2);
}
