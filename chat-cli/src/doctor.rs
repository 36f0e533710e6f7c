//! What may be wrong around the program: looks, and says what to do.

use std::{
    fmt::Display,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use chat_core::wire::header::{Hello, HelloAck, VERSION};
use chat_mio::Clock;
use rustix::fs::{Access, access, statvfs};

use crate::{
    address::ServerAddress, arguments::Options, data, failure::Failure, local_time::local_time,
};

/// A disk with less than this is nearly full.
const LITTLE_SPACE: u64 = 100 << 20;
/// No message is older than this program: the year 2025.
const EARLIEST_MICROS: u64 = 1_735_689_600_000_000;
/// A server is asked so many times, and has so long for each answer.
const HELLOS: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks at everything, and tells what it has found. Exit code 1 if something is wrong.
///
/// # Errors
/// If there is no place for data, or no randomness.
pub(crate) fn run(server: Option<&ServerAddress>, options: &Options) -> Result<ExitCode, Failure> {
    let mut checkup = Checkup { is_well: true };
    match data::directory(options)? {
        None => checkup.well("data", "nothing is kept on disk"),
        Some(root) => {
            checkup.data(&root);
            checkup.keys(&root);
        }
    }
    checkup.clock();
    checkup.sockets(options.listen);
    if let Some(server) = server {
        let seed = chat_mio::seed().map_err(chat_mio::SetupError::from)?;
        checkup.server(server, &seed);
    }
    Ok(match checkup.is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

struct Checkup {
    is_well: bool,
}

impl Checkup {
    fn well(&self, what: &str, found: impl Display) {
        println!("ok     {what:<8} {found}");
    }

    /// It may be right.
    fn doubt(&self, what: &str, found: impl Display) {
        println!("look   {what:<8} {found}");
    }

    fn wrong(&mut self, what: &str, found: impl Display) {
        println!("WRONG  {what:<8} {found}");
        self.is_well = false;
    }

    /// Whether the directory, or the one that it will be made in, can be written and has room.
    fn data(&mut self, root: &Path) {
        let shown = root.display();
        let existing = root.ancestors().find(|path| path.exists());
        let existing = existing.unwrap_or(Path::new("."));
        if let Err(error) = access(existing, Access::WRITE_OK | Access::EXEC_OK) {
            let existing = existing.display();
            let advice = "check its owner and mode, or give another one with --data";
            return self.wrong(
                "data",
                format!("{existing} cannot be written ({error}): {advice}"),
            );
        }
        let free = match statvfs(existing) {
            Ok(disk) => disk.f_bavail * disk.f_frsize,
            Err(error) => return self.wrong("data", format!("{shown}: {error}")),
        };
        let megabytes = free >> 20;
        if free < LITTLE_SPACE {
            let advice = "nothing is acknowledged on a full disk: make room";
            self.wrong("data", format!("{shown} has {megabytes} MB left: {advice}"));
        } else {
            self.well(
                "data",
                format!("{shown} can be written, {megabytes} MB are free"),
            );
        }
    }

    /// Whether secret keys are for their owners only.
    fn keys(&mut self, root: &Path) {
        let keys = identities(root);
        let mode = |key: &PathBuf| fs::metadata(key).map(|it| it.permissions().mode() & 0o777);
        let exposed = keys
            .iter()
            .filter(|key| mode(key).is_ok_and(|mode| mode & 0o077 != 0));
        let exposed: Vec<_> = exposed.map(|key| key.display().to_string()).collect();
        match &exposed[..] {
            [] if keys.is_empty() => self.well("keys", "there are none yet"),
            [] => self.well("keys", format!("{} readable by you only", keys.len())),
            exposed => {
                let paths = exposed.join(" ");
                self.wrong("keys", format!("others can read them: chmod 600 {paths}"));
            }
        }
    }

    fn clock(&mut self) {
        let now = Clock::new().now().wall;
        let shown = local_time(now);
        if now.as_micros() < EARLIEST_MICROS {
            let advice = "set it: messages carry it, and mail expires by it";
            self.wrong("clock", format!("it shows {shown}: {advice}"));
        } else {
            self.well("clock", format!("it shows {shown}"));
        }
    }

    /// Whether UDP can be bound.
    fn sockets(&mut self, listen: Option<IpAddr>) {
        let bind = |ip: IpAddr| UdpSocket::bind((ip, 0)).err();
        if let Some(ip) = listen {
            return match bind(ip) {
                None => self.well("socket", format!("UDP on {ip}")),
                Some(error) => self.wrong("socket", format!("no UDP on {ip}: {error}")),
            };
        }
        let (v4, v6) = (Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into());
        match (bind(v4), bind(v6)) {
            (None, None) => self.well("socket", "UDP on IPv4 and IPv6"),
            (None, Some(error)) => self.doubt("socket", format!("UDP on IPv4 only: {error}")),
            (Some(error), None) => self.doubt("socket", format!("UDP on IPv6 only: {error}")),
            (Some(error), Some(_)) => self.wrong("socket", format!("no UDP: {error}")),
        }
    }

    /// Whether the server answers, how fast, and with which key.
    fn server(&mut self, server: &ServerAddress, seed: &[u8; 32]) {
        let address = server.address;
        let asked = match ask(address, seed) {
            Ok(asked) => asked,
            Err(error) => return self.wrong("server", format!("{address}: {error}")),
        };
        let Some(key) = asked.key else {
            let advice = "is it running there, and does the firewall let UDP through?";
            return self.wrong("server", format!("{address} does not answer: {advice}"));
        };
        let (best, lost) = (
            asked.best.as_micros() as f64 / 1_000.0,
            HELLOS - asked.answers,
        );
        let found =
            format!("{address} answers in {best:.1} ms, {lost} of {HELLOS} lost; its key is {key}");
        if lost > 0 {
            self.doubt("server", found);
        } else {
            self.well("server", found);
        }
        let local = asked.local;
        if is_private(local) && !is_private(address.ip()) {
            let what = "others know another one: a translator (NAT) is between";
            self.doubt("address", format!("this machine is {local} here, {what}"));
        } else {
            self.well(
                "address",
                format!("this machine is {local} on the way to the server"),
            );
        }
    }
}

/// The files with secret keys.
fn identities(root: &Path) -> Vec<PathBuf> {
    let within = |directory: PathBuf| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path().join("identity"))
    };
    let all = ["client", "server"].map(|kind| within(root.join(kind)));
    let mut keys: Vec<_> = all
        .into_iter()
        .flatten()
        .filter(|key| key.exists())
        .collect();
    keys.sort();
    keys
}

/// What came of asking a server for its key.
struct Asked {
    answers: u32,
    best: Duration,
    key: Option<String>,
    /// The address that the way to the server begins at.
    local: IpAddr,
}

/// Asks a server for its key, several times.
fn ask(server: SocketAddr, seed: &[u8; 32]) -> io::Result<Asked> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let (socket, clock) = (UdpSocket::bind((any, 0))?, Clock::new());
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut asked = Asked {
        answers: 0,
        best: Duration::MAX,
        key: None,
        local: socket.local_addr()?.ip(),
    };
    for number in 0..HELLOS {
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&seed[..16]);
        nonce[0] ^= number as u8;
        let mut datagram = Vec::new();
        let version = VERSION;
        Hello { version, nonce }.emit(&mut datagram);
        let sent = clock.now().instant;
        // What the system refuses (nobody listens there) counts as lost.
        let answer = socket.send(&datagram).and_then(|_| {
            datagram.resize(HelloAck::BYTES + 1, 0);
            socket.recv(&mut datagram)
        });
        let answer = answer
            .ok()
            .and_then(|length| HelloAck::parse(&datagram[..length]));
        if let Some(answer) = answer.filter(|answer| answer.nonce == nonce) {
            asked.answers += 1;
            asked.best = asked.best.min(clock.now().instant.saturating_since(sent));
            asked.key = Some(answer.key.fingerprint().to_string());
        }
    }
    Ok(asked)
}

/// Whether an address means something on its own network only.
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        // The shared space of providers' translators too (RFC 6598).
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_behind_translators_are_private() {
        for private in [
            "10.1.2.3",
            "192.168.0.9",
            "100.64.0.1",
            "127.0.0.1",
            "fd00::1",
            "::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in ["192.0.2.7", "100.128.0.1", "2001:db8::1"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}
