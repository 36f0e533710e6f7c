//! What people see of an event.

use std::fmt::Display;

use chat_core::{
    client, server,
    text::{English, LocalTime},
    time::WallTime,
};

/// The lines that a client shows for `event`. The server's fingerprint is for stderr.
pub fn of_client(event: &client::Event) -> Vec<String> {
    match event {
        client::Event::ServerTrusted { .. } => Vec::new(),
        event => lines(English::new(event, UTC)),
    }
}

/// The lines that a server shows for `event`.
pub fn of_server(event: &server::Event) -> Vec<String> {
    lines(English::new(event, UTC))
}

fn lines(english: impl Display) -> Vec<String> {
    let text = english.to_string();
    text.lines().map(str::to_owned).collect()
}

/// The local time of the virtual world.
const UTC: &LocalTime = &utc;

fn utc(time: WallTime) -> String {
    let seconds = time.as_micros() / 1_000_000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute) = (seconds / 3_600 % 24, seconds / 60 % 60);
    let second = seconds % 60;
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// The Gregorian date of a day since 1970-01-01, by counting: few days are ever asked for.
fn date(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    let is_leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WALL_AT_START;

    #[test]
    fn the_virtual_world_begins_in_the_afternoon() {
        assert_eq!(utc(WALL_AT_START), "2023-10-25 14:40:07");
        assert_eq!(
            utc(WallTime::from_micros(951_782_400_000_000)),
            "2000-02-29 00:00:00"
        );
    }
}
