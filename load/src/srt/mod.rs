//! What SRT feeds cost a Rushes, and `srt-live-transmit` beside it: as many processes of libsrt's
//! own receiver, which hand the bytes on and do nothing else. Both are sent the same by ffmpeg.

mod receiver;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use crate::error::Error;
use crate::http::Client;
use crate::process::Usage;
use crate::rooms::until;
use crate::rushes::{Server, text};

use receiver::Receiver;
pub(crate) use receiver::{ReceiverArgs, run as receive};

/// A clip that is repeated: so long that its end is met seldom.
const CLIP_SECONDS: &str = "20";
/// What is left of the rate for the picture, in kbit/s: the sound and the transport stream's own
/// packets take the rest.
const BESIDES: u32 = 350;
/// How long all feeds may take to be there.
const LATE: Duration = Duration::from_secs(30);
/// How often it is looked whether they are.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The thread of a Rushes that has the SRT port.
const RECEIVER: &str = "rushes-srt";
/// What libsrt's receivers are encrypted with.
const PASSPHRASE: &str = "0123456789abcdef";

/// What is sent to whom.
#[derive(Debug, Args)]
pub(crate) struct SrtArgs {
    /// The data folder of a running Rushes.
    #[arg(long, required_unless_present = "plain")]
    rushes_data: Option<PathBuf>,
    /// Nothing is encrypted. Sources of a server all have a passphrase, so that its receiver alone is
    /// sent to: what takes SRT and transport streams, in a process of its own.
    #[arg(long, conflicts_with = "rushes_data")]
    plain: bool,
    /// How many feeds.
    #[arg(long, default_value_t = 20)]
    feeds: u16,
    /// Of each, in Mbit/s, the transport stream's padding included.
    #[arg(long, default_value_t = 5)]
    mbit: u32,
    /// How long is measured, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The first of the ports that `srt-live-transmit` listens at.
    #[arg(long, default_value_t = 9200)]
    beside_port: u16,
    /// Cores for the receivers that are started here, as `taskset -c` takes them: those that the
    /// server has.
    #[arg(long)]
    beside_cores: Option<String>,
}

/// What came out.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    mode: &'static str,
    feeds: u16,
    mbit: u32,
    seconds: f64,
    /// Of the encryption; 0 is none.
    key_bits: u16,
    rushes: Cost,
    /// One process for each feed.
    srt_live_transmit: Cost,
    /// CPU of the first by that of the second: of all that a server does with the feeds, its sound and
    /// its packets for viewers too.
    cpu_ratio: f64,
    /// CPU of the thread that has the SRT port by that of the second: what is nearest to the same
    /// work. The thread takes the transport streams apart besides. None where it did too little to
    /// be counted.
    receiver_ratio: Option<f64>,
}

/// What receiving took.
#[derive(Debug, Default, Serialize)]
struct Cost {
    cpu_percent: f64,
    /// By the names of the threads.
    threads: Vec<(String, f64)>,
    rss: u64,
    delivered_bytes: u64,
    /// Packets that never came in time; of Rushes alone, the other says nothing.
    dropped: Option<u64>,
}

impl Cost {
    /// CPU of all threads of a name by that of another process, or of several.
    fn ratio_of(&self, thread: &str, beside: &Self) -> Option<f64> {
        let (_, cpu) = self.threads.iter().find(|(name, _)| name == thread)?;
        Some(cpu / beside.cpu_percent)
    }
}

/// A process that is killed by its id when this is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Result<Self, Error> {
        let child = command.stderr(Stdio::null()).kill_on_drop(true).spawn();
        child.map(Self).map_err(Error::io("ffmpeg or srt-live-transmit"))
    }

    fn pid(&self) -> Result<u32, Error> {
        self.0.id().ok_or_else(|| Error::Usage("a receiver ended by itself".to_owned()))
    }
}

/// A program that is to run on these cores.
fn on_cores(cores: Option<&str>, program: &Path) -> Command {
    match cores {
        None => Command::new(program),
        Some(cores) => {
            let mut command = Command::new("taskset");
            command.args(["-c", cores]).arg(program);
            command
        }
    }
}

/// Sends to both, one after the other.
pub(crate) async fn run(http: &Client, args: &SrtArgs) -> Result<Outcome, Error> {
    let clip = std::env::temp_dir().join(format!("rushes-load-{}.ts", std::process::id()));
    make(&clip, args.mbit).await?;
    let outcome = both(http, args, &clip).await;
    std::fs::remove_file(&clip).map_err(Error::io("the clip"))?;
    outcome
}

async fn both(http: &Client, args: &SrtArgs, clip: &Path) -> Result<Outcome, Error> {
    let (rushes, seconds) = by_rushes(http, args, clip).await?;
    let srt_live_transmit = beside(args, clip).await?;
    let cpu_ratio = rushes.cpu_percent / srt_live_transmit.cpu_percent;
    let receiver_ratio = rushes.ratio_of(RECEIVER, &srt_live_transmit);
    Ok(Outcome {
        mode: "srt",
        feeds: args.feeds,
        mbit: args.mbit,
        seconds,
        key_bits: if args.plain { 0 } else { 128 },
        rushes,
        srt_live_transmit,
        cpu_ratio,
        receiver_ratio,
    })
}

/// H.264 and AAC in a transport stream of a constant rate.
async fn make(clip: &Path, mbit: u32) -> Result<(), Error> {
    let picture = format!("{}k", mbit * 1000 - BESIDES);
    let status = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-y"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25,noise=alls=20:allf=t"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
        .args(["-t", CLIP_SECONDS, "-c:v", "libx264", "-preset", "ultrafast"])
        .args(["-profile:v", "baseline", "-tune", "zerolatency", "-g", "25"])
        .args(["-b:v", &picture, "-maxrate", &picture, "-bufsize", "500k"])
        .args(["-c:a", "aac", "-b:a", "128k", "-ac", "2"])
        .args(["-muxrate", &format!("{mbit}M"), "-f", "mpegts"])
        .arg(clip)
        .status()
        .await
        .map_err(Error::io("ffmpeg"))?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::Usage(format!("ffmpeg makes no clip: {status}"))),
    }
}

fn send(clip: &Path, mbit: u32, url: &str) -> Result<Running, Error> {
    Running::start(
        Command::new("ffmpeg")
            .args(["-hide_banner", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i"])
            .arg(clip)
            .args(["-c", "copy", "-muxrate", &format!("{mbit}M"), "-f", "mpegts", url])
            .stdin(Stdio::null())
            .stdout(Stdio::null()),
    )
}

/// What is measured: a server, or its receiver alone.
enum Taker<'a> {
    Server { server: Server<'a>, pid: u32, ids: Vec<Value> },
    Alone(Receiver),
}

impl<'a> Taker<'a> {
    /// One that is ready, and where each feed is to be sent to.
    async fn start(http: &'a Client, args: &SrtArgs) -> Result<(Self, Vec<String>), Error> {
        let Some(folder) = &args.rushes_data else {
            let receiver = Receiver::start(args.feeds, args.beside_cores.as_deref()).await?;
            let address = receiver.address;
            let url = |feed| format!("srt://{address}?streamid={feed}");
            return Ok((Self::Alone(receiver), (0..args.feeds).map(url).collect()));
        };
        let server = Server::find(http, folder).await?;
        let unknown = || Error::Usage("the server's pid is not known".to_owned());
        let pid = server.pid.ok_or_else(unknown)?;
        let project = server.folder().await?;
        let (mut ids, mut urls) = (Vec::new(), Vec::new());
        for at in 0..args.feeds {
            let source =
                json!({ "name": format!("Load {at}"), "description": "", "project_id": project });
            let source = server.call("create/live/registration/srt", source).await?;
            urls.push(text(&source, "url")?.to_owned());
            ids.push(source["id"].clone());
        }
        Ok((Self::Server { server, pid, ids }, urls))
    }

    fn usage(&self) -> Result<Usage, Error> {
        match self {
            Self::Server { pid, .. } => Usage::of(*pid),
            Self::Alone(receiver) => Usage::of(receiver.pid()?),
        }
    }

    /// The bytes and the packets that were dropped of all feeds; none while one of them is not there.
    async fn received(&mut self, feeds: u16) -> Result<Option<(u64, u64)>, Error> {
        match self {
            Self::Server { server, ids, .. } => received(server, ids).await,
            Self::Alone(receiver) => {
                let received = receiver.received().await?;
                Ok((received.feeds == feeds).then_some((received.bytes, received.dropped)))
            }
        }
    }
}

async fn by_rushes(http: &Client, args: &SrtArgs, clip: &Path) -> Result<(Cost, f64), Error> {
    let (mut taker, urls) = Taker::start(http, args).await?;
    let senders: Result<Vec<Running>, Error> =
        urls.iter().map(|url| send(clip, args.mbit, url)).collect();
    let senders = senders?;
    let end = Instant::now() + LATE;
    while taker.received(args.feeds).await?.is_none() {
        if Instant::now() > end {
            return Err(Error::Usage("not all feeds came".to_owned()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let begun = (Instant::now(), taker.usage()?, taker.received(args.feeds).await?);
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    let ended = (Instant::now(), taker.usage()?, taker.received(args.feeds).await?);
    drop(senders);
    let seconds = ended.0.duration_since(begun.0).as_secs_f64();
    let gone = || Error::Usage("a feed ended by itself".to_owned());
    let (before, after) = (begun.2.ok_or_else(gone)?, ended.2.ok_or_else(gone)?);
    let mut cost = cost(&begun.1, &ended.1, seconds);
    cost.delivered_bytes = after.0 - before.0;
    cost.dropped = Some(after.1 - before.1);
    Ok((cost, seconds))
}

/// The same of a server.
async fn received(server: &Server<'_>, ids: &[Value]) -> Result<Option<(u64, u64)>, Error> {
    let mut sum = (0, 0);
    for id in ids {
        let details = server.call("get/live/details", json!({ "id": id })).await?;
        let srt = &details["additional_details"]["srt"];
        let (Some(bytes), Some(dropped)) = (srt["bytes"].as_u64(), srt["dropped"].as_u64()) else {
            return Ok(None);
        };
        if details["status"] != "LIVE" || bytes == 0 {
            return Ok(None);
        }
        sum = (sum.0 + bytes, sum.1 + dropped);
    }
    Ok(Some(sum))
}

fn cost(before: &Usage, after: &Usage, seconds: f64) -> Cost {
    let percent = |before: f64, after: f64| (after - before) / seconds * 100.0;
    let of = |name: &str| before.threads.get(name).copied().unwrap_or_default();
    let threads = after.threads.iter().map(|(name, cpu)| (name.clone(), percent(of(name), *cpu)));
    let cpu_percent = percent(before.cpu, after.cpu);
    let threads = threads.filter(|(_, cpu)| *cpu > 0.0).collect();
    Cost { cpu_percent, threads, rss: after.rss, ..Cost::default() }
}

/// The same to as many processes of `srt-live-transmit`.
async fn beside(args: &SrtArgs, clip: &Path) -> Result<Cost, Error> {
    let came: Arc<Vec<AtomicU64>> = Arc::new((0..args.feeds).map(|_| AtomicU64::new(0)).collect());
    let (mut receivers, mut senders) = (Vec::new(), Vec::new());
    for at in 0..args.feeds {
        let port = args.beside_port + at;
        let keys = match args.plain {
            true => String::new(),
            false => format!("passphrase={PASSPHRASE}&pbkeylen=16"),
        };
        let listener = format!("srt://127.0.0.1:{port}?mode=listener&{keys}");
        let mut command = on_cores(args.beside_cores.as_deref(), Path::new("srt-live-transmit"));
        command.args(["-q", &listener, "file://con"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut receiver = Running::start(&mut command)?;
        if let Some(mut output) = receiver.0.stdout.take() {
            let came = Arc::clone(&came);
            tokio::spawn(async move {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(length @ 1..) = output.read(&mut buffer).await {
                    came[usize::from(at)].fetch_add(length as u64, Ordering::Relaxed);
                }
            });
        }
        receivers.push(receiver);
        senders.push(send(clip, args.mbit, &format!("srt://127.0.0.1:{port}?{keys}"))?);
    }
    let all_came = || came.iter().all(|came| came.load(Ordering::Relaxed) > 0);
    if !until(LATE, all_came).await {
        return Err(Error::Usage("not all feeds came to srt-live-transmit".to_owned()));
    }
    let look = || -> Result<(Usage, u64), Error> {
        let mut all = Usage::default();
        for receiver in &receivers {
            let Usage { cpu, rss, .. } = Usage::of(receiver.pid()?)?;
            all = Usage { cpu: all.cpu + cpu, rss: all.rss + rss, ..all };
        }
        Ok((all, came.iter().map(|came| came.load(Ordering::Relaxed)).sum()))
    };
    let (begun, before) = (Instant::now(), look()?);
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    let after = look()?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut cost = cost(&before.0, &after.0, seconds);
    cost.delivered_bytes = after.1 - before.1;
    drop(senders);
    Ok(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receiver_alone_is_held_against_all_of_the_other() {
        let usage = |cpu: f64, receiver: f64| Usage {
            cpu,
            threads: [(RECEIVER, receiver), ("rushes-sound", cpu - receiver)]
                .map(|(name, cpu)| (name.to_owned(), cpu))
                .into(),
            ..Usage::default()
        };
        let rushes = cost(&usage(1.0, 0.5), &usage(3.0, 1.0), 10.0);
        let beside = Cost { cpu_percent: 10.0, ..Cost::default() };
        assert_eq!(rushes.cpu_percent / beside.cpu_percent, 2.0);
        assert_eq!(rushes.ratio_of(RECEIVER, &beside), Some(0.5));
        assert_eq!(beside.ratio_of(RECEIVER, &rushes), None);
    }
}
