//! The receiver's core on real sockets with libsrt's senders: every byte, in order, also through a
//! network that loses datagrams.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
/// What goes into one packet: seven of a transport stream.
const PIECE: usize = 7 * 188;
/// How long a sender may take to connect, and to end.
const TIMEOUT: Duration = Duration::from_secs(30);

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
    received: thread::JoinHandle<Result<Received, std::io::Error>>,
}

impl Port {
    fn open(encrypted: bool) -> Result<Self, Error> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20)?;
        let address = socket.local_addr()?;
        let (tell, connected) = channel();
        let received = thread::spawn(move || receive(&socket, encrypted, &tell));
        Ok(Self { address, connected, received })
    }

    fn end(self) -> Result<Received, Error> {
        Ok(self.received.join().map_err(|_| "the port panicked")??)
    }
}

fn receive(
    socket: &UdpSocket,
    encrypted: bool,
    connected: &Sender<()>,
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
                Output::Data(_, payload) => bytes.extend_from_slice(&payload),
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

/// A network between a sender and a port.
fn network(port: &Port, percent: u32) -> Result<(SocketAddr, Option<Proxy>), Error> {
    if percent == 0 {
        return Ok((port.address, None));
    }
    let outside = UdpSocket::bind("127.0.0.1:0")?;
    let address = outside.local_addr()?;
    // A round trip of 40 ms, with what is usual.
    let network = Network::losing(percent);
    network.delay(15);
    Ok((address, Some(Proxy::start(outside, port.address, network)?)))
}

/// A transport stream that looks like one to any player: null packets with a counter.
fn numbered(packets: u32) -> Vec<u8> {
    let packet = |number: u32| {
        let mut packet = [0xff; 188];
        packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
        packet[4..8].copy_from_slice(&number.to_be_bytes());
        packet
    };
    (0..packets).flat_map(packet).collect()
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

    /// Five seconds, fed once the caller is connected.
    fn run(self, caller: Caller) -> Result<(), Error> {
        let folder = Folder::new("srtwire")?;
        let port = Port::open(self.key.is_some())?;
        let (address, _proxy) = network(&port, self.percent)?;
        let child = self.command(caller, address, &folder).spawn();
        let child = child.map_err(|error| format!("{caller:?}: {error}; run `make tools`"))?;
        let mut sender = Process(child);
        port.connected.recv_timeout(TIMEOUT)?;
        // The answer has to get there: what is read before that is lost.
        thread::sleep(Duration::from_millis(500));
        let mut input = sender.0.stdin.take().ok_or("no input")?;
        let packets = self.mbit * 3_332;
        // It sends ten pieces of 1456 bytes at a time: what comes after these is only to push them
        // out.
        let sent = numbered(packets + 200);
        feed(&mut input, &sent, f64::from(self.mbit) * 1e6)?;
        // It does not end by itself, and drops what it has in hand when it is killed.
        thread::sleep(Duration::from_millis(1500));
        drop(sender);
        let received = port.end()?;
        eprintln!("{caller:?}, {self:?}: {:?}", received.status);
        self.check(&received, &sent, packets as usize * 188)?;
        if caller == Caller::SrtLiveTransmit {
            let overhead = overhead(&folder)?;
            eprintln!("{overhead:.3} packets on the wire for one of payload");
            if overhead > MOST_OVERHEAD {
                return Err(format!("{overhead:.3} packets for one of payload").into());
            }
        }
        Ok(())
    }

    fn check(&self, received: &Received, sent: &[u8], counted: usize) -> Result<(), Error> {
        let Received { bytes, status } = received;
        if let Some(at) = bytes.iter().zip(sent).position(|(got, sent)| got != sent) {
            return Err(format!("byte {at} is another: {status:?}").into());
        }
        if bytes.len() < counted || status.dropped != 0 {
            return Err(format!("{} of {} bytes: {status:?}", bytes.len(), sent.len()).into());
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

/// Writes at so many bits a second.
fn feed(input: &mut impl std::io::Write, bytes: &[u8], rate: f64) -> Result<(), Error> {
    let begun = Instant::now();
    for (number, chunk) in bytes.chunks(PIECE).enumerate() {
        let due = begun + Duration::from_secs_f64((number * PIECE * 8) as f64 / rate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        input.write_all(chunk)?;
        input.flush()?;
    }
    Ok(())
}

/// ffmpeg makes one stream for the wire and for a file.
fn ffmpeg(version: Version, percent: u32, encrypted: bool) -> Result<(), Error> {
    let folder = Folder::new("srtwire")?;
    let port = Port::open(encrypted)?;
    let (address, _proxy) = network(&port, percent)?;
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
    let trial = Trial { percent: 0, key: Some(128), mbit: 5 };
    let port = Port::open(true)?;
    let (address, _proxy) = network(&port, trial.percent)?;
    let options = SrtSocket::builder().latency(Duration::from_millis(250));
    let call = options.encryption(16, PASSPHRASE);
    let mut socket = call.call(address.to_string().as_str(), None).await?;
    let packets = trial.mbit * 3_332;
    // It closes without waiting for what the receiver holds back: a second more than is counted.
    let sent = numbered(packets + packets / 5);
    let begun = tokio::time::Instant::now();
    for (number, piece) in sent.chunks(PIECE).enumerate() {
        let due = (number * PIECE * 8) as f64 / (f64::from(trial.mbit) * 1e6);
        tokio::time::sleep_until(begun + Duration::from_secs_f64(due)).await;
        socket.send((Instant::now(), Bytes::copy_from_slice(piece))).await?;
    }
    socket.close().await?;
    let received = tokio::task::spawn_blocking(|| port.end().map_err(|error| error.to_string()));
    let received = received.await??;
    eprintln!("srt-tokio, {trial:?}: {:?}", received.status);
    trial.check(&received, &sent, packets as usize * 188)
}

/// Runs what waits for processes, while nothing else is measured.
async fn alone(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
    let _turn = Turn::alone().await;
    tokio::task::spawn_blocking(work).await?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_of_srt_live_transmit_comes_in_order() {
    let trial = Trial { percent: 2, key: None, mbit: 5 };
    alone(move || {
        Trial { percent: 0, ..trial }.run(Caller::SrtLiveTransmit)?;
        Trial { percent: 5, key: Some(128), ..trial }.run(Caller::SrtLiveTransmit)?;
        Trial { key: Some(192), mbit: 20, ..trial }.run(Caller::SrtLiveTransmit)?;
        Trial { mbit: 50, ..trial }.run(Caller::SrtLiveTransmit)
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_of_gstreamer_comes_in_order() {
    let trial = Trial { percent: 2, key: Some(256), mbit: 5 };
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
