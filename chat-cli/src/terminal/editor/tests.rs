use super::*;

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn control(c: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
}

fn alt(c: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(c), KeyModifiers::ALT)
}

fn typed(text: &str) -> Editor {
    let mut editor = Editor::default();
    for c in text.chars() {
        assert_eq!(editor.key(key(KeyCode::Char(c))), Outcome::Edited);
    }
    editor
}

/// The text with a `|` at the cursor.
fn state(editor: &Editor) -> String {
    let (before, after) = editor.text.split_at(editor.cursor);
    format!("{before}|{after}")
}

fn press(editor: &mut Editor, keys: &[KeyEvent]) {
    for key in keys {
        assert_eq!(editor.key(*key), Outcome::Edited);
    }
}

#[test]
fn a_line_is_typed_and_entered() {
    let mut editor = typed("send y hi");
    assert_eq!(
        editor.key(key(KeyCode::Enter)),
        Outcome::Line("send y hi".into())
    );
    assert_eq!(state(&editor), "|");
}

#[test]
fn the_cursor_moves_by_characters_words_and_to_the_ends() {
    let mut editor = typed("send y hi");
    press(&mut editor, &[key(KeyCode::Left), key(KeyCode::Left)]);
    assert_eq!(state(&editor), "send y |hi");
    press(&mut editor, &[alt('b')]);
    assert_eq!(state(&editor), "send |y hi");
    press(&mut editor, &[key(KeyCode::Home)]);
    assert_eq!(state(&editor), "|send y hi");
    press(&mut editor, &[key(KeyCode::Left), alt('f')]);
    assert_eq!(state(&editor), "send| y hi");
    press(&mut editor, &[key(KeyCode::Right), key(KeyCode::End)]);
    assert_eq!(state(&editor), "send y hi|");
    press(
        &mut editor,
        &[key(KeyCode::Right), control('a'), control('f')],
    );
    assert_eq!(state(&editor), "s|end y hi");
    press(&mut editor, &[control('e'), control('b')]);
    assert_eq!(state(&editor), "send y h|i");
}

#[test]
fn characters_words_and_ends_are_deleted() {
    let mut editor = typed("send y hello you");
    press(&mut editor, &[control('w')]);
    assert_eq!(state(&editor), "send y hello |");
    press(&mut editor, &[control('w')]);
    assert_eq!(state(&editor), "send y |");
    press(&mut editor, &[key(KeyCode::Backspace), control('h')]);
    assert_eq!(state(&editor), "send |");
    press(
        &mut editor,
        &[key(KeyCode::Home), key(KeyCode::Delete), control('d')],
    );
    assert_eq!(state(&editor), "|nd ");
    press(&mut editor, &[key(KeyCode::Delete), control('k')]);
    assert_eq!(state(&editor), "|");
    press(
        &mut editor,
        &[key(KeyCode::Backspace), key(KeyCode::Delete)],
    );
    let mut editor = typed("send y");
    press(&mut editor, &[key(KeyCode::Left), control('u')]);
    assert_eq!(state(&editor), "|y");
}

#[test]
fn a_character_is_what_a_person_sees() {
    let mut editor = typed("a👩‍👩‍👧e\u{301}");
    press(&mut editor, &[key(KeyCode::Left)]);
    assert_eq!(state(&editor), "a👩‍👩‍👧|e\u{301}");
    press(&mut editor, &[key(KeyCode::Backspace)]);
    assert_eq!(state(&editor), "a|e\u{301}");
    press(&mut editor, &[key(KeyCode::Delete)]);
    assert_eq!(state(&editor), "a|");
}

#[test]
fn an_accent_typed_before_another_character_joins_the_one_before() {
    let mut editor = typed("eb");
    press(
        &mut editor,
        &[key(KeyCode::Left), key(KeyCode::Char('\u{301}'))],
    );
    assert_eq!(state(&editor), "e\u{301}|b");
}

#[test]
fn interrupt_and_end_of_input_are_told_apart_from_editing() {
    assert_eq!(typed("half").key(control('c')), Outcome::Interrupt);
    assert_eq!(typed("").key(control('d')), Outcome::EndOfInput);
    assert_eq!(typed("half").key(control('d')), Outcome::Edited);
    assert_eq!(typed("").key(control('z')), Outcome::Suspend);
    assert_eq!(typed("").key(control('l')), Outcome::Clear);
}

#[test]
fn earlier_lines_are_recalled() {
    let mut editor = typed("one");
    editor.key(key(KeyCode::Enter));
    press(&mut editor, &[key(KeyCode::Char('t')), key(KeyCode::Up)]);
    assert_eq!(state(&editor), "one|");
    press(&mut editor, &[key(KeyCode::Down)]);
    assert_eq!(state(&editor), "t|");
}

#[test]
fn a_paste_is_part_of_one_line() {
    let mut editor = typed("send y ");
    editor.paste("first\r\nsecond\rthird\n\n");
    assert_eq!(state(&editor), "send y first\nsecond\nthird|");
    assert_eq!(
        editor.render(">>> ", 80).text,
        ">>> send y first␊second␊third"
    );
    let line = "send y first\nsecond\nthird".into();
    assert_eq!(editor.key(key(KeyCode::Enter)), Outcome::Line(line));
}

#[test]
fn what_is_longer_than_any_command_is_dropped() {
    let mut editor = Editor::default();
    editor.paste(&"é".repeat(MAX_BYTES));
    assert_eq!(editor.text.len(), MAX_BYTES);
    press(&mut editor, &[key(KeyCode::Char('x'))]);
    assert_eq!(editor.text.len(), MAX_BYTES);
}

#[test]
fn the_row_shows_prompt_text_and_cursor() {
    let mut editor = typed("日本x");
    let row = editor.render(">>> ", 80);
    assert_eq!((row.text.as_str(), row.cursor), (">>> 日本x", 9));
    press(&mut editor, &[key(KeyCode::Left), key(KeyCode::Left)]);
    assert_eq!(editor.render(">>> ", 80).cursor, 6);
    let row = Editor::default().render(">>> (g) ", 80);
    assert_eq!((row.text.as_str(), row.cursor), (">>> (g) ", 8));
}

#[test]
fn a_long_line_is_shown_around_the_cursor() {
    let mut editor = typed("abcdefghijklmnopqrstuvwxyz");
    let row = editor.render(">>> ", 15);
    assert_eq!((row.text.as_str(), row.cursor), (">>> rstuvwxyz", 13));
    press(&mut editor, &[key(KeyCode::Home)]);
    let row = editor.render(">>> ", 15);
    assert_eq!((row.text.as_str(), row.cursor), (">>> abcdefghij", 4));
}

#[test]
fn no_width_is_too_small_and_no_row_too_wide() {
    let mut editor = Editor::default();
    editor.paste("日本\x1b[2Jx\ne\u{301}👩‍👩‍👧 long enough to be cut off somewhere");
    for _ in 0..60 {
        for width in 0..50 {
            let row = editor.render(">>> (g) ", width);
            assert!(row.text.width() < usize::from(width.max(2)), "{row:?}");
            assert!(row.cursor < width.max(2), "{row:?} {width}");
            assert!(!row.text.contains(char::is_control));
        }
        editor.key(key(KeyCode::Left));
    }
}

fn shown(editor: &Editor) -> String {
    editor.render(">>> ", 80).text
}

#[test]
fn lines_typed_before_are_searched_backwards() {
    let mut editor = Editor::default();
    for line in ["send bob lunch?", "peers", "send bob dinner?"] {
        press(
            &mut editor,
            &line
                .chars()
                .map(|c| key(KeyCode::Char(c)))
                .collect::<Vec<_>>(),
        );
        editor.key(key(KeyCode::Enter));
    }
    press(&mut editor, &[key(KeyCode::Char('x')), control('r')]);
    assert_eq!(shown(&editor), "(search: ) x");
    press(
        &mut editor,
        &"bob"
            .chars()
            .map(|c| key(KeyCode::Char(c)))
            .collect::<Vec<_>>(),
    );
    assert_eq!(shown(&editor), "(search: bob) send bob dinner?");
    press(&mut editor, &[control('r')]);
    assert_eq!(shown(&editor), "(search: bob) send bob lunch?");
    press(&mut editor, &[control('r')]);
    assert_eq!(
        shown(&editor),
        "(search: bob) send bob lunch?",
        "it is the first"
    );
    press(&mut editor, &[key(KeyCode::Left)]);
    assert_eq!(
        (shown(&editor).as_str(), state(&editor).as_str()),
        (">>> send bob lunch?", "send bob lunch|?")
    );
}

#[test]
fn a_search_is_given_up_or_its_line_entered() {
    let mut editor = typed("send bob lunch?");
    editor.key(key(KeyCode::Enter));
    press(
        &mut editor,
        &[
            key(KeyCode::Char('x')),
            control('r'),
            key(KeyCode::Char('b')),
        ],
    );
    press(&mut editor, &[key(KeyCode::Char('q'))]);
    assert_eq!(
        shown(&editor),
        "(search: bq) send bob lunch?",
        "nothing has it"
    );
    press(&mut editor, &[key(KeyCode::Backspace)]);
    assert_eq!(shown(&editor), "(search: b) send bob lunch?");
    press(&mut editor, &[control('g')]);
    assert_eq!(state(&editor), "x|");
    press(&mut editor, &[control('r'), key(KeyCode::Char('l'))]);
    let entered = editor.key(key(KeyCode::Enter));
    assert_eq!(entered, Outcome::Line("send bob lunch?".into()));
}

#[test]
fn the_word_before_the_cursor_is_completed() {
    let mut editor = typed("send al hi");
    press(&mut editor, &[alt('b'), key(KeyCode::Left)]);
    assert_eq!(editor.key(key(KeyCode::Tab)), Outcome::Complete);
    assert_eq!(editor.before_cursor(), "send al");
    editor.replace_word("alice");
    assert_eq!(state(&editor), "send alice| hi");
    let mut editor = typed("send\u{3000}al");
    editor.replace_word("alice ");
    assert_eq!(state(&editor), "send\u{3000}alice |");
}
