//! `rushes-load`: how many viewers a WHIP/WHEP server serves, at what cost and how
//! fast. For that it speaks nothing but WHIP and WHEP, so that any server can be
//! measured. `rooms` measures the review rooms of a Rushes, and `srt` what encoders cost it.
//!
//! Its own cost is kept low, so that the server is what saturates: viewers share
//! threads and not tasks, datagrams are received in batches, and what comes is
//! counted by its clear RTP header; a sample of viewers alone decrypts.

mod attendee;
mod cli;
mod dtls;
mod error;
mod h264;
mod http;
mod ice;
mod kill;
mod marker;
mod process;
mod publisher;
mod recorded;
mod report;
mod rooms;
mod rtcp;
mod rtp;
mod run;
mod rushes;
mod sdp;
mod session;
mod source;
mod srt;
mod studio;
mod synthetic;
mod viewer;
mod worker;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use serde::Serialize;

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::http::Client;
use crate::report::Report;
use crate::run::{Plan, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Each viewer has a socket; what the system allows is what there is.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let printed = match command(Cli::parse().command).await {
        Ok(None) => Ok(()),
        Ok(Some(report)) => serde_json::to_string_pretty(&report)
            .map_err(|error| Error::Usage(error.to_string()))
            .and_then(|text| {
                writeln!(std::io::stdout(), "{text}").map_err(Error::io("the output"))
            }),
        Err(error) => Err(error),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rushes-load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn command(command: Command) -> Result<Option<Printed>, Error> {
    let http = Client::new()?;
    let plan = match command {
        Command::Rooms(args) => {
            return match args.kill_and_start.clone() {
                Some(start) => kill::run(&http, &args, &start).await.map(Printed::Killed),
                None => rooms::run(&http, args).await.map(Printed::Rooms),
            }
            .map(Some);
        }
        Command::Srt(args) => return srt::run(&http, &args).await.map(Printed::Srt).map(Some),
        Command::SrtReceiver(args) => return srt::receive(&args).await.map(|()| None),
        Command::Whep { endpoint, viewers, common } => Plan {
            mode: "whep",
            whip: None,
            whep: Some((endpoint.targets(common.streams as usize)?, viewers)),
            pid: common.pid,
            common,
        },
        Command::Whip { endpoint, stream, file, common } => Plan {
            mode: "whip",
            whip: Some((endpoint.targets(common.streams as usize)?, stream.shape(file)?)),
            whep: None,
            pid: common.pid,
            common,
        },
        Command::Fanout { targets, stream, viewers, common } => {
            let count = common.streams as usize;
            let mut pid = common.pid;
            let (whip, whep) = match &targets.rushes_data {
                None => targets.both(count)?,
                Some(folder) => {
                    let server = rushes::Server::find(&http, folder).await?;
                    pid = pid.or(server.pid);
                    let registered = server.register(count).await?;
                    registered.into_iter().map(|one| (one.whip, one.whep)).unzip()
                }
            };
            let whip = Some((whip, stream.shape(None)?));
            Plan { mode: "fanout", whip, whep: Some((whep, viewers)), pid, common }
        }
    };
    run(plan, http).await.map(|report| Some(Printed::Media(Box::new(report))))
}

/// What is printed in the end.
#[derive(Serialize)]
#[serde(untagged)]
enum Printed {
    Media(Box<Report>),
    Rooms(rooms::Outcome),
    Killed(kill::Outcome),
    Srt(srt::Outcome),
}
