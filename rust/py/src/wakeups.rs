//! When a loop is woken to read: for whatever comes, or, where that happens thousands of times a second, by a clock.
//!
//! Owns what the loop watches: an epoll instance with the one of the sockets in it, and with a timer. An iteration of
//! the loop costs as much as a read or two; network cards spare their interrupts in the same way. Owns no socket.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::{Errno, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// So long may what comes lie there in a busy loop. Less than what the loop is kept for at a time: where that was not
/// enough the clock has struck again meanwhile, and the loop goes on at once.
pub(crate) const TICK: Duration = Duration::from_micros(700);
/// So many wake-ups are counted before anything changes.
const WINDOW: u32 = 64;
/// So many wake-ups in the time of a tick are worth it, and then so many reads at each: on some machines the wait for a
/// clock takes the CPU time of three of them.
const ENOUGH: u32 = 4;
/// Of the bytes a second that came, so many must still come: who asks the next thing when the last one is answered waits
/// for each tick. The clock begins where wake-ups are a quarter of a tick apart or less, so that no more than a quarter
/// of what such a one had is left.
const KEPT: f64 = 0.75;
/// After ticks that were not worth it, the time until they are tried again; twice that after each time in a row.
const REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(2);

/// What came of a wake-up.
pub(crate) struct Wakeup {
    pub(crate) began: Instant,
    pub(crate) reads: u32,
    pub(crate) bytes: usize,
    /// How often another socket was read than just before.
    pub(crate) switches: u32,
}

pub(crate) struct Wakeups {
    watched: OwnedFd,
    /// From the first time on that the loop is as busy as that, which most never are.
    clock: Option<OwnedFd>,
    ticks: bool,
    count: u32,
    reads: u32,
    bytes: u32,
    switches: u32,
    /// Since when they are counted.
    since: Instant,
    /// Bytes a second when the clock began.
    rate: f64,
    /// Whether the last ticks were not worth it.
    doubted: bool,
    rest: Duration,
    rests_until: Instant,
}

impl Wakeups {
    /// For what comes at those sockets.
    pub(crate) fn new(sockets: &OwnedFd) -> Result<Self, Errno> {
        let watched = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&watched, sockets, unnamed(), EventFlags::IN)?;
        let now = Instant::now();
        let (count, reads, bytes, switches, since) = (0, 0, 0, 0, now);
        let (clock, ticks, rate, doubted, rest, rests_until) = (None, false, 0.0, false, REST, now);
        Ok(Self { watched, clock, ticks, count, reads, bytes, switches, since, rate, doubted, rest, rests_until })
    }

    /// What the loop is to watch.
    pub(crate) fn fileno(&self) -> RawFd {
        self.watched.as_raw_fd()
    }

    /// The loop was woken: what the clock has struck until now is dealt with.
    pub(crate) fn begin(&self) {
        if let (true, Some(clock)) = (self.ticks, &self.clock) {
            // Where it has not struck, somebody else has called.
            let _ = read(clock, &mut [0; size_of::<u64>()]);
        }
    }

    /// All has been read that was to be read at once.
    pub(crate) fn end(&mut self, sockets: &OwnedFd, wakeup: &Wakeup) {
        let began = wakeup.began;
        self.count += 1;
        self.reads = self.reads.saturating_add(wakeup.reads);
        self.bytes = self.bytes.saturating_add(u32::try_from(wakeup.bytes).unwrap_or(u32::MAX));
        self.switches = self.switches.saturating_add(wakeup.switches);
        if self.count < WINDOW {
            return;
        }
        let spent = began.saturating_duration_since(self.since);
        let rate = f64::from(self.bytes) / spent.as_secs_f64().max(f64::MIN_POSITIVE);
        if !self.ticks {
            // One socket alone has nothing to be read together with.
            let several = self.switches >= self.reads / 2;
            if several && spent * ENOUGH < TICK * WINDOW && began >= self.rests_until {
                self.rate = rate;
                if self.tick(sockets).is_err() {
                    self.rests_until = began + LONGEST_REST; // the system has no more files
                }
            }
        } else if self.reads >= WINDOW * ENOUGH && rate >= self.rate * KEPT {
            (self.rest, self.doubted) = (REST, false);
        } else if !self.doubted {
            self.doubted = true; // once may be chance
        } else {
            self.doubted = false;
            self.hear(sockets);
            self.rests_until = began + self.rest;
            self.rest = LONGEST_REST.min(self.rest * 2);
        }
        (self.count, self.reads, self.bytes, self.switches, self.since) = (0, 0, 0, 0, began);
    }

    /// By the clock from now on, and what a wake-up has left over is read in the one at the next tick. Where that fails
    /// it is as before, or the loop is woken for both.
    fn tick(&mut self, sockets: &OwnedFd) -> Result<(), Errno> {
        let clock = match self.clock.take() {
            Some(clock) => clock,
            None => self.new_clock()?,
        };
        self.ticks = strike_every(&clock, TICK).is_ok();
        self.clock = Some(clock);
        if self.ticks { self.listen_to(sockets, EventFlags::empty()) } else { Ok(()) }
    }

    fn new_clock(&self) -> Result<OwnedFd, Errno> {
        let clock = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        epoll::add(&self.watched, &clock, unnamed(), EventFlags::IN)?;
        Ok(clock)
    }

    /// For whatever comes. Where that fails the clock goes on.
    fn hear(&mut self, sockets: &OwnedFd) {
        let stopped = || self.clock.as_ref().map_or(Ok(()), |clock| strike_every(clock, Duration::ZERO));
        self.ticks = self.listen_to(sockets, EventFlags::IN).and_then(|()| stopped()).is_err();
    }

    fn listen_to(&self, sockets: &OwnedFd, flags: EventFlags) -> Result<(), Errno> {
        epoll::modify(&self.watched, sockets, unnamed(), flags)
    }
}

/// Zero: never.
fn strike_every(clock: &OwnedFd, period: Duration) -> Result<(), Errno> {
    let period = Timespec { tv_sec: 0, tv_nsec: period.subsec_nanos().into() };
    let spec = Itimerspec { it_interval: period, it_value: period };
    timerfd_settime(clock, TimerfdTimerFlags::empty(), &spec).map(drop)
}

/// The instance is only watched, never asked what in it is ready.
fn unnamed() -> EventData {
    EventData::new_u64(0)
}
