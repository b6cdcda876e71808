//! The receiver's core on real sockets with libsrt's senders: every byte, in order, also through a
//! network that loses datagrams.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::SinkExt as _;
use rushes_media::srt::{Keys, Limits, Listener, Output, Rejection, SrtStatus};
use serde_json::Value;
use srt_tokio::SrtSocket;

use crate::ffmpeg::Version;
use crate::peer::Error;
use crate::proxy::{Network, Proxy};
use crate::server::{Folder, Turn};

const PASSPHRASE: &str = "0123456789ABCDEF0123456789ABCDEF";
/// How long a sender may take to connect, and to end.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Packets of a transport stream in a second, for each Mbit/s.
const PACKETS: u32 = 1_000_000 / (188 * 8);

/// What came of one caller.
#[derive(Debug)]
struct Received {
    bytes: Vec<u8>,
    status: SrtStatus,
}

/// A port that takes one caller, on a thread of its own, until that caller is gone.
struct Port {
    address: SocketAddr,
    connected: Receiver<()>,
    /// The number of the first packet of a transport stream that came, as soon as there is one.
    begun: Receiver<u32>,
    /// The number of the packet that is the last one that counts: it ends with that. 0 as long as
    /// that is not known.
    last: Arc<AtomicU32>,
    received: thread::JoinHandle<Result<Received, std::io::Error>>,
}

impl Port {
    fn open(encrypted: bool) -> Result<Self, Error> {
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

    fn end(self) -> Result<Received, Error> {
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
    let (mut buffer, mut bytes) = ([0; 2048], Vec::new());
    loop {
        let wait = listener.deadline().map_or(Duration::from_millis(20), |at| {
            at.saturating_duration_since(Instant::now()).clamp(Duration::from_micros(100), TIMEOUT)
        });
        socket.set_read_timeout(Some(wait.min(Duration::from_millis(20))))?;
        // An error: nothing came within that time.
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            listener.datagram(Instant::now(), from, &buffer[..length]);
        }
        listener.tick(Instant::now());
        while let Some(output) = listener.poll() {
            match output {
                Output::Send(to, datagram) => {
                    socket.send_to(&datagram, to)?;
                }
                Output::Call(call) => {
                    let keys = match (encrypted, &call.keys) {
                        (false, _) => Ok(None),
                        (true, None) => Err(Rejection::Unsecure),
                        (true, Some(message)) => {
                            Keys::unwrap(PASSPHRASE, message).map(Some).ok_or(Rejection::BadSecret)
                        }
                    };
                    listener.answer(Instant::now(), call.id, keys);
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
                        return Ok(Received { bytes, status });
                    }
                }
                Output::Closed(_, _, status) => return Ok(Received { bytes, status }),
            }
        }
    }
}

/// A process that is killed by its id when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A network between a sender and a port: so many of a hundred datagrams are lost, each way, and a
/// round trip takes so many milliseconds, 10 and more.
fn network(port: &Port, percent: u32, trip: u32) -> Result<(SocketAddr, Option<Proxy>), Error> {
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

/// A packet of a transport stream that looks like one to any player: a null packet with a number.
fn numbered(number: u32) -> [u8; 188] {
    let mut packet = [0xff; 188];
    packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    packet[4..8].copy_from_slice(&number.to_be_bytes());
    packet
}

/// The number of such a packet; none where it is none, or not whole.
fn number(packet: &[u8]) -> Option<u32> {
    let number = u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?);
    (packet == numbered(number)).then_some(number)
}

/// The number of the last whole packet.
fn latest(bytes: &[u8]) -> Option<u32> {
    let end = bytes.len().checked_sub(188)?;
    (end.saturating_sub(187)..=end).rev().find_map(|at| number(&bytes[at..at + 188]))
}

/// The numbers of all whole packets, and how many bytes between them belong to none. Senders cut
/// where they want: the first packet and the last one may be parts.
fn numbers(bytes: &[u8]) -> (Vec<u32>, usize) {
    let (mut numbers, mut strange, mut at) = (Vec::new(), 0, 0);
    while let Some(packet) = bytes.get(at..at + 188) {
        match number(packet) {
            Some(number) => {
                numbers.push(number);
                at += 188;
            }
            None => {
                strange += usize::from(!numbers.is_empty() || at >= 188);
                at += 1;
            }
        }
    }
    (numbers, strange)
}

/// Who sends what it is fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// libsrt's own.
    SrtLiveTransmit,
    /// GStreamer's `srtsink`.
    GStreamer,
}

/// How somebody sends, and through which network.
#[derive(Debug, Clone, Copy)]
struct Trial {
    /// Of a hundred datagrams so many are lost each way.
    percent: u32,
    /// Milliseconds that a round trip takes; 0: the loopback itself.
    trip: u32,
    /// Bits of the key.
    key: Option<u32>,
    mbit: u32,
}

impl Trial {
    fn command(&self, caller: Caller, address: SocketAddr, folder: &Folder) -> Command {
        let keys = self.key.map_or_else(String::new, |bits| {
            format!("&passphrase={PASSPHRASE}&pbkeylen={}", bits / 8)
        });
        let url = format!("srt://{address}?mode=caller&latency=250{keys}");
        let mut command = match caller {
            Caller::SrtLiveTransmit => {
                let mut command = Command::new("srt-live-transmit");
                command.args(["-q", "-s", "100", "-f", "-pf", "json", "-statsout"]);
                command.arg(statistics(folder)).args(["file://con", &url]);
                command
            }
            Caller::GStreamer => {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/gstreamer_srt.py");
                let mut command = Command::new("/usr/bin/python3");
                command.args([script, &url]);
                command.env("GST_REGISTRY", folder.path().join("gstreamer.registry"));
                command
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Two seconds from the first packet on that comes.
    fn run(self, caller: Caller) -> Result<(), Error> {
        let folder = Folder::new("srtwire")?;
        let port = Port::open(self.key.is_some())?;
        let (address, _proxy) = network(&port, self.percent, self.trip)?;
        let child = self.command(caller, address, &folder).spawn();
        let child = child.map_err(|error| format!("{caller:?}: {error}; run `make tools`"))?;
        let mut sender = Process(child);
        port.connected.recv_timeout(TIMEOUT)?;
        let mut input = sender.0.stdin.take().ok_or("no input")?;
        self.feed(&mut input, &port)?;
        // It is killed after that: it does not end by itself.
        let received = port.end()?;
        eprintln!("{caller:?}, {self:?}: {:?}", received.status);
        self.check(&received)?;
        if caller == Caller::SrtLiveTransmit {
            let overhead = overhead(&folder)?;
            eprintln!("{overhead:.3} packets on the wire for one of payload");
            if overhead > MOST_OVERHEAD {
                return Err(format!("{overhead:.3} packets for one of payload").into());
            }
        }
        Ok(())
    }

    /// Writes at its rate. What is read before the answer has got to the sender is lost, so that
    /// what counts begins with the first packet that comes.
    fn feed(self, input: &mut impl std::io::Write, port: &Port) -> Result<(), Error> {
        let begun = Instant::now();
        let (mut next, mut end) = (0, None);
        while end.is_none_or(|end| next < end) {
            let due = f64::from(next) / f64::from(self.mbit * PACKETS);
            if due > TIMEOUT.as_secs_f64() {
                return Err("nothing of what is sent comes".into());
            }
            let due = begun + Duration::from_secs_f64(due);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let piece: Vec<u8> = (next..next + 7).flat_map(numbered).collect();
            input.write_all(&piece)?;
            input.flush()?;
            next += 7;
            if end.is_none() && port.begun.try_recv().is_ok() {
                let last = next + 2 * self.mbit * PACKETS;
                port.last.store(last, Ordering::Relaxed);
                // It sends ten pieces of 1456 bytes at a time: what comes after the last one is
                // only to push it out.
                end = Some(last + 200);
            }
        }
        Ok(())
    }

    fn check(&self, received: &Received) -> Result<(), Error> {
        let Received { bytes, status } = received;
        let (numbers, strange) = numbers(bytes);
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
            return Err(format!("nothing came: {status:?}").into());
        };
        if !numbers.is_sorted_by(|a, b| a < b) {
            return Err(format!("not in order: {status:?}").into());
        }
        // All of them, where the network leaves the time for it.
        let missing = (last - first + 1) as usize - numbers.len();
        let most = if self.percent > 2 || self.trip > 40 { numbers.len() / 500 } else { 0 };
        if missing > most || (most == 0 && status.dropped + strange as u64 != 0) {
            let all = last - first + 1;
            return Err(format!("{missing} of {all} packets, {strange} bytes: {status:?}").into());
        }
        if self.percent > 0 && status.retransmitted == 0 {
            return Err("the network lost nothing".into());
        }
        assert_eq!(status.encryption, self.key.map(|bits| bits as usize));
        Ok(())
    }
}

/// More than this is not to be on the wire for each packet of payload, at 5 % of loss.
const MOST_OVERHEAD: f64 = 1.10;

/// Where `srt-live-transmit` writes what it counts.
fn statistics(folder: &Folder) -> std::path::PathBuf {
    folder.path().join("statistics.json")
}

/// The packets that `srt-live-transmit` sent for each packet of payload.
fn overhead(folder: &Folder) -> Result<f64, Error> {
    let text = std::fs::read_to_string(statistics(folder))?;
    // The last line may be cut off.
    let last = text.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
    let sent = &last.ok_or("no statistics")?["send"];
    let count = |name: &str| sent[name].as_f64().ok_or(format!("no {name}: {sent}"));
    Ok(count("packets")? / count("packetsUnique")?)
}

/// ffmpeg makes one stream for the wire and for a file.
fn ffmpeg(version: Version, percent: u32, encrypted: bool) -> Result<(), Error> {
    let folder = Folder::new("srtwire")?;
    let port = Port::open(encrypted)?;
    let (address, _proxy) = network(&port, percent, if percent == 0 { 0 } else { 40 })?;
    let file = folder.path().join("sent.ts");
    let keys = if encrypted { format!("&passphrase={PASSPHRASE}") } else { String::new() };
    let url = format!("srt://{address}?latency=250000{keys}");
    let output = format!("[f=mpegts]{url}|[f=mpegts]{}", file.display());
    let status = Command::new(version.find()?)
        .args(["-hide_banner", "-loglevel", "error", "-re"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
        .args(["-t", "6", "-map", "0:v", "-map", "1:a"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25"])
        .args(["-b:v", "4M", "-c:a", "aac", "-ac", "2", "-f", "tee", &output])
        .stdin(Stdio::null())
        .status()?;
    assert!(status.success(), "{version:?}: {status}");
    let Received { bytes, status } = port.end()?;
    let sent = std::fs::read(Path::new(&file))?;
    eprintln!("{version:?}, {percent} %: {} of {} bytes, {status:?}", bytes.len(), sent.len());
    if let Some(at) = bytes.iter().zip(&sent).position(|(got, sent)| got != sent) {
        return Err(format!("byte {at} is another: {status:?}").into());
    }
    // It closes without waiting for its last packets: what was under way is lost.
    let rest = sent.len() - bytes.len();
    let second = sent.len() / 6;
    if rest > second || status.dropped != 0 {
        return Err(format!("{rest} bytes are missing: {status:?}").into());
    }
    Ok(())
}

/// srt-tokio shares nothing with libsrt. Its network loses nothing: of what it sends through one that
/// does, a packet in some thousands does not come in time.
async fn srt_tokio() -> Result<(), Error> {
    let trial = Trial { percent: 0, trip: 0, key: Some(128), mbit: 5 };
    let port = Port::open(true)?;
    let options = SrtSocket::builder().latency(Duration::from_millis(250));
    let call = options.encryption(16, PASSPHRASE);
    let mut socket = call.call(port.address.to_string().as_str(), None).await?;
    // It closes without waiting for what the receiver holds back: a second more than is counted.
    let counted = 2 * trial.mbit * PACKETS;
    let begun = tokio::time::Instant::now();
    for first in (0..counted + trial.mbit * PACKETS).step_by(7) {
        let due = f64::from(first) / f64::from(trial.mbit * PACKETS);
        tokio::time::sleep_until(begun + Duration::from_secs_f64(due)).await;
        let piece: Vec<u8> = (first..first + 7).flat_map(numbered).collect();
        socket.send((Instant::now(), Bytes::from(piece))).await?;
    }
    socket.close().await?;
    let received = tokio::task::spawn_blocking(|| port.end().map_err(|error| error.to_string()));
    let received = received.await??;
    eprintln!("srt-tokio, {trial:?}: {:?}", received.status);
    if received.bytes.len() < counted as usize * 188 {
        return Err(format!("{} packets came", received.bytes.len() / 188).into());
    }
    trial.check(&received)
}

/// Runs what waits for processes, while nothing else is measured.
async fn alone(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
    let _turn = Turn::alone().await;
    tokio::task::spawn_blocking(work).await?
}

/// A sender with a key has one of each length in turn.
const KEYS: [u32; 3] = [128, 192, 256];

/// All senders of a rate: without a loss, and with 2 and 5 of a hundred, in the clear and encrypted.
async fn every_byte_at(mbit: u32) -> Result<(), Error> {
    alone(move || {
        for (percent, bits) in [0, 2, 5].into_iter().zip(KEYS) {
            for key in [None, Some(bits)] {
                let trip = if percent == 0 { 20 } else { 40 };
                Trial { percent, trip, key, mbit }.run(Caller::SrtLiveTransmit)?;
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_of_srt_live_transmit_comes_in_order_at_5_mbit() {
    every_byte_at(5).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_of_srt_live_transmit_comes_in_order_at_20_mbit() {
    every_byte_at(20).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_of_srt_live_transmit_comes_in_order_at_50_mbit() {
    every_byte_at(50).await.unwrap();
}

/// A quarter of a second is two and a half round trips: what is lost twice in a row is late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_over_a_long_way_comes_in_order_and_nearly_all_of_it() {
    let trial = Trial { percent: 2, trip: 100, key: None, mbit: 20 };
    alone(move || {
        trial.run(Caller::SrtLiveTransmit)?;
        Trial { key: Some(128), ..trial }.run(Caller::SrtLiveTransmit)
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_of_gstreamer_comes_in_order() {
    let trial = Trial { percent: 2, trip: 40, key: Some(256), mbit: 5 };
    alone(move || trial.run(Caller::GStreamer)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_of_srt_tokio_comes_in_order() {
    let _turn = Turn::alone().await;
    srt_tokio().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_of_ffmpeg_comes_in_order() {
    alone(|| {
        ffmpeg(Version::Debian, 2, false)?;
        ffmpeg(Version::Ffmpeg8, 2, true)
    })
    .await
    .unwrap();
}
