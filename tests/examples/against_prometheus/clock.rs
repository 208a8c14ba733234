//! CPU time and memory of processes (`/proc`, Linux).

use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process so far, all threads, in milliseconds.
pub(crate) fn own_cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// CPU time of another process so far, in milliseconds, to the tick of the
/// system's clock, which is ten milliseconds.
///
/// # Panics
/// When there is no such process.
pub(crate) fn cpu_ms(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the process runs");
    // The second field is a name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<f64>().expect("a number of ticks");
    let (user, system) = (ticks(14), ticks(15));
    (user + system) * 1e3 / rustix::param::clock_ticks_per_second() as f64
}

/// Memory of a process in MiB: `VmRSS` now, `VmHWM` at its peak.
///
/// # Panics
/// When there is no such process.
pub(crate) fn memory_mib(process: &str, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next());
    let kib: f64 = number.and_then(|number| number.parse().ok()).expect("a number of KiB");
    kib / 1024.0
}

/// Lets the peak of a process's memory begin anew.
///
/// # Panics
/// When the process is not ours.
pub(crate) fn forget_peak(process: &str) {
    fs::write(format!("/proc/{process}/clear_refs"), "5").expect("the process is our own");
}
