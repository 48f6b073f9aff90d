//! `zen-live serve` replays streams over loopback; `zen-live raw` reads them with nothing but epoll.

mod clock;
mod connection;
mod pace;
mod raw;
mod request;
mod script;
mod server;
mod tls;

use std::process::ExitCode;

const USAGE: &str = "usage: zen-live serve FRAMES_DIR [CERTIFICATE KEY] | zen-live raw HOST:PORT";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let said: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match *said.as_slice() {
        ["serve", frames] => server::serve(frames, None),
        ["serve", frames, certificate, key] => server::serve(frames, Some((certificate, key))),
        ["raw", address] => raw::answer_commands(address),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zen-live: {error}");
            ExitCode::FAILURE
        }
    }
}
