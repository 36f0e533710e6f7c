//! What may be wrong around the program: looks, and says what to do.

use std::{
    fmt::Display,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use chat_mio::Clock;
use rustix::fs::{Access, access, statvfs};

use self::way::{Asker, HELLOS, Mapping};
use crate::{
    address::ServerAddress, arguments::Options, data, failure::Failure, local_time::local_time,
};

mod way;

/// A disk with less than this is nearly full.
const LITTLE_SPACE: u64 = 100 << 20;
/// No message is older than this program: the year 2025.
const EARLIEST_MICROS: u64 = 1_735_689_600_000_000;

/// Looks at everything, and tells what it has found. Exit code 1 if something is wrong.
///
/// # Errors
/// If there is no place for data, or no randomness.
pub(crate) fn run(
    server: Option<&ServerAddress>,
    also: Option<SocketAddr>,
    options: &Options,
) -> Result<ExitCode, Failure> {
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
        let address = server.address;
        if let Err(error) = checkup.server(address, also, &seed) {
            checkup.wrong("server", format!("{address}: {error}"));
        }
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

    /// Whether the server answers, how fast, and with which key; and what is on the way to it.
    fn server(
        &mut self,
        server: SocketAddr,
        also: Option<SocketAddr>,
        seed: &[u8; 32],
    ) -> io::Result<()> {
        let mut asker = Asker::new(server, seed)?;
        let Some((local, seen)) = self.ends(&mut asker, "server", server)? else {
            return Ok(());
        };
        let is_translated = seen != local;
        let found = format!("this end is {local} here, and {seen} for the server");
        match is_translated {
            true => self.doubt("address", format!("{found}: a translator (NAT) is between")),
            false => self.well(
                "address",
                format!("{found}: no translator (NAT) is between"),
            ),
        }
        // The same one sees the same, whatever is between.
        let Some(also) = also.filter(|also| *also != server) else {
            if is_translated || also.is_some() {
                let advice = "name another server, or a client that is online: --also <ip>:<port>";
                self.doubt("nat", format!("to learn what kind of NAT it is, {advice}"));
            }
            return Ok(());
        };
        if let Some((_, seen_by_other)) = self.ends(&mut asker, "also", also)? {
            match Mapping::of(local, seen, seen_by_other) {
                mapping @ Mapping::Untranslated => self.well("nat", mapping),
                mapping => self.doubt("nat", mapping),
            }
        }
        Ok(())
    }

    /// Whether somebody answers: where this end of the way is here, and for them.
    fn ends(
        &mut self,
        asker: &mut Asker,
        what: &str,
        whom: SocketAddr,
    ) -> io::Result<Option<(SocketAddr, SocketAddr)>> {
        let way = asker.ask(whom)?;
        let Some(answer) = way.answer else {
            let advice = "is it running there, and does the firewall let UDP through?";
            self.wrong(what, format!("{whom} does not answer: {advice}"));
            return Ok(None);
        };
        let best = way.best.as_micros() as f64 / 1_000.0;
        let (lost, key) = (HELLOS - way.answers, answer.key.fingerprint());
        let found =
            format!("{whom} answers in {best:.1} ms, {lost} of {HELLOS} lost; its key is {key}");
        match lost {
            0 => self.well(what, found),
            _ => self.doubt(what, found),
        }
        Ok(Some((way.local, answer.seen)))
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
