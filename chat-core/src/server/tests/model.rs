//! Whatever clients, store and server go through: what was promised is durable and is delivered,
//! and every delivery of mail is receipted.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};

use proptest::prelude::*;

use super::world::{World, group, name};
use crate::{
    conversation::Conversation,
    id::MessageId,
    link::PeerId,
    store::{Limit, Log, OperationId, StoreError, StoreEvent, StoreOperation},
    time::{Duration, WallTime},
    wire::{Bytes, ChatFrame, Content, Decoder, List},
};

const USERS: [&str; 3] = ["x", "y", "z"];

#[derive(Debug, Clone)]
enum Move {
    Register(usize),
    Deregister(usize),
    /// The client is gone without a word; the link notices when it is probed.
    Die(usize),
    /// Its link says goodbye for it.
    Close(usize),
    Mail(usize, usize),
    Group(usize),
    Channel(usize),
    /// Accepts at most so many of the messages that have arrived.
    Accept(usize, usize),
    Pass(u64),
    /// The store does nothing until it is asked to.
    Block,
    /// The store does one of the operations that wait, in whatever order.
    Work(usize),
    /// The store tells that it does not know what became of an operation: done or not.
    Fail(usize, bool),
    Unblock,
    Restart,
}

fn moves() -> impl Strategy<Value = Move> {
    let user = 0..USERS.len();
    prop_oneof![
        3 => user.clone().prop_map(Move::Register),
        1 => user.clone().prop_map(Move::Deregister),
        1 => user.clone().prop_map(Move::Die),
        1 => user.clone().prop_map(Move::Close),
        4 => (user.clone(), user.clone()).prop_map(|(by, to)| Move::Mail(by, to)),
        2 => user.clone().prop_map(Move::Group),
        2 => user.clone().prop_map(Move::Channel),
        6 => (user, 1..5_usize).prop_map(|(user, count)| Move::Accept(user, count)),
        2 => (0..3_000_u64).prop_map(Move::Pass),
        1 => Just(Move::Block),
        6 => (0..9_usize).prop_map(Move::Work),
        1 => (0..9_usize, any::<bool>()).prop_map(|(at, done)| Move::Fail(at, done)),
        1 => Just(Move::Unblock),
        1 => Just(Move::Restart),
    ]
}

/// A client as the server sees one: it sends again what was not answered, and forgets nothing.
#[derive(Default)]
struct Client {
    peer: Option<u32>,
    /// What was submitted and not answered.
    owed: BTreeMap<MessageId, Conversation>,
    arrived: Vec<(MessageId, Content)>,
    accepted: BTreeSet<MessageId>,
    received: BTreeSet<MessageId>,
    receipts: BTreeSet<(MessageId, usize)>,
}

struct Model {
    world: World,
    clients: Vec<Client>,
    last_peer: u32,
    sent: Vec<(MessageId, usize, Conversation)>,
}

impl Model {
    fn new() -> Self {
        let mut world = World::new();
        for user in USERS {
            world.register(user);
        }
        world.create_and_join("g", &USERS);
        for user in USERS {
            world.hear(user);
            world.deregister(user);
        }
        Self {
            world,
            clients: USERS.iter().map(|_| Client::default()).collect(),
            last_peer: 1_000,
            sent: Vec::new(),
        }
    }

    fn play(&mut self, action: Move) {
        match action {
            Move::Register(user) => self.register(user),
            Move::Deregister(user) => {
                if let Some(peer) = self.clients[user].peer.take() {
                    let leave = ChatFrame::Deregister { request: 9 };
                    self.world.say(peer, USERS[user], &leave);
                    self.hear(user, peer);
                }
            }
            Move::Die(user) => self.world.dead.extend(self.clients[user].peer.take()),
            Move::Close(user) => {
                if let Some(peer) = self.clients[user].peer.take() {
                    let now = self.world.now();
                    self.world.state.handle_closed(now, PeerId(peer));
                    self.world.settle();
                }
            }
            Move::Mail(by, to) => self.submit(by, Conversation::User(name(USERS[to]))),
            Move::Group(by) => self.submit(by, group("g")),
            Move::Channel(by) => self.submit(by, Conversation::Channel),
            Move::Accept(user, count) => self.accept(user, count),
            Move::Pass(millis) => self.world.pass(Duration::from_millis(millis)),
            Move::Block => {
                self.world.blocked.get_or_insert_default();
            }
            Move::Work(at) => {
                if let Some((id, operation)) = self.take_operation(at) {
                    self.world.store.handle(id, operation);
                    self.world.settle();
                }
            }
            Move::Fail(at, is_done) => {
                if let Some((id, operation)) = self.take_operation(at) {
                    if is_done {
                        self.world.store.handle(OperationId(u64::MAX), operation);
                    }
                    let failed = StoreEvent::Failed {
                        operation: id,
                        error: StoreError::Unavailable,
                    };
                    let now = self.world.now();
                    self.world.state.handle_stored(now, failed);
                    self.world.settle();
                }
            }
            Move::Unblock => self.world.unblock(),
            Move::Restart => self.restart(),
        }
        for user in 0..USERS.len() {
            if let Some(peer) = self.clients[user].peer {
                self.hear(user, peer);
            }
        }
    }

    /// An operation that waits. Subscriptions begin and end in the order asked for.
    fn take_operation(&mut self, at: usize) -> Option<(OperationId, StoreOperation)> {
        let blocked = self.world.blocked.get_or_insert_default();
        let at = at.checked_rem(blocked.len())?;
        let is_subscription = |(_, operation): &(OperationId, StoreOperation)| {
            matches!(
                operation,
                StoreOperation::AttachLog { .. } | StoreOperation::DetachLog { .. }
            )
        };
        let at = if is_subscription(&blocked[at]) {
            blocked.iter().position(is_subscription)?
        } else {
            at
        };
        Some(blocked.remove(at))
    }

    fn restart(&mut self) {
        let world = core::mem::replace(&mut self.world, World::new());
        self.world = world.restart();
        for client in &mut self.clients {
            client.peer = None;
        }
    }

    fn register(&mut self, user: usize) {
        self.last_peer += 1;
        let peer = self.last_peer;
        self.clients[user].peer = Some(peer);
        self.clients[user].arrived.clear();
        self.world.forget_starts();
        self.world.register_at(peer, USERS[user]);
        for (id, to) in self.clients[user].owed.clone() {
            self.say_submit(user, peer, id, &to);
        }
    }

    fn submit(&mut self, by: usize, to: Conversation) {
        let Some(peer) = self.clients[by].peer else {
            return;
        };
        let number = u8::try_from(self.sent.len() + 1).unwrap();
        let id = MessageId([number; 16]);
        self.sent.push((id, by, to.clone()));
        self.clients[by].owed.insert(id, to.clone());
        self.say_submit(by, peer, id, &to);
    }

    fn say_submit(&mut self, by: usize, peer: u32, id: MessageId, to: &Conversation) {
        let submit = ChatFrame::Submit {
            id,
            to: to.clone(),
            body: Bytes::from(b"text".to_vec()),
        };
        self.world.say(peer, USERS[by], &submit);
    }

    fn hear(&mut self, user: usize, peer: u32) {
        for frame in self.world.hear_at(peer) {
            let client = &mut self.clients[user];
            match frame {
                ChatFrame::Saved { id, .. } | ChatFrame::Exists { id } => {
                    if let Some(to) = client.owed.remove(&id) {
                        self.assert_durable(id, &to);
                    }
                }
                ChatFrame::Accepted { ids } => {
                    for id in ids.into_inner() {
                        if let Some(to) = self.clients[user].owed.remove(&id) {
                            self.assert_durable(id, &to);
                        }
                    }
                }
                ChatFrame::Deliver { id, content, .. } => {
                    let content = Decoder::new(&content).next().unwrap().unwrap();
                    client.arrived.push((id, content));
                }
                ChatFrame::NotRegistered {} => {
                    // The registration itself waits for the store.
                }
                _ => {}
            }
        }
    }

    /// A crash at this moment would not lose the message.
    fn assert_durable(&self, id: MessageId, to: &Conversation) {
        let mut image = self.world.store.image();
        let append = StoreOperation::Append {
            log: crate::server::record::log_of(to),
            id,
            received: WallTime::default(),
            bytes: alloc::sync::Arc::from([]),
            limit: Limit::Refuse(0),
        };
        image.handle(OperationId(0), append);
        let event = image.poll_event();
        assert!(
            matches!(event, Some(StoreEvent::Appended { .. })),
            "{id} was answered before it was durable"
        );
    }

    fn accept(&mut self, user: usize, count: usize) {
        let client = &mut self.clients[user];
        let Some(peer) = client.peer else {
            return;
        };
        let count = count.min(client.arrived.len());
        let mut ids = Vec::new();
        for (id, content) in client.arrived.drain(..count) {
            ids.push(id);
            if client.accepted.insert(id) {
                match content {
                    Content::Receipt {
                        message, reader, ..
                    } => {
                        let reader = USERS.iter().position(|user| name(user) == reader);
                        client.receipts.insert((message, reader.unwrap()));
                    }
                    _ => {
                        client.received.insert(id);
                    }
                }
            }
        }
        let ids = List::new(ids);
        self.world
            .say(peer, USERS[user], &ChatFrame::Accepted { ids });
    }

    /// Everything works again, and everybody is there.
    fn converge(&mut self) {
        self.world.unblock();
        for _ in 0..3 {
            for user in 0..USERS.len() {
                self.play(Move::Register(user));
            }
            for _ in 0..40 {
                for user in 0..USERS.len() {
                    self.play(Move::Accept(user, 64));
                }
            }
            self.play(Move::Pass(31_000));
        }
    }

    fn check(&self) {
        for (id, by, to) in &self.sent {
            assert!(!self.clients[*by].owed.contains_key(id), "{id} unanswered");
            for (user, client) in self.clients.iter().enumerate() {
                let is_for = match to {
                    Conversation::User(to) => *to == name(USERS[user]),
                    Conversation::Group(_) | Conversation::Channel => user != *by,
                };
                assert_eq!(client.received.contains(id), is_for, "{id} {user} {to:?}");
                let is_receipted = self.clients[*by].receipts.contains(&(*id, user));
                match to {
                    Conversation::User(_) => assert_eq!(is_receipted, is_for),
                    Conversation::Group(_) => assert!(is_for || !is_receipted),
                    Conversation::Channel => assert!(!is_receipted),
                }
            }
        }
        let mut store = self.world.store.image();
        for user in USERS {
            let fetch = StoreOperation::Fetch {
                log: Log::Mailbox(name(user)),
                after: crate::store::Position(0),
                count: 10,
            };
            store.handle(OperationId(0), fetch);
            let Some(StoreEvent::Fetched { entries, .. }) = store.poll_event() else {
                unreachable!("the store in memory answers at once")
            };
            assert_eq!(entries, [], "what was accepted is gone");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn what_is_promised_is_durable_delivered_and_receipted(
        actions in proptest::collection::vec(moves(), 1..120)
    ) {
        let mut model = Model::new();
        for action in actions {
            model.play(action);
        }
        model.converge();
        model.check();
    }
}
