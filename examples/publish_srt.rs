//! Publishes an MPEG transport stream over SRT with `srt-tokio`: a file as fast as it is played, or
//! what comes on the standard input as it comes.
//!
//! ```sh
//! cargo run --example publish_srt -- 'srt://127.0.0.1:8890?streamid=…&passphrase=…' clip.ts
//! ffmpeg … -f mpegts pipe:1 | cargo run --example publish_srt -- 'srt://…'
//! ```
//!
//! The address is the `url` of an SRT registration; what the stream is to have in it stands in
//! `docs/live.md`. It ends with the stream or with Ctrl-C, and says in a line of JSON how many bytes
//! were sent. A caller that is refused ends with the reason.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

mod peer;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use peer::srt::{Pace, SrtTarget, connect, publish};
use tokio::fs::File;

#[derive(Parser)]
#[command(about = "Publishes an MPEG transport stream over SRT")]
struct Options {
    /// srt://HOST:PORT?streamid=…&passphrase=…
    #[arg(env = "RUSHES_SRT_URL", hide_env_values = true)]
    url: SrtTarget,
    /// The transport stream [default: the standard input]
    file: Option<PathBuf>,
    /// How long the server waits for packets that are lost, in milliseconds: three or four round
    /// trips
    #[arg(long, default_value_t = 250)]
    latency: u64,
}

#[tokio::main]
async fn main() -> Result<(), peer::Error> {
    let options = Options::parse();
    let latency = Duration::from_millis(options.latency);
    let pace = options.file.as_ref().map(|_| Pace::default());
    let input = File::open(options.file.unwrap_or_else(|| "/dev/stdin".into())).await?;
    let mut socket = connect(&options.url, latency).await?;
    let bytes = tokio::select! {
        sent = publish(&mut socket, input, pace) => Some(sent?),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            None
        }
    };
    // What has come is handed on one latency after it was sent, and thrown away when the connection
    // is closed before.
    tokio::time::sleep(2 * latency).await;
    socket.close_and_finish().await?;
    println!("{}", serde_json::json!({ "bytes": bytes }));
    Ok(())
}
