//! What arrives: from other clients directly, from the server out of its logs. Everything is
//! appended to the inbox first; what is durable there is accepted.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{
    Client, connection::Phase, entry::Entry, event::Event, mail, positions::Positions,
    screen::Screen, strangers::Strangers, table::KeyMatch,
};
use crate::{
    conversation::Conversation,
    id::MessageId,
    link::{PeerId, SendError},
    name::Name,
    store::{Limit, Log, Position, StoreOperation},
    streams::CONTROL,
    time::WallTime,
    unknown_tags::UnknownTags,
    wire::{ChatFrame, Content, Decoder, List},
};

/// Entries on their way to the inbox; past it what arrives is dropped, counted, and comes again.
const MAX_APPENDING: usize = 8_192;
/// Ids of durable messages that one peer does not let its link take; past it the message is not
/// accepted, counted, and comes again by the server.
const MAX_ACCEPTED: usize = 8_192;
/// The ids in one `Accepted`.
const MAX_IDS: usize = 64;

/// The state of what arrives.
#[derive(Default)]
pub(super) struct Receiving {
    /// Everyone but the server that the link knows.
    pub(super) peers: BTreeSet<PeerId>,
    pub(super) strangers: Strangers,
    accepted: BTreeMap<PeerId, Vec<MessageId>>,
    unknown_tags: BTreeMap<PeerId, UnknownTags>,
    /// The link's queue is full: what has been accepted waits for another input.
    blocked: bool,
    pub(super) positions: Positions,
    /// Entries on their way to the inbox.
    appending: usize,
    /// The last entry that has got there.
    appended: Position,
    catch_up: CatchUp,
    /// The line above what was kept has been shown.
    pub(super) header_shown: bool,
    pub(super) dropped: u64,
}

/// How far the server's delivery of what it kept has come.
#[derive(Default)]
struct CatchUp {
    /// The server has delivered everything.
    complete: bool,
    /// Appends on their way.
    pending: usize,
    /// The last of them.
    last: Position,
    /// Notifications have been shown.
    released: bool,
}

/// Why an entry is being appended to the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) source: Source,
    /// What is accepted when it is durable.
    pub(super) id: MessageId,
    /// Where it stands in the server's log, if it was delivered live.
    pub(super) live_at: Option<(Conversation, u64)>,
    pub(super) catch_up: bool,
}

/// Who delivered an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Server,
    Peer(PeerId),
    /// The user itself.
    Own,
}

impl Receiving {
    /// A registration is complete: the server delivers what it kept.
    pub(super) fn begin_catch_up(&mut self) {
        self.header_shown = false;
        self.positions.begin(self.catch_up.complete);
        self.catch_up.complete = false;
        self.catch_up.released = false;
    }

    /// Whether notifications that were kept are still to wait for mail.
    pub(super) fn is_catching_up(&self) -> bool {
        !self.catch_up.released
    }

    /// Whether notifications are to be released; `routed` is how far the inbox was read.
    pub(super) fn poll_released(&mut self, routed: Position) -> bool {
        let CatchUp {
            complete,
            pending,
            last,
            released,
        } = self.catch_up;
        let release = complete && !released && pending == 0 && routed >= last;
        self.catch_up.released |= release;
        release
    }

    /// Whether something that has arrived is still on its way to the screen.
    pub(super) fn is_busy(&self, screen: &Screen) -> bool {
        self.appending > 0 || screen.is_before(self.appended)
    }

    pub(super) fn has_accepted(&self) -> bool {
        !self.blocked && !self.accepted.is_empty()
    }

    /// Another input has come: the link may take more.
    pub(super) fn unblock(&mut self) {
        self.blocked = false;
    }

    /// A peer is forgotten.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
        self.unknown_tags.remove(&peer);
    }

    pub(super) fn go_offline(&mut self) {
        self.strangers.clear();
        self.accepted.clear();
        self.unknown_tags.clear();
        self.peers.clear();
    }
}

impl Client {
    pub(super) fn on_message(&mut self, peer: PeerId, bytes: &[u8]) {
        for frame in Decoder::<ChatFrame>::new(bytes) {
            if matches!(
                self.phase,
                Phase::Discovering | Phase::Loading | Phase::Offline
            ) || self.ending.is_some()
            {
                return;
            }
            let Ok(frame) = frame else {
                self.receiving.dropped += 1;
                return;
            };
            if self.server.peer == Some(peer) {
                self.on_server_frame(frame);
            } else {
                self.receiving.peers.insert(peer);
                self.on_peer_frame(peer, frame);
            }
        }
    }

    fn on_peer_frame(&mut self, peer: PeerId, frame: ChatFrame) {
        match frame {
            // Who is all but gone is deaf: the sender hands the message to the server.
            ChatFrame::Direct { to, .. } if to == self.name && self.has_left() => {}
            ChatFrame::Direct { id, from, to, text } if to == self.name => {
                self.on_direct(peer, id, from, text);
            }
            ChatFrame::Accepted { ids } => self.on_accepted(peer, &ids),
            ChatFrame::Unknown { tag } => self.skip_unknown(peer, tag),
            _ => self.receiving.dropped += 1,
        }
    }

    fn on_server_frame(&mut self, frame: ChatFrame) {
        match frame {
            ChatFrame::Registered {
                request,
                returning,
                group,
                ..
            } => self.on_registered(request, returning, group),
            ChatFrame::Refused { request, reason } => self.on_refused(request, reason),
            ChatFrame::Completed { request } => self.on_completed(request),
            ChatFrame::Names {
                request,
                names,
                more,
            } => self.on_names(request, names.into_inner(), more),
            ChatFrame::Found { request, entry } => self.on_found(request, entry),
            ChatFrame::TableChanges {
                after,
                version,
                complete,
                entries,
            } => {
                let (now, entries) = (self.now.instant, entries.into_inner());
                let changed = self.table.apply(now, after, version, complete, entries);
                self.on_table_changed(changed);
            }
            ChatFrame::Accepted { ids } => self.on_server_accepted(&ids),
            ChatFrame::Saved { id, received } => self.on_saved(id, received),
            ChatFrame::Exists { id } => self.on_exists(id),
            ChatFrame::Rejected { id, reason } => self.on_rejected(id, reason),
            ChatFrame::Superseded {} => self.on_logged_out(Event::Superseded),
            ChatFrame::Dismissed {} => self.on_logged_out(Event::Dismissed),
            ChatFrame::NotRegistered {} => self.on_not_registered(),
            ChatFrame::CaughtUp {} => {
                self.receiving.catch_up.complete = true;
                self.release_notices();
            }
            ChatFrame::Gone { log, count } => self.show(Event::Gone { log, count }),
            deliver @ ChatFrame::Deliver { .. } => self.on_deliver(deliver),
            ChatFrame::Unknown { tag } => {
                if let Some(server) = self.server.peer {
                    self.skip_unknown(server, tag);
                }
            }
            _ => self.receiving.dropped += 1,
        }
    }

    fn skip_unknown(&mut self, peer: PeerId, tag: u16) {
        self.receiving.dropped += 1;
        let tags = self.receiving.unknown_tags.entry(peer).or_default();
        if tags.take(tag) {
            // Nothing comes of it if it does not get there.
            let _ = self.send_frame(peer, CONTROL, &ChatFrame::Unsupported { tag });
        }
    }

    /// An entry of a log of the server.
    fn on_deliver(&mut self, frame: ChatFrame) {
        let ChatFrame::Deliver {
            log,
            position,
            received,
            id,
            live,
            content,
        } = frame
        else {
            return;
        };
        let shared = !matches!(log, Conversation::User(_));
        if shared && !live {
            self.receiving.positions.kept(&log, position);
        }
        let delivery = Delivery {
            source: Source::Server,
            id,
            live_at: (live && shared).then(|| (log.clone(), position)),
            catch_up: !live,
        };
        let content = Decoder::<Content>::new(&content).next();
        let stored = (!live).then_some(received);
        let entry = match content {
            Some(Ok(Content::Mail { sender, sealed })) => {
                self.open_mail(id, sender, &sealed, stored)
            }
            Some(Ok(Content::Post { sender, text })) => Some(Entry::Message {
                id,
                sender,
                verified: true,
                conversation: log,
                stored,
                text,
            }),
            Some(Ok(Content::Receipt {
                message,
                reader,
                received,
            })) => Some(Entry::Receipt {
                message,
                reader,
                received,
                kept: !live,
            }),
            Some(Ok(Content::Expired {
                message,
                reader,
                received,
            })) => Some(Entry::Expired {
                message,
                reader,
                received,
                kept: !live,
            }),
            _ => None,
        };
        match entry {
            Some(entry) => self.append(&entry, delivery),
            // What nobody can read is accepted, or it would be delivered for ever.
            None => {
                self.receiving.dropped += 1;
                self.accept(Source::Server, id);
            }
        }
    }

    fn open_mail(
        &mut self,
        id: MessageId,
        sender: Name,
        sealed: &[u8],
        stored: Option<WallTime>,
    ) -> Option<Entry> {
        let (key, text) = mail::open(&self.identity, &self.name, &id, sealed).ok()?;
        self.receiving.strangers.has_come(&sender);
        if self.table.pin(&sender, key) {
            self.save_peer(&sender);
        }
        Some(Entry::Message {
            id,
            verified: self.table.key_match(&sender, &key) == KeyMatch::Pinned,
            sender,
            conversation: Conversation::User(self.name.clone()),
            stored,
            text,
        })
    }

    /// Makes an entry durable.
    pub(super) fn append(&mut self, entry: &Entry, delivery: Delivery) {
        if self.receiving.appending >= MAX_APPENDING && delivery.source != Source::Own {
            self.receiving.dropped += 1;
            return;
        }
        self.receiving.appending += 1;
        if let Some((log, position)) = &delivery.live_at {
            self.receiving.positions.delivered(log, *position);
        }
        self.receiving.catch_up.pending += usize::from(delivery.catch_up);
        if planted!(InboxAcceptedBeforeDurable) {
            self.accept(delivery.source, delivery.id);
        }
        let takes_twice = match entry {
            Entry::Message { .. } => planted!(InboxTakesTwice),
            _ => planted!(NotificationShownTwice),
        };
        let operation = StoreOperation::Append {
            log: Log::Inbox,
            id: if takes_twice {
                MessageId(self.random.bytes())
            } else {
                entry.inbox_id()
            },
            received: self.now.wall,
            bytes: entry.encode(),
            limit: Limit::Refuse(self.config.max_inbox),
        };
        self.write(operation, delivery.into());
    }

    /// The entry is durable.
    pub(super) fn on_appended(&mut self, delivery: Delivery, position: Position) {
        self.receiving.appending = self.receiving.appending.saturating_sub(1);
        if let Some((log, at)) = &delivery.live_at {
            self.receiving.positions.accepted(log, *at);
        }
        self.receiving.appended = self.receiving.appended.max(position);
        if delivery.catch_up {
            let catch_up = &mut self.receiving.catch_up;
            catch_up.pending = catch_up.pending.saturating_sub(1);
            catch_up.last = catch_up.last.max(position);
        }
        if delivery.source == Source::Own {
            self.own_messages = self.own_messages.saturating_sub(1);
            let (id, by) = (delivery.id, self.name.clone());
            self.show(Event::Received { id, by });
        } else if !planted!(DuplicateNotAccepted) || position > self.screen.routed() {
            self.accept(delivery.source, delivery.id);
        }
        self.release_notices();
    }

    /// The entry cannot be stored.
    pub(super) fn on_append_failed(&mut self, delivery: &Delivery) {
        self.receiving.appending = self.receiving.appending.saturating_sub(1);
        if delivery.catch_up {
            let catch_up = &mut self.receiving.catch_up;
            catch_up.pending = catch_up.pending.saturating_sub(1);
        }
        if delivery.source == Source::Own {
            self.own_messages = self.own_messages.saturating_sub(1);
            let id = Some(delivery.id);
            self.show(Event::StoreFailed { id });
        } else {
            self.receiving.dropped += 1;
        }
    }

    fn accept(&mut self, source: Source, id: MessageId) {
        let peer = match source {
            Source::Server => self.server.peer,
            Source::Peer(peer) => Some(peer),
            Source::Own => None,
        };
        if let Some(peer) = peer.filter(|_| self.phase != Phase::Offline) {
            let ids = self.receiving.accepted.entry(peer).or_default();
            if ids.len() < MAX_ACCEPTED {
                ids.push(id);
            } else {
                self.receiving.dropped += 1;
            }
        }
    }

    /// Tells everyone what has become durable, as many ids in a frame as fit.
    pub(super) fn send_accepted(&mut self) {
        if self.receiving.blocked {
            return;
        }
        let accepted = core::mem::take(&mut self.receiving.accepted);
        for (peer, ids) in accepted {
            for (sent, chunk) in ids.chunks(MAX_IDS).enumerate() {
                let frame = ChatFrame::Accepted {
                    ids: List::new(chunk.to_vec()),
                };
                if let Err(SendError::QueueFull) = self.send_frame(peer, CONTROL, &frame) {
                    let rest = ids[sent * MAX_IDS..].to_vec();
                    self.receiving.accepted.insert(peer, rest);
                    self.receiving.blocked = true;
                    break;
                }
            }
        }
    }

    /// Whether the sender of something that has been accepted may not know it.
    pub(super) fn is_accepting(&self) -> bool {
        let server = self.server.peer.filter(|_| self.is_online());
        let mut peers = self.receiving.peers.iter().chain(&server);
        !self.receiving.accepted.is_empty() || peers.any(|peer| self.link.queued(*peer) > 0)
    }

    /// Lets the notifications follow when the mail before them has been shown.
    pub(super) fn release_notices(&mut self) {
        if self.receiving.poll_released(self.screen.routed()) && !planted!(NoticesNotReleased) {
            self.screen.release_notices();
        }
    }
}
