//! What a server shows: who did something, never what was said.

use core::fmt;

use super::{English, write_groups, write_peers};
use crate::server::Event;

impl fmt::Display for English<'_, Event> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Event::Registered { name } => write!(f, "[Client {name} registered.]"),
            Event::Offline { name } => write!(f, "[Client {name} is offline.]"),
            Event::TableUpdated => f.write_str("[Client table updated.]"),
            Event::GroupCreated { name, group } => {
                write!(f, "[Client {name} created group {group}.]")
            }
            Event::GroupJoined { name, group } => {
                write!(f, "[Client {name} joined group {group}.]")
            }
            Event::GroupLeft { name, group } => write!(f, "[Client {name} left group {group}.]"),
            Event::GroupMessage { name, group } => {
                write!(f, "[Client {name} sent group message to {group}.]")
            }
            Event::ChannelMessage { name } => write!(f, "[Client {name} sent channel message.]"),
            Event::Saved { name } => write!(f, "[Offline message for {name} saved.]"),
            Event::StoreStalled => f.write_str(
                "[The disk does not take anything: nothing is acknowledged until it does.]",
            ),
            Event::StoreWell => f.write_str("[The disk works again.]"),
            Event::Peers { peers } => write_peers(f, peers),
            Event::Groups { names } => write_groups(f, names),
            Event::Stopped => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{
        string::{String, ToString},
        vec,
        vec::Vec,
    };

    use super::*;
    use crate::{client::Peer, name::Name, time::WallTime};

    fn line(event: &Event) -> String {
        let local_time = |_: WallTime| String::new();
        English::new(event, &local_time).to_string()
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn each_event_of_the_server_has_the_line_of_the_contract() {
        let (name, group) = (name("x"), name("g"));
        let with_group: [(fn(Name, Name) -> Event, &str); 4] = [
            (
                |name, group| Event::GroupCreated { name, group },
                "[Client x created group g.]",
            ),
            (
                |name, group| Event::GroupJoined { name, group },
                "[Client x joined group g.]",
            ),
            (
                |name, group| Event::GroupLeft { name, group },
                "[Client x left group g.]",
            ),
            (
                |name, group| Event::GroupMessage { name, group },
                "[Client x sent group message to g.]",
            ),
        ];
        for (event, expected) in with_group {
            assert_eq!(line(&event(name.clone(), group.clone())), expected);
        }
        let with_name: [(fn(Name) -> Event, &str); 4] = [
            (|name| Event::Registered { name }, "[Client x registered.]"),
            (|name| Event::Offline { name }, "[Client x is offline.]"),
            (
                |name| Event::ChannelMessage { name },
                "[Client x sent channel message.]",
            ),
            (
                |name| Event::Saved { name },
                "[Offline message for x saved.]",
            ),
        ];
        for (event, expected) in with_name {
            assert_eq!(line(&event(name.clone())), expected);
        }
        assert_eq!(line(&Event::TableUpdated), "[Client table updated.]");
        assert_eq!(line(&Event::Stopped), "");
    }

    #[test]
    fn the_operator_sees_the_table_and_the_groups() {
        let peer = |text: &str, address: Option<&str>, online| Peer {
            name: name(text),
            address: address.map(|address| address.parse().unwrap()),
            online,
        };
        let peers = vec![
            peer("x", Some("[::ffff:127.0.0.1]:4001"), true),
            peer("y", None, false),
        ];
        assert_eq!(
            line(&Event::Peers { peers }),
            "x @ 127.0.0.1:4001 is ONLINE\ny @ unknown is OFFLINE"
        );
        assert_eq!(line(&Event::Peers { peers: Vec::new() }), "");
        let names = vec![name("a"), name("b")];
        assert_eq!(
            line(&Event::Groups { names }),
            "[Available group chats:]\na\nb"
        );
        assert_eq!(
            line(&Event::Groups { names: Vec::new() }),
            "[No available group right now.]"
        );
    }
}
