//! What is written to the terminal: lines above, and the row with prompt and typed line below.

use std::io::{self, Write};

use chat_core::text::Neutral;
use crossterm::{
    cursor::MoveToColumn,
    queue,
    style::{Color, Print, PrintStyledContent, Stylize},
    terminal::{Clear, ClearType},
};

use super::editor::Editor;

/// Rings the bell of a terminal.
const BELL: char = '\u{7}';

/// Writes lines and the row beneath them, in raw mode.
#[derive(Debug, Default)]
pub(crate) struct Painter {
    prompt: String,
    /// The row is on the screen as it should be.
    drawn: bool,
    /// The bell is to ring when the row is drawn: once, whatever has come in.
    rings: bool,
}

impl Painter {
    /// The row has changed, or something else was written over it.
    pub(crate) fn invalidate(&mut self) {
        self.drawn = false;
    }

    /// The bell is to ring.
    pub(crate) fn ring(&mut self) {
        self.rings = true;
    }

    /// Shows lines in place of the row; it is drawn beneath them later.
    pub(crate) fn print(&mut self, output: &mut impl Write, lines: &str) -> io::Result<()> {
        self.print_styled(output, lines, None, None)
    }

    /// Likewise, in a colour, the first line after the time.
    pub(crate) fn print_styled(
        &mut self,
        output: &mut impl Write,
        lines: &str,
        color: Option<Color>,
        time: Option<&str>,
    ) -> io::Result<()> {
        queue!(output, MoveToColumn(0), Clear(ClearType::FromCursorDown))?;
        if let Some(time) = time {
            queue!(output, Print(time), Print(" "))?;
        }
        for line in lines.split('\n') {
            match color {
                Some(color) => queue!(output, PrintStyledContent(line.with(color)))?,
                None => queue!(output, Print(line))?,
            }
            queue!(output, Print("\r\n"))?;
        }
        self.drawn = false;
        Ok(())
    }

    /// Leaves a line that was entered on the screen: all of it, however long it is.
    pub(crate) fn print_entered(&mut self, output: &mut impl Write, line: &str) -> io::Result<()> {
        let row = format!("{}{}", self.prompt, Neutral(line));
        self.print(output, &row)
    }

    /// Draws the row, if it is not there as it should be.
    pub(crate) fn draw(
        &mut self,
        output: &mut impl Write,
        editor: &Editor,
        prompt: &str,
        width: u16,
    ) -> io::Result<()> {
        if self.prompt != prompt {
            self.prompt = prompt.into();
            self.drawn = false;
        }
        if self.drawn {
            return Ok(());
        }
        let row = editor.render(prompt, width);
        queue!(
            output,
            MoveToColumn(0),
            Clear(ClearType::FromCursorDown),
            Print(row.text),
            MoveToColumn(row.cursor)
        )?;
        if std::mem::take(&mut self.rings) {
            queue!(output, Print(BELL))?;
        }
        self.drawn = true;
        output.flush()
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    /// A screen of 20 columns and 6 rows, and a user in front of it.
    struct Desk {
        screen: vt100::Parser,
        editor: Editor,
        painter: Painter,
    }

    impl Desk {
        fn new() -> Self {
            Self {
                screen: vt100::Parser::new(6, 20, 0),
                editor: Editor::default(),
                painter: Painter::default(),
            }
        }

        fn type_text(&mut self, text: &str) {
            self.editor.paste(text);
            self.painter.invalidate();
        }

        fn press(&mut self, code: KeyCode) {
            self.editor.key(KeyEvent::new(code, KeyModifiers::NONE));
            self.painter.invalidate();
        }

        fn print_styled(&mut self, lines: &str, color: Color, time: &str) {
            let (painter, screen) = (&mut self.painter, &mut self.screen);
            painter
                .print_styled(screen, lines, Some(color), Some(time))
                .unwrap();
        }

        fn print(&mut self, lines: &str) {
            self.painter.print(&mut self.screen, lines).unwrap();
        }

        fn enter(&mut self, line: &str) {
            self.editor = Editor::default();
            self.painter.print_entered(&mut self.screen, line).unwrap();
        }

        fn draw(&mut self, prompt: &str) {
            let screen = &mut self.screen;
            self.painter.draw(screen, &self.editor, prompt, 20).unwrap();
        }

        #[track_caller]
        fn assert_rows(&self, expected: &[&str], cursor: (u16, u16)) {
            let screen = self.screen.screen();
            let rows: Vec<_> = screen.rows(0, 20).filter(|row| !row.is_empty()).collect();
            assert_eq!(rows, expected);
            assert_eq!(screen.cursor_position(), cursor);
        }
    }

    #[test]
    fn an_incoming_line_does_not_break_what_is_being_typed() {
        let mut desk = Desk::new();
        desk.draw(">>> ");
        desk.type_text("send y hi");
        desk.press(KeyCode::Left);
        desk.draw(">>> ");
        desk.assert_rows(&[">>> send y hi"], (0, 12));
        desk.print("y: hello");
        desk.draw(">>> ");
        desk.assert_rows(&["y: hello", ">>> send y hi"], (1, 12));
    }

    #[test]
    fn a_line_wider_than_the_screen_takes_several_rows() {
        let mut desk = Desk::new();
        desk.type_text("half");
        desk.draw(">>> ");
        desk.print("y: a line of more than twenty columns");
        desk.draw(">>> ");
        let rows = ["y: a line of more th", "an twenty columns", ">>> half"];
        desk.assert_rows(&rows, (2, 8));
    }

    #[test]
    fn an_event_has_its_color_and_its_time_and_the_typed_line_has_neither() {
        let mut desk = Desk::new();
        desk.type_text("half");
        desk.print_styled("y: hi\nthere", Color::Cyan, "14:40");
        desk.draw(">>> ");
        desk.assert_rows(&["14:40 y: hi", "there", ">>> half"], (2, 8));
        let color = |row, column| desk.screen.screen().cell(row, column).unwrap().fgcolor();
        let cyan = vt100::Color::Idx(14);
        let plain = vt100::Color::Default;
        assert_eq!([color(0, 0), color(0, 6)], [plain, cyan]);
        assert_eq!(
            [color(1, 0), color(2, 0), color(2, 4)],
            [cyan, plain, plain]
        );
    }

    #[test]
    fn the_bell_rings_once_for_all_that_has_come() {
        let (mut painter, mut output) = (Painter::default(), Vec::new());
        for _ in 0..3 {
            painter.ring();
            painter.print(&mut output, "y: hi").unwrap();
        }
        for _ in 0..2 {
            painter.invalidate();
            painter
                .draw(&mut output, &Editor::default(), ">>> ", 20)
                .unwrap();
        }
        let bells = output.iter().filter(|byte| **byte == BELL as u8);
        assert_eq!(bells.count(), 1);
    }

    #[test]
    fn the_prompt_follows_the_group() {
        let mut desk = Desk::new();
        desk.draw(">>> ");
        desk.type_text("x");
        desk.draw(">>> (g) ");
        desk.assert_rows(&[">>> (g) x"], (0, 9));
        desk.draw(">>> ");
        desk.assert_rows(&[">>> x"], (0, 5));
    }

    #[test]
    fn an_entered_line_stays_on_the_screen_as_a_whole() {
        let mut desk = Desk::new();
        let line = "send y more than there is room for";
        desk.type_text(line);
        desk.draw(">>> ");
        desk.assert_rows(&[">>> re is room for"], (0, 18));
        desk.enter(line);
        desk.draw(">>> ");
        let rows = [">>> send y more than", " there is room for", ">>> "];
        desk.assert_rows(&rows, (2, 4));
    }

    #[test]
    fn wide_characters_keep_the_cursor_where_it_belongs() {
        let mut desk = Desk::new();
        desk.type_text("日本語");
        desk.press(KeyCode::Left);
        desk.draw(">>> ");
        desk.assert_rows(&[">>> 日本語"], (0, 8));
    }

    #[test]
    fn many_lines_scroll_and_the_row_stays_last() {
        let mut desk = Desk::new();
        desk.type_text("half");
        for number in 0..10 {
            desk.print(&format!("line {number}"));
        }
        desk.draw(">>> ");
        let rows = ["line 5", "line 6", "line 7", "line 8", "line 9", ">>> half"];
        desk.assert_rows(&rows, (5, 8));
    }
}
