//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use reqwest::Url;

use crate::error::Error;
use crate::http::Target;
use crate::recorded::Recording;
use crate::rooms::Rooms;
use crate::source::Shape;
use crate::srt::{ReceiverArgs, SrtArgs};

/// Measures a WHIP and WHEP server. Prints one JSON object.
#[derive(Debug, Parser)]
#[command(name = "rushes-load", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watches.
    Whep {
        #[command(flatten)]
        endpoint: Endpoint,
        #[command(flatten)]
        viewers: Viewers,
        #[command(flatten)]
        common: Common,
    },
    /// Publishes.
    Whip {
        #[command(flatten)]
        endpoint: Endpoint,
        #[command(flatten)]
        stream: StreamArgs,
        /// Publishes the H.264 and, where there is some, the Opus of this MP4 instead of a
        /// synthetic stream, again and again, and fills it up to `--bitrate` with filler data
        /// (NAL units of type 12); what has more is sent as it is. It may have no B-frames.
        /// It cannot make a key frame where one is asked for: it goes on from the next one in
        /// the file, or from the beginning where there is none, and with `--ignore-pli` as if
        /// nobody had asked.
        #[arg(long, conflicts_with = "key_frame_seconds")]
        file: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Publishes and watches, and so also measures how long packets are under way.
    Fanout {
        #[command(flatten)]
        targets: Targets,
        #[command(flatten)]
        stream: StreamArgs,
        #[command(flatten)]
        viewers: Viewers,
        #[command(flatten)]
        common: Common,
    },
    /// Attends rooms, and measures how long a change takes to reach the last attendee.
    Rooms(Rooms),
    /// Sends by SRT with ffmpeg, to a Rushes and to `srt-live-transmit` beside it.
    Srt(SrtArgs),
    /// What `srt --plain` starts.
    #[command(hide = true)]
    SrtReceiver(ReceiverArgs),
}

/// One kind of endpoint.
#[derive(Debug, Args)]
pub(crate) struct Endpoint {
    /// The endpoint; `{}` is replaced by the stream's number, from 0.
    #[arg(long)]
    pub(crate) url: String,
    /// The bearer token; several are for one stream each.
    #[arg(long)]
    pub(crate) bearer: Vec<String>,
}

impl Endpoint {
    /// The endpoint of each of `count` streams.
    pub(crate) fn targets(&self, count: usize) -> Result<Vec<Target>, Error> {
        targets(&self.url, &self.bearer, count)
    }
}

fn targets(url: &str, bearers: &[String], count: usize) -> Result<Vec<Target>, Error> {
    if count > 1 && !url.contains("{}") {
        return Err(Error::Usage("several streams need a {} in the address".to_owned()));
    }
    let target = |at: usize| {
        let url = url.replace("{}", &at.to_string());
        let url = Url::parse(&url).map_err(|error| Error::Usage(format!("{url}: {error}")))?;
        let bearer = bearers.get(at % bearers.len().max(1)).cloned();
        Ok(Target { url, bearer })
    };
    (0..count).map(target).collect()
}

/// Both kinds of endpoints, or where to make them.
#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// The WHIP endpoint; `{}` is replaced by the stream's number, from 0.
    #[arg(long, required_unless_present = "rushes_data", conflicts_with = "rushes_data")]
    whip_url: Option<String>,
    /// The publishers' bearer token; several are for one stream each.
    #[arg(long)]
    whip_bearer: Vec<String>,
    /// The WHEP endpoint; `{}` is replaced by the stream's number, from 0.
    #[arg(long, required_unless_present = "rushes_data", conflicts_with = "rushes_data")]
    whep_url: Option<String>,
    /// The viewers' bearer token; several are for one stream each.
    #[arg(long)]
    whep_bearer: Vec<String>,
    /// The data folder of a running Rushes: registers the sources through its API.
    #[arg(long)]
    pub(crate) rushes_data: Option<PathBuf>,
}

impl Targets {
    /// The WHIP and the WHEP endpoint of each of `count` streams.
    pub(crate) fn both(&self, count: usize) -> Result<(Vec<Target>, Vec<Target>), Error> {
        let url = |url: &Option<String>| url.clone().unwrap_or_default();
        Ok((
            targets(&url(&self.whip_url), &self.whip_bearer, count)?,
            targets(&url(&self.whep_url), &self.whep_bearer, count)?,
        ))
    }
}

#[derive(Debug, Args)]
pub(crate) struct StreamArgs {
    /// Bits a second of each stream, on the level of RTP.
    #[arg(long, default_value_t = 2_650_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    bitrate: u64,
    /// Seconds between two key frames of a synthetic stream.
    #[arg(long, default_value_t = 2.0)]
    key_frame_seconds: f64,
    /// Leaves requests for key frames unanswered, as OBS does.
    #[arg(long)]
    ignore_pli: bool,
    /// Sends the packets of a frame over so many milliseconds, not all at once.
    #[arg(long, default_value_t = 0.0)]
    spread_ms: f64,
}

impl StreamArgs {
    /// How the streams are made; of `file`, if there is one.
    pub(crate) fn shape(&self, file: Option<PathBuf>) -> Result<Shape, Error> {
        let time = |seconds: f64| {
            Duration::try_from_secs_f64(seconds).map_err(|error| Error::Usage(error.to_string()))
        };
        let recording = file.map(|file| Recording::open(&file)).transpose()?;
        Ok(Shape {
            bitrate: self.bitrate,
            key_frames: time(self.key_frame_seconds)?,
            answers_pli: !self.ignore_pli,
            // The next frame comes after 33 ms.
            spread: time(self.spread_ms.min(33.0) / 1e3)?,
            recording: recording.map(Arc::new),
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Viewers {
    /// Viewers in all, divided evenly among the streams.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) viewers: u32,
    /// How many POST a second.
    #[arg(long, default_value_t = 50.0)]
    pub(crate) joins_per_second: f64,
    /// Every so-manieth viewer measures the delay of each of its packets; 0: none.
    #[arg(long, default_value_t = 16)]
    pub(crate) sample: u32,
    /// Sends no receiver reports.
    #[arg(long)]
    pub(crate) no_rtcp: bool,
    /// Threads that receive.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) threads: u8,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// How long is measured, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
    /// How many streams.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub(crate) streams: u32,
    /// The server's process, for its CPU time and memory.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// The local address to send from and receive on; found out without it.
    #[arg(long)]
    pub(crate) local: Option<IpAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn streams_have_addresses_and_bearers_of_their_own() {
        let bearers = ["a".to_owned(), "b".to_owned()];
        let two = targets("http://host/{}/whip", &bearers, 2).unwrap();
        assert_eq!(two[1].url.as_str(), "http://host/1/whip");
        assert_eq!(two[1].bearer.as_deref(), Some("b"));
        let without = targets("http://host/{}/whip", &[], 2).unwrap();
        assert_eq!(without[1].bearer, None);
        assert!(targets("http://host/whip", &[], 2).is_err());
        assert!(targets("host", &[], 1).is_err());
    }

    #[test]
    fn fanout_wants_both_addresses_or_a_folder() {
        let parse =
            |args: &[&str]| Cli::try_parse_from(["rushes-load", "fanout"].iter().chain(args));
        assert!(parse(&["--rushes-data", "data"]).is_ok());
        assert!(parse(&["--whip-url", "http://a/", "--whep-url", "http://b/"]).is_ok());
        assert!(parse(&["--whip-url", "http://a/"]).is_err());
        assert!(parse(&["--rushes-data", "data", "--whip-url", "http://a/"]).is_err());
    }

    #[test]
    fn a_file_is_published_by_whip_alone_and_has_its_own_key_frames() {
        let parse = |mode: &str, more: &[&str]| {
            let first = ["rushes-load", mode, "--url", "http://a/", "--file", "clip.mp4"];
            Cli::try_parse_from(first.iter().chain(more))
        };
        assert!(parse("whip", &["--bitrate", "4000000"]).is_ok());
        assert!(parse("whip", &["--key-frame-seconds", "1"]).is_err());
        assert!(parse("whep", &[]).is_err());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_name() {
        let whip = ["rushes-load", "whip", "--url", "http://a/", "--file", "/no/such.mp4"];
        let Command::Whip { stream, file, .. } = Cli::try_parse_from(whip).unwrap().command else {
            panic!("another command");
        };
        let said = stream.shape(file).unwrap_err().to_string();
        assert!(said.starts_with("/no/such.mp4: No such file"), "{said}");
    }
}
