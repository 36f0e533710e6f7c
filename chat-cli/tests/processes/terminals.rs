//! The client on a terminal: what its user sees, whatever comes in meanwhile.

use std::process::Command;

use super::{
    pty::{Terminal, rows},
    support::{Process, chat, client, free_port, server},
};

const LEFT: &str = "\x1b[D";
const UP: &str = "\x1b[A";
const BACKSPACE: &str = "\x7f";
const CONTROL_G: &str = "\x07";
const CONTROL_R: &str = "\x12";
const CONTROL_U: &str = "\x15";
const CYAN: vt100::Color = vt100::Color::Idx(14);

#[test]
fn a_burst_of_incoming_lines_leaves_a_half_typed_line_alone() {
    let mut chat = Chat::new(12, 80);
    chat.alice.press("send bob half a li");
    chat.alice.shows_last(">>> send bob half a li", 22);
    for number in 1..=300 {
        chat.bob
            .write(format!("send alice message {number}\n").as_bytes());
    }
    chat.alice.shows("bob: message 300");
    chat.alice.shows_last(">>> send bob half a li", 22);
    chat.alice.press("ne\r");
    chat.bob.read_until("alice: half a line");
}

#[test]
fn a_line_follows_the_size_of_the_window() {
    let mut chat = Chat::new(12, 80);
    let line = "send bob a line that is wider than thirty columns";
    chat.alice.press(line);
    chat.alice.shows_last(&format!(">>> {line}"), 53);
    chat.alice.resize(12, 30);
    chat.alice.wait(|screen| {
        let rows = rows(screen);
        let last = rows.last().unwrap();
        last.starts_with(">>> ") && last.ends_with("thirty columns") && last.len() < 30
    });
    chat.bob.write(b"send alice meanwhile\n");
    chat.alice.shows("bob: meanwhile");
    chat.alice.resize(8, 100);
    chat.alice
        .wait(|screen| rows(screen).last().unwrap().ends_with(line));
    chat.alice.press("\r");
    chat.bob
        .read_until("alice: a line that is wider than thirty columns");
}

#[test]
fn a_paste_of_several_lines_is_one_message() {
    let mut chat = Chat::new(12, 80);
    chat.alice
        .press("\x1b[200~send bob one\ntwo\nthree\n\x1b[201~");
    chat.alice.shows_last(">>> send bob one␊two␊three", 26);
    chat.alice.press("\r");
    chat.bob.read_until("alice: one␊two␊three");
}

#[test]
fn wide_characters_emoji_and_accents_are_moved_over_and_deleted_as_one() {
    let mut chat = Chat::new(12, 80);
    chat.alice.press("send bob 日本🍜e\u{301}x");
    chat.alice.shows_last(">>> send bob 日本🍜e\u{301}x", 21);
    chat.alice.press(&format!("{LEFT}{LEFT}"));
    chat.alice.shows_last(">>> send bob 日本🍜e\u{301}x", 19);
    chat.alice.press(BACKSPACE);
    chat.alice.shows_last(">>> send bob 日本e\u{301}x", 17);
    chat.alice.press("\r");
    chat.bob.read_until("alice: 日本e\u{301}x");
}

#[test]
fn earlier_lines_are_recalled_and_searched_and_words_completed() {
    let mut chat = Chat::new(12, 80);
    for line in ["send bob lunch?", "send bob dinner?"] {
        chat.alice.press(&format!("{line}\r"));
        chat.alice.shows(&format!(">>> {line}"));
    }
    chat.alice.press(UP);
    chat.alice.shows_last(">>> send bob dinner?", 20);
    chat.alice.press(&format!("{CONTROL_U}{CONTROL_R}lun"));
    chat.alice
        .wait(|screen| rows(screen).last().unwrap().ends_with("send bob lunch?"));
    chat.alice.press(&format!("{CONTROL_G}{CONTROL_U}send b\t"));
    chat.alice.shows_last(">>> send bob ", 13);
    chat.alice.press(&format!("{CONTROL_U}join_\t"));
    chat.alice.shows_last(">>> join_group ", 15);
    chat.alice.press(&format!("{CONTROL_U}se\t"));
    chat.alice.shows("search  send  send_all  send_group");
    chat.alice.shows_last(">>> se", 6);
    chat.alice.press(&format!("{CONTROL_U}sned bob hi\r"));
    chat.alice.shows("[Invalid command: sned. Type help.]");
    chat.alice.shows("[Did you mean send?]");
}

#[test]
fn the_prompt_counts_the_messages_that_wait_behind_a_group() {
    let mut chat = Chat::new(12, 80);
    chat.alice.press("create_group crew\rjoin_group crew\r");
    chat.alice.shows_last(">>> (crew) ", 11);
    chat.bob.write(b"send alice one\nsend alice two\n");
    chat.alice.shows_last(">>> (crew, 2 unread) ", 21);
    chat.alice.press("leave_group\r");
    chat.alice.shows("bob: two");
    chat.alice.shows_last(">>> ", 4);
}

#[test]
fn what_others_write_does_nothing_to_the_screen() {
    let mut chat = Chat::new(12, 80);
    chat.alice.press("half");
    chat.bob
        .write(b"send alice \x1b[2J\x1b]0;title\x07\x1b[31mred\n");
    chat.alice.wait(|screen| {
        let rows = rows(screen);
        let message = rows.iter().find(|row| row.starts_with("bob: "));
        message.is_some_and(|row| row.contains("[2J") && row.ends_with("red"))
            && rows
                .iter()
                .any(|row| row == "[Welcome, You are registered.]")
    });
    chat.alice.shows_last(">>> half", 8);
}

#[test]
fn messages_have_a_color_unless_it_is_not_wanted() {
    for (no_color, expected) in [("", CYAN), ("1", vt100::Color::Default)] {
        let mut chat = Chat::with(12, 80, |command| {
            command.env("NO_COLOR", no_color);
        });
        chat.bob.write("send alice ☃\n".as_bytes());
        chat.alice.shows("bob: ☃");
        assert_eq!(chat.alice.color("☃"), expected);
    }
}

/// Alice at a terminal, bob in pipes, and their server.
struct Chat {
    alice: Terminal,
    bob: Process,
    _server: Process,
    _data: tempfile::TempDir,
}

impl Chat {
    fn new(rows: u16, columns: u16) -> Self {
        Self::with(rows, columns, |_| {})
    }

    fn with(rows: u16, columns: u16, change: impl Fn(&mut Command)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let port = free_port();
        let server = server(data.path(), &port);
        let bob = client(data.path(), "bob", &port);
        let mut command = chat(data.path(), &["client", "alice", "127.0.0.1", &port]);
        command.env("TERM", "xterm-256color").env("NO_COLOR", "");
        change(&mut command);
        let alice = Terminal::start(command, rows, columns);
        alice.shows("[Welcome, You are registered.]");
        alice.shows_last(">>> ", 4);
        Self {
            alice,
            bob,
            _server: server,
            _data: data,
        }
    }
}
