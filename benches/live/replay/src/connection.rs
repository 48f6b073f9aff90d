//! One connection: bytes in, whole requests out of them; bytes to send, in plain or in TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use rustls::ServerConnection;

use crate::request::{self, Asked, Plan};

/// A client that leaves more than this unread is given up.
const BACKLOG: usize = 64 << 20;

pub(crate) struct Connection {
    pub(crate) socket: TcpStream,
    tls: Option<Box<ServerConnection>>,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// Whether the poll has been asked to say when there is room to write.
    pub(crate) polls_room: bool,
    /// A paced answer that is under way, and how many events of it are out.
    pub(crate) playing: Option<(Plan, u32)>,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream, mut tls: Option<Box<ServerConnection>>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        // Loopback has no congestion, and BBR, where it is the default, would pace what we pace ourselves.
        rustix::net::sockopt::set_tcp_congestion(&socket, "reno")?;
        if let Some(tls) = &mut tls {
            tls.set_buffer_limit(None);
        }
        Ok(Self { socket, tls, inbox: Vec::new(), outbox: Vec::new(), polls_room: false, playing: None })
    }

    /// Reads what is there. `Ok(false)`: the peer has hung up.
    pub(crate) fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 << 10];
        loop {
            let read = match &mut self.tls {
                None => self.socket.read(&mut buffer),
                Some(tls) => tls.read_tls(&mut self.socket),
            };
            match read {
                Ok(0) => return Ok(false),
                Ok(count) => self.received(buffer.get(..count).unwrap_or_default())?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    fn received(&mut self, plain: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            self.inbox.extend_from_slice(plain);
            return Ok(());
        };
        tls.process_new_packets().map_err(io::Error::other)?;
        match tls.reader().read_to_end(&mut self.inbox) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// The next whole request.
    pub(crate) fn asked(&mut self) -> io::Result<Option<Asked>> {
        request::take(&mut self.inbox).map_err(io::Error::other)
    }

    /// Sends as much as there is room for. `Ok(false)`: some is left.
    pub(crate) fn send(&mut self, data: &[u8]) -> io::Result<bool> {
        if let Some(tls) = &mut self.tls {
            tls.writer().write_all(data)?;
        } else if self.outbox.is_empty() {
            let sent = written(&mut self.socket, data)?;
            self.outbox.extend_from_slice(data.get(sent..).unwrap_or_default());
        } else {
            self.outbox.extend_from_slice(data);
        }
        self.flush()
    }

    /// Sends what was left. `Ok(false)`: some is still left.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                    sent => sent?,
                };
            }
        } else if !self.outbox.is_empty() {
            let sent = written(&mut self.socket, &self.outbox)?;
            self.outbox.drain(..sent);
            if self.outbox.len() > BACKLOG {
                return Err(io::Error::other("the client does not read"));
            }
        }
        Ok(self.outbox.is_empty())
    }
}

/// Writes until there is no more room.
fn written(socket: &mut TcpStream, data: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while sent < data.len() {
        match socket.write(data.get(sent..).unwrap_or_default()) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}
