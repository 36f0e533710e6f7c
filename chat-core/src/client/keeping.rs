//! What is kept between runs: read at the start, written as it changes.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{
    Client,
    connection::Phase,
    entry::{decode, encode},
    event::Event,
    outbox::{self, Kept, State},
    receiving::{Delivery, Source},
    records::Written,
    screen, table,
};
use crate::{
    name::Name,
    store::{Log, OperationId, Revision, StoreError, StoreEvent, StoreOperation, Table},
};

/// The record that says that the server knows the name.
pub(super) const REGISTRATION: &str = "registration";
/// The record of how far the screen has shown the inbox.
const SCREEN: &str = "screen";
/// The inbox is trimmed when so many entries are done with.
const TRIM: u64 = 32;

/// What an operation of the store is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The start.
    Load,
    /// A record follows the state.
    Record(Table, String),
    /// Something has arrived.
    Receive(Delivery),
    /// The screen reads on.
    Read,
    /// The screen fetches what it held back.
    Release,
    Trim,
}

/// What is kept of the registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Registration {
    pub(super) group: Option<Name>,
}

impl Client {
    /// Reads everything that was kept for this server.
    pub(super) fn read_store(&mut self) {
        for table in [Table::Settings, Table::Peers, Table::Outbox] {
            let attach = StoreOperation::AttachTable { table };
            self.pending.start(self.now.instant, attach, Purpose::Load);
            self.loading += 1;
        }
        let attach = StoreOperation::AttachLog { log: Log::Inbox };
        self.pending.start(self.now.instant, attach, Purpose::Load);
        self.loading += 1;
        self.screen.fall_behind();
    }

    pub(super) fn on_stored(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Done {
                operation,
                revision,
            } => self.on_done(operation, revision),
            StoreEvent::Attached { operation, .. } => self.on_done(operation, None),
            StoreEvent::Conflict { operation, current } => {
                if let Some((_, Purpose::Record(table, key))) = self.pending.complete(operation) {
                    let written = self.records.conflict(table, &key, current);
                    self.on_written(table, key, written);
                }
            }
            StoreEvent::Appended {
                operation,
                position,
                ..
            } => {
                if let Some((_, Purpose::Receive(delivery))) = self.pending.complete(operation) {
                    self.on_appended(delivery, position);
                }
            }
            StoreEvent::Fetched { operation, entries } => match self.pending.complete(operation) {
                Some((_, Purpose::Read)) => self.on_read(&entries),
                Some((_, Purpose::Release)) => self.on_released(&entries),
                _ => {}
            },
            StoreEvent::Failed { operation, error } => self.on_failed(operation, error),
            StoreEvent::Changed {
                table,
                key,
                revision,
                value: Some(value),
            } if self.phase == Phase::Loading => self.on_record(table, &key, revision, &value),
            StoreEvent::Arrived {
                log: Log::Inbox,
                entry,
            } => self.on_arrived(&entry),
            StoreEvent::Resynchronise => self.screen.fall_behind(),
            StoreEvent::Stalled => {
                self.pending.stall();
                let waiting = self.pending.tasks().map(|(operation, _)| operation);
                for operation in waiting.collect::<Vec<_>>() {
                    self.on_failed(operation, StoreError::Unavailable);
                }
            }
            StoreEvent::Well => self.pending.resume(self.now.instant),
            _ => {}
        }
    }

    fn on_done(&mut self, operation: OperationId, revision: Option<Revision>) {
        match self.pending.complete(operation) {
            Some((_, Purpose::Load)) => self.on_part_loaded(),
            Some((_, Purpose::Record(table, key))) => {
                let written = self.records.done(table, &key, revision);
                self.on_written(table, key, written);
            }
            _ => {}
        }
    }

    fn on_part_loaded(&mut self) {
        self.loading = self.loading.saturating_sub(1);
        if self.loading == 0 {
            self.expire_messages();
            self.on_loaded();
        }
    }

    /// A record as the last run left it.
    fn on_record(&mut self, table: Table, key: &str, revision: Revision, value: &[u8]) {
        self.records.loaded(table, key, revision);
        match (table, key) {
            (Table::Settings, REGISTRATION) => {
                self.server.knows_name = true;
                self.group = decode::<Registration>(value).and_then(|kept| kept.group);
            }
            (Table::Settings, SCREEN) => {
                if let Some(record) = decode::<screen::Record>(value) {
                    self.screen.restore(record);
                }
            }
            (Table::Peers, _) => {
                if let Some(known) = decode::<table::Known>(value) {
                    self.table.restore(known);
                }
            }
            (Table::Outbox, _) => {
                if let Some(record) = decode::<outbox::Record>(value)
                    && !planted!(OutboxNotRestored)
                {
                    self.outbox.restore(record, self.now.instant);
                }
            }
            _ => {}
        }
    }

    /// Gives up what has been owed for too long.
    fn expire_messages(&mut self) {
        for order in self.outbox.orders() {
            let Some(message) = self.outbox.get(order) else {
                continue;
            };
            let age = self.now.wall.saturating_since(message.created);
            if age < self.config.outbox_expiry {
                continue;
            }
            let (id, received, to) = (message.id, message.created, message.to.clone());
            if matches!(message.state, State::Waiting | State::Handed { .. }) {
                self.show(Event::Expired { id, received, to });
            }
            self.forget_message(order);
        }
    }

    fn on_written(&mut self, table: Table, key: String, written: Written) {
        if let Written::Again(operation) = written {
            self.write(operation, Purpose::Record(table, key));
            return;
        }
        match table {
            Table::Outbox => self.on_message_kept(&key, Kept::Durable),
            Table::Settings if key == SCREEN => self.trim_inbox(),
            _ => {}
        }
    }

    fn on_failed(&mut self, operation: OperationId, error: StoreError) {
        match self.pending.task(operation).cloned() {
            Some(Purpose::Receive(delivery))
                if error != StoreError::Unavailable || delivery.source == Source::Own =>
            {
                self.pending.complete(operation);
                self.on_append_failed(&delivery);
            }
            Some(Purpose::Record(Table::Outbox, key)) => {
                self.on_message_kept(&key, Kept::Failed);
            }
            // Everything else is repeated until it succeeds.
            _ => {}
        }
    }

    fn on_message_kept(&mut self, key: &str, kept: Kept) {
        let id = key.parse().ok();
        let Some(order) = id.and_then(|id| self.outbox.find(&id)) else {
            return;
        };
        if let Some(message) = self.outbox.get_mut(order)
            && message.kept != Kept::Durable
        {
            message.kept = kept;
            self.announce_kept(order);
        }
        if kept == Kept::Durable {
            self.forget_surplus(order, self.config.max_outbox);
        }
    }

    fn trim_inbox(&mut self) {
        if !self.records.is_durable(Table::Settings, SCREEN) {
            return;
        }
        if let Some(up_to) = self.screen.poll_trim(TRIM) {
            let operation = StoreOperation::Trim {
                log: Log::Inbox,
                up_to,
            };
            self.write(operation, Purpose::Trim);
        }
    }

    /// Keeps how far the screen has shown the inbox.
    pub(super) fn save_screen(&mut self) {
        if self.loading == 0
            && self.server.key.is_some()
            && let Some(record) = self.screen.poll_record()
        {
            self.set_record(Table::Settings, SCREEN, Some(encode(&record)));
        }
    }

    pub(super) fn save_peer(&mut self, name: &Name) {
        if let Some(known) = self.table.get(name) {
            let value = encode(known);
            self.set_record(Table::Peers, name.folded(), Some(value));
        }
    }

    pub(super) fn set_record(&mut self, table: Table, key: &str, value: Option<Vec<u8>>) {
        if let Some(operation) = self.records.set(table, key, value) {
            self.write(operation, Purpose::Record(table, key.into()));
        }
    }

    /// Hands a write to the store, unless that is known to fail what is written.
    pub(super) fn write(&mut self, operation: StoreOperation, purpose: Purpose) {
        let id = self.pending.start(self.now.instant, operation, purpose);
        if self.pending.is_stalled() {
            self.on_failed(id, StoreError::Unavailable);
        }
    }
}
