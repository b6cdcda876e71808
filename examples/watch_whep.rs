//! Watches a live stream over WHEP with the `webrtc` crate and prints what
//! arrives as JSON, one line a second and one at the end: packets and bytes of both tracks, whole
//! pictures, key frames, pictures decoded (H.264), the times until the first of each, and the
//! frame number in the picture where it is the demo's test pattern.
//!
//! ```sh
//! cargo run --example watch_whep -- --token TOKEN --seconds 10 http://127.0.0.1:8080/live/whep/ID
//! ```
//!
//! ID is a live registration's or a live asset's, and the token that of a user
//! who may view it. It ends after `--seconds`, after `--frames` whole pictures, or on Ctrl-C, and
//! with an error when not a single picture arrived. Only plain HTTP is spoken here.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

mod peer;

use std::time::Duration;

use clap::Parser;
use peer::viewer::{Stats, Viewer};
use reqwest::Url;
use rushes::demo::whip_client::WhipTarget;

#[derive(Parser)]
#[command(about = "Watches a live stream over WHEP and prints statistics as JSON")]
struct Options {
    /// The WHEP endpoint
    url: Url,
    /// The token of a user who may view the stream
    #[arg(long, env = "RUSHES_TOKEN", hide_env_values = true)]
    token: String,
    /// Stop after this many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// Stop after this many whole pictures
    #[arg(long)]
    frames: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<(), peer::Error> {
    let options = Options::parse();
    let viewer = Viewer::watch(WhipTarget { url: options.url, bearer: options.token }).await?;
    let seconds = Duration::from_secs(options.seconds.unwrap_or(u64::from(u32::MAX)));
    let frames = options.frames.unwrap_or(u64::MAX);
    tokio::select! {
        // The only way not to see enough within the time is that the time is over.
        _ = viewer.wait_for(seconds, |stats| stats.frames >= frames) => {}
        () = report(&viewer) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    let seen = viewer.stats();
    print(&seen)?;
    viewer.close().await?;
    if seen.frames == 0 { Err("not a single whole picture arrived".into()) } else { Ok(()) }
}

/// Prints a line a second, for ever.
async fn report(viewer: &Viewer) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        second.tick().await;
        // A closed standard output ends the program by itself.
        let _ = print(&viewer.stats());
    }
}

fn print(stats: &Stats) -> Result<(), peer::Error> {
    println!("{}", serde_json::to_string(stats)?);
    Ok(())
}
