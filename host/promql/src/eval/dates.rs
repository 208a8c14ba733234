//! Parts of dates, in UTC.

use crate::calendar::Civil;
use crate::functions::FunctionId;

/// Whole seconds of a float, as Go converts on amd64.
pub(super) fn seconds(value: f64) -> i64 {
    const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;
    if value.is_nan() || value.abs() >= TOO_LARGE { i64::MIN } else { value as i64 }
}

/// The part of a date that a function gives, of seconds since the epoch.
pub(super) fn part(id: FunctionId) -> fn(i64) -> f64 {
    match id {
        FunctionId::DaysInMonth => |at| f64::from(Civil::at(at).days_in_month()),
        FunctionId::DayOfMonth => |at| f64::from(Civil::at(at).day),
        FunctionId::DayOfWeek => |at| f64::from(Civil::at(at).weekday),
        FunctionId::DayOfYear => |at| f64::from(Civil::at(at).day_of_year),
        FunctionId::Hour => |at| f64::from(Civil::at(at).hour),
        FunctionId::Minute => |at| f64::from(Civil::at(at).minute),
        FunctionId::Month => |at| f64::from(Civil::at(at).month),
        _ => |at| Civil::at(at).year as f64,
    }
}
