//! Events, as JSON.

use chat_core::{
    client::{Ended, Event, Owed, Peer, Refused, Stage},
    config::MAX_TEXT_BYTES,
    conversation::Conversation,
    id::MessageId,
    name::Name,
    time::WallTime,
};
use chat_mio::{Fate, Spoken};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The line of an event, if programs are told of it. Nothing in it is made harmless for people: a
/// text is as it was sent.
pub(crate) fn line(event: &Event) -> Option<String> {
    object(event).map(|object| object.to_string())
}

fn object(event: &Event) -> Option<Value> {
    message(event)
        .or_else(|| state(event))
        .or_else(|| group(event))
        .or_else(|| session(event))
}

fn message(event: &Event) -> Option<Value> {
    let Event::Message {
        id,
        sender,
        verified,
        conversation,
        stored,
        text,
    } = event
    else {
        return None;
    };
    let mut object = json!({
        "event": "message",
        "id": id.to_string(),
        "conversation": kind(conversation),
        "from": sender.as_str(),
        "verified": verified,
        "text": text.as_str(),
    });
    if let Conversation::Group(group) = conversation {
        object["group"] = json!(group.as_str());
    }
    if let Some(stored) = stored {
        object["stored"] = time(*stored);
    }
    Some(object)
}

/// What has become of a message of the user's.
fn state(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Queued { id, to, .. } => addressed(state_of(id, "queued"), to),
        Event::Kept { id, to } => addressed(state_of(id, "kept"), to),
        Event::NoAck { id, name } => with(state_of(id, "handed_over"), "to", name),
        Event::Exists { id, name } => with(state_of(id, "recipient_online"), "to", name),
        Event::Saved { id, received } => saved(state_of(id, "saved"), *received),
        Event::Received { id, by } => with(state_of(id, "delivered"), "by", by),
        Event::SavedReceived { id, received, by } => {
            saved(with(state_of(id, "delivered"), "by", by), *received)
        }
        Event::ReceivedByServer { id } => state_of(id, "accepted"),
        Event::MailboxFull { id, name } => with(failed(id, "mailbox_full"), "to", name),
        Event::NoSuchClient { id, name } => with(failed(id, "no_such_client"), "to", name),
        Event::Expired { id, received, to } => {
            saved(addressed(failed(id, "expired"), to), *received)
        }
        Event::NotAMember { id, .. } => failed(id, "not_in_group"),
        Event::StoreFailed { id: Some(id) } => failed(id, "not_stored"),
        Event::StoreFailed { id: None } => refused("not_stored"),
        Event::TooLong { length } => {
            let mut object = refused("too_long");
            object["bytes"] = json!(length);
            object["limit"] = json!(MAX_TEXT_BYTES);
            object
        }
        Event::Pending { messages } => {
            json!({"event": "pending", "messages": messages.iter().map(owed).collect::<Vec<_>>()})
        }
        Event::OutboxFull => refused("outbox_full"),
        Event::KeyChanged { name, compared } => {
            let mut object = named("key_changed", name);
            object["compared"] = json!(compared);
            object
        }
        Event::KeyUnknown { name } => named("key_unknown", name),
        Event::Verification {
            name,
            number,
            compared,
        } => {
            let mut object = named("verification", name);
            object["number"] = json!(number.to_string());
            object["compared"] = json!(compared);
            object
        }
        _ => return None,
    })
}

fn group(event: &Event) -> Option<Value> {
    let in_group = |event: &str, group: &Name| json!({"event": event, "group": group.as_str()});
    Some(match event {
        Event::GroupCreated { group } => in_group("group_created", group),
        Event::GroupExists { group } => in_group("group_exists", group),
        Event::NoSuchGroup { group } => in_group("no_such_group", group),
        Event::InGroup { group } => in_group("in_group", group),
        Event::EnteredGroup { group } => in_group("entered_group", group),
        Event::LeftGroup { group } => in_group("left_group", group),
        Event::Groups { names: all } => json!({"event": "groups", "groups": names(all)}),
        Event::Members { group, names: all } => {
            let mut object = in_group("members", group);
            object["members"] = json!(names(all));
            object
        }
        Event::Gone { log, count } => {
            let object = json!({"event": "messages_gone", "count": count});
            addressed(object, log)
        }
        Event::OfflineMessages => plain("offline_messages"),
        _ => return None,
    })
}

fn session(event: &Event) -> Option<Value> {
    Some(match event {
        Event::ServerTrusted { key } => {
            let fingerprint = key.fingerprint().to_string();
            json!({"event": "server_trusted", "fingerprint": fingerprint})
        }
        Event::ServerKeyChanged { expected, found } => json!({
            "event": "server_key_changed",
            "expected": expected.to_string(),
            "found": found.to_string(),
        }),
        Event::Registered { name, returning } => {
            let mut object = named("registered", name);
            object["returning"] = json!(returning);
            object
        }
        Event::NameTaken { name } => named("name_taken", name),
        Event::ServerFull => plain("server_full"),
        Event::Superseded => plain("superseded"),
        Event::Dismissed => plain("dismissed"),
        Event::Banned => plain("banned"),
        Event::TableUpdated => plain("table_updated"),
        Event::Peers {
            server,
            server_online,
            peers,
        } => json!({
            "event": "peers",
            "server": {"address": server.to_string(), "online": server_online},
            "peers": peers.iter().map(peer).collect::<Vec<_>>(),
        }),
        Event::Offline => plain("offline"),
        Event::Attempt { attempt, of } => {
            json!({"event": "attempt", "attempt": attempt, "of": of})
        }
        Event::NotResponding => plain("not_responding"),
        Event::ServerBack => plain("server_back"),
        Event::Refused(why) => refused(reason(why)),
        Event::Note(text) => json!({"event": "invalid", "reason": text}),
        Event::Ended(ended) => ended_by(ended)?,
        _ => return None,
    })
}

fn plain(event: &str) -> Value {
    json!({ "event": event })
}

fn named(event: &str, name: &Name) -> Value {
    json!({"event": event, "name": name.as_str()})
}

fn refused(reason: &str) -> Value {
    json!({"event": "refused", "reason": reason})
}

fn state_of(id: &MessageId, state: &str) -> Value {
    json!({"event": "state", "id": id.to_string(), "state": state})
}

fn failed(id: &MessageId, reason: &str) -> Value {
    let mut object = state_of(id, "failed");
    object["reason"] = json!(reason);
    object
}

fn with(mut object: Value, key: &str, name: &Name) -> Value {
    object[key] = json!(name.as_str());
    object
}

fn saved(mut object: Value, received: WallTime) -> Value {
    object["saved"] = time(received);
    object
}

/// Says whom something is for.
fn addressed(mut object: Value, to: &Conversation) -> Value {
    object["conversation"] = json!(kind(to));
    match to {
        Conversation::User(name) => object["to"] = json!(name.as_str()),
        Conversation::Group(group) => object["group"] = json!(group.as_str()),
        Conversation::Channel => {}
    }
    object
}

const fn kind(conversation: &Conversation) -> &'static str {
    match conversation {
        Conversation::User(_) => "direct",
        Conversation::Group(_) => "group",
        Conversation::Channel => "channel",
    }
}

fn names(names: &[Name]) -> Vec<&str> {
    names.iter().map(Name::as_str).collect()
}

fn peer(peer: &Peer) -> Value {
    let address = peer.address.map(|address| address.to_string());
    json!({"name": peer.name.as_str(), "address": address, "online": peer.online})
}

fn owed(message: &Owed) -> Value {
    let stage = match message.stage {
        Stage::Sent => "sent",
        Stage::ForServer => "for_server",
        _ => "waiting",
    };
    let object = json!({
        "id": message.id.to_string(),
        "stage": stage,
        "created": time(message.created),
        "text": message.text.as_str(),
    });
    addressed(object, &message.to)
}

/// The line that answers a command that reads the history; without any, nothing is kept.
pub(crate) fn history(messages: Option<&[Spoken]>) -> String {
    let object = match messages {
        Some(messages) => {
            let messages: Vec<_> = messages.iter().map(said).collect();
            json!({"event": "history", "messages": messages})
        }
        None => refused("no_history"),
    };
    object.to_string()
}

fn said(message: &Spoken) -> Value {
    let fate = match message.fate {
        Fate::Received => "received",
        Fate::Saved => "saved",
        Fate::Delivered => "delivered",
        Fate::Failed => "failed",
        _ => "owed",
    };
    let object = json!({
        "id": message.id.to_string(),
        "from": message.sender.as_str(),
        "at": time(message.at),
        "fate": fate,
        "text": message.text,
    });
    addressed(object, &message.with)
}

/// RFC 3339, in UTC; null for a time that no calendar has.
fn time(time: WallTime) -> Value {
    let micros = i64::try_from(time.as_micros()).ok();
    let time = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    json!(time.map(|time| time.to_string()))
}

const fn reason(why: &Refused) -> &'static str {
    match why {
        Refused::AlreadyOnline => "already_online",
        Refused::Offline(_) => "offline",
        Refused::AlreadyOffline => "already_offline",
        Refused::LeaveGroupFirst => "leave_group_first",
        Refused::NotInGroup => "not_in_group",
        Refused::AlreadyInGroup => "already_in_group",
        Refused::IncorrectUsername => "incorrect_username",
        _ => "other",
    }
}

/// How the client has ended; nothing if it goes on as another user.
fn ended_by(ended: &Ended) -> Option<Value> {
    let reason = match ended {
        Ended::Normally => "normally",
        Ended::Owing(_) => "owing",
        Ended::NotResponding => "not_responding",
        Ended::NameTaken => "name_taken",
        Ended::SwitchUser => return None,
        _ => "refused",
    };
    let mut object = json!({"event": "ended", "reason": reason});
    if let Ended::Owing(owed) = ended {
        object["owed"] = json!(owed);
    }
    Some(object)
}

#[cfg(test)]
mod tests;
