//! Datagrams to the SRT port.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::srt::{Call, KeySlot, Keys, Limits, Listener, Output, Rejection, SenderKeys};

/// Bytes of a packet's header.
const HEADER: usize = 16;
/// The passphrase, where there is one.
const SECRET: &str = "a passphrase";
/// The caller makes a wrapping key at most this often, for that takes half a millisecond.
const COSTLY: Duration = Duration::from_secs(1);

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

/// A caller's keys, of so many bytes, all of which are alike.
struct Secret {
    keys: SenderKeys,
    length: usize,
    /// How many keys it has made.
    made: u8,
    /// When it made another wrapping key.
    salted: Option<Instant>,
}

impl Secret {
    fn new(length: usize) -> Self {
        let keys = SenderKeys::with(SECRET, [0x5a; 16], [vec![1; length], vec![2; length]]);
        Self { keys, length, made: 2, salted: None }
    }

    fn key(&mut self) -> Vec<u8> {
        self.made = self.made.wrapping_add(1);
        vec![self.made; self.length]
    }

    /// The message that tells of other keys: the even one, the odd one, or both, as two bits of its
    /// first byte say, and another one says that they are wrapped in another way. What follows are
    /// places in the message and what stands there instead.
    fn told(&mut self, now: Instant, bytes: &[u8]) -> Vec<u8> {
        let (which, changes) = bytes.split_first().unwrap_or((&0, &[]));
        let slots: &[KeySlot] = match which & 3 {
            1 => &[KeySlot::Even],
            2 => &[KeySlot::Odd],
            _ => &[KeySlot::Even, KeySlot::Odd],
        };
        let recent = |at| now.saturating_duration_since(at) < COSTLY;
        if which & 4 != 0 && !self.salted.is_some_and(recent) {
            self.salted = Some(now);
            let keys = [self.key(), self.key()];
            self.keys = SenderKeys::with(SECRET, [self.made; 16], keys);
        } else {
            for slot in slots {
                let key = self.key();
                self.keys.put(*slot, key);
            }
        }
        let mut message = self.keys.message(slots);
        for change in changes.chunks_exact(2) {
            let at = usize::from(change[0]) % message.len();
            message[at] = change[1];
        }
        message
    }
}

/// A listener with one caller.
struct World {
    now: Instant,
    listener: Listener,
    cookie: u32,
    socket: u32,
    /// What the caller encrypts with, if it does.
    secret: Option<Secret>,
    /// What was handed on.
    handed: Vec<Vec<u8>>,
}

impl World {
    /// A caller that encrypts with keys of 128, 192 or 256 bits, or sends in the clear.
    fn connected(how: u8) -> Self {
        let length = match how {
            0 => None,
            _ => Some(16 + usize::from(how - 1) % 3 * 8),
        };
        let now = Instant::now();
        let mut world = Self {
            now,
            listener: Listener::new(now, Limits::default()),
            cookie: 0,
            socket: 0,
            secret: length.map(Secret::new),
            handed: Vec::new(),
        };
        world.listener.datagram(now, caller(), &handshake(1, 0));
        world.drain();
        let mut call = handshake(u32::MAX, world.cookie);
        // A request: version 1.5.1, the usual flags, 120 ms.
        call.extend([0, 1, 0, 3, 0, 1, 5, 1, 0, 0, 0, 0xbf, 0, 120, 0, 120]);
        call.extend(world.keys());
        world.listener.datagram(now, caller(), &call);
        world.drain();
        world
    }

    /// The extension with the caller's first key, if it has any.
    fn keys(&self) -> Vec<u8> {
        let Some(secret) = &self.secret else { return Vec::new() };
        let message = secret.keys.message(&[KeySlot::Even]);
        [&[0, 3, 0, (message.len() / 4) as u8][..], &message].concat()
    }

    /// As the server does: with the passphrase of the stream.
    fn decide(&self, call: &Call) -> Result<Option<Keys>, Rejection> {
        match (&self.secret, &call.keys) {
            (None, _) => Ok(None),
            (Some(_), None) => Err(Rejection::Unsecure),
            (Some(_), Some(message)) => {
                Keys::unwrap(SECRET, message).map(Some).ok_or(Rejection::BadSecret)
            }
        }
    }

    /// Takes all that the listener says: who asks and has the passphrase is let in.
    fn drain(&mut self) {
        while let Some(output) = self.listener.poll() {
            match output {
                Output::Send(_, bytes) if bytes[..4] == header(0, 0)[..4] => {
                    let cookie = bytes.get(HEADER + 28..HEADER + 32);
                    let cookie = cookie.and_then(|bytes| bytes.try_into().ok());
                    self.cookie = cookie.map_or(0, u32::from_be_bytes).max(self.cookie);
                }
                Output::Call(call) => {
                    let decision = self.decide(&call);
                    if let Some(link) = self.listener.answer(self.now, call.id, decision) {
                        self.socket = self.listener.socket_of(link);
                    }
                }
                Output::Data(_, payload) => self.handed.push(payload),
                _ => {}
            }
        }
    }

    /// Datagrams, each behind a byte of what is put right in it and one of its length.
    fn script(&mut self, mut data: &[u8]) {
        while let [how, length, rest @ ..] = data {
            let length = usize::from(*length).min(rest.len());
            let (bytes, next) = rest.split_at(length);
            data = next;
            self.now += Duration::from_millis(u64::from(how >> 3));
            self.one(*how, bytes);
            self.drain();
        }
    }

    fn one(&mut self, how: u8, bytes: &[u8]) {
        let (now, is_secret) = (self.now, how & 4 != 0);
        match how & 3 {
            // As it is.
            0 => self.listener.datagram(now, caller(), bytes),
            // To the connection, and encrypted.
            1 => {
                let mut datagram = bytes.to_vec();
                if let Some(to) = datagram.get_mut(12..16) {
                    to.copy_from_slice(&self.socket.to_be_bytes());
                }
                if let Some(secret) = self.secret.as_ref().filter(|_| is_secret) {
                    secret.keys.seal(&mut datagram);
                }
                self.listener.datagram(now, caller(), &datagram);
            }
            // Extensions behind a conclusion with the right cookie, of another socket, and the keys.
            2 => {
                let mut call = handshake(u32::MAX, self.cookie);
                call[HEADER + 27] = 10 + (how >> 5);
                call.extend_from_slice(bytes);
                if is_secret {
                    call.extend(self.keys());
                }
                self.listener.datagram(now, caller(), &call);
            }
            // Other keys, or nothing but time.
            _ => match self.secret.as_mut().filter(|_| is_secret) {
                Some(secret) => {
                    let mut datagram = header(0x7fff << 16 | 3, self.socket);
                    datagram.extend(secret.told(now, bytes));
                    self.listener.datagram(now, caller(), &datagram);
                }
                None => self.listener.tick(now),
            },
        }
    }

    /// Lets so much time pass that all that is to be handed on is.
    fn finish(&mut self) {
        self.listener.tick(self.now + Duration::from_secs(1));
        self.drain();
    }
}

/// Datagrams to the SRT port, each behind a byte of what is put right in it and one of its length,
/// from a stranger or on a connection; and first of all a byte that says how that is encrypted.
pub fn srt(data: &[u8]) {
    let Some((how, script)) = data.split_first() else { return };
    let mut world = World::connected(*how);
    assert_ne!(world.socket, 0, "the caller is connected");
    world.script(script);
    world.finish();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of the script: a packet of data with this number, encrypted with the even key (1) or
    /// the odd one (2).
    fn data(number: u32, key: u32, payload: &[u8; 4]) -> Vec<u8> {
        let words = [number, 3 << 30 | key << 27 | 1, 0, 0];
        let mut line = vec![1 | 4, 20];
        line.extend(words.into_iter().flat_map(u32::to_be_bytes));
        line.extend(payload);
        line
    }

    #[test]
    fn what_the_caller_of_the_target_encrypts_is_read_and_its_new_keys_are_taken() {
        let told = |bytes: &[u8]| [&[3 | 4, bytes.len() as u8][..], bytes].concat();
        for how in [1, 2, 3] {
            let mut world = World::connected(how);
            world.script(&data(1000, 1, b"even"));
            // An odd key; then another even one; then both, wrapped in another way.
            world.script(&[told(&[2]), data(1001, 2, b"odd.")].concat());
            world.script(&[told(&[1]), data(1002, 1, b"anew")].concat());
            world.script(&[told(&[3 | 4]), data(1003, 2, b"both")].concat());
            // A message that is damaged changes nothing here, and the caller does not know.
            world.script(&[told(&[1, 40, 0]), data(1004, 1, b"lost")].concat());
            world.finish();
            let handed: Vec<&[u8]> = world.handed.iter().map(Vec::as_slice).collect();
            assert_eq!(handed[..4], [b"even", b"odd.", b"anew", b"both"].map(|text| &text[..]));
            assert!(handed.len() == 5 && handed[4] != b"lost");
        }
        let mut world = World::connected(0);
        world.script(&data(1000, 0, b"open"));
        world.finish();
        assert_eq!(world.handed, [b"open"]);
    }
}
