//! The command line.

mod admin;
mod coverage;

use std::{
    io::{self, IsTerminal as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    config::{Config, ConfigError, Options},
    demo,
    server::{Listeners, RunError, Server, run},
    store::StoreError,
};

/// A self-hosted server for film and television review.
#[derive(Debug, Parser)]
#[command(name = "rushes", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// The file of options [default: ./rushes.toml if it is there]
    #[arg(long, global = true, env = "RUSHES_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve; what happens without a command, too
    Serve,
    /// Serve a room that shows itself: a demo production and a test pattern, on this machine only
    Demo(demo::DemoArgs),
    /// Work on the data folder, of a running server too; prints JSON
    #[command(subcommand)]
    Admin(admin::Admin),
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The options are not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The machine failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The demo did not come up.
    #[error(transparent)]
    Demo(#[from] demo::DemoError),
    /// What was asked for makes no sense here.
    #[error("{0}")]
    Refused(String),
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    match command(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rushes: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command(mut cli: Cli) -> Result<(), CliError> {
    let command = cli.command.take().unwrap_or(Command::Serve);
    if matches!(command, Command::Demo(_)) {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        cli.options.listen.get_or_insert(local(8080));
        cli.options.webrtc_listen.get_or_insert(local(8189));
        cli.options.srt_listen.get_or_insert(local(8890));
        cli.options.rtp_listen.get_or_insert(local(5004));
        cli.options.data.get_or_insert_with(demo::DemoArgs::default_data);
    }
    let config = Config::load(cli.options, cli.config.as_deref())?;
    log_to_stderr(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Serve => runtime.block_on(serve(config)),
        Command::Demo(args) => runtime.block_on(serve_demo(config, args)),
        Command::Admin(command) => {
            let done = runtime.block_on(admin::admin(&config, command))?;
            Ok(writeln!(io::stdout(), "{done:#}")?)
        }
    }
}

async fn serve(config: Config) -> Result<(), CliError> {
    let shutdown = told_to_end()?;
    let listeners = Listeners::bind(&config).await?;
    Ok(run(config, listeners, shutdown).await?)
}

async fn serve_demo(config: Config, args: demo::DemoArgs) -> Result<(), CliError> {
    let shutdown = told_to_end()?;
    let listeners = Listeners::bind(&config).await?;
    let server = Server::start(config, listeners).await?;
    let result = demo::run(server.app(), &args, shutdown).await;
    server.shutdown().await?;
    Ok(result?)
}

/// Resolves when somebody ends the process: SIGTERM or SIGINT, whichever is first.
///
/// # Errors
/// When the signals cannot be listened for.
pub fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Warns of each packet that it does not like, and a source can send thousands a second.
const TALKATIVE: &str = "mpeg2ts_reader";

fn log_to_stderr(filter: &str) {
    let quiet = format!("{filter},{TALKATIVE}=off");
    let filter = if filter.contains(TALKATIVE) { filter } else { quiet.as_str() };
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_else(|error| {
        eprintln!("rushes: the log filter is not understood ({error}); using info");
        tracing_subscriber::EnvFilter::new("info")
    });
    // Fails only where a subscriber is set already, and that one is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
}
