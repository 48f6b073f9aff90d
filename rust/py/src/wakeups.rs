//! When a loop is woken to read: for whatever comes, or, where that happens thousands of times a second, by a clock.
//!
//! Owns what the loop watches: an epoll instance with the one of the sockets in it, and with a timer. A turn of the loop
//! costs as much as a read or two; network cards spare their interrupts in the same way. Owns no socket.

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
const WINDOW: u32 = 16;
/// So many reads a tick are worth it, in halves.
const ENOUGH: u32 = 3;
/// After ticks for nothing, the time until they are tried again: who asks one thing after the other, thousands a second,
/// waits for each tick.
const REST: Duration = Duration::from_millis(250);

pub(crate) struct Wakeups {
    watched: OwnedFd,
    clock: OwnedFd,
    ticks: bool,
    turns: u32,
    reads: u32,
    /// Since when they are counted.
    since: Instant,
    rests_until: Instant,
}

impl Wakeups {
    /// For what comes at those sockets.
    pub(crate) fn new(sockets: &OwnedFd) -> Result<Self, Errno> {
        let watched = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let clock = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        let data = EventData::new_u64(0); // it is only watched, never asked which of them it is
        epoll::add(&watched, sockets, data, EventFlags::IN)?;
        epoll::add(&watched, &clock, data, EventFlags::IN)?;
        let now = Instant::now();
        Ok(Self { watched, clock, ticks: false, turns: 0, reads: 0, since: now, rests_until: now })
    }

    /// What the loop is to watch.
    pub(crate) fn fileno(&self) -> RawFd {
        self.watched.as_raw_fd()
    }

    /// The loop was woken: what the clock has struck until now is dealt with.
    pub(crate) fn begin(&self) {
        if self.ticks {
            // Where it has not struck, somebody else has called.
            let _ = read(&self.clock, &mut [0; size_of::<u64>()]);
        }
    }

    /// So many reads came of it.
    pub(crate) fn end(&mut self, sockets: &OwnedFd, began: Instant, reads: u32) {
        self.turns += 1;
        self.reads = self.reads.saturating_add(reads);
        if self.turns < WINDOW {
            return;
        }
        let spent = began.saturating_duration_since(self.since);
        if self.ticks && self.reads * 2 < WINDOW * ENOUGH {
            self.hear(sockets);
            self.rests_until = began + REST;
        } else if !self.ticks && spent * ENOUGH < TICK * WINDOW * 2 && began >= self.rests_until {
            self.tick(sockets);
        }
        (self.turns, self.reads, self.since) = (0, 0, began);
    }

    /// By the clock from now on. Where that fails it is as before, or the loop is woken for both.
    fn tick(&mut self, sockets: &OwnedFd) {
        self.ticks = self.strike_every(TICK).is_ok();
        if self.ticks {
            let _ = self.listen_to(sockets, EventFlags::empty());
        }
    }

    /// For whatever comes. Where that fails the clock goes on.
    fn hear(&mut self, sockets: &OwnedFd) {
        self.ticks = self.listen_to(sockets, EventFlags::IN).and_then(|()| self.strike_every(Duration::ZERO)).is_err();
    }

    fn listen_to(&self, sockets: &OwnedFd, flags: EventFlags) -> Result<(), Errno> {
        epoll::modify(&self.watched, sockets, EventData::new_u64(0), flags)
    }

    /// Zero: never.
    fn strike_every(&self, period: Duration) -> Result<(), Errno> {
        let period = Timespec { tv_sec: 0, tv_nsec: period.subsec_nanos().into() };
        let spec = Itimerspec { it_interval: period, it_value: period };
        timerfd_settime(&self.clock, TimerfdTimerFlags::empty(), &spec).map(drop)
    }
}
