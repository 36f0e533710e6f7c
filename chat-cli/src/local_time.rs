//! Times as the reader's clock shows them.

use chat_core::time::WallTime;
use jiff::{Timestamp, tz::TimeZone};

/// `time` in the system's time zone, like `2023-10-25 14:40:07`.
pub(crate) fn local_time(time: WallTime) -> String {
    in_zone(time, TimeZone::system())
}

/// The time of day in the system's time zone, like `14:40`.
pub(crate) fn time_of_day(time: WallTime) -> String {
    local_time(time)[11..16].to_owned()
}

/// A time that no calendar has is shown as the first that it has.
fn in_zone(time: WallTime, zone: TimeZone) -> String {
    let micros = i64::try_from(time.as_micros()).ok();
    let timestamp = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let zoned = timestamp.unwrap_or_default().to_zoned(zone);
    zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::tz::offset;

    use super::*;

    #[test]
    fn a_time_is_shown_in_the_readers_zone() {
        let time = WallTime::from_micros(1_698_244_807_999_999);
        assert_eq!(in_zone(time, TimeZone::UTC), "2023-10-25 14:40:07");
        let zone = offset(2).to_time_zone();
        assert_eq!(in_zone(time, zone), "2023-10-25 16:40:07");
    }

    #[test]
    fn the_time_of_day_is_a_part_of_it() {
        let time = WallTime::from_micros(1_698_244_807_999_999);
        assert!(local_time(time).contains(&format!(" {}:", time_of_day(time))));
    }

    #[test]
    fn no_time_is_too_far_away() {
        let time = WallTime::from_micros(u64::MAX);
        assert_eq!(in_zone(time, TimeZone::UTC), "1970-01-01 00:00:00");
    }
}
