//! Publishes an MPEG transport stream over SRT with `srt-tokio`, which shares no code with the
//! server's own receiver.

use std::str::FromStr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::SinkExt as _;
use reqwest::Url;
use srt_tokio::SrtSocket;
use tokio::io::{AsyncRead, AsyncReadExt as _, BufReader};

use super::Error;

/// Bytes of a packet of a transport stream, and the byte that each begins with
/// (ISO/IEC 13818-1, 2.4.3.2).
const PACKET: usize = 188;
const SYNC: u8 = 0x47;
/// What is sent at once: the seven packets that one of SRT's has room for.
const MESSAGE: usize = 7 * PACKET;
/// Ticks of a transport stream's clock in a second; it has 33 bits.
const TICKS: u64 = 90_000;
const CLOCK: u64 = (1 << 33) - 1;

/// Where a stream goes: `srt://HOST:PORT?streamid=…&passphrase=…`, as a registration has it.
#[derive(Clone)]
pub(crate) struct SrtTarget {
    /// Host and port.
    pub(crate) address: String,
    pub(crate) stream_id: Option<String>,
    /// 10 to 79 bytes; none: nothing is encrypted.
    pub(crate) passphrase: Option<String>,
    /// Bytes of the key: 16, 24 or 32 (`pbkeylen`).
    pub(crate) key_bytes: u16,
}

impl FromStr for SrtTarget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let url: Url = text.parse()?;
        let (Some(host), Some(port), "srt") = (url.host_str(), url.port(), url.scheme()) else {
            return Err("an address is written srt://HOST:PORT?streamid=…&passphrase=…".into());
        };
        if url.fragment().is_some() {
            return Err("what follows a # is not sent: in a stream id it is written %23".into());
        }
        let address = format!("{host}:{port}");
        let mut target = Self { address, stream_id: None, passphrase: None, key_bytes: 16 };
        for (name, value) in url.query_pairs() {
            match (&*name, value.len()) {
                ("streamid", _) => target.stream_id = Some(value.into_owned()),
                ("passphrase", 10..=79) => target.passphrase = Some(value.into_owned()),
                ("passphrase", _) => return Err("a passphrase has 10 to 79 bytes".into()),
                ("pbkeylen", _) => target.key_bytes = value.parse()?,
                _ => return Err(format!("{name} is not known here").into()),
            }
        }
        if !matches!(target.key_bytes, 16 | 24 | 32) {
            return Err("pbkeylen is 16, 24 or 32".into());
        }
        Ok(target)
    }
}

/// Connects as a caller. The receiver waits for so long for packets that are lost, or longer where
/// it wants to.
pub(crate) async fn connect(target: &SrtTarget, latency: Duration) -> Result<SrtSocket, Error> {
    let mut options = SrtSocket::builder().latency(latency);
    if let Some(passphrase) = &target.passphrase {
        options = options.encryption(target.key_bytes, passphrase.as_str());
    }
    Ok(options.call(target.address.as_str(), target.stream_id.as_deref()).await?)
}

/// Sends a transport stream until its end, and says how many bytes it had: as fast as they come, or
/// with a pace.
pub(crate) async fn publish(
    socket: &mut SrtSocket,
    input: impl AsyncRead + Unpin,
    mut pace: Option<Pace>,
) -> Result<u64, Error> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut sent = 0;
    loop {
        let mut message = Vec::with_capacity(MESSAGE);
        (&mut input).take(MESSAGE as u64).read_to_end(&mut message).await?;
        match message.first() {
            None => return Ok(sent),
            Some(&first) if first != SYNC => {
                return Err("this is no MPEG transport stream of packets of 188 bytes".into());
            }
            Some(_) => {}
        }
        if let Some(due) = pace.as_mut().and_then(|pace| pace.due(&message)) {
            tokio::time::sleep_until(due.into()).await;
        }
        sent += message.len() as u64;
        // The time is that of the packet at the other end too, one latency later.
        socket.send((Instant::now(), Bytes::from(message))).await?;
    }
}

/// Has a file sent as fast as it is played, by the clock that is in it (PCR).
#[derive(Default)]
pub(crate) struct Pace(Option<Clock>);

struct Clock {
    /// Whose clock it is.
    pid: u16,
    /// What it said last, in ticks.
    time: u64,
    /// When that was due.
    due: Instant,
}

impl Pace {
    /// When packets are to be sent; at once where they do not tell the time.
    fn due(&mut self, message: &[u8]) -> Option<Instant> {
        let (pid, time) = message.chunks(PACKET).find_map(pcr)?;
        let clock = self.0.get_or_insert_with(|| Clock { pid, time, due: Instant::now() });
        if clock.pid != pid {
            return None;
        }
        let since = time.wrapping_sub(clock.time) & CLOCK;
        // It jumps where files were put together, and goes on from there.
        if since <= TICKS {
            clock.due += Duration::from_nanos(since * 1_000_000_000 / TICKS);
        }
        clock.time = time;
        Some(clock.due)
    }
}

/// The clock in a packet, and whose it is (ISO/IEC 13818-1, 2.4.3.4).
fn pcr(packet: &[u8]) -> Option<(u16, u64)> {
    let [SYNC, high, low, control, length, flags, a, b, c, d, e, ..] = packet else { return None };
    let told = control & 0x20 != 0 && *length >= 7 && flags & 0x10 != 0;
    let time = u64::from(u32::from_be_bytes([*a, *b, *c, *d])) << 1 | u64::from(e >> 7);
    told.then_some((u16::from_be_bytes([high & 0x1f, *low]), time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_what_is_not_understood_is_refused() {
        let target: SrtTarget =
            "srt://192.0.2.1:8890?streamid=abc&passphrase=0123456789".parse().unwrap();
        assert_eq!((target.address.as_str(), target.key_bytes), ("192.0.2.1:8890", 16));
        assert_eq!(target.stream_id.as_deref(), Some("abc"));
        assert_eq!(target.passphrase.as_deref(), Some("0123456789"));
        let target: SrtTarget = "srt://a.test:1?streamid=%23!::r=b,m=publish".parse().unwrap();
        assert_eq!(target.stream_id.as_deref(), Some("#!::r=b,m=publish"));
        for text in [
            "http://192.0.2.1:8890",
            "srt://192.0.2.1",
            "srt://192.0.2.1:8890?passphrase=short",
            "srt://192.0.2.1:8890?passphrase=0123456789&pbkeylen=17",
            "srt://192.0.2.1:8890?mode=listener",
            "srt://192.0.2.1:8890?streamid=#!::r=b",
        ] {
            assert!(text.parse::<SrtTarget>().is_err(), "{text}");
        }
    }

    /// A packet of a stream's with its clock.
    fn telling(pid: u16, time: u64) -> [u8; PACKET] {
        let mut packet = [0xff; PACKET];
        packet[0] = SYNC;
        packet[1..3].copy_from_slice(&pid.to_be_bytes());
        packet[3..6].copy_from_slice(&[0x20, 183, 0x10]);
        packet[6..10].copy_from_slice(&((time >> 1) as u32).to_be_bytes());
        packet[10] = (time as u8) << 7;
        packet
    }

    #[test]
    fn a_file_is_sent_as_fast_as_its_clock_goes_also_where_that_wraps_and_jumps() {
        let mut pace = Pace::default();
        assert_eq!(pace.due(&[SYNC; PACKET]), None, "nothing tells the time");
        let first = pace.due(&telling(256, CLOCK + 1 - 900)).unwrap();
        let mut after = |time| pace.due(&telling(256, time)).unwrap().duration_since(first);
        assert_eq!(after(0).as_millis(), 10);
        assert_eq!(after(900).as_millis(), 20);
        assert_eq!(after(45_900).as_millis(), 520);
        // An hour further on, and back.
        assert_eq!(after(TICKS * 3600).as_millis(), 520);
        assert_eq!(after(900).as_millis(), 520);
        assert_eq!(after(9_900).as_millis(), 620);
        assert_eq!(pace.due(&telling(257, 99)), None, "another programme's");
    }
}
