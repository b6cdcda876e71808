//! ffmpeg as a caller: what it makes goes to the wire and into a file, and both are compared.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::packets::missing;
use super::port::{Port, Received, network};
use super::{PASSPHRASE, Trial};
use crate::ffmpeg::Version;
use crate::peer::Error;
use crate::server::Folder;

/// Tenths of a second of a clip.
const TENTHS: usize = 25;

/// A clip that senders fill up with null packets to what they are to send. Its frames come so fast
/// that what is sent with each of them is little.
pub(super) fn make(folder: &Folder) -> Result<PathBuf, Error> {
    let clip = folder.path().join("clip.ts");
    let status = Command::new(Version::Debian.find()?)
        .args(["-hide_banner", "-loglevel", "error"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=100"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
        .args(["-t", &(TENTHS as f64 / 10.0).to_string(), "-c:v", "libx264"])
        .args(["-preset", "ultrafast", "-tune", "zerolatency", "-g", "100", "-b:v", "1M"])
        .args(["-c:a", "aac", "-ac", "2", "-f", "mpegts"])
        .arg(&clip)
        .stdin(Stdio::null())
        .status()?;
    if status.success() { Ok(clip) } else { Err(format!("no clip: {status}").into()) }
}

impl Trial {
    /// Sends a clip as it is. Where the key has 128 bits ffmpeg is not told how long it is: it has
    /// to come to that by itself.
    pub(super) fn send(self, version: Version, clip: &Path) -> Result<Received, Error> {
        let folder = Folder::new("srtwire")?;
        let port = Port::open(self.key.is_some())?;
        let (address, _proxy) = network(&port, self.percent, self.trip)?;
        let keys = match self.key {
            None => String::new(),
            Some(128) => format!("&passphrase={PASSPHRASE}"),
            Some(bits) => format!("&passphrase={PASSPHRASE}&pbkeylen={}", bits / 8),
        };
        let url = format!("srt://{address}?latency={}000{keys}", self.latency);
        let file = folder.path().join("sent.ts");
        let muxer = format!("[f=mpegts:muxrate={}M]", self.mbit);
        let status = Command::new(version.find()?)
            .args(["-hide_banner", "-loglevel", "error", "-re", "-i"])
            .arg(clip)
            .args(["-map", "0", "-c", "copy", "-f", "tee"])
            .arg(format!("{muxer}{url}|{muxer}{}", file.display()))
            .stdin(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("{version:?}, {self:?}: {status}").into());
        }
        let received = port.end()?;
        eprintln!("{version:?}, {self:?}: {:?}", received.status);
        self.compare(&received, &std::fs::read(file)?)?;
        Ok(received)
    }

    fn compare(self, received: &Received, sent: &[u8]) -> Result<(), Error> {
        let Received { bytes, status, .. } = received;
        let missing = missing(bytes, sent).ok_or_else(|| format!("not as sent: {status:?}"))?;
        let packets = bytes.len() / 188 + missing;
        let most = self.most_missing(packets);
        if missing > most || (most == 0 && status.dropped != 0) {
            return Err(format!("{missing} of {packets} packets are missing: {status:?}").into());
        }
        // It closes without waiting for its last packets: what was under way is lost.
        let rest = sent.len() - packets * 188;
        if rest > sent.len() * 10 / TENTHS {
            return Err(format!("{rest} bytes at the end are missing: {status:?}").into());
        }
        self.check_status(status)
    }
}
