//! The floor: a client that reads the same streams with epoll alone, finds the times in them and decodes nothing.
//!
//! Takes the commands of the other clients, one a line (`../worker.py` says what they mean), and answers in JSON.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::Duration;

use memchr::memmem::Finder;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use crate::clock::{self, MILLISECOND};
use crate::script::STAMP;

/// What stands before a time. Its first digit is a zero on every machine that is up for less than three years.
const MARK: &[u8] = b"\"content\":\"0";
const END: &[u8] = b"0\r\n\r\n";
/// Longer than a mark with its time, and than an end.
const TAIL: usize = 64;
const READ: usize = 64 << 10;

/// Answers commands until standard input ends.
pub(crate) fn answer_commands(address: &str) -> Result<(), String> {
    println!(r#"{{"versions": []}}"#);
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let words: Vec<&str> = line.split(' ').collect();
        let said = match *words.as_slice() {
            ["paced", streams, rate, length, settle, grace] => {
                let times = [span(length)?, span(settle)?, span(grace)?];
                paced(address, number(streams)?, number(rate)?, times)
            }
            ["sequence", mode, events, count] => sequence(address, mode, number(events)?, number(count)?),
            _ => return Err(format!("no such command: {line}")),
        };
        println!("{}", said.map_err(|error| error.to_string())?);
        io::stdout().flush().map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn number(word: &str) -> Result<u32, String> {
    word.parse().map_err(|_| format!("not a number: {word}"))
}

/// Milliseconds, as nanoseconds.
fn span(word: &str) -> Result<u64, String> {
    Ok(u64::from(number(word)?) * MILLISECOND)
}

/// What the streams gave so far.
struct Meter {
    finder: Finder<'static>,
    delays: Vec<u64>,
}

impl Meter {
    fn new() -> Self {
        Self { finder: Finder::new(MARK), delays: Vec::new() }
    }
}

struct Stream {
    socket: TcpStream,
    tail: Vec<u8>,
    events: u64,
}

impl Stream {
    fn open(address: &str) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, tail: Vec::new(), events: 0 })
    }

    fn ask(&mut self, plan: &str) -> io::Result<()> {
        self.events = 0;
        let request = format!("POST /{plan}/v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{{}}");
        self.socket.write_all(request.as_bytes())
    }

    /// Reads once. `Ok(true)`: the answer is over.
    fn read(&mut self, buffer: &mut [u8], meter: &mut Meter) -> io::Result<bool> {
        let count = match self.socket.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            count => count?,
        };
        let data = buffer.get(..count).unwrap_or_default();
        Ok(if self.tail.is_empty() {
            let rest = self.scan(data, meter);
            self.keep(rest)
        } else {
            self.tail.extend_from_slice(data);
            let data = std::mem::take(&mut self.tail);
            let rest = self.scan(&data, meter);
            self.keep(rest)
        })
    }

    /// Notes every time in `data`; gives what comes after the last.
    fn scan<'a>(&mut self, mut data: &'a [u8], meter: &mut Meter) -> &'a [u8] {
        while let Some(at) = meter.finder.find(data) {
            let Some(stamp) = data.get(at + MARK.len() - 1..at + MARK.len() - 1 + STAMP) else { break };
            let made = stamp.iter().fold(0, |made, digit| made * 10 + u64::from(digit - b'0'));
            meter.delays.push(clock::now().saturating_sub(made));
            self.events += 1;
            data = data.get(at + MARK.len() + STAMP..).unwrap_or_default();
        }
        data
    }

    fn keep(&mut self, rest: &[u8]) -> bool {
        if rest == END || rest.ends_with(b"\r\n0\r\n\r\n") {
            return true;
        }
        // What ends with a whole event needs not be kept.
        if !rest.ends_with(b"\n\r\n") {
            self.tail.extend_from_slice(rest.get(rest.len().saturating_sub(TAIL)..).unwrap_or_default());
        }
        false
    }
}

/// One request after the other over one connection, a tenth of them to warm up.
fn sequence(address: &str, mode: &str, events: u32, count: u32) -> io::Result<String> {
    let (plan, mut buffer, mut meter) = (format!("{mode}/{events}/0"), vec![0; READ], Meter::new());
    let mut stream = Stream::open(address)?;
    for _ in 0..=count / 10 {
        pass(&mut stream, &plan, &mut buffer, &mut meter)?;
    }
    let start = clock::cpu();
    let firsts: io::Result<Vec<u64>> = (0..count).map(|_| pass(&mut stream, &plan, &mut buffer, &mut meter)).collect();
    let cpu = micros(clock::cpu() - start) / f64::from(count);
    Ok(format!(r#"{{"cpu_us": {cpu}, "first_us": {}}}"#, micros(percentile(firsts?, 50))))
}

/// One request: the time to its first event.
fn pass(stream: &mut Stream, plan: &str, buffer: &mut [u8], meter: &mut Meter) -> io::Result<u64> {
    meter.delays.clear();
    let (asked, mut first) = (clock::now(), 0);
    stream.ask(plan)?;
    while !stream.read(buffer, meter)? {
        if first == 0 && stream.events > 0 {
            first = clock::now() - asked;
        }
    }
    Ok(if first == 0 { clock::now() - asked } else { first })
}

/// Many streams at once, measured for `length`, and for `settle` before and after not.
fn paced(address: &str, count: u32, rate: u32, [length, settle, grace]: [u64; 3]) -> io::Result<String> {
    let events = 1 + (length + 2 * settle) * u64::from(rate) / (1_000 * MILLISECOND);
    let plan = format!("paced/{events}/{rate}");
    let (mut streams, poll) = (Vec::new(), epoll::create(CreateFlags::CLOEXEC)?);
    let (mut buffer, mut meter) = (vec![0; READ], Meter::new());
    for token in 0..u64::from(count) {
        let mut stream = Stream::open(address)?;
        stream.ask(&plan)?;
        while stream.events == 0 {
            stream.read(&mut buffer, &mut meter)?;
        }
        stream.socket.set_nonblocking(true)?;
        epoll::add(&poll, &stream.socket, EventData::new_u64(token), EventFlags::IN)?;
        streams.push(stream);
    }
    go(address)?;
    let mut crowd = Crowd { poll, streams, open: count, buffer, meter, ready: Vec::with_capacity(256) };
    crowd.read_until(clock::now() + settle)?;
    crowd.meter.delays.clear();
    let (cpu, from) = (clock::cpu(), clock::now());
    crowd.read_until(from + length)?;
    let (cpu, wall) = (micros(clock::cpu() - cpu), micros(clock::now() - from));
    let delays = std::mem::take(&mut crowd.meter.delays);
    crowd.read_until(clock::now() + settle + grace)?;
    let seen: u64 = crowd.streams.iter().map(|stream| stream.events).sum();
    let (number, complete) = (delays.len(), crowd.open == 0 && seen == events * u64::from(count));
    let (half, most) = (micros(percentile(delays.clone(), 50)), micros(percentile(delays, 99)));
    let report = format!(r#""cpu_us": {cpu}, "wall_us": {wall}, "events": {number}, "complete": {complete}"#);
    Ok(format!(r#"{{{report}, "p50_us": {half}, "p99_us": {most}}}"#))
}

/// Streams that are read together.
struct Crowd {
    poll: OwnedFd,
    streams: Vec<Stream>,
    open: u32,
    buffer: Vec<u8>,
    meter: Meter,
    ready: Vec<Event>,
}

impl Crowd {
    /// Reads until that time, or until all is over.
    fn read_until(&mut self, until: u64) -> io::Result<()> {
        while self.open > 0 {
            let left = clock::span(until.saturating_sub(clock::now()));
            self.ready.clear();
            epoll::wait(&self.poll, rustix::buffer::spare_capacity(&mut self.ready), Some(&left))?;
            for event in &self.ready {
                let at = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
                let Some(stream) = self.streams.get_mut(at) else { continue };
                if stream.read(&mut self.buffer, &mut self.meter)? {
                    epoll::delete(&self.poll, &stream.socket)?;
                    self.open -= 1;
                }
            }
            if clock::now() >= until {
                break;
            }
        }
        Ok(())
    }
}

/// Tells the server to start the streams that wait.
fn go(address: &str) -> io::Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.write_all(b"GET /control/go HTTP/1.1\r\n\r\n")?;
    socket.read(&mut [0; 256]).map(drop)
}

fn percentile(mut values: Vec<u64>, part: usize) -> u64 {
    values.sort_unstable();
    values.get((values.len() * part / 100).min(values.len().saturating_sub(1))).copied().unwrap_or(0)
}

fn micros(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
}
