//! A port of the receiver's core on a real socket, and the network before it.

use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rushes_media::srt::{Call, Keys, Limits, Listener, Output, Rejection, SrtStatus};

use super::packets::latest;
use super::{PASSPHRASE, TIMEOUT};
use crate::peer::Error;
use crate::proxy::{Network, Proxy};

/// What came of one caller.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    pub(super) status: SrtStatus,
    pub(super) seen: Seen,
}

/// What a caller's datagrams say of its keys, read beside the core
/// (draft-sharabayko-srt-01, 3.1 and 3.2.2).
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Messages with new keys, each once.
    pub(super) keys: HashSet<Vec<u8>>,
    /// Packets by what they are encrypted with: nothing, the even key, the odd one.
    pub(super) packets: [u32; 4],
}

impl Seen {
    fn look(&mut self, datagram: &[u8]) {
        match datagram {
            [0xff, 0xff, 0, 3, ..] => {
                self.keys.insert(datagram.get(16..).unwrap_or_default().to_vec());
            }
            [first, _, _, _, flags, ..] if first & 0x80 == 0 => {
                self.packets[usize::from((flags >> 3) & 3)] += 1;
            }
            _ => {}
        }
    }
}

/// A port that takes one caller, on a thread of its own, until that caller is gone.
pub(super) struct Port {
    pub(super) address: SocketAddr,
    pub(super) connected: Receiver<()>,
    /// The number of the first packet of a transport stream that came, as soon as there is one.
    pub(super) begun: Receiver<u32>,
    /// The number of the packet that is the last one that counts: it ends with that. 0 as long as
    /// that is not known.
    pub(super) last: Arc<AtomicU32>,
    received: thread::JoinHandle<Result<Received, std::io::Error>>,
}

impl Port {
    pub(super) fn open(encrypted: bool) -> Result<Self, Error> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20)?;
        let address = socket.local_addr()?;
        let (tell, connected) = channel();
        let (first, begun) = channel();
        let last = Arc::new(AtomicU32::new(0));
        let until = Arc::clone(&last);
        let received = thread::spawn(move || receive(&socket, encrypted, &tell, (&first, &until)));
        Ok(Self { address, connected, begun, last, received })
    }

    pub(super) fn end(self) -> Result<Received, Error> {
        Ok(self.received.join().map_err(|_| "the port panicked")??)
    }
}

fn receive(
    socket: &UdpSocket,
    encrypted: bool,
    connected: &Sender<()>,
    (begun, last): (&Sender<u32>, &AtomicU32),
) -> Result<Received, std::io::Error> {
    let mut listener = Listener::new(Instant::now(), Limits::default());
    let (mut buffer, mut bytes, mut seen) = ([0; 2048], Vec::new(), Seen::default());
    loop {
        let wait = listener.deadline().map_or(Duration::from_millis(20), |at| {
            at.saturating_duration_since(Instant::now()).clamp(Duration::from_micros(100), TIMEOUT)
        });
        socket.set_read_timeout(Some(wait.min(Duration::from_millis(20))))?;
        // An error: nothing came within that time.
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            seen.look(&buffer[..length]);
            listener.datagram(Instant::now(), from, &buffer[..length]);
        }
        listener.tick(Instant::now());
        while let Some(output) = listener.poll() {
            match output {
                Output::Send(to, datagram) => {
                    socket.send_to(&datagram, to)?;
                }
                Output::Call(call) => {
                    listener.answer(Instant::now(), call.id, keys(encrypted, &call));
                    let _ = connected.send(());
                }
                Output::Data(id, payload) => {
                    bytes.extend_from_slice(&payload);
                    let came = latest(&bytes);
                    // Nobody asks any more where this is of no consequence.
                    let _ = came.map(|came| begun.send(came));
                    let last = last.load(Ordering::Relaxed);
                    if last > 0 && came >= Some(last) {
                        let status = listener.status(id).ok_or(std::io::ErrorKind::NotFound)?;
                        return Ok(Received { bytes, status, seen });
                    }
                }
                Output::Closed(_, _, status) => return Ok(Received { bytes, status, seen }),
            }
        }
    }
}

/// What a caller's packets are decrypted with.
fn keys(encrypted: bool, call: &Call) -> Result<Option<Keys>, Rejection> {
    match (encrypted, &call.keys) {
        (false, _) => Ok(None),
        (true, None) => Err(Rejection::Unsecure),
        (true, Some(message)) => {
            Keys::unwrap(PASSPHRASE, message).map(Some).ok_or(Rejection::BadSecret)
        }
    }
}

/// A network between a sender and a port: so many of a hundred datagrams are lost, each way, and a
/// round trip takes so many milliseconds, 10 and more.
pub(super) fn network(
    port: &Port,
    percent: u32,
    trip: u32,
) -> Result<(SocketAddr, Option<Proxy>), Error> {
    if (percent, trip) == (0, 0) {
        return Ok((port.address, None));
    }
    let outside = UdpSocket::bind("127.0.0.1:0")?;
    let address = outside.local_addr()?;
    let network = Network::losing(percent);
    // With the five milliseconds that it always takes.
    network.delay((trip / 2).saturating_sub(5));
    Ok((address, Some(Proxy::start(outside, port.address, network)?)))
}
