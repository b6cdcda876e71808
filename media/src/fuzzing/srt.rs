//! Datagrams to the SRT port.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::srt::{Limits, Listener, Output};

/// Bytes of a packet's header.
const HEADER: usize = 16;

fn caller() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 4000))
}

/// A control packet's header.
fn header(kind: u32, to: u32) -> Vec<u8> {
    [1 << 31 | kind, 0, 0, to].into_iter().flat_map(u32::to_be_bytes).collect()
}

/// A handshake of a caller whose socket is 9.
fn handshake(kind: u32, cookie: u32) -> Vec<u8> {
    let words = [5, 5, 1000, 1500, 8192, kind, 9, cookie, 0, 0, 0, 0];
    let mut out = header(0, 0);
    out.extend(words.into_iter().flat_map(u32::to_be_bytes));
    out
}

/// A listener with one caller.
struct World {
    now: Instant,
    listener: Listener,
    cookie: u32,
    socket: u32,
}

impl World {
    fn connected() -> Self {
        let now = Instant::now();
        let mut world =
            Self { now, listener: Listener::new(now, Limits::default()), cookie: 0, socket: 0 };
        world.listener.datagram(now, caller(), &handshake(1, 0));
        world.drain();
        let mut call = handshake(u32::MAX, world.cookie);
        // A request: version 1.5.1, the usual flags, 120 ms.
        call.extend([0, 1, 0, 3, 0, 1, 5, 1, 0, 0, 0, 0xbf, 0, 120, 0, 120]);
        world.listener.datagram(now, caller(), &call);
        world.drain();
        world
    }

    /// Takes all that the listener says: who asks is let in.
    fn drain(&mut self) {
        while let Some(output) = self.listener.poll() {
            match output {
                Output::Send(_, bytes) if bytes[..4] == header(0, 0)[..4] => {
                    let cookie = bytes.get(HEADER + 28..HEADER + 32);
                    let cookie = cookie.and_then(|bytes| bytes.try_into().ok());
                    self.cookie = cookie.map_or(0, u32::from_be_bytes).max(self.cookie);
                }
                Output::Call(call) => {
                    if let Some(link) = self.listener.answer(self.now, call.id, Ok(None)) {
                        self.socket = self.listener.socket_of(link);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Datagrams to the SRT port, each behind a byte of what is put right in it and one of its
/// length: from a stranger, or on a connection.
pub fn srt(mut data: &[u8]) {
    let mut world = World::connected();
    assert_ne!(world.socket, 0, "the caller is connected");
    while let [how, length, rest @ ..] = data {
        let length = usize::from(*length).min(rest.len());
        let (bytes, next) = rest.split_at(length);
        data = next;
        world.now += Duration::from_millis(u64::from(how >> 3));
        let now = world.now;
        match how & 3 {
            // As it is.
            0 => world.listener.datagram(now, caller(), bytes),
            // To the connection.
            1 => {
                let mut datagram = bytes.to_vec();
                if let Some(to) = datagram.get_mut(12..16) {
                    to.copy_from_slice(&world.socket.to_be_bytes());
                }
                world.listener.datagram(now, caller(), &datagram);
            }
            // Extensions behind a conclusion with the right cookie, of another socket.
            2 => {
                let mut call = handshake(u32::MAX, world.cookie);
                call[HEADER + 27] = 10 + (how >> 5);
                call.extend_from_slice(bytes);
                world.listener.datagram(now, caller(), &call);
            }
            _ => world.listener.tick(now),
        }
        world.drain();
    }
    world.listener.tick(world.now + Duration::from_secs(1));
    world.drain();
}
