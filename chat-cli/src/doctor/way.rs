//! The way to a server: whether it answers, how fast, and what translates addresses in between.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use chat_core::wire::header::{Hello, HelloAck, VERSION};
use chat_mio::Clock;

/// Somebody is asked so many times, and has so long for each answer.
pub(super) const HELLOS: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(1);

/// What has come of asking somebody for its key.
pub(super) struct Way {
    pub(super) answers: u32,
    pub(super) best: Duration,
    /// The last answer: its key, and where it sees this end of the way.
    pub(super) answer: Option<HelloAck>,
    /// Where this end is, as this machine sees it.
    pub(super) local: SocketAddr,
}

/// Asks from one socket, so that answers can be compared.
pub(super) struct Asker {
    socket: UdpSocket,
    clock: Clock,
    nonce: [u8; 16],
}

impl Asker {
    /// Asks whoever has an address of the same family as `first`; `seed` is drawn at random.
    pub(super) fn new(first: SocketAddr, seed: &[u8; 32]) -> io::Result<Self> {
        let any: IpAddr = match first {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&seed[..16]);
        Ok(Self {
            socket,
            clock: Clock::new(),
            nonce,
        })
    }

    /// Asks several times.
    pub(super) fn ask(&mut self, whom: SocketAddr) -> io::Result<Way> {
        // A socket that is connected hears at once that nobody is there.
        self.socket.connect(whom)?;
        let local = self.socket.local_addr()?;
        let mut way = Way {
            answers: 0,
            best: Duration::MAX,
            answer: None,
            local: SocketAddr::new(local.ip().to_canonical(), local.port()),
        };
        for _ in 0..HELLOS {
            self.nonce[0] = self.nonce[0].wrapping_add(1);
            let sent = self.clock.now().instant;
            if let Some(answer) = self.ask_once() {
                way.answers += 1;
                let took = self.clock.now().instant.saturating_since(sent);
                way.best = way.best.min(took);
                way.answer = Some(answer);
            }
        }
        Ok(way)
    }

    /// The answer to one question. What the system refuses counts as lost.
    fn ask_once(&self) -> Option<HelloAck> {
        let mut datagram = Vec::new();
        let hello = Hello {
            version: VERSION,
            nonce: self.nonce,
        };
        hello.emit(&mut datagram);
        self.socket.send(&datagram).ok()?;
        datagram.resize(HelloAck::BYTES + 1, 0);
        let length = self.socket.recv(&mut datagram).ok()?;
        let answer = HelloAck::parse(&datagram[..length])?;
        (answer.nonce == self.nonce).then_some(answer)
    }
}

/// How a translator (NAT) maps one socket towards two others (RFC 4787 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mapping {
    /// There is none.
    Untranslated,
    /// Whoever is written to sees the same address.
    OneForAll(SocketAddr),
    /// Each sees another one.
    Apart(SocketAddr, SocketAddr),
}

impl Mapping {
    /// What the sight of two others tells of a socket at `local`.
    pub(super) fn of(local: SocketAddr, seen: SocketAddr, seen_by_other: SocketAddr) -> Self {
        if seen != seen_by_other {
            Self::Apart(seen, seen_by_other)
        } else if seen == local {
            Self::Untranslated
        } else {
            Self::OneForAll(seen)
        }
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untranslated => {
                write!(f, "no translator (NAT): others can write to you directly")
            }
            Self::OneForAll(seen) => write!(
                f,
                "a translator that shows you to everybody as {seen}: others can write to you \
                 directly once you have written to them"
            ),
            Self::Apart(seen, other) => write!(
                f,
                "a translator that shows you to each as another ({seen}, {other}): to others \
                 behind such a one the server delivers"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_see_one_socket_tell_what_translates_it() {
        let [local, public, other] = ["10.0.0.2:4000", "192.0.2.7:4000", "192.0.2.7:4001"];
        let of = |local: &str, seen: &str, by_other: &str| {
            let [local, seen, by_other] = [local, seen, by_other].map(|it| it.parse().unwrap());
            Mapping::of(local, seen, by_other)
        };
        assert_eq!(of(local, local, local), Mapping::Untranslated);
        let one = Mapping::OneForAll(public.parse().unwrap());
        assert_eq!(of(local, public, public), one);
        let apart = Mapping::Apart(public.parse().unwrap(), other.parse().unwrap());
        assert_eq!(of(local, public, other), apart);
    }
}
