//! The receiver's core on real sockets with libsrt's senders: every byte, in order, also through a
//! network that loses datagrams.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rushes_media::srt::{Keys, Limits, Listener, Output, Rejection, SrtStatus};

use crate::ffmpeg::Version;
use crate::peer::Error;
use crate::proxy::{Network, Proxy};
use crate::server::{Folder, Turn};

const PASSPHRASE: &str = "0123456789ABCDEF0123456789ABCDEF";
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

/// Five seconds of 5 Mbit/s out of `srt-live-transmit`, which is fed once it is connected.
fn srt_live_transmit(percent: u32, key: Option<u32>) -> Result<(), Error> {
    use std::io::Write as _;

    let port = Port::open(key.is_some())?;
    let (address, _proxy) = network(&port, percent)?;
    let keys = key
        .map_or_else(String::new, |bits| format!("&passphrase={PASSPHRASE}&pbkeylen={}", bits / 8));
    let url = format!("srt://{address}?mode=caller&latency=250{keys}");
    let child = Command::new("srt-live-transmit")
        .args(["-q", "file://con", &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("srt-live-transmit: {error}; run `make tools`"))?;
    let mut sender = Process(child);
    port.connected.recv_timeout(TIMEOUT)?;
    // The answer has to get there: what is read before that is lost.
    thread::sleep(Duration::from_millis(500));
    let mut input = sender.0.stdin.take().ok_or("no input")?;
    // It sends ten pieces of 1456 bytes at a time: what comes after these is only to push them out.
    let counted = 16_660 * 188;
    let sent = numbered(16_860);
    let begun = Instant::now();
    for (number, chunk) in sent.chunks(7 * 188).enumerate() {
        let due = begun + Duration::from_secs_f64(number as f64 * 7.0 * 188.0 * 8.0 / 5e6);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        input.write_all(chunk)?;
        input.flush()?;
    }
    // It does not end by itself, and drops what it has in hand when it is killed.
    thread::sleep(Duration::from_millis(1500));
    drop(sender);
    let Received { bytes, status } = port.end()?;
    eprintln!("srt-live-transmit, {percent} %, {key:?}: {status:?}");
    if let Some(at) = bytes.iter().zip(&sent).position(|(got, sent)| got != sent) {
        return Err(format!("byte {at} is another: {status:?}").into());
    }
    if bytes.len() < counted || status.dropped != 0 {
        return Err(format!("{} of {} bytes: {status:?}", bytes.len(), sent.len()).into());
    }
    if percent > 0 && status.retransmitted == 0 {
        return Err("the network lost nothing".into());
    }
    let once = status.packets - status.belated;
    eprintln!("{:.3} packets received for one of payload", status.packets as f64 / once as f64);
    assert_eq!(status.encryption, key.map(|bits| bits as usize));
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

/// Runs what waits for processes, while nothing else is measured.
async fn alone(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
    let _turn = Turn::alone().await;
    tokio::task::spawn_blocking(work).await?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_of_srt_live_transmit_comes_in_order() {
    alone(|| {
        srt_live_transmit(0, None)?;
        srt_live_transmit(2, Some(128))?;
        srt_live_transmit(2, Some(192))
    })
    .await
    .unwrap();
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
