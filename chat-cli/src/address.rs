//! The server's address as it is typed.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// The longest name of a host (RFC 1035 §2.3.4), in bytes.
const MAX_HOST_BYTES: usize = 253;

/// Where the server is, and how the user called it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    /// Host and port as they were typed: the server's key is remembered under it.
    pub(crate) typed: String,
    /// What it resolves to.
    pub(crate) address: SocketAddr,
}

impl ServerAddress {
    /// The address that `host` means: an IP address, or else a name that resolves.
    pub(crate) fn resolve(host: &str, port: u16) -> Option<Self> {
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            let address = SocketAddr::new(ip.to_canonical(), port);
            let typed = address.to_string();
            return Some(Self { typed, address });
        }
        may_be_looked_up(bare)
            .then(|| look_up(bare, port))?
            .map(|address| Self {
                typed: format!("{}:{port}", bare.to_lowercase()),
                address,
            })
    }
}

/// Whether `host` is written like the name of a host, or an IPv6 address with a zone. What ends in
/// a number is an address and nothing else, so that a mistyped one is not looked up.
fn may_be_looked_up(host: &str) -> bool {
    if let Some((ip, _zone)) = host.split_once('%') {
        return ip.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let mut labels = host.strip_suffix('.').unwrap_or(host).split('.');
    let is_label = |label: &str| {
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        (1..=63).contains(&label.len()) && label.chars().all(allowed) && !label.starts_with('-')
    };
    let is_number = |label: &str| {
        let digits = label.strip_prefix("0x").unwrap_or(label);
        digits.len() < label.len() || digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    host.len() <= MAX_HOST_BYTES
        && labels.clone().all(is_label)
        && labels.next_back().is_some_and(|last| !is_number(last))
}

/// The first address of the host, except that IPv4 goes first on this machine itself, where a
/// server that listens on one address mostly means `127.0.0.1`.
fn look_up(host: &str, port: u16) -> Option<SocketAddr> {
    let mut addresses: Vec<_> = (host, port).to_socket_addrs().ok()?.collect();
    addresses.sort_by_key(|address| address.ip().is_loopback() && address.is_ipv6());
    addresses.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ip_address_is_taken_as_it_is() {
        for (host, address) in [
            ("127.0.0.1", "127.0.0.1:4000"),
            ("::1", "[::1]:4000"),
            ("[::1]", "[::1]:4000"),
            ("::ffff:127.0.0.1", "127.0.0.1:4000"),
        ] {
            let server = ServerAddress::resolve(host, 4000).unwrap();
            assert_eq!(server.address, address.parse().unwrap());
            assert_eq!(server.typed, address);
        }
    }

    #[test]
    fn localhost_is_looked_up() {
        let server = ServerAddress::resolve("LocalHost", 4000).unwrap();
        assert_eq!(server.typed, "localhost:4000");
        assert!(server.address.ip().is_loopback());
        assert_eq!(server.address.port(), 4000);
    }

    #[test]
    fn what_is_no_address_and_no_name_is_refused_without_a_look_up() {
        for host in [
            "",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.4x.5",
            "4000",
            "0x7f000001",
            "a b",
            "a..b",
            ".",
            "-x",
            "::1::",
            "1:2",
            "x/y",
            "nonsense%lo",
        ] {
            assert!(!may_be_looked_up(host), "{host:?}");
            assert_eq!(ServerAddress::resolve(host, 4000), None, "{host:?}");
        }
        assert!(!may_be_looked_up(&"a.".repeat(200)));
        for host in [
            "localhost",
            "chat.example.",
            "my-host_1",
            "fe80::1%lo",
            "1st",
        ] {
            assert!(may_be_looked_up(host), "{host:?}");
        }
    }
}
