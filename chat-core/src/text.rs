//! The English lines of the events.
//!
//! One event is one line, except for lists (groups, members, peers, a note of several lines), whose
//! lines are separated by `\n`. An event that shows nothing is the empty string: that is
//! [`Queued`](crate::client::Event::Queued), which a person has just typed, and
//! [`Local`](crate::client::Event::Local), [`Ended`](crate::client::Event::Ended) and [`Stopped`](crate::server::Event::Stopped), about
//! which the driver knows more than the state machine.
//!
//! Texts that come from elsewhere are [neutralised](Neutral) here and nowhere else; names need
//! none of it, because [`Name`] takes no character that could do harm.
//!
//! ```
//! use chat_core::{client::Event, text::English, time::WallTime};
//! let local_time = |_: WallTime| "2023-10-25 14:40:07".to_string();
//! assert_eq!(
//!     English::new(&Event::Offline, &local_time).to_string(),
//!     "[You are Offline. Bye.]",
//! );
//! ```

mod client;
mod neutral;
mod server;

use alloc::string::String;
use core::{fmt, net::SocketAddr};

pub use neutral::Neutral;

use crate::{client::Peer, name::Name, time::WallTime};

/// Writes a wall time as the reader's local time, like `2023-10-25 14:40:07`.
pub type LocalTime = dyn Fn(WallTime) -> String;

/// The English line of an event, through [`Display`](fmt::Display).
pub struct English<'a, Event> {
    event: &'a Event,
    local_time: &'a LocalTime,
}

impl<'a, Event> English<'a, Event> {
    /// The line of `event`, with the times in it written by `local_time`.
    pub fn new(event: &'a Event, local_time: &'a LocalTime) -> Self {
        Self { event, local_time }
    }

    fn time(&self, time: &WallTime) -> String {
        (self.local_time)(*time)
    }
}

/// A line of the table: who is where, and whether it is online.
fn peer_line(name: &str, address: Option<&SocketAddr>, online: bool) -> String {
    let presence = if online { "ONLINE" } else { "OFFLINE" };
    match address {
        Some(address) => {
            let address = SocketAddr::new(address.ip().to_canonical(), address.port());
            alloc::format!("{name} @ {address} is {presence}")
        }
        None => alloc::format!("{name} @ unknown is {presence}"),
    }
}

fn write_peers(f: &mut fmt::Formatter<'_>, peers: &[Peer]) -> fmt::Result {
    let lines = peers
        .iter()
        .map(|peer| peer_line(peer.name.as_str(), peer.address.as_ref(), peer.online));
    write_lines(f, lines)
}

fn write_groups(f: &mut fmt::Formatter<'_>, names: &[Name]) -> fmt::Result {
    if names.is_empty() {
        return f.write_str("[No available group right now.]");
    }
    f.write_str("[Available group chats:]\n")?;
    write_lines(f, names)
}

fn write_banned(f: &mut fmt::Formatter<'_>, names: &[Name]) -> fmt::Result {
    if names.is_empty() {
        return f.write_str("[Nobody is banned.]");
    }
    f.write_str("[Banned clients:]\n")?;
    write_lines(f, names)
}

fn write_lines(
    f: &mut fmt::Formatter<'_>,
    lines: impl IntoIterator<Item = impl fmt::Display>,
) -> fmt::Result {
    for (index, line) in lines.into_iter().enumerate() {
        if index > 0 {
            f.write_str("\n")?;
        }
        write!(f, "{line}")?;
    }
    Ok(())
}
