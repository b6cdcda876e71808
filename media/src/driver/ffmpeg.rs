//! The ffmpeg program of this machine: it decodes what nothing here does.
//!
//! It is a parser of what strangers send, so it runs as a process of its own, without an environment,
//! with fixed arguments, no protocol but its standard input and output, and with limits. It ends with
//! whoever started it.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// What runs it: no files, no core dumps, few open files, and 1 GiB of memory. It becomes ffmpeg, so
/// that the process is the same.
const LIMITED: &str =
    "ulimit -c 0; ulimit -f 0; ulimit -n 64; ulimit -v 1048576; exec \"$0\" \"$@\"";
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
/// Pieces of input that wait to be written. Beyond, they are left out.
const WAITING: usize = 128;
/// Bytes that are read at once: two frames of 5.1.
const CHUNK: usize = 48 << 10;
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
    input: SyncSender<Vec<u8>>,
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
        let mut command = Command::new("/bin/sh");
        command.args(["-c", LIMITED]).arg(&*self.0).args(ALWAYS).args(AAC).arg("pipe:1");
        Process::start(command, give)
    }
}

impl Process {
    fn start(
        mut command: Command,
        give: impl FnMut(Output) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        command.env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (input, inbox) = sync_channel(WAITING);
        // From here on it ends with this, whatever fails.
        let process = Self { child, input };
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("a process without pipes"));
        };
        thread("rushes-ff-in", move || write(stdin, &inbox))?;
        thread("rushes-ff-out", move || read(stdout, give))?;
        thread("rushes-ff-log", move || log(stderr))?;
        Ok(process)
    }

    /// Hands over a piece of input, without waiting.
    ///
    /// # Errors
    /// When it is not taken.
    pub(super) fn write(&self, bytes: Vec<u8>) -> Result<(), NotTaken> {
        self.input.try_send(bytes).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Disconnected(_) => NotTaken::Ended,
        })
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
    while let Ok(bytes) = inbox.recv() {
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
fn log(mut stderr: impl Read) {
    let mut said = Vec::new();
    let _ = stderr.by_ref().take(COMPLAINTS).read_to_end(&mut said);
    for line in String::from_utf8_lossy(&said).lines() {
        tracing::info!(?line, "ffmpeg");
    }
    // It is not to wait for a reader.
    let _ = io::copy(&mut stderr, &mut io::sink());
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    /// What comes of a script that stands in ffmpeg's place.
    fn run(script: &str) -> (Process, Receiver<Output>) {
        let (outputs, inbox) = channel();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", LIMITED, "/bin/sh", "-c", script]);
        let process = Process::start(command, move |output| outputs.send(output).is_ok());
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
    fn a_program_that_is_not_there_has_ended_at_once() {
        let (outputs, inbox) = channel();
        let ffmpeg = Ffmpeg::at("/nowhere/ffmpeg".into());
        let process = ffmpeg.decode_aac(move |output| outputs.send(output).is_ok()).unwrap();
        assert!(matches!(inbox.recv_timeout(LONG).unwrap(), Output::Ended));
        drop(process);
    }
}
