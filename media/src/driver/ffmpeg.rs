//! The ffmpeg program of this machine: it decodes what nothing here does.
//!
//! It is a parser of what strangers send, so it runs as a process of its own, without an environment,
//! with fixed arguments, no protocol but its standard input and output, and with limits. It ends with
//! whoever started it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use crate::transcode::{OutsideCodec, Shown};

/// What runs it: no files, no core dumps, few open files, and so much memory. It becomes ffmpeg, so
/// that the process is the same.
const LIMITED: &str =
    "ulimit -c 0; ulimit -f 0; ulimit -n 64; ulimit -v MEMORY; exec \"$0\" \"$@\"";
/// How much memory, in KiB: what decodes pictures keeps up to seventeen of them.
const MEMORY_FOR_SOUND: u64 = 1 << 20;
const MEMORY_FOR_PICTURES: u64 = 2 << 20;
/// What is said to all of them.
const ALWAYS: [&str; 11] = [
    "-nostdin",
    "-hide_banner",
    "-loglevel",
    "error",
    "-threads",
    "1",
    // It begins with the first bytes. (With `-fflags nobuffer` it would throw those away.)
    "-probesize",
    "32",
    "-analyzeduration",
    "0",
    "-protocol_whitelist",
];
/// AAC in ADTS frames to samples as they are decoded, in AU: whole floats and a short header.
const AAC: [&str; 16] = [
    "pipe",
    "-f",
    "aac",
    "-i",
    "pipe:0",
    "-map",
    "0:a:0",
    "-c:a",
    "pcm_f32be",
    "-bitexact",
    "-flush_packets",
    "1",
    "-threads",
    "1",
    "-f",
    "au",
];
/// What is said of a picture before the name of its decoder. Where its size changes without a key
/// frame, as that of VP9 may, what is behind the decoder stays, and so do the numbers.
const OF_PICTURES: [&str; 7] = ["pipe", "-copyts", "-f", "ivf", "-reinit_filter", "0", "-c:v"];
/// A picture with times (IVF) to pictures as they are decoded, in 8 bits and 4:2:0, each with its size
/// ("PGMYUV"), and of each a line with its number and its time, where else complaints go. Nothing is
/// added or left out to keep a rate. All have the size of the first, which is even, for "PGMYUV" has no
/// other.
const PICTURE: [&str; 22] = [
    "-i",
    "pipe:0",
    "-map",
    "0:v:0",
    // Only where there is something to tell, the time is told.
    "-vf",
    "scale=2*trunc(iw/2):2*trunc(ih/2),\
     metadata=add:key=rushes:value=1,metadata=print:file=pipe\\\\:2:direct=1",
    "-fps_mode",
    "passthrough",
    "-c:v",
    "pgmyuv",
    "-pix_fmt",
    "yuv420p",
    "-bitexact",
    "-flush_packets",
    "1",
    "-threads",
    "1",
    "-nostats",
    "-loglevel",
    "fatal",
    "-f",
    "image2pipe",
];
/// Pieces of input that wait to be written, of sound and of a picture. Beyond, they are left out.
const WAITING: usize = 128;
const WAITING_FRAMES: usize = 512;
/// The longest line that tells of a picture.
const LINE: u64 = 512;
/// Bytes that are read at once, and that its output's pipe is to hold: what comes of the frames of
/// 5.1 that a muxer bundles. In the kernel's own 64 KiB it would stop for its reader every two frames.
const CHUNK: usize = 256 << 10;
/// Pieces of input are written together up to so many bytes.
const TOGETHER: usize = 32 << 10;
/// Bytes of what it complains of that are logged, of one process.
const COMPLAINTS: u64 = 4 << 10;

/// Where ffmpeg is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ffmpeg(Arc<Path>);

/// What comes of a process.
#[derive(Debug)]
pub(super) enum Output {
    /// It gave out some bytes.
    Bytes(Vec<u8>),
    /// It has ended, or gives out nothing more.
    Ended,
}

/// A running ffmpeg. It is killed by its process id when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// None when there is no more to come.
    input: Option<SyncSender<Vec<u8>>>,
}

/// Why a piece of input was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// It takes its input too slowly.
    Full,
    /// It takes none any more.
    Ended,
}

impl Ffmpeg {
    /// The program at this path.
    #[must_use]
    pub fn at(program: PathBuf) -> Self {
        Self(program.into())
    }

    /// Starts one that decodes ADTS frames. `give` is called on a thread with what comes of it,
    /// and says whether anybody takes more; it may wait, and then the process does too.
    ///
    /// # Errors
    /// If there is no process.
    pub(super) fn decode_aac(
        &self,
        give: impl FnMut(Output) -> bool + Send + 'static,
    ) -> io::Result<Process> {
        let mut command = limited(MEMORY_FOR_SOUND);
        command.arg(&*self.0).args(ALWAYS).args(AAC).arg("pipe:1");
        Process::start(command, WAITING, give, log)
    }

    /// Starts one that decodes a picture. `give` is the same as for sound; `say` is called on another
    /// thread, with what it says of each picture before that comes, and says the same.
    ///
    /// # Errors
    /// If there is no process.
    pub(super) fn decode_picture(
        &self,
        codec: OutsideCodec,
        give: impl FnMut(Output) -> bool + Send + 'static,
        say: impl FnMut(Shown) -> bool + Send + 'static,
    ) -> io::Result<Process> {
        let mut command = limited(MEMORY_FOR_PICTURES);
        command.arg(&*self.0).args(ALWAYS).args(OF_PICTURES).arg(codec.decoder());
        command.args(PICTURE).arg("pipe:1");
        Process::start(command, WAITING_FRAMES, give, |stderr| listen(stderr, say))
    }
}

/// A shell that becomes the program that is its first argument, with so many KiB of memory.
fn limited(memory: u64) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(LIMITED.replace("MEMORY", &memory.to_string()));
    command
}

impl Process {
    fn start(
        mut command: Command,
        waiting: usize,
        give: impl FnMut(Output) -> bool + Send + 'static,
        hear: impl FnOnce(ChildStderr) + Send + 'static,
    ) -> io::Result<Self> {
        command.env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (input, inbox) = sync_channel(waiting);
        // From here on it ends with this, whatever fails.
        let process = Self { child, input: Some(input) };
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("a process without pipes"));
        };
        // What a user may have of this is limited; with less it only takes more turns.
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, CHUNK);
        thread("rushes-ff-in", move || write(stdin, &inbox))?;
        thread("rushes-ff-out", move || read(stdout, give))?;
        thread("rushes-ff-log", move || hear(stderr))?;
        Ok(process)
    }

    /// Hands over a piece of input, without waiting.
    ///
    /// # Errors
    /// When it is not taken.
    pub(super) fn write(&self, bytes: Vec<u8>) -> Result<(), NotTaken> {
        let Some(input) = &self.input else { return Err(NotTaken::Ended) };
        input.try_send(bytes).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Disconnected(_) => NotTaken::Ended,
        })
    }

    /// There is no more input than what was handed over.
    pub(super) fn end_input(&mut self) {
        self.input = None;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

fn write(mut stdin: impl Write, inbox: &Receiver<Vec<u8>>) {
    while let Ok(mut bytes) = inbox.recv() {
        while bytes.len() < TOGETHER
            && let Ok(more) = inbox.try_recv()
        {
            bytes.extend(more);
        }
        if stdin.write_all(&bytes).is_err() {
            return; // it has ended, which its output says
        }
    }
}

fn read(mut stdout: impl Read, mut give: impl FnMut(Output) -> bool) {
    let mut chunk = vec![0; CHUNK];
    loop {
        match stdout.read(&mut chunk) {
            Ok(count @ 1..) => {
                if !give(Output::Bytes(chunk[..count].to_vec())) {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => break,
        }
    }
    give(Output::Ended);
}

/// What it complains of is what strangers made it say: it is quoted, and not all of it is kept.
fn log(mut stderr: ChildStderr) {
    let mut said = Vec::new();
    let _ = stderr.by_ref().take(COMPLAINTS).read_to_end(&mut said);
    for line in String::from_utf8_lossy(&said).lines() {
        tracing::info!(?line, "ffmpeg");
    }
    // It is not to wait for a reader.
    let _ = io::copy(&mut stderr, &mut io::sink());
}

/// Takes what it says of its pictures; its complaints go among them.
fn listen(stderr: ChildStderr, mut say: impl FnMut(Shown) -> bool) {
    let mut stderr = BufReader::new(stderr);
    let (mut line, mut logged) = (Vec::new(), 0);
    loop {
        line.clear();
        if !matches!(stderr.by_ref().take(LINE).read_until(b'\n', &mut line), Ok(1..)) {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        if let Some(shown) = shown(&text) {
            if !say(shown) {
                break;
            }
        } else if logged < COMPLAINTS && text.trim() != "rushes=1" {
            logged += line.len() as u64;
            tracing::info!(line = ?text.trim_end(), "ffmpeg");
        }
    }
    let _ = io::copy(&mut stderr, &mut io::sink());
}

/// `frame:12   pts:3600    pts_time:0.04`, maybe in the middle of a complaint.
fn shown(line: &str) -> Option<Shown> {
    let (_, line) = line.split_once("frame:")?;
    let (number, line) = line.split_once(" pts:").or_else(|| line.split_once("pts:"))?;
    let time = line.split_whitespace().next()?;
    Some(Shown { number: number.trim().parse().ok()?, time: time.parse().ok() })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    /// What comes of a script that stands in ffmpeg's place.
    fn run(script: &str) -> (Process, Receiver<Output>) {
        let (outputs, inbox) = channel();
        let mut command = limited(MEMORY_FOR_SOUND);
        command.args(["/bin/sh", "-c", script]);
        let give = move |output| outputs.send(output).is_ok();
        let process = Process::start(command, WAITING, give, log);
        (process.unwrap(), inbox)
    }

    const LONG: Duration = Duration::from_secs(20);

    fn all(inbox: &Receiver<Output>) -> String {
        let mut all = Vec::new();
        while let Output::Bytes(bytes) = inbox.recv_timeout(LONG).unwrap() {
            all.extend(bytes);
        }
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn it_has_no_environment_and_cannot_write_files() {
        let file = std::env::temp_dir().join(format!("rushes-ffmpeg-{}", std::process::id()));
        let script = format!(
            "env | grep -cvE '^(PWD|_|SHLVL|OLDPWD)='; ulimit -v; ulimit -n; ulimit -f; pwd; \
             (echo written >{}) 2>/dev/null; echo done",
            file.display()
        );
        let (_process, inbox) = run(&format!("PATH=/usr/bin:/bin; {script}"));
        assert_eq!(all(&inbox), "0\n1048576\n64\n0\n/\ndone\n");
        let written = std::fs::read(&file).unwrap_or_default();
        let _ = std::fs::remove_file(&file);
        assert_eq!(written, [0u8; 0]);
    }

    #[test]
    fn it_gives_back_and_its_end_is_noticed() {
        let (process, inbox) = run("read line; echo \"<$line>\"; echo noise >&2");
        process.write(b"one\n".to_vec()).unwrap();
        assert_eq!(all(&inbox), "<one>\n");
    }

    #[test]
    fn it_hears_of_the_end_of_its_input_after_all_of_it() {
        let (mut process, inbox) = run("PATH=/usr/bin:/bin; cat; echo over");
        process.write(b"all of it\n".to_vec()).unwrap();
        process.end_input();
        assert_eq!(process.write(b"more".to_vec()), Err(NotTaken::Ended));
        assert_eq!(all(&inbox), "all of it\nover\n");
    }

    #[test]
    fn what_it_does_not_take_is_left_out_and_it_ends_with_its_owner() {
        // It reads nothing, and would go on for ever.
        let (process, inbox) = run("PATH=/usr/bin:/bin; echo $$; exec sleep 1000000");
        let Output::Bytes(id) = inbox.recv_timeout(LONG).unwrap() else { panic!("it has ended") };
        let id = String::from_utf8(id).unwrap();
        assert_eq!(id.trim(), process.child.id().to_string(), "the shell has become the program");
        let mut refused = None;
        for _ in 0..2 * WAITING {
            refused = refused.or(process.write(vec![0; 64 << 10]).err());
        }
        assert_eq!(refused, Some(NotTaken::Full));
        drop(process);
        assert!(matches!(inbox.recv_timeout(LONG).unwrap(), Output::Ended));
        assert!(!Path::new("/proc").join(id.trim()).exists(), "it is gone, and was waited for");
    }

    #[test]
    fn what_it_says_of_a_picture_is_found_among_complaints() {
        let told = Some(Shown { number: 12, time: Some(1_099_511_627_776) });
        assert_eq!(shown("frame:12   pts:1099511627776 pts_time:12216795.8\n"), told);
        assert_eq!(shown("[hevc @ 0x5] Could frame:12 pts:1099511627776 pts_time:1\n"), told);
        let lost = Some(Shown { number: 0, time: None });
        assert_eq!(shown("frame:0    pts:NOPTS   pts_time:NOPTS\n"), lost);
        for other in ["rushes=1\n", "frame: x pts:1", "Conversion failed!", "frame:1", ""] {
            assert_eq!(shown(other), None, "{other}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_has_ended_at_once() {
        let (outputs, inbox) = channel();
        let ffmpeg = Ffmpeg::at("/nowhere/ffmpeg".into());
        let process = ffmpeg.decode_aac(move |output| outputs.send(output).is_ok()).unwrap();
        assert!(matches!(inbox.recv_timeout(LONG).unwrap(), Output::Ended));
        drop(process);
    }
}
