//! The Gregorian calendar in UTC, for the date functions.

/// A moment, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// 1 to 31.
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
    /// 0 is Sunday.
    pub(crate) weekday: u32,
    /// 1 to 366.
    pub(crate) day_of_year: u32,
}

const SECONDS_PER_DAY: i128 = 86_400;
/// Go counts seconds from here, unsigned: what is before wraps around to the
/// end of all times (go/src/time/time.go, `absoluteYears`).
const BEGINNING: i64 = -9_223_372_028_741_760_000;
/// Days of 400 years, after which the calendar repeats.
const DAYS_PER_ERA: i128 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_EPOCH: i128 = 719_468;

impl Civil {
    /// The moment so many seconds after the epoch.
    pub(crate) fn at(seconds: i64) -> Self {
        let wrapped = if seconds < BEGINNING { 1 << 64 } else { 0 };
        let seconds = i128::from(seconds) + wrapped;
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY) as u32;
        // Years that begin in March put the leap day last.
        let shifted = days + DAYS_BEFORE_EPOCH;
        let era = shifted.div_euclid(DAYS_PER_ERA);
        let of_era = shifted.rem_euclid(DAYS_PER_ERA);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let day = (of_year - (153 * march_month + 2) / 5 + 1) as u32;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 } as u32;
        let year = (year_of_era + era * 400) as i64 + i64::from(month <= 2);
        let before: u32 = (1..month).map(|month| days_in_month(year, month)).sum();
        Self {
            year,
            month,
            day,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            weekday: (days + 4).rem_euclid(7) as u32,
            day_of_year: before + day,
        }
    }

    /// Days of its month.
    pub(crate) fn days_in_month(&self) -> u32 {
        days_in_month(self.year, self.month)
    }
}

fn days_in_month(year: i64, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates_come_out() {
        let leap_day = Civil::at(951_825_599);
        assert_eq!((leap_day.year, leap_day.month, leap_day.day), (2000, 2, 29));
        assert_eq!((leap_day.hour, leap_day.minute, leap_day.second), (11, 59, 59));
        assert_eq!((leap_day.weekday, leap_day.day_of_year), (2, 60));
        let before = Civil::at(-1);
        assert_eq!((before.year, before.month, before.day, before.weekday), (1969, 12, 31, 3));
        assert_eq!(before.day_of_year, 365);
    }

    #[test]
    fn the_earliest_seconds_wrap_around_as_in_go() {
        let wrapped = Civil::at(i64::MIN);
        assert_eq!((wrapped.year, wrapped.month, wrapped.day), (292_277_026_596, 12, 4));
        assert_eq!((wrapped.hour, wrapped.minute, wrapped.second), (15, 30, 8));
        assert_eq!((Civil::at(BEGINNING).month, Civil::at(BEGINNING).day), (3, 1));
        assert_eq!(Civil::at(i64::MAX).second, 7);
    }
}
