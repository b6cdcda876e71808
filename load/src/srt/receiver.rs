//! The receiver of a Rushes alone, without a server's sources and passphrases: a process of its own,
//! so that what it costs can be told.

use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZero;
use std::process::Stdio;
use std::sync::Arc;

use clap::Args;
use rushes_media::srt::{Limits, Rejection};
use rushes_media::{
    Admission, BoxFuture, Caller, Gate, Media, MediaConfig, Srt, SrtConfig, StreamId, TcpLimits,
    TranscodeLimits,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::error::Error;

use super::Running;

/// What the process is told.
#[derive(Debug, Args)]
pub(crate) struct ReceiverArgs {
    /// How many feeds there are: their stream ids are 0, 1 and so on.
    #[arg(long)]
    feeds: u16,
}

/// What it says once it listens.
#[derive(Debug, Serialize, Deserialize)]
struct Ready {
    address: SocketAddr,
}

/// What it says whenever it is sent a line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Received {
    /// Feeds of which something has come.
    pub(super) feeds: u16,
    pub(super) bytes: u64,
    pub(super) dropped: u64,
}

/// Lets everybody in, in the clear.
struct Open;

impl Gate for Open {
    fn admit(&self, caller: Caller) -> BoxFuture<'_, Result<Admission, Rejection>> {
        let number = caller.request.resource.parse().map_err(|_| Rejection::NotFound);
        Box::pin(async move { Ok(Admission { stream: StreamId(number?), passphrase: None }) })
    }

    fn accepted(&self, _: StreamId) -> BoxFuture<'_, Result<(), Rejection>> {
        Box::pin(async { Ok(()) })
    }
}

/// Is the receiver, until nobody asks any more.
pub(crate) async fn run(args: &ReceiverArgs) -> Result<(), Error> {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = MediaConfig {
        listen: anywhere,
        hosts: Vec::new(),
        max_sessions: usize::from(args.feeds),
        tcp: TcpLimits::default(),
        fanout_threads: NonZero::new(1),
        transcodes: TranscodeLimits::NONE,
        ffmpeg: None,
    };
    // Nobody listens to what happens.
    let (media, _events) = Media::start(config).map_err(Error::io("the media plane"))?;
    let links = usize::from(args.feeds);
    let limits = Limits { links, links_of_address: links, ..Limits::default() };
    let config = SrtConfig { listen: anywhere, limits };
    let srt = Srt::start(config, &media, Arc::new(Open)).map_err(Error::io("the SRT port"))?;
    say(&Ready { address: srt.local_addr() })?;
    // Not here, where callers are let in meanwhile.
    while tokio::task::spawn_blocking(asked).await.unwrap_or(false) {
        say(&received(&srt, args.feeds))?;
    }
    srt.shutdown().await;
    media.shutdown().await;
    Ok(())
}

/// Whether there is another question.
fn asked() -> bool {
    std::io::stdin().read_line(&mut String::new()).is_ok_and(|length| length > 0)
}

fn received(srt: &Srt, feeds: u16) -> Received {
    let status = |feed: u16| srt.status(StreamId(feed.into()));
    let connections = (0..feeds).filter_map(status).map(|status| status.srt);
    connections.filter(|srt| srt.bytes > 0).fold(
        Received { feeds: 0, bytes: 0, dropped: 0 },
        |sum, srt| Received {
            feeds: sum.feeds + 1,
            bytes: sum.bytes + srt.bytes,
            dropped: sum.dropped + srt.dropped,
        },
    )
}

fn say(what: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(what).map_err(|error| Error::Usage(error.to_string()))?;
    let mut out = std::io::stdout();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Error::io("the output"))
}

/// The process, seen from the one that started it.
pub(super) struct Receiver {
    process: Running,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    pub(super) address: SocketAddr,
}

impl Receiver {
    /// Starts it; on these cores, as `taskset -c` takes them.
    pub(super) async fn start(feeds: u16, cores: Option<&str>) -> Result<Self, Error> {
        let this = std::env::current_exe().map_err(Error::io("this program"))?;
        let mut command = super::on_cores(cores, &this);
        command.args(["srt-receiver", "--feeds", &feeds.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self::of(&mut command).await
    }

    async fn of(command: &mut Command) -> Result<Self, Error> {
        let gone = || Error::Usage("the receiver ended by itself".to_owned());
        let mut process = Running::start(command)?;
        let questions = process.0.stdin.take().ok_or_else(gone)?;
        let output = process.0.stdout.take().ok_or_else(gone)?;
        let mut answers = BufReader::new(output).lines();
        let Ready { address } = heard(&mut answers).await?;
        Ok(Self { process, questions, answers, address })
    }

    pub(super) fn pid(&self) -> Result<u32, Error> {
        self.process.pid()
    }

    /// What has come, as of the last second.
    pub(super) async fn received(&mut self) -> Result<Received, Error> {
        self.questions.write_all(b"?\n").await.map_err(Error::io("the receiver"))?;
        heard(&mut self.answers).await
    }
}

async fn heard<T: for<'de> Deserialize<'de>>(
    answers: &mut Lines<BufReader<ChildStdout>>,
) -> Result<T, Error> {
    let line = answers.next_line().await.map_err(Error::io("the receiver"))?.unwrap_or_default();
    serde_json::from_str(&line).map_err(|error| Error::Usage(format!("the receiver: {error}")))
}
