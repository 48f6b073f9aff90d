//! The two clocks: the one that all processes of the machine share, and the CPU time of this process.

use rustix::time::{ClockId, Timespec, clock_gettime};

pub(crate) const MILLISECOND: u64 = 1_000_000;

/// Nanoseconds of the monotonic clock, which is Python's `time.monotonic_ns()` too.
pub(crate) fn now() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// Nanoseconds of CPU time, user and system, that this process has used.
pub(crate) fn cpu() -> u64 {
    nanoseconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// A span as epoll takes it.
pub(crate) fn span(nanoseconds: u64) -> Timespec {
    let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    Timespec { tv_sec: seconds.try_into().unwrap_or(i64::MAX), tv_nsec: rest.try_into().unwrap_or(0) }
}

fn nanoseconds(time: Timespec) -> u64 {
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
