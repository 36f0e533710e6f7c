use super::*;

fn command(text: &str) -> Command {
    match parse(&Line::whole(text.into())).unwrap() {
        Entered::Command(command) => command,
        Entered::Local(local) => panic!("{text:?} is {local:?}"),
    }
}

fn shown(text: &str) -> String {
    match command(text) {
        Command::Note(text) => text,
        other => panic!("{text:?} is {other:?}"),
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn send(to: &str, text: &str) -> Command {
    Command::Send {
        to: name(to),
        text: text.into(),
    }
}

#[test]
fn a_message_is_the_rest_of_the_line_after_one_space_verbatim() {
    assert_eq!(command("send y hi"), send("y", "hi"));
    assert_eq!(command("send y  two  spaces "), send("y", " two  spaces "));
    assert_eq!(command("  send   y hi"), send("y", "hi"));
    assert_eq!(command("send y \t"), send("y", "\t"));
    assert_eq!(command("send y first\nsecond"), send("y", "first\nsecond"));
    let text = " to all".into();
    assert_eq!(command("send_all  to all"), Command::SendAll { text });
    let text = "to the group".into();
    assert_eq!(
        command("send_group to the group"),
        Command::SendGroup { text }
    );
}

#[test]
fn every_command_is_understood_with_and_without_a_slash() {
    let (group, other) = (name("g"), Some(name("y")));
    for (text, expected) in [
        (
            "create_group g",
            Command::CreateGroup {
                group: group.clone(),
            },
        ),
        ("join_group g ", Command::JoinGroup { group }),
        ("list_groups", Command::ListGroups),
        ("list_members", Command::ListMembers),
        ("leave_group ", Command::LeaveGroup),
        ("peers", Command::Peers),
        ("pending", Command::Pending),
        ("dereg", Command::Deregister { name: None }),
        (
            "dereg y",
            Command::Deregister {
                name: other.clone(),
            },
        ),
        ("reg", Command::Register { name: None }),
        ("reg y", Command::Register { name: other }),
        ("quit", Command::Quit),
        ("send y /hi", send("y", "/hi")),
    ] {
        assert_eq!(command(text), expected);
        assert_eq!(command(&format!("/{text}")), expected);
    }
}

#[test]
fn the_history_is_read_without_the_client() {
    let local = |text: &str| match parse(&Line::whole(text.into())) {
        Some(Entered::Local(local)) => local,
        other => panic!("{text:?} is {other:?}"),
    };
    let with = Some(name("bob"));
    assert_eq!(local("history"), Local::History { with: None });
    assert_eq!(local("/history bob "), Local::History { with });
    let text = "two words".into();
    assert_eq!(local("search two words"), Local::Search { text });
    let file = "a b.txt".into();
    assert_eq!(local("export a b.txt"), Local::Export { file });
    for (text, usage) in [
        ("history a/b", "[Usage: history [name]]"),
        ("search ", "[Usage: search <text>]"),
        ("export", "[Usage: export <file>]"),
    ] {
        assert_eq!(shown(text), usage);
    }
}

#[test]
fn what_is_to_be_typed_depends_on_the_command() {
    for (before, is) in [
        ("", Expected::Command),
        (" se", Expected::Command),
        ("send ", Expected::User),
        ("/send  al", Expected::User),
        ("send al ", Expected::Text),
        ("send_all he", Expected::Text),
        ("join_group g", Expected::Group),
        ("history ", Expected::UserOrGroup),
    ] {
        assert_eq!(expected(before), is, "{before:?}");
    }
}

#[test]
fn an_empty_line_is_nothing() {
    for text in ["", "   ", "\t"] {
        assert_eq!(parse(&Line::whole(text.into())), None);
    }
}

#[test]
fn a_slip_of_the_finger_is_recognised() {
    let meant = |text: &str| meant(&Line::whole(text.into()));
    for (typed, expected) in [
        ("sned y hi", "send"),
        ("Send y hi", "send"),
        ("/qiut", "quit"),
        ("jion_group g", "join_group"),
        ("leavegroup", "leave_group"),
        ("histroy", "history"),
    ] {
        assert_eq!(meant(typed), Some(expected));
    }
    for typed in ["", "/", "hello you", "send y hi", "/send y hi", "x"] {
        assert_eq!(meant(typed), None, "{typed}");
    }
}

#[test]
fn an_unknown_word_is_an_invalid_command() {
    assert_eq!(shown("hello you"), "[Invalid command: hello. Type help.]");
    assert_eq!(shown("Send y hi"), "[Invalid command: Send. Type help.]");
    assert_eq!(shown("/"), "[Invalid command: /. Type help.]");
    assert_eq!(
        shown("\x1b[2J"),
        "[Invalid command: \u{241b}[2J. Type help.]"
    );
}

#[test]
fn wrong_arguments_show_the_usage_line() {
    for (text, expected) in [
        ("verify", "[Usage: verify <name> [yes]]"),
        ("verify y no", "[Usage: verify <name> [yes]]"),
        ("send", "[Usage: send <name> <message>]"),
        ("send y", "[Usage: send <name> <message>]"),
        ("send y ", "[Usage: send <name> <message>]"),
        ("/send", "[Usage: send <name> <message>]"),
        ("send_all", "[Usage: send_all <message>]"),
        ("send_group ", "[Usage: send_group <message>]"),
        ("create_group", "[Usage: create_group <g>]"),
        ("create_group a b", "[Usage: create_group <g>]"),
        ("join_group", "[Usage: join_group <g>]"),
        ("list_groups g", "[Usage: list_groups]"),
        ("list_members g", "[Usage: list_members]"),
        ("leave_group g", "[Usage: leave_group]"),
        ("peers y", "[Usage: peers]"),
        ("dereg x y", "[Usage: dereg [name]]"),
        ("reg x y", "[Usage: reg [name]]"),
        ("help me", "[Usage: help]"),
        ("quit now", "[Usage: quit]"),
    ] {
        assert_eq!(shown(text), expected);
    }
}

#[test]
fn what_is_no_name_is_an_invalid_name() {
    for text in [
        "send a/b hi",
        "create_group a/b",
        "join_group a/b",
        "reg a/b",
    ] {
        assert_eq!(shown(text), "[Invalid name: a/b.]");
    }
    assert_eq!(shown("send server hi"), "[Invalid name: server.]");
}

#[test]
fn a_message_longer_than_the_limit_is_refused() {
    let longest = "x".repeat(MAX_TEXT_BYTES);
    assert_eq!(command(&format!("send y {longest}")), send("y", &longest));
    assert_eq!(
        shown(&format!("send_all {longest}x")),
        "[Message too long: 65537 bytes, the limit is 65536.]"
    );
    let line = Line {
        text: "send y hi".into(),
        cut: 1_000_000,
    };
    let expected = "[Message too long: 1000002 bytes, the limit is 65536.]";
    let expected = Command::Note(expected.into());
    assert_eq!(parse(&line), Some(Entered::Command(expected)));
}

#[test]
fn a_line_that_was_cut_is_never_taken_for_the_command_that_is_left_of_it() {
    for (text, expected) in [
        ("send y hi", "[Usage: send <name> <message>]"),
        ("join_group g", "[Usage: join_group <g>]"),
        ("quit", "[Usage: quit]"),
    ] {
        let text = text.into();
        let note = Command::Note(expected.into());
        assert_eq!(parse(&Line { text, cut: 1 }), Some(Entered::Command(note)));
    }
}

#[test]
fn help_lists_every_command() {
    let help = shown("help");
    assert_eq!(help.lines().count(), USAGE.len());
    for (word, _, _) in USAGE {
        assert!(help.lines().any(|line| line.starts_with(word)));
    }
}
