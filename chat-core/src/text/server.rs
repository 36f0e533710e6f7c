//! What a server shows: who did something, never what was said.

use core::fmt;

use super::{English, write_banned, write_groups, write_peers};
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
            Event::Saved { name } => write!(f, "[Offline message for {name} saved.]"),
            Event::StoreStalled => f.write_str(
                "[The disk does not take anything: nothing is acknowledged until it does.]",
            ),
            Event::StoreWell => f.write_str("[The disk works again.]"),
            Event::Peers { peers } => write_peers(f, peers),
            Event::Groups { names } => write_groups(f, names),
            Event::Kicked { name } => write!(f, "[Client {name} kicked.]"),
            Event::Banned { name } => write!(f, "[Client {name} banned.]"),
            Event::Unbanned { name } => write!(f, "[Client {name} unbanned.]"),
            Event::Bans { names } => write_banned(f, names),
            Event::Deleted { name } => write!(f, "[Client {name} deleted.]"),
            Event::NoSuchClient { name } => write!(f, "[Client {name} does not exist.]"),
            Event::NotOnline { name } => write!(f, "[Client {name} is not online.]"),
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
        let (x, g) = (|| name("x"), || name("g"));
        for (event, expected) in [
            (Event::Registered { name: x() }, "[Client x registered.]"),
            (Event::Kicked { name: x() }, "[Client x kicked.]"),
            (Event::Banned { name: x() }, "[Client x banned.]"),
            (Event::Unbanned { name: x() }, "[Client x unbanned.]"),
            (Event::Bans { names: vec![x()] }, "[Banned clients:]\nx"),
            (Event::Bans { names: vec![] }, "[Nobody is banned.]"),
            (Event::Deleted { name: x() }, "[Client x deleted.]"),
            (
                Event::NoSuchClient { name: x() },
                "[Client x does not exist.]",
            ),
            (Event::NotOnline { name: x() }, "[Client x is not online.]"),
            (Event::Offline { name: x() }, "[Client x is offline.]"),
            (
                Event::GroupCreated {
                    name: x(),
                    group: g(),
                },
                "[Client x created group g.]",
            ),
            (
                Event::GroupJoined {
                    name: x(),
                    group: g(),
                },
                "[Client x joined group g.]",
            ),
            (
                Event::GroupLeft {
                    name: x(),
                    group: g(),
                },
                "[Client x left group g.]",
            ),
            (
                Event::GroupMessage {
                    name: x(),
                    group: g(),
                },
                "[Client x sent group message to g.]",
            ),
            (Event::Saved { name: x() }, "[Offline message for x saved.]"),
        ] {
            assert_eq!(line(&event), expected);
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
