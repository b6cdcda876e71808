//! One TCP connection: frames in, frames out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::framing::Deframer;

use super::lines::{Line, Lines};
use super::{Arrived, FromTcp};

/// Read at a time.
const READ: usize = 8 << 10;
/// Written at a time.
const WRITE: usize = 32 << 10;
/// What a client may send before it has shown whose session it is: a few STUN checks.
const UNPROVEN: usize = 4 << 10;
/// A connection that is to end has so long for what waits.
const LINGER: Duration = Duration::from_millis(500);

/// Forgets a connection however its task ends.
struct Open<'a>(&'a Lines, &'a Line);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.forget(self.1.id);
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(
    lines: Lines,
    line: Arc<Line>,
    mut socket: TcpStream,
    arrivals: mpsc::Sender<FromTcp>,
) {
    let open = Open(&lines, &line);
    let deadline = Instant::now() + lines.prove_within();
    let (reader, writer) = socket.split();
    let ended = async {
        line.ending.notified().await;
        tokio::time::sleep(LINGER).await;
        "it was to end"
    };
    let reason = tokio::select! {
        reason = read(&line, &reader, deadline, &arrivals) => reason,
        reason = write(&line, writer) => reason,
        reason = ended => reason,
    };
    tracing::trace!(remote = %line.remote, reason, "a TCP connection ended");
    drop(open);
    drop(socket);
    // Also where it was not proven yet: what would prove it may still wait for the shard,
    // which is gone only when the server ends.
    let _ = arrivals.send(FromTcp::Closed(line.id)).await;
}

/// Hands on what the client sends, and says why it ends.
async fn read(
    line: &Line,
    reader: &ReadHalf<'_>,
    deadline: Instant,
    arrivals: &mpsc::Sender<FromTcp>,
) -> &'static str {
    let mut deframer = Deframer::default();
    let mut unproven = 0;
    loop {
        if line.is_proven() {
            if reader.readable().await.is_err() {
                return "it broke";
            }
        } else if timeout_at(deadline, reader.readable()).await.is_err() && !line.is_proven() {
            return "its client did not show whose it is";
        }
        let frames = match take(reader, &mut deframer) {
            Ok(frames) => frames,
            Err(reason) => return reason,
        };
        if !line.is_proven() {
            unproven += frames.len();
            if unproven > UNPROVEN {
                return "its client sent much before it had shown whose it is";
            }
        }
        if frames.is_empty() {
            continue;
        }
        let arrived = Arrived { id: line.id, remote: line.remote, local: line.local, frames };
        // Full: TCP itself holds the client up, and each connection has its turn.
        if arrivals.send(FromTcp::Frames(arrived)).await.is_err() {
            return "the server ends";
        }
    }
}

/// Reads once: the frames that are whole by now. The buffer lives no longer than this.
fn take(reader: &ReadHalf<'_>, deframer: &mut Deframer) -> Result<Vec<u8>, &'static str> {
    let mut buffer = [0; READ];
    match reader.try_read(&mut buffer) {
        Ok(0) => Err("its client closed it"),
        Ok(length) => {
            deframer.push(&buffer[..length]).map_err(|_| "a frame of it is longer than any")
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
        Err(_) => Err("it broke"),
    }
}

/// Writes what waits, and says why it ends.
async fn write(line: &Line, mut writer: WriteHalf<'_>) -> &'static str {
    loop {
        line.wake.notified().await;
        // Looked at before the queue: nothing comes into it once this is so.
        let ends = line.ends();
        while let Some(bytes) = line.take(WRITE) {
            if writer.write_all(&bytes).await.is_err() {
                return "it broke";
            }
        }
        if ends {
            let _ = writer.shutdown().await;
            return "it was closed";
        }
    }
}
