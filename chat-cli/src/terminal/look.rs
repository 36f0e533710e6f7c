//! How events look on the terminal: colours, times, the bell.
//!
//! Only the sixteen colours that every terminal has, which its user has chosen.

use chat_core::client::Event;
use clap::ValueEnum;
use crossterm::style::Color;

/// Colours that go with a background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Theme {
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// No colours, as with NO_COLOR.
    None,
}

/// How a client looks on its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) theme: Theme,
    /// Each event begins with the time.
    pub(crate) timestamps: bool,
    /// A message that arrives rings the bell.
    pub(crate) bell: bool,
}

/// What an event means to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Somebody says something.
    Message,
    /// A message has come where it was to come.
    Arrived,
    /// A message has not come there yet.
    Waiting,
    /// Something is not done.
    Trouble,
    /// It happens all the time.
    Routine,
    /// Anything else.
    Plain,
}

impl Kind {
    pub(crate) const fn of(event: &Event) -> Self {
        match event {
            Event::Message { .. } => Self::Message,
            Event::Received { .. }
            | Event::ReceivedByServer { .. }
            | Event::Saved { .. }
            | Event::SavedReceived { .. } => Self::Arrived,
            Event::NoAck { .. } | Event::Kept { .. } | Event::Exists { .. } => Self::Waiting,
            Event::MailboxFull { .. }
            | Event::Expired { .. }
            | Event::NoSuchClient { .. }
            | Event::NotAMember { .. }
            | Event::KeyChanged { .. }
            | Event::KeyUnknown { .. }
            | Event::TooLong { .. }
            | Event::OutboxFull
            | Event::StoreFailed { .. }
            | Event::Refused(_)
            | Event::Gone { .. }
            | Event::NameTaken { .. }
            | Event::ServerFull
            | Event::Superseded
            | Event::Dismissed
            | Event::Banned
            | Event::NotResponding => Self::Trouble,
            Event::TableUpdated | Event::Attempt { .. } => Self::Routine,
            _ => Self::Plain,
        }
    }
}

impl Look {
    /// The colour of an event.
    pub(crate) const fn color(self, kind: Kind) -> Option<Color> {
        Some(match (self.theme, kind) {
            (Theme::None, _) | (_, Kind::Plain) => return None,
            (Theme::Dark, Kind::Message) => Color::Cyan,
            (Theme::Light, Kind::Message) => Color::DarkBlue,
            (Theme::Dark, Kind::Arrived) => Color::Green,
            (Theme::Light, Kind::Arrived) => Color::DarkGreen,
            (Theme::Dark, Kind::Waiting) => Color::Yellow,
            (Theme::Light, Kind::Waiting) => Color::DarkMagenta,
            (Theme::Dark, Kind::Trouble) => Color::Red,
            (Theme::Light, Kind::Trouble) => Color::DarkRed,
            (_, Kind::Routine) => Color::DarkGrey,
        })
    }

    /// Whether the bell is to ring.
    pub(crate) fn rings(self, kind: Kind) -> bool {
        self.bell && kind == Kind::Message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_but_plain_has_its_own_color_or_none_has() {
        let kinds = [
            Kind::Message,
            Kind::Arrived,
            Kind::Waiting,
            Kind::Trouble,
            Kind::Routine,
        ];
        for theme in [Theme::Dark, Theme::Light, Theme::None] {
            let look = Look {
                theme,
                timestamps: false,
                bell: true,
            };
            let mut colors: Vec<_> = kinds.iter().filter_map(|kind| look.color(*kind)).collect();
            colors.sort_by_key(|color| format!("{color:?}"));
            colors.dedup();
            let expected = if theme == Theme::None { 0 } else { kinds.len() };
            assert_eq!(colors.len(), expected, "{theme:?}");
            assert_eq!(look.color(Kind::Plain), None);
            assert!(look.rings(Kind::Message) && !look.rings(Kind::Trouble));
        }
    }
}
