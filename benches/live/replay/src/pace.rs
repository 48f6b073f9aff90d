//! When the next event of every stream is due, and how late the server was with those before.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clock;

/// A bucket of the histogram, in nanoseconds.
const BUCKET: u64 = 10_000;
const BUCKETS: usize = 10_000;
/// The first events come so long after the start was asked for: its answer is out by then.
const LEAD: u64 = 5 * clock::MILLISECOND;

pub(crate) struct Pace {
    due: BinaryHeap<Reverse<(u64, u64)>>,
    late: Vec<u64>,
    events: u64,
    latest: u64,
    cpu: u64,
    since: u64,
    seed: u64,
}

impl Pace {
    pub(crate) fn new() -> Self {
        let late = vec![0; BUCKETS];
        Self { due: BinaryHeap::new(), late, events: 0, latest: 0, cpu: clock::cpu(), since: clock::now(), seed: 7 }
    }

    /// Forgets what was measured.
    pub(crate) fn restart(&mut self) {
        let due = std::mem::take(&mut self.due);
        *self = Self { due, ..Self::new() };
    }

    /// A stream's first event is due somewhere in its first period, the same place in every run.
    pub(crate) fn start(&mut self, token: u64, period: u64) {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.due.push(Reverse((clock::now() + LEAD + self.seed % period, token)));
    }

    /// Nanoseconds until something is due; `None` when nothing is.
    pub(crate) fn left(&self) -> Option<u64> {
        self.due.peek().map(|&Reverse((due, _))| due.saturating_sub(clock::now()))
    }

    /// The stream whose event is due now, and when it was.
    pub(crate) fn next(&mut self) -> Option<(u64, u64)> {
        let &Reverse((due, token)) = self.due.peek()?;
        let late = clock::now().checked_sub(due)?;
        self.due.pop();
        self.events += 1;
        self.latest = self.latest.max(late);
        let bucket = usize::try_from(late / BUCKET).unwrap_or(BUCKETS).min(BUCKETS - 1);
        if let Some(count) = self.late.get_mut(bucket) {
            *count += 1;
        }
        Some((due, token))
    }

    /// A stream goes on at that time.
    pub(crate) fn again(&mut self, due: u64, token: u64) {
        self.due.push(Reverse((due, token)));
    }

    /// One JSON object: events, microseconds of CPU and of time since the start, microseconds of lateness.
    pub(crate) fn stats(&self) -> String {
        let (cpu, wall) = ((clock::cpu() - self.cpu) / 1_000, (clock::now() - self.since) / 1_000);
        let (late, latest) = (self.percentile(99) / 1_000, self.latest / 1_000);
        let events = self.events;
        format!(r#"{{"events":{events},"cpu_us":{cpu},"wall_us":{wall},"late_p99_us":{late},"late_max_us":{latest}}}"#)
    }

    fn percentile(&self, part: u64) -> u64 {
        let (wanted, mut seen) = (self.events * part / 100, 0);
        let full = self.late.iter().position(|&count| {
            seen += count;
            seen > wanted
        });
        full.map_or(0, |at| (at as u64 + 1) * BUCKET)
    }
}
