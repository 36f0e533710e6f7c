//! Commands: when one begins, what it asks of the server, what is answered.

use alloc::vec::Vec;

use super::{
    Client,
    command::Command,
    commands::Turn,
    connection::Phase,
    event::{Ended, Event, Refused},
    leaving,
};
use crate::{
    conversation::Conversation,
    link::{PeerId, SendId},
    name::Name,
    streams::CONTROL,
    wire::{ChatFrame, Refusal},
};

/// Names in one answer that is shown; the server's further ones are not asked for.
const MAX_NAMES: usize = 100_000;

/// A command that waits for the server's answer.
pub(super) struct Request {
    number: u64,
    ask: Ask,
    sent: Option<(PeerId, SendId)>,
}

/// What is asked; lists hold what has been answered so far.
#[derive(Clone)]
enum Ask {
    CreateGroup(Name),
    ListGroups(Vec<Name>),
    JoinGroup(Name),
    LeaveGroup(Name),
    ListMembers(Name, Vec<Name>),
}

impl Client {
    /// Begins the next command if it is its turn. Gives whether it did.
    pub(super) fn run_command(&mut self) -> bool {
        let settled = matches!(self.phase, Phase::Registered | Phase::Lost | Phase::Offline);
        let busy = self.request.is_some() || self.leaving.is_some() || self.ending.is_some();
        if !settled || busy || self.screen.is_busy() {
            return false;
        }
        let turn = match self.commands.turn() {
            None => return false,
            Some(Turn::AmongSends) => true,
            Some(Turn::Alone) => self.is_answered(),
            Some(Turn::AfterTable) => self.is_answered() && self.has_table(),
        };
        let command = self.commands.pop_if(turn);
        let begun = command.is_some();
        if let Some(command) = command {
            self.begin(command);
        }
        begun
    }

    /// Whether frames can be sent to the server.
    pub(super) fn is_online(&self) -> bool {
        self.phase == Phase::Registered
    }

    fn begin(&mut self, command: Command) {
        let offline = self.phase == Phase::Offline;
        match command {
            Command::Local { number } => self.show(Event::Local { number }),
            Command::Note(line) => self.show(Event::Note(line)),
            Command::Peers => self.show_peers(),
            Command::Pending => {
                let messages = self.outbox.pending().collect();
                self.show(Event::Pending { messages });
            }
            Command::Verify { name, compared } => self.verify(name, compared),
            Command::Quit => self.begin_leave(leaving::Kind::Quit),
            Command::Finish => self.begin_leave(leaving::Kind::Finish),
            Command::Register { .. } if !offline => self.refuse(Refused::AlreadyOnline),
            Command::Register { name } => match name.filter(|name| *name != self.name) {
                Some(name) => {
                    let name = Some(name);
                    self.commands.push_front(Command::Register { name });
                    self.end(Ended::SwitchUser);
                }
                None => self.register_again(),
            },
            Command::Deregister { .. } if offline => self.refuse(Refused::AlreadyOffline),
            Command::Deregister { name } => match name.filter(|name| *name != self.name) {
                Some(_) => self.refuse(Refused::IncorrectUsername),
                None => self.begin_leave(leaving::Kind::Deregister),
            },
            _ if offline => self.refuse(Refused::Offline(self.name.clone())),
            command => match self.group.clone() {
                None => self.begin_outside(command),
                Some(group) => self.begin_in_group(command, group),
            },
        }
    }

    fn begin_outside(&mut self, command: Command) {
        match command {
            Command::Send { to, text } => {
                self.send(Conversation::User(self.table.spelled(to)), text);
            }
            Command::SendAll { text } => self.send(Conversation::Channel, text),
            Command::CreateGroup { group } => self.ask(Ask::CreateGroup(group)),
            Command::ListGroups => self.ask(Ask::ListGroups(Vec::new())),
            Command::JoinGroup { group } => self.ask(Ask::JoinGroup(group)),
            _ => self.refuse(Refused::NotInGroup),
        }
    }

    fn begin_in_group(&mut self, command: Command, group: Name) {
        match command {
            Command::SendAll { text } | Command::SendGroup { text } => {
                self.send(Conversation::Group(group), text);
            }
            Command::ListMembers => self.ask(Ask::ListMembers(group, Vec::new())),
            Command::LeaveGroup => self.ask(Ask::LeaveGroup(group)),
            Command::Send { .. } => self.refuse(Refused::LeaveGroupFirst),
            _ => self.refuse(Refused::AlreadyInGroup),
        }
    }

    fn refuse(&mut self, refused: Refused) {
        self.show(Event::Refused(refused));
    }

    fn show_peers(&mut self) {
        let event = Event::Peers {
            server: self.server.path.remote,
            server_online: self.server.responds,
            peers: self.table.peers(),
        };
        self.show(event);
    }

    fn ask(&mut self, ask: Ask) {
        let number = self.next_request();
        self.request = Some(Request {
            number,
            ask,
            sent: None,
        });
        self.send_request();
    }

    /// Asks what has not been asked yet.
    pub(super) fn send_waiting_request(&mut self) {
        if self.request.as_ref().is_some_and(|it| it.sent.is_none()) {
            self.send_request();
        }
    }

    fn send_request(&mut self) {
        let peer = self.server.peer.filter(|_| self.is_online());
        let (Some(peer), Some(Request { number, ask, sent })) = (peer, &mut self.request) else {
            return;
        };
        *sent = None;
        if matches!(ask, Ask::LeaveGroup(group) if self.outbox.is_owed_to_group(group)) {
            return;
        }
        let request = *number;
        let frame = match ask.clone() {
            Ask::CreateGroup(group) => ChatFrame::CreateGroup { request, group },
            Ask::JoinGroup(group) => ChatFrame::JoinGroup { request, group },
            Ask::LeaveGroup(group) => ChatFrame::LeaveGroup { request, group },
            Ask::ListGroups(names) => ChatFrame::ListGroups {
                request,
                after: names.last().cloned(),
            },
            Ask::ListMembers(group, names) => ChatFrame::ListMembers {
                request,
                group,
                after: names.last().cloned(),
            },
        };
        let sent = self.send_frame(peer, CONTROL, &frame).ok();
        if let Some(request) = &mut self.request {
            request.sent = sent.map(|send| (peer, send));
        }
    }

    /// The server may not have what was asked before: everything is asked again.
    pub(super) fn send_again_to_server(&mut self) {
        self.send_request();
        self.send_deregister();
        self.look_ups.ask_again();
    }

    /// The server does not answer: the command is given up.
    pub(super) fn cancel_request(&mut self) {
        if let Some(request) = self.request.take()
            && let Some((peer, send)) = request.sent
        {
            self.link.cancel(self.now, peer, send);
        }
    }

    fn take_request(&mut self, number: u64) -> Option<Ask> {
        let request = self.request.take_if(|request| request.number == number);
        request.map(|request| request.ask)
    }

    pub(super) fn on_completed(&mut self, number: u64) {
        if self.on_deregistered(number) {
            return;
        }
        match self.take_request(number) {
            Some(Ask::CreateGroup(group)) => self.show(Event::GroupCreated { group }),
            Some(Ask::JoinGroup(group)) => {
                self.set_group(Some(group.clone()));
                self.show(Event::EnteredGroup { group });
            }
            Some(Ask::LeaveGroup(group)) => {
                self.set_group(None);
                self.show(Event::LeftGroup { group });
                if !planted!(HeldNotReleased) {
                    self.screen.release_held();
                }
            }
            _ => {}
        }
    }

    pub(super) fn on_refused(&mut self, number: u64, reason: Refusal) {
        if self.on_registration_refused(number, reason) {
            return;
        }
        if self.on_deregistered(number) {
            return;
        }
        let Some(ask) = self.take_request(number) else {
            return;
        };
        let event = match (reason, ask) {
            (Refusal::GroupExists, Ask::CreateGroup(group)) => Event::GroupExists { group },
            (Refusal::NoSuchGroup, Ask::JoinGroup(group)) => Event::NoSuchGroup { group },
            (Refusal::AlreadyInGroup, _) => Event::Refused(Refused::AlreadyInGroup),
            (Refusal::Full, _) => Event::ServerFull,
            (
                Refusal::NotAMember | Refusal::NoSuchGroup,
                Ask::LeaveGroup(_) | Ask::ListMembers(..),
            ) => {
                self.set_group(None);
                self.screen.release_held();
                Event::Refused(Refused::NotInGroup)
            }
            _ => Event::StoreFailed { id: None },
        };
        self.show(event);
    }

    pub(super) fn on_names(&mut self, number: u64, names: Vec<Name>, more: bool) {
        let is_list = |request: &mut Request| {
            let is_list = matches!(request.ask, Ask::ListGroups(_) | Ask::ListMembers(..));
            is_list && request.number == number
        };
        let Some(request) = self.request.take_if(is_list) else {
            return;
        };
        let more = more && !names.is_empty();
        let mut ask = request.ask;
        if let Ask::ListGroups(all) | Ask::ListMembers(_, all) = &mut ask {
            all.extend(names);
            if more && all.len() < MAX_NAMES {
                return self.ask(ask);
            }
        }
        match ask {
            Ask::ListGroups(names) => self.show(Event::Groups { names }),
            Ask::ListMembers(group, names) => self.show(Event::Members { group, names }),
            _ => {}
        }
    }
}
