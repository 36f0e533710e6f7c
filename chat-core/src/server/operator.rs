//! What the operator of a server asks of it.

use alloc::string::ToString;

use super::{
    Command, Event,
    record::{self, NameRecord},
    registration::CLOSE_DELAY,
    session::SessionId,
    state::{State, Task, Timer},
};
use crate::{
    client::Peer,
    name::Name,
    store::Table,
    time::Now,
    wire::{ChatFrame, Presence},
};

impl State {
    /// Does what the operator asks. Each command but the last one is answered by one event.
    pub(super) fn operate(&mut self, now: Now, command: Command) {
        match command {
            Command::Peers => self.show_peers(),
            Command::Groups => {
                let (names, _) = self.members.list_groups(None, usize::MAX - 1);
                self.show(Event::Groups { names });
            }
            Command::Kick { name } => match self.dismiss(now, &name) {
                true => self.show(Event::Kicked { name }),
                false if self.names.get(&name).is_some() => self.show(Event::NotOnline { name }),
                false => self.show(Event::NoSuchClient { name }),
            },
            Command::Ban { name } => self.set_banned(now, &name, true),
            Command::Unban { name } => self.set_banned(now, &name, false),
            Command::Bans => {
                let names = self.names.banned();
                self.show(Event::Bans { names });
            }
            Command::Delete { name } => self.delete(now, name),
            Command::Stop => self.stop(now),
        }
    }

    fn show_peers(&mut self) {
        let peers = self.names.iter().map(|(name, user)| Peer {
            name: name.clone(),
            address: user.address(),
            online: user.presence == Presence::Online,
        });
        let peers = peers.collect();
        self.show(Event::Peers { peers });
    }

    /// Writes whether a name is banned, until its record says so; then that holds.
    pub(super) fn set_banned(&mut self, now: Now, name: &Name, banned: bool) {
        let Some(user) = self.names.get(name) else {
            return self.show(Event::NoSuchClient { name: name.clone() });
        };
        if user.record.banned != banned {
            let record = NameRecord {
                banned,
                ..user.record.clone()
            };
            let (key, expected) = (name.folded().to_string(), Some(user.revision));
            let (value, again) = (record::encode(&record), Task::Ban(name.clone(), banned));
            return self.write(now, Table::Names, key, expected, Some(value), again);
        }
        let (name, key) = (user.record.name.clone(), user.record.key);
        if !banned {
            return self.show(Event::Unbanned { name });
        }
        for id in self.sessions.of_key(&key) {
            self.end_session(now, id);
        }
        self.show(Event::Banned { name });
    }

    fn delete(&mut self, now: Now, name: Name) {
        self.dismiss(now, &name);
        let Some(user) = self.names.get_mut(&name) else {
            return self.show(Event::NoSuchClient { name });
        };
        user.presence = Presence::Offline;
        self.deleted.insert(name.clone());
        self.free(now, &name);
    }

    /// Logs a client out. Whether it was online.
    fn dismiss(&mut self, now: Now, name: &Name) -> bool {
        let session = self.names.get(name).and_then(|user| user.session);
        let is_online = session.is_some();
        session.into_iter().for_each(|id| self.end_session(now, id));
        is_online
    }

    fn end_session(&mut self, now: Now, id: SessionId) {
        self.answer(id, &ChatFrame::Dismissed {});
        self.go_offline(now, id);
        self.timers.set(Timer::Close(id), now.instant + CLOSE_DELAY);
    }
}
