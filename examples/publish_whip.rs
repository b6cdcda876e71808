//! Publishes the test pattern to a WHIP endpoint (RFC 9725) as H.264 and Opus,
//! over the `webrtc` crate: a stand-in for a camera's encoder on any machine.
//!
//! ```sh
//! cargo run --example publish_whip -- --token TOKEN http://127.0.0.1:8080/start/live/whip/…
//! ```
//!
//! The address and the token are those of a WHIP registration; `rushes demo`
//! prints a pair ("OBS"). The pattern runs until Ctrl-C, or for `--frames` frames; then one line
//! of JSON says how many frames were sent. Only plain HTTP is spoken here.
//!
//! The pattern has a key frame every second, and no others on request: the
//! `webrtc` crate keeps the receiver's wishes for itself.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

mod peer;

use clap::Parser;
use reqwest::Url;
use rushes::demo::picture::Size;
use rushes::demo::source::SourceConfig;
use rushes::demo::strip::Source;
use rushes::demo::whip_client::WhipTarget;

#[derive(Parser)]
#[command(about = "Publishes a test pattern over WHIP")]
struct Options {
    /// The WHIP endpoint
    url: Url,
    /// The bearer token
    #[arg(long, env = "RUSHES_TOKEN", hide_env_values = true)]
    token: String,
    /// Picture size
    #[arg(long, default_value = "1280x720")]
    size: Size,
    /// Frames a second
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=60))]
    fps: u32,
    /// Stop after this many frames
    #[arg(long)]
    frames: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<(), peer::Error> {
    let options = Options::parse();
    let target = WhipTarget { url: options.url, bearer: options.token };
    let source = SourceConfig {
        size: options.size,
        fps: options.fps,
        title: "RUSHES  PUBLISH_WHIP".into(),
        source: Source::Other,
    };
    let mut publisher = peer::publisher::Publisher::connect(target).await?;
    let limit = options.frames.unwrap_or(u64::MAX);
    let frames = tokio::select! {
        sent = publisher.publish(&source, |frames| frames >= limit) => Some(sent?),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            None
        }
    };
    publisher.close().await?;
    println!("{}", serde_json::json!({ "frames": frames }));
    Ok(())
}
