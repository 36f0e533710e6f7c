//! The outbox by itself.

use alloc::{string::ToString, vec};

use super::*;

fn to(name: &str) -> Conversation {
    Conversation::User(name.parse().unwrap())
}

fn push(outbox: &mut Outbox, id: u8, name: &str) -> Order {
    let text = Text::new("hello".to_string()).unwrap();
    outbox.push(MessageId([id; 16]), to(name), text, WallTime::default())
}

fn direct(deadline: u64) -> State {
    State::Direct {
        peer: PeerId(0),
        send: SendId {
            stream: 0,
            sequence: 0,
            generation: 0,
        },
        deadline: Instant::from_micros(deadline),
    }
}

#[test]
fn a_record_with_an_order_that_nobody_reaches_is_none_of_this_client() {
    let mut outbox = Outbox::default();
    let record = Record {
        order: Order::MAX,
        id: MessageId([1; 16]),
        to: to("y"),
        text: Text::default(),
        created: WallTime::default(),
        stage: Stage::Waiting,
    };
    outbox.restore(record, Instant::ZERO);
    assert_eq!(outbox.find(&MessageId([1; 16])), None);
    assert_eq!(push(&mut outbox, 2, "y"), 1);
}

#[test]
fn the_lane_is_the_servers_until_everything_handed_over_is_delivered() {
    let mut outbox = Outbox::default();
    let (first, second) = (push(&mut outbox, 1, "y"), push(&mut outbox, 2, "y"));
    assert!(!outbox.is_server_lane(&to("y")));
    outbox.set_state(first, State::Handed { submitted: false });
    assert!(outbox.is_server_lane(&to("y")));
    assert!(!outbox.is_server_lane(&to("z")));
    outbox.set_state(first, State::Saved);
    assert!(outbox.is_server_lane(&to("y")));
    outbox.set_state(second, State::Delivered);
    outbox.remove(first);
    assert!(!outbox.is_server_lane(&to("y")));
}

#[test]
fn the_earliest_deadline_is_overdue_first() {
    let mut outbox = Outbox::default();
    let (first, second) = (push(&mut outbox, 1, "y"), push(&mut outbox, 2, "z"));
    outbox.set_state(first, direct(20));
    outbox.set_state(second, direct(10));
    assert_eq!(outbox.overdue(Instant::from_micros(9)), None);
    assert_eq!(outbox.overdue(Instant::from_micros(30)), Some(second));
    outbox.remove(second);
    assert_eq!(outbox.overdue(Instant::from_micros(30)), Some(first));
    assert_eq!(outbox.in_flight(&to("y")), (1, 5));
}

#[test]
fn what_is_saved_is_no_longer_owed_and_its_text_is_dropped() {
    let mut outbox = Outbox::default();
    let order = push(&mut outbox, 1, "y");
    assert_eq!(outbox.owed(), 1);
    outbox.set_state(order, State::Saved);
    assert_eq!(outbox.owed(), 0);
    assert!(outbox.is_answered(Instant::ZERO, Duration::ZERO));
    assert_eq!(outbox.record(order).unwrap().text, Text::default());
}

#[test]
fn a_surplus_message_makes_way_for_a_later_one_of_its_conversation() {
    let mut outbox = Outbox::default();
    let [first, other, second] = [(1, "y"), (2, "z"), (3, "y")].map(|(id, name)| {
        let order = push(&mut outbox, id, name);
        outbox.set_state(order, State::Saved);
        order
    });
    assert_eq!(outbox.surplus(second, 3), None);
    assert_eq!(outbox.surplus(second, 2), Some(first));
    assert_eq!(outbox.surplus(other, 2), None, "z's lane is the server's");
}

#[test]
fn everything_unanswered_is_submitted_again_in_order() {
    let mut outbox = Outbox::default();
    let orders = [push(&mut outbox, 1, "y"), push(&mut outbox, 2, "z")];
    for order in orders {
        outbox.set_state(order, State::Handed { submitted: false });
        outbox.submitted(order);
    }
    assert_eq!(outbox.next_unsubmitted(), None);
    outbox.submit_again();
    assert_eq!(outbox.next_unsubmitted(), Some(orders[0]));
    outbox.submitted(orders[0]);
    assert_eq!(outbox.next_unsubmitted(), Some(orders[1]));
}

#[test]
fn a_restart_goes_on_where_the_records_are() {
    let mut outbox = Outbox::default();
    let (waiting, handed) = (push(&mut outbox, 1, "y"), push(&mut outbox, 2, "z"));
    outbox.set_state(waiting, direct(10));
    outbox.set_state(handed, State::Handed { submitted: false });
    let records = [waiting, handed].map(|order| outbox.record(order).unwrap());
    let mut outbox = Outbox::default();
    for record in records {
        outbox.restore(record, Instant::ZERO);
    }
    assert_eq!(outbox.orders(), vec![waiting, handed]);
    assert_eq!(outbox.get(waiting).unwrap().state, State::Waiting);
    assert_eq!(outbox.next_unsubmitted(), Some(handed));
    assert_eq!(outbox.open().count(), 0, "a restart asks for no answer");
    assert!(push(&mut outbox, 3, "y") > handed);
}

#[test]
fn a_message_that_the_server_delivers_live_has_a_moment_to_be_received() {
    let mut outbox = Outbox::default();
    let order = push(&mut outbox, 1, "y");
    let since = Instant::from_micros(10);
    outbox.set_state(order, State::Exists { since });
    let patience = Duration::from_micros(5);
    assert!(!outbox.is_answered(Instant::from_micros(14), patience));
    assert!(outbox.is_answered(Instant::from_micros(15), patience));
}
