//! The server's one loop: accepts, answers, and writes every event when it is due.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustls::ServerConfig;

use crate::clock;
use crate::connection::Connection;
use crate::pace::Pace;
use crate::request::{Asked, Mode, Plan, Wire};
use crate::script::Script;
use crate::tls;

/// Tokens of what is no connection.
const PLAIN: u64 = 0;
const SECURE: u64 = 1;
const ORDERS: u64 = 2;
const BACKLOG: i32 = 4_096;
/// Events that are written before the sockets are looked at again.
const BATCH: usize = 256;

struct Server {
    poll: OwnedFd,
    plain: TcpListener,
    secure: Option<(TcpListener, Arc<ServerConfig>)>,
    chat: Script,
    messages: Script,
    connections: HashMap<u64, Connection>,
    waiting: Vec<u64>,
    next: u64,
    pace: Pace,
    scratch: Vec<u8>,
}

/// Serves until standard input ends. Prints the ports: plain, then TLS (0: none).
pub(crate) fn serve(frames: &str, certificate: Option<(&str, &str)>) -> Result<(), String> {
    let frames = Path::new(frames);
    let (chat, messages) = (Script::read(&frames.join("chat"))?, Script::read(&frames.join("messages"))?);
    let config = certificate.map(|(certificate, key)| tls::config(certificate, key)).transpose()?;
    run(chat, messages, config).map_err(|error| error.to_string())
}

fn run(chat: Script, messages: Script, config: Option<Arc<ServerConfig>>) -> io::Result<()> {
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    let plain = listener()?;
    let secure = config.map(|config| listener().map(|listener| (listener, config))).transpose()?;
    epoll::add(&poll, &plain, EventData::new_u64(PLAIN), EventFlags::IN)?;
    let mut secure_port = 0;
    if let Some((listener, _)) = &secure {
        epoll::add(&poll, listener, EventData::new_u64(SECURE), EventFlags::IN)?;
        secure_port = listener.local_addr()?.port();
    }
    epoll::add(&poll, io::stdin().as_fd(), EventData::new_u64(ORDERS), EventFlags::IN)?;
    println!("{} {secure_port}", plain.local_addr()?.port());
    io::stdout().flush()?;
    let (connections, waiting, scratch) = (HashMap::new(), Vec::new(), Vec::new());
    let (next, pace) = (ORDERS + 1, Pace::new());
    Server { poll, plain, secure, chat, messages, connections, waiting, next, pace, scratch }.turn_until_told()
}

fn listener() -> io::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Server {
    fn turn_until_told(&mut self) -> io::Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(BATCH);
        loop {
            let left = self.pace.left().map(clock::span);
            events.clear();
            match epoll::wait(&self.poll, rustix::buffer::spare_capacity(&mut events), left.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                done => drop(done?),
            }
            for event in &events {
                match event.data.u64() {
                    PLAIN | SECURE => self.accept(event.data.u64() == SECURE)?,
                    ORDERS => {
                        if io::stdin().read(&mut [0; 64])? == 0 {
                            return Ok(());
                        }
                    }
                    token => self.ready(token),
                }
            }
            self.play();
        }
    }

    fn accept(&mut self, secure: bool) -> io::Result<()> {
        loop {
            let (listener, config) = match &self.secure {
                Some((listener, config)) if secure => (listener, Some(config)),
                _ => (&self.plain, None),
            };
            let socket = match listener.accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                accepted => accepted?.0,
            };
            let tls = config.map(tls::accept).transpose().map_err(io::Error::other)?;
            let token = self.next;
            self.next += 1;
            epoll::add(&self.poll, &socket, EventData::new_u64(token), EventFlags::IN)?;
            self.connections.insert(token, Connection::new(socket, tls)?);
        }
    }

    /// A connection has something to say, or room for more. One that fails is closed: the client sees it.
    fn ready(&mut self, token: u64) {
        let Some(mut connection) = self.connections.remove(&token) else { return };
        let kept = connection.read().and_then(|open| {
            while let Some(asked) = connection.asked()? {
                self.answer(token, &mut connection, &asked)?;
            }
            let sent = connection.flush()?;
            self.poll_room(token, &mut connection, sent)?;
            Ok(open)
        });
        if kept.unwrap_or(false) {
            self.connections.insert(token, connection);
        }
    }

    /// Asks the poll for room while something is left to send.
    fn poll_room(&self, token: u64, connection: &mut Connection, sent: bool) -> io::Result<()> {
        if connection.polls_room == sent {
            let flags = if sent { EventFlags::IN } else { EventFlags::IN | EventFlags::OUT };
            epoll::modify(&self.poll, &connection.socket, EventData::new_u64(token), flags)?;
            connection.polls_room = !sent;
        }
        Ok(())
    }

    fn answer(&mut self, token: u64, connection: &mut Connection, asked: &Asked) -> io::Result<()> {
        let text = match *asked {
            Asked::Play(plan) => return self.begin(token, connection, plan),
            Asked::Go => {
                self.pace.restart();
                for token in std::mem::take(&mut self.waiting) {
                    if let Some((plan, _)) = self.connections.get(&token).and_then(|waiting| waiting.playing) {
                        self.pace.start(token, plan.period);
                    }
                }
                "{}".to_owned()
            }
            Asked::Stats => self.pace.stats(),
            Asked::Unknown => {
                connection.send(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?;
                return Ok(());
            }
        };
        let length = text.len();
        connection.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{text}").as_bytes())?;
        Ok(())
    }

    /// The whole answer, or the beginning of a paced one.
    fn begin(&mut self, token: u64, connection: &mut Connection, plan: Plan) -> io::Result<()> {
        let script = self.script(plan.wire);
        let mut out = Vec::new();
        script.open(&mut out);
        match plan.mode {
            Mode::Burst => (0..plan.events).for_each(|_| script.delta(&mut out)),
            Mode::Single => {
                for _ in 0..plan.events {
                    script.delta(&mut out);
                    connection.send(&out)?;
                    out.clear();
                }
            }
            Mode::Paced => {
                script.delta(&mut out);
                connection.playing = Some((plan, 1));
                self.waiting.push(token);
                connection.send(&out)?;
                return Ok(());
            }
        }
        script.close(&mut out);
        connection.send(&out)?;
        Ok(())
    }

    fn script(&self, wire: Wire) -> &Script {
        match wire {
            Wire::Chat => &self.chat,
            Wire::Messages => &self.messages,
        }
    }

    /// Writes what is due.
    fn play(&mut self) {
        for _ in 0..BATCH {
            let Some((due, token)) = self.pace.next() else { return };
            let Some(mut connection) = self.connections.remove(&token) else { continue };
            if let Some((plan, out)) = connection.playing.take() {
                connection.playing = (out + 1 < plan.events).then_some((plan, out + 1));
                if connection.playing.is_some() {
                    self.pace.again(due + plan.period, token);
                }
                if self.event(token, &mut connection, plan).is_err() {
                    continue;
                }
            }
            self.connections.insert(token, connection);
        }
    }

    fn event(&mut self, token: u64, connection: &mut Connection, plan: Plan) -> io::Result<()> {
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        self.script(plan.wire).delta(&mut out);
        if connection.playing.is_none() {
            self.script(plan.wire).close(&mut out);
        }
        let sent = connection.send(&out);
        self.scratch = out;
        self.poll_room(token, connection, sent?)
    }
}
