use alloc::{sync::Arc, vec};

use super::*;
use crate::{
    conversation::Text,
    server::record::encode,
    wire::{Bytes, Content},
};

const NOW: Instant = Instant::ZERO;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn mailbox() -> Log {
    Log::Mailbox(name("me"))
}

fn entry(position: u64, stamp: u64, content: &Content) -> Entry {
    Entry {
        position: Position(position),
        id: MessageId([u8::try_from(stamp).unwrap(); 16]),
        received: WallTime::from_micros(stamp),
        bytes: Arc::from(encode(content)),
    }
}

fn mail(position: u64, stamp: u64) -> Entry {
    let content = Content::Mail {
        sender: name("x"),
        sealed: Bytes::new(),
    };
    entry(position, stamp, &content)
}

fn post(position: u64, stamp: u64, sender: &str) -> Entry {
    let content = Content::Post {
        sender: name(sender),
        text: Text::new("hello".into()).unwrap(),
    };
    entry(position, stamp, &content)
}

fn reader(max_unaccepted: usize) -> Reader {
    let logs = vec![(mailbox(), Position(0)), (Log::Channel, Position(10))];
    Reader::new(name("me"), logs, max_unaccepted)
}

fn span(after: u64, up_to: u64) -> Span {
    Span {
        after: Position(after),
        up_to: Position(up_to),
    }
}

/// The stamp of the entry that is delivered next, and whether it is live.
fn delivered(reader: &mut Reader) -> Option<(u64, bool)> {
    match reader.next(NOW)? {
        Step::Deliver { item, live, .. } => Some((item.entry.received.as_micros(), live)),
        other => panic!("not a delivery: {other:?}"),
    }
}

#[test]
fn what_was_kept_is_merged_by_the_time_of_receipt() {
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(2));
    assert_eq!(reader.next(NOW), None, "not all heads are known");
    reader.attached(&Log::Channel, Position(12));
    assert_eq!(reader.next(NOW), Some(Step::Fetch(mailbox(), span(0, 2))));
    let fetch = Step::Fetch(Log::Channel, span(10, 12));
    assert_eq!(reader.next(NOW), Some(fetch));
    reader.fetched(&mailbox(), span(0, 2), vec![mail(1, 1), mail(2, 4)]);
    assert_eq!(
        reader.next(NOW),
        None,
        "the other log may hold an earlier one"
    );
    reader.fetched(
        &Log::Channel,
        span(10, 12),
        vec![post(11, 2, "x"), post(12, 3, "me")],
    );
    assert_eq!(delivered(&mut reader), Some((1, false)));
    assert_eq!(delivered(&mut reader), Some((2, false)));
    assert_eq!(delivered(&mut reader), Some((4, false)), "not its own");
    assert_eq!(reader.next(NOW), Some(Step::CaughtUp));
    assert_eq!(reader.next(NOW), None);
}

#[test]
fn a_reader_has_caught_up_also_when_the_last_entries_are_its_own() {
    let mut reader = reader(1);
    reader.attached(&mailbox(), Position(1));
    reader.attached(&Log::Channel, Position(12));
    reader.next(NOW);
    reader.next(NOW);
    reader.fetched(&mailbox(), span(0, 1), vec![mail(1, 1)]);
    reader.fetched(
        &Log::Channel,
        span(10, 12),
        vec![post(11, 2, "me"), post(12, 3, "me")],
    );
    assert_eq!(delivered(&mut reader), Some((1, false)));
    assert_eq!(reader.next(NOW), None, "no more are delivered at a time");
    reader.accepted(MessageId([1; 16]));
    reader.settled(&mailbox(), Position(1));
    assert_eq!(reader.next(NOW), Some(Step::CaughtUp));
}

#[test]
fn live_entries_wait_until_everything_kept_is_accepted_and_settled() {
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(1));
    reader.attached(&Log::Channel, Position(10));
    reader.next(NOW);
    reader.fetched(&mailbox(), span(0, 1), vec![mail(1, 1)]);
    assert_eq!(delivered(&mut reader), Some((1, false)));
    assert_eq!(reader.next(NOW), Some(Step::CaughtUp));
    let item = Item::new(post(11, 2, "x"));
    assert!(!reader.arrived(NOW, &Log::Channel, &item));
    let settlements = reader.accepted(MessageId([1; 16]));
    assert_eq!(settlements.len(), 1);
    assert_eq!(reader.accepted(MessageId([1; 16])), [], "once");
    assert_eq!(reader.cursor(&mailbox()), Some(Position(0)));
    assert_eq!(reader.next(NOW), None, "the receipt is not durable");
    reader.settled(&mailbox(), Position(1));
    assert_eq!(reader.cursor(&mailbox()), Some(Position(1)));
    let fetch = Step::Fetch(Log::Channel, span(10, 11));
    assert_eq!(reader.next(NOW), Some(fetch));
    reader.fetched(&Log::Channel, span(10, 11), vec![post(11, 2, "x")]);
    assert_eq!(delivered(&mut reader), Some((2, true)));
    let item = Item::new(post(12, 3, "x"));
    assert!(reader.arrived(NOW, &Log::Channel, &item));
}

#[test]
fn a_full_window_sends_live_entries_to_the_log() {
    let mut reader = reader(1);
    reader.attached(&mailbox(), Position(0));
    reader.attached(&Log::Channel, Position(10));
    assert_eq!(reader.next(NOW), Some(Step::CaughtUp));
    assert_eq!(reader.next(NOW), None);
    let item = |position| Item::new(post(position, position, "x"));
    assert!(reader.arrived(NOW, &Log::Channel, &item(11)));
    assert!(!reader.arrived(NOW, &Log::Channel, &item(12)));
    let fetch = Step::Fetch(Log::Channel, span(11, 12));
    assert_eq!(reader.next(NOW), Some(fetch));
    reader.fetched(&Log::Channel, span(11, 12), vec![post(12, 12, "x")]);
    assert_eq!(reader.next(NOW), None);
    reader.accepted(MessageId([11; 16]));
    assert_eq!(delivered(&mut reader), Some((12, true)));
    reader.accepted(MessageId([12; 16]));
    assert!(reader.arrived(NOW, &Log::Channel, &item(13)));
    assert!(
        !reader.arrived(NOW, &Log::Channel, &item(15)),
        "one was missed"
    );
}

#[test]
fn a_mebibyte_that_is_not_accepted_lets_nothing_more_through() {
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(0));
    reader.attached(&Log::Channel, Position(10));
    assert_eq!(reader.next(NOW), Some(Step::CaughtUp));
    assert_eq!(reader.next(NOW), None);
    let mut large = Item::new(post(11, 11, "x"));
    large.entry.bytes = Arc::from(vec![0; MAX_UNACCEPTED_BYTES]);
    assert!(reader.arrived(NOW, &Log::Channel, &large));
    let item = Item::new(post(12, 12, "x"));
    assert!(!reader.arrived(NOW, &Log::Channel, &item));
}

#[test]
fn a_receipt_settles_the_entry_that_it_is_owed_for_and_no_other() {
    let group = Log::Group(name("g"));
    let logs = vec![(mailbox(), Position(0)), (group.clone(), Position(0))];
    let mut reader = Reader::new(name("me"), logs, 8);
    reader.attached(&mailbox(), Position(2));
    reader.attached(&group, Position(1));
    reader.next(NOW);
    reader.next(NOW);
    reader.fetched(&mailbox(), span(0, 2), vec![mail(1, 1), mail(2, 2)]);
    reader.fetched(&group, span(0, 1), vec![post(1, 3, "x")]);
    for stamp in 1..=3 {
        assert_eq!(delivered(&mut reader), Some((stamp.into(), false)));
        assert_eq!(reader.accepted(MessageId([stamp; 16])).len(), 1);
    }
    reader.settled(&mailbox(), Position(2));
    assert_eq!(reader.cursor(&mailbox()), Some(Position(0)));
    assert_eq!(reader.cursor(&group), Some(Position(0)));
    reader.settled(&mailbox(), Position(1));
    assert_eq!(reader.cursor(&mailbox()), Some(Position(2)));
    assert_eq!(reader.cursor(&group), Some(Position(0)));
    reader.settled(&group, Position(1));
    assert_eq!(reader.cursor(&group), Some(Position(1)));
}

#[test]
fn progress_is_told_once_and_stops_at_what_is_not_accepted() {
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(0));
    reader.attached(&Log::Channel, Position(10));
    reader.next(NOW);
    reader.next(NOW);
    let item = |position, sender| Item::new(post(position, position, sender));
    reader.arrived(NOW, &Log::Channel, &item(11, "me"));
    assert_eq!(reader.progress(), Some((Log::Channel, Position(11))));
    assert_eq!(reader.progress(), None);
    reader.arrived(NOW, &Log::Channel, &item(12, "x"));
    reader.arrived(NOW, &Log::Channel, &item(13, "x"));
    reader.accepted(MessageId([13; 16]));
    assert_eq!(reader.progress(), None);
    reader.accepted(MessageId([12; 16]));
    assert_eq!(reader.progress(), Some((Log::Channel, Position(13))));
}

#[test]
fn positions_at_the_end_of_all_positions_are_read_like_others() {
    let last = u64::MAX;
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(0));
    reader.attached(&Log::Channel, Position(last));
    reader.next(NOW);
    reader.fetched(&Log::Channel, span(10, last), vec![post(last, 1, "x")]);
    assert_eq!(reader.next(NOW), Some(Step::Gone(Log::Channel, last - 11)));
    assert_eq!(delivered(&mut reader), Some((1, false)));
    let item = Item::new(post(last, 2, "x"));
    assert!(!reader.arrived(NOW, &Log::Channel, &item));
}

#[test]
fn entries_trimmed_before_they_were_read_are_counted_except_in_a_mailbox() {
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(9));
    reader.attached(&Log::Channel, Position(20));
    reader.next(NOW);
    reader.next(NOW);
    reader.fetched(&mailbox(), span(0, 9), vec![]);
    reader.fetched(
        &Log::Channel,
        span(10, 20),
        vec![post(19, 1, "x"), post(20, 2, "x")],
    );
    assert_eq!(reader.next(NOW), Some(Step::Gone(Log::Channel, 8)));
    assert_eq!(delivered(&mut reader), Some((1, false)));
    assert_eq!(delivered(&mut reader), Some((2, false)));
    assert_eq!(reader.next(NOW), Some(Step::CaughtUp));
    assert_eq!(reader.progress(), Some((mailbox(), Position(9))));
}

#[test]
fn what_is_gone_is_passed_over_with_the_next_entry_that_is_accepted() {
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(0));
    reader.attached(&Log::Channel, Position(20));
    reader.next(NOW);
    reader.fetched(&Log::Channel, span(10, 20), vec![]);
    assert_eq!(reader.next(NOW), Some(Step::Gone(Log::Channel, 10)));
    assert_eq!(reader.next(NOW), Some(Step::CaughtUp));
    assert_eq!(reader.next(NOW), None);
    assert_eq!(reader.progress(), None, "it may not have heard of that");
    let item = Item::new(post(21, 21, "x"));
    assert!(reader.arrived(NOW, &Log::Channel, &item));
    assert_eq!(reader.progress(), None);
    reader.accepted(MessageId([21; 16]));
    assert_eq!(reader.progress(), Some((Log::Channel, Position(21))));
}

#[test]
fn what_arrives_while_catching_up_is_not_part_of_what_was_kept() {
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(1));
    reader.attached(&Log::Channel, Position(10));
    assert_eq!(reader.next(NOW), Some(Step::Fetch(mailbox(), span(0, 1))));
    let item = Item::new(post(11, 2, "x"));
    assert!(!reader.arrived(NOW, &Log::Channel, &item));
    reader.fetched(&mailbox(), span(0, 1), vec![mail(1, 1)]);
    assert_eq!(delivered(&mut reader), Some((1, false)));
    assert_eq!(reader.next(NOW), Some(Step::CaughtUp));
}

#[test]
fn a_log_that_was_left_is_read_until_its_last_entry_is_accepted() {
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(0));
    reader.attached(&Log::Channel, Position(11));
    let fetch = Step::Fetch(Log::Channel, span(10, 11));
    assert_eq!(reader.next(NOW), Some(fetch));
    reader.fetched(&Log::Channel, span(10, 11), vec![post(11, 2, "x")]);
    assert_eq!(delivered(&mut reader), Some((2, false)));
    reader.leave(&Log::Channel);
    while let Some(step) = reader.next(NOW) {
        assert_eq!(step, Step::CaughtUp);
    }
    reader.accepted(MessageId([2; 16]));
    assert_eq!(reader.next(NOW), Some(Step::Left(Log::Channel)));
}

#[test]
fn a_page_that_an_earlier_reader_of_the_session_asked_for_is_not_taken() {
    let mut reader = reader(8);
    reader.attached(&mailbox(), Position(2));
    reader.attached(&Log::Channel, Position(10));
    let fetch = Step::Fetch(mailbox(), span(0, 2));
    assert_eq!(reader.next(NOW), Some(fetch));
    reader.fetched(&mailbox(), span(1, 2), vec![mail(2, 2)]);
    assert_eq!(reader.next(NOW), None, "the first mail was not there");
    reader.fetched(&mailbox(), span(0, 2), vec![mail(1, 1), mail(2, 2)]);
    reader.fetched(&mailbox(), span(0, 1), vec![mail(1, 1)]);
    assert_eq!(delivered(&mut reader), Some((1, false)));
    assert_eq!(delivered(&mut reader), Some((2, false)));
    assert_eq!(reader.next(NOW), Some(Step::CaughtUp));
}
