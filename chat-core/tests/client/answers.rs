//! What the server answers to commands, and how it is shown.

use chat_core::{
    client::{Command, Ended, Event},
    time::Duration,
};

use crate::world::{SAVED, SERVER, SETTLED, World, dereg, name, reg, send, shows};

#[test]
fn groups_are_created_once_and_listed() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("x", create("g"));
    world.command("x", create("h"));
    world.run(SETTLED);
    let (first, second) = (
        "[Group g created by Server.]",
        "[Group h created by Server.]",
    );
    assert_eq!(world.lines("x"), shows(&[first, second]));
    world.command("y", create("G"));
    world.command("y", Command::ListGroups);
    world.run(SETTLED);
    let exists = "[Group G already exists.]";
    assert_eq!(
        world.lines("y"),
        shows(&[exists, "[Available group chats:]", "g", "h"])
    );
}

#[test]
fn more_groups_than_a_frame_holds_are_listed_whole() {
    let mut world = World::with_clients(&["x", "y"]);
    let names: Vec<String> = (0..1_001).map(|number| format!("g{number:04}")).collect();
    for group in &names {
        world.command("x", create(group));
        world.run(4);
    }
    world.run(5_000);
    world.command("y", Command::ListGroups);
    world.run(SETTLED);
    assert_eq!(world.lines("y")[1..], names);
}

#[test]
fn a_group_that_does_not_exist_cannot_be_joined() {
    let mut world = World::with_clients(&["x"]);
    world.command("x", join("g"));
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&["[Group g does not exist.]"]));
    assert_eq!(world.client("x").group(), None);
}

#[test]
fn a_late_answer_is_not_taken_for_that_of_another_command() {
    let mut world = World::with_clients(&["x"]);
    world.block(SERVER, "x");
    world.command("x", create("g"));
    world.run(3_000);
    world.command("x", join("h"));
    world.join();
    world.run(SETTLED);
    let lines = world.lines("x");
    let last = lines.last().map(String::as_str);
    assert_eq!(last, Some("[Group h does not exist.]"), "{lines:?}");
    assert_eq!(world.client("x").group(), None);
}

#[test]
fn the_members_of_the_own_group_are_listed() {
    let mut world = x_and_y_in_a_group_and_z();
    assert_eq!(world.client("x").group(), Some(&name("g")));
    world.lines("x");
    world.command("x", Command::ListMembers);
    world.run(SETTLED);
    let members = ["[Members in the group g:]", "x", "y"];
    assert_eq!(world.lines("x"), shows(&members));
}

#[test]
fn a_post_reaches_the_others_in_the_group_and_a_message_to_all_everyone() {
    let mut world = x_and_y_in_a_group_and_z();
    for who in ["x", "y", "z"] {
        world.lines(who);
    }
    world.command(
        "x",
        Command::SendGroup {
            text: "post".into(),
        },
    );
    world.command("z", Command::SendAll { text: "all".into() });
    world.run(SETTLED);
    let received = "[Message received by Server.]";
    assert_eq!(world.lines("z"), shows(&[received]));
    let mut lines = world.lines("y");
    lines.sort();
    let (post, all) = ("[Group_Message x: post]", "[Channel_Message z: all]");
    assert_eq!(lines, shows(&[all, post]));
    let mut lines = world.lines("x");
    lines.sort();
    assert_eq!(lines, shows(&[all, received]));
}

#[test]
fn a_full_server_takes_no_more_groups_and_names() {
    let mut world = World::new();
    world.server_config.max_groups = 1;
    world.server_config.max_names = 1;
    world.start(SERVER);
    world.start("x");
    world.run(SETTLED);
    world.start("y");
    world.command("x", create("g"));
    world.command("x", create("h"));
    world.run(SETTLED);
    let full = "[The server is full.]".to_owned();
    assert_eq!(world.lines("x").last(), Some(&full));
    assert_eq!(world.lines("y").last(), Some(&full));
    assert_eq!(world.ended("y"), Some(Ended::Refused));
    assert_eq!(world.ended("x"), None);
}

#[test]
fn a_full_mailbox_takes_no_more() {
    let mut world = World::new();
    world.server_config.max_mailbox = 1;
    world.start_all(&["x", "y"]);
    world.command("y", dereg());
    world.run(SETTLED);
    world.command("x", send("y", "one"));
    world.command("x", send("y", "two"));
    world.run(SETTLED);
    let full = "[Mailbox of y is full, message not sent.]";
    assert_eq!(world.lines("x"), shows(&[SAVED, full]));
    assert_eq!(world.client("x").owed(), 0);
}

#[test]
fn a_message_that_nobody_fetches_expires_and_its_sender_is_told() {
    let mut world = World::new();
    world.server_config.expiry = Duration::from_secs(60);
    world.start_all(&["x", "y"]);
    world.command("y", dereg());
    world.run(SETTLED);
    world.command("x", send("y", "old"));
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&[SAVED]));
    world.run(120_000);
    let expired = "[Message of <ts> to y expired.]";
    assert_eq!(world.lines("x"), shows(&[expired]));
    world.command("y", reg());
    world.run(SETTLED);
    let back = ["[You are Offline. Bye.]", "[Welcome back!]"];
    assert_eq!(world.lines("y"), shows(&back));
}

#[test]
fn who_was_away_too_long_is_told_how_much_is_gone() {
    let mut world = World::new();
    world.server_config.max_group_log = 2;
    world.start_all(&["x", "y"]);
    world.command("y", dereg());
    world.run(SETTLED);
    for text in ["one", "two", "three", "four", "five"] {
        world.command("x", Command::SendAll { text: text.into() });
    }
    world.run(SETTLED);
    world.lines("y");
    world.command("y", reg());
    world.run(SETTLED);
    let lines = world.lines("y");
    let gone = "[3 older messages of the channel are gone.]".to_owned();
    assert!(lines.contains(&gone), "{lines:?}");
    let last = [
        "Channel Message x: <ts> four",
        "Channel Message x: <ts> five",
    ];
    assert_eq!(lines[lines.len() - 2..], shows(&last));
}

#[test]
fn logging_in_elsewhere_ends_the_session_here() {
    let mut world = World::with_clients(&["x", "y"]);
    world.start_elsewhere("y", "y'");
    world.run(SETTLED);
    let superseded = "[You logged in on another device. You are offline.]";
    assert_eq!(world.lines("y"), shows(&[superseded]));
    assert_eq!(world.lines("y'"), shows(&["[Welcome back!]"]));
    world.command("x", send("y", "hello"));
    world.run(2_000);
    assert_eq!(world.lines("y'"), shows(&["x: hello"]));
    assert_eq!(world.lines("y"), shows(&[]));
}

#[test]
fn the_table_shows_who_is_online() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("y", dereg());
    world.run(SETTLED);
    world.events("x");
    world.command("x", Command::Peers);
    world.command("x", Command::Note("a line".into()));
    world.run(1);
    let events = world.events("x");
    let [
        Event::Peers {
            server_online,
            peers,
            ..
        },
        note,
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert!(server_online);
    let online = |who: &str| {
        peers
            .iter()
            .find(|peer| peer.name == name(who))
            .map(|peer| peer.online)
    };
    assert_eq!((online("x"), online("y")), (Some(true), Some(false)));
    assert_eq!(*note, Event::Note("a line".into()));
}

#[test]
fn the_table_is_not_shown_before_it_has_come() {
    let mut world = World::with_clients(&["x"]);
    world.start("y");
    world.command("y", Command::Peers);
    world.run(SETTLED);
    let events = world.events("y").into_iter();
    let mut tables = events.filter_map(|event| match event {
        Event::Peers { peers, .. } => Some(peers),
        _ => None,
    });
    let table = tables.next().expect("it is shown");
    assert!(table.iter().any(|peer| peer.name == name("x")));
}

fn create(group: &str) -> Command {
    Command::CreateGroup { group: name(group) }
}

fn join(group: &str) -> Command {
    Command::JoinGroup { group: name(group) }
}

fn x_and_y_in_a_group_and_z() -> World {
    let mut world = World::with_clients(&["x", "y", "z"]);
    world.command("x", create("g"));
    world.run(SETTLED);
    world.command("x", join("g"));
    world.command("y", join("g"));
    world.run(SETTLED);
    world
}

#[test]
fn the_first_table_is_waited_for_no_longer_than_an_answer() {
    let mut world = World::new();
    world.server_config.table_interval = Duration::from_secs(60);
    world.start(SERVER);
    world.start("x");
    world.command("x", Command::Peers);
    world.run(400);
    let welcome = "[Welcome, You are registered.]";
    assert_eq!(world.lines("x"), shows(&[welcome]));
    world.run(200);
    assert!(world.lines("x")[0].starts_with("SERVER @ "));
}
