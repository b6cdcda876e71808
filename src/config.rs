//! What the server is told: by flag, by `RUSHES_*` variable, by `rushes.toml`, else a default.

mod program;

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use rushes_media::{Ffmpeg, TcpLimits, TranscodeLimits};
use serde::Deserialize;

use crate::{
    live::{
        ice::{IceUrl, TurnSecret},
        qtake::{BadKey, QtakeKeys},
        reach::Host,
    },
    mail::{BadMail, Hidden, MailConfig, MailOptions, StartTls},
    rpc::Rate,
};

/// The options of the server, each absent where nobody set it.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Address and port of HTTP and WebSocket [default: 0.0.0.0:8080]; port 0: any free one
    #[arg(long, global = true, env = "RUSHES_LISTEN", value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// The URL that people reach this server by, for links [default: as bound, with this machine's own address for 0.0.0.0]
    #[arg(long, global = true, env = "RUSHES_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// The folder of the database, the files and the secrets [default: ./data]
    #[arg(long, global = true, env = "RUSHES_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// UDP address and port of all WebRTC peers [default: 0.0.0.0:8189]; port 0: any free one
    #[arg(long, global = true, env = "RUSHES_WEBRTC_LISTEN", value_name = "ADDR:PORT")]
    pub webrtc_listen: Option<SocketAddr>,
    /// Address or name that peers are told to send media to; may be repeated [default: as bound]
    #[arg(
        long,
        global = true,
        env = "RUSHES_WEBRTC_HOST",
        value_name = "ADDR",
        value_delimiter = ','
    )]
    pub webrtc_host: Option<Vec<Host>>,
    /// UDP address and port of SRT callers [default: 0.0.0.0:8890]; port 0: any free one
    #[arg(long, global = true, env = "RUSHES_SRT_LISTEN", value_name = "ADDR:PORT")]
    pub srt_listen: Option<SocketAddr>,
    /// UDP address and port of RTP sources [default: 0.0.0.0:5004]; port 0: any free one. RTCP is
    /// received on the port above as well
    #[arg(long, global = true, env = "RUSHES_RTP_LISTEN", value_name = "ADDR:PORT")]
    pub rtp_listen: Option<SocketAddr>,
    /// STUN and TURN servers that clients are told of, such as `turn:turn.example.com:3478`; may be
    /// repeated
    #[arg(
        long,
        global = true,
        env = "RUSHES_ICE_SERVERS",
        value_name = "URL",
        value_delimiter = ','
    )]
    pub ice_servers: Option<Vec<IceUrl>>,
    /// What the TURN servers and this one share (coturn: `static-auth-secret`). Others on this machine
    /// can read a flag: better in the variable, or in the file
    #[arg(
        long,
        global = true,
        env = "RUSHES_TURN_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub turn_secret: Option<TurnSecret>,
    /// Public keys (PEM) that QTAKE's registrations are checked with [default: they are not checked]
    #[arg(long, global = true, env = "RUSHES_QTAKE_KEY_FILE", value_name = "FILE")]
    pub qtake_key_file: Option<PathBuf>,
    /// The secret that QTAKE's registrations are signed with, where they are signed with one. Others on
    /// this machine can read a flag: better in the variable, or in the file
    #[arg(
        long,
        global = true,
        env = "RUSHES_QTAKE_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub qtake_secret: Option<Hidden>,
    /// The server that takes mail: `smtp://[USER@]HOST[:587]`, encrypted by STARTTLS, or
    /// `smtps://[USER@]HOST[:465]` [default: mail is left in files]
    #[arg(long, global = true, env = "RUSHES_SMTP", hide_env_values = true, value_name = "URL")]
    pub smtp: Option<Hidden>,
    /// The password of its user. Others on this machine can read a flag: better in the variable, or
    /// in a file
    #[arg(
        long,
        global = true,
        env = "RUSHES_SMTP_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    pub smtp_password: Option<Hidden>,
    /// A file that the password of its user is in; it counts more than the variable
    #[arg(long, global = true, env = "RUSHES_SMTP_PASSWORD_FILE", value_name = "FILE")]
    pub smtp_password_file: Option<PathBuf>,
    /// `off`: mail goes over `smtp://` unencrypted [default: required]
    #[arg(long, global = true, env = "RUSHES_SMTP_STARTTLS", value_name = "required|off")]
    pub smtp_starttls: Option<StartTls>,
    /// Certificates (PEM) that the mail server's is checked against [default: the system's]
    #[arg(long, global = true, env = "RUSHES_SMTP_CA", value_name = "FILE")]
    pub smtp_ca: Option<PathBuf>,
    /// Whom mail is from, as in `Rushes <review@example.com>`
    #[arg(long, global = true, env = "RUSHES_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// Minutes that an instant replay of a live source reaches back, kept on the disk for each source
    /// [default: 5]; 0: there is none
    #[arg(long, global = true, env = "RUSHES_REPLAY_MINUTES", value_name = "MINUTES")]
    pub replay_minutes: Option<u16>,
    /// Composites, of which each is decoded, put together and encoded here, at a time [default: 2];
    /// 0: there are none
    #[arg(long, global = true, env = "RUSHES_COMPOSITES", value_name = "COUNT")]
    pub composites: Option<usize>,
    /// Pictures that are converted here at a time: with B-frames, which browsers do not show, or for
    /// viewers who do not take H.265, VP8, VP9 or AV1 [default: 1]; 0: none
    #[arg(long, global = true, env = "RUSHES_TRANSCODES", value_name = "COUNT")]
    pub transcodes: Option<usize>,
    /// The largest picture that is converted, in pixels a second [default: 62208000, which is 1920 x
    /// 1080 thirty times]
    #[arg(long, global = true, env = "RUSHES_TRANSCODE_PIXELS", value_name = "PIXELS")]
    pub transcode_pixels: Option<u64>,
    /// The ffmpeg program, which decodes what nothing else here does (HE-AAC, 5.1, and pictures that are
    /// not H.264) [default: the one that is found in PATH, if any]; `none`: there is none
    #[arg(long, global = true, env = "RUSHES_FFMPEG", value_name = "FILE")]
    pub ffmpeg: Option<PathBuf>,
    /// Lets addresses other than this machine's read /metrics
    #[arg(long, global = true, env = "RUSHES_METRICS_PUBLIC", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub metrics_public: Option<bool>,
    /// What is logged, as in `info` or `rushes=debug,warn` [default: info]
    #[arg(long, global = true, env = "RUSHES_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How fast one may ask, and how much at once; in the file only.
    #[arg(skip)]
    pub limits: Option<Limits>,
}

/// How fast one may ask, and how much at once.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Requests of one signed-in user.
    pub user: Rate,
    /// Requests without a valid token from one address, behind which many people may sit.
    pub address: Rate,
    /// WebRTC sessions at a time, publishers and viewers together.
    pub sessions: usize,
    /// Offers to publish (WHIP) with one token.
    pub publish: Rate,
    /// Offers to view (WHEP) with one token.
    pub view: Rate,
    /// Requests to one WebRTC session.
    pub session: Rate,
    /// Offers and requests to WebRTC sessions from one address; this machine's own do not count.
    pub live_address: Rate,
    /// WebRTC sessions of one address at a time; this machine's own do not count.
    pub sessions_per_address: usize,
    /// SRT connections at a time.
    pub srt: usize,
    /// SRT connections of one address at a time.
    pub srt_per_address: usize,
    /// RTP sources that publish at a time.
    pub rtp: usize,
    /// Rooms of one production that may be open at once, beside those it was given in addition.
    pub open_rooms: u32,
    /// People of one room.
    pub room_people: u32,
}

impl Limits {
    /// Those of WHIP and WHEP.
    #[must_use]
    pub fn live(&self) -> rushes_signaling::whip::Limits {
        rushes_signaling::whip::Limits {
            publish: self.publish.into(),
            view: self.view.into(),
            session: self.session.into(),
            address: self.live_address.into(),
            sessions_per_address: self.sessions_per_address,
        }
    }

    /// Those of TCP connections: a client makes one to every address that it is told, and most
    /// servers tell one or two.
    #[must_use]
    pub fn tcp(&self) -> TcpLimits {
        TcpLimits {
            connections: self.sessions.saturating_mul(2),
            per_address: self.sessions_per_address.saturating_mul(2),
            ..TcpLimits::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let live = rushes_signaling::whip::Limits::default();
        Self {
            user: Rate { per_second: 100.0, burst: 300.0 },
            address: Rate { per_second: 20.0, burst: 200.0 },
            sessions: 2000,
            publish: live.publish.into(),
            view: live.view.into(),
            session: live.session.into(),
            live_address: live.address.into(),
            sessions_per_address: live.sessions_per_address,
            srt: 256,
            srt_per_address: 32,
            rtp: 64,
            open_rooms: 100,
            room_people: 5000,
        }
    }
}

/// The options with nothing left open.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where HTTP and WebSocket are served.
    pub listen: SocketAddr,
    /// The URL people reach the server by, without a slash at its end; none: as bound.
    pub public_url: Option<String>,
    /// The folder of everything that is kept.
    pub data: PathBuf,
    /// Where WebRTC peers are served, over UDP.
    pub webrtc_listen: SocketAddr,
    /// The addresses peers are told; none: as bound.
    pub webrtc_hosts: Vec<Host>,
    /// Where SRT callers are served, over UDP.
    pub srt_listen: SocketAddr,
    /// Where RTP sources send to, over UDP.
    pub rtp_listen: SocketAddr,
    /// The STUN and TURN servers that clients are told of.
    pub ice_servers: Vec<IceUrl>,
    /// What this server shares with the TURN servers.
    pub turn_secret: Option<TurnSecret>,
    /// The keys that QTAKE's registrations are checked with.
    pub qtake_keys: QtakeKeys,
    /// How mail is sent.
    pub mail: MailConfig,
    /// How many minutes an instant replay reaches back; 0: there is none.
    pub replay_minutes: u16,
    /// How many composites there may be at a time.
    pub composites: usize,
    /// How much is converted of what not all viewers show.
    pub transcodes: TranscodeLimits,
    /// The ffmpeg program.
    pub ffmpeg: Option<Ffmpeg>,
    /// Whether anybody may read `/metrics`.
    pub metrics_public: bool,
    /// The log filter.
    pub log: String,
    /// How fast one may ask, and how much at once.
    pub limits: Limits,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {cause}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file is not what it should be.
    #[error("{}: {cause}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        cause: toml::de::Error,
    },
    /// The public URL is none.
    #[error("the public URL must begin with http:// or https://, and {0:?} does not")]
    PublicUrl(String),
    /// A TURN server lets nobody in without a credential.
    #[error("the TURN server {0} needs a secret to let clients in: set RUSHES_TURN_SECRET")]
    NoTurnSecret(IceUrl),
    /// QTAKE's registrations cannot be checked so.
    #[error(transparent)]
    QtakeKey(#[from] BadKey),
    /// There is no such program.
    #[error("{} is no program: name ffmpeg with --ffmpeg, or `none`", .0.display())]
    NoFfmpeg(PathBuf),
    /// Mail cannot be sent so.
    #[error(transparent)]
    Mail(#[from] BadMail),
}

/// What is kept for instant replays where nobody says otherwise.
const REPLAY_MINUTES: u16 = 5;

/// How many composites there may be where nobody says otherwise: one takes about a core.
const COMPOSITES: usize = 2;

/// How many pictures are converted where nobody says otherwise: the largest takes most of a core.
const TRANSCODES: usize = 1;

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "rushes.toml";

impl Config {
    /// Puts together what was given by flag or variable, what `file` says, and the defaults.
    /// Without a `file`, `rushes.toml` in the working folder is read if it is there.
    ///
    /// # Errors
    /// When the file is absent though named, or is not valid, or the public URL is none.
    pub fn load(given: Options, file: Option<&Path>) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let from_file = match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|cause| ConfigError::Invalid { file: path.to_owned(), cause })?,
            Err(cause) if file.is_none() && cause.kind() == io::ErrorKind::NotFound => {
                Options::default()
            }
            Err(cause) => return Err(ConfigError::Unreadable { file: path.to_owned(), cause }),
        };
        Self::from_options(given, from_file)
    }

    fn from_options(given: Options, file: Options) -> Result<Self, ConfigError> {
        let any = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let public_url = given.public_url.or(file.public_url);
        if let Some(url) = &public_url
            && !url.starts_with("http://")
            && !url.starts_with("https://")
        {
            return Err(ConfigError::PublicUrl(url.clone()));
        }
        let ice_servers = given.ice_servers.or(file.ice_servers).unwrap_or_default();
        let turn_secret = given.turn_secret.or(file.turn_secret).filter(|one| !one.is_empty());
        if turn_secret.is_none()
            && let Some(turn) = ice_servers.iter().find(|url| url.is_turn())
        {
            return Err(ConfigError::NoTurnSecret(turn.clone()));
        }
        let qtake_keys = QtakeKeys::new(
            given.qtake_key_file.or(file.qtake_key_file),
            given.qtake_secret.or(file.qtake_secret),
        )?;
        let mail = MailConfig::new(MailOptions {
            smtp: given.smtp.or(file.smtp),
            password: given.smtp_password.or(file.smtp_password),
            password_file: given.smtp_password_file.or(file.smtp_password_file),
            starttls: given.smtp_starttls.or(file.smtp_starttls),
            authorities: given.smtp_ca.or(file.smtp_ca),
            from: given.mail_from.or(file.mail_from),
        })?;
        Ok(Self {
            listen: given.listen.or(file.listen).unwrap_or(any(8080)),
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
            data: given.data.or(file.data).unwrap_or_else(|| PathBuf::from("data")),
            webrtc_listen: given.webrtc_listen.or(file.webrtc_listen).unwrap_or(any(8189)),
            webrtc_hosts: given.webrtc_host.or(file.webrtc_host).unwrap_or_default(),
            srt_listen: given.srt_listen.or(file.srt_listen).unwrap_or(any(8890)),
            rtp_listen: given.rtp_listen.or(file.rtp_listen).unwrap_or(any(5004)),
            ice_servers,
            turn_secret,
            qtake_keys,
            mail,
            replay_minutes: given.replay_minutes.or(file.replay_minutes).unwrap_or(REPLAY_MINUTES),
            composites: given.composites.or(file.composites).unwrap_or(COMPOSITES),
            transcodes: TranscodeLimits {
                most: given.transcodes.or(file.transcodes).unwrap_or(TRANSCODES),
                pixels: given
                    .transcode_pixels
                    .or(file.transcode_pixels)
                    .unwrap_or(TranscodeLimits::USUAL),
            },
            ffmpeg: program::ffmpeg(given.ffmpeg.or(file.ffmpeg), std::env::var_os("PATH"))?,
            metrics_public: given.metrics_public.or(file.metrics_public).unwrap_or(false),
            log: given.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
            limits: given.limits.or(file.limits).unwrap_or_default(),
        })
    }

    /// A configuration for `data` that binds free ports of the loopback interface.
    #[must_use]
    pub fn local(data: PathBuf) -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: free,
            public_url: None,
            data,
            webrtc_listen: free,
            webrtc_hosts: Vec::new(),
            srt_listen: free,
            rtp_listen: free,
            ice_servers: Vec::new(),
            turn_secret: None,
            qtake_keys: QtakeKeys::default(),
            mail: MailConfig::default(),
            replay_minutes: REPLAY_MINUTES,
            composites: COMPOSITES,
            transcodes: TranscodeLimits { most: TRANSCODES, ..TranscodeLimits::NONE },
            ffmpeg: None,
            metrics_public: false,
            log: "info".to_owned(),
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_wins_over_the_file_and_the_file_over_the_default() {
        let file: Options = toml::from_str(
            "listen = '127.0.0.1:1'\ndata = '/srv/rushes'\nwebrtc-host = ['192.0.2.1']\n\
             [limits]\nuser = { per-second = 1.0, burst = 2.0 }",
        )
        .unwrap();
        let given = Options { listen: Some("127.0.0.1:2".parse().unwrap()), ..Options::default() };
        let config = Config::from_options(given, file).unwrap();
        assert_eq!(config.listen, "127.0.0.1:2".parse::<SocketAddr>().unwrap());
        assert_eq!(config.data, Path::new("/srv/rushes"));
        assert_eq!(config.webrtc_listen, "0.0.0.0:8189".parse::<SocketAddr>().unwrap());
        assert_eq!(config.webrtc_hosts, ["192.0.2.1".parse::<Host>().unwrap()]);
        assert_eq!(config.limits.user.burst, 2.0);
        assert_eq!(config.limits.address, Limits::default().address);
    }

    #[test]
    fn a_misspelt_option_and_a_url_without_scheme_are_refused() {
        assert!(toml::from_str::<Options>("lissten = '127.0.0.1:1'").is_err());
        let given = Options { public_url: Some("rushes.test".into()), ..Options::default() };
        assert!(Config::from_options(given, Options::default()).is_err());
    }

    #[test]
    fn a_turn_server_wants_a_secret_and_the_secret_stays_one() {
        let text = "ice-servers = ['stun:a', 'turn:b?transport=udp']\n";
        let file = || toml::from_str::<Options>(text).unwrap();
        let error = Config::from_options(Options::default(), file()).unwrap_err();
        assert!(error.to_string().contains("RUSHES_TURN_SECRET"), "{error}");
        let given = || Options { turn_secret: "north".parse().ok(), ..Options::default() };
        let config = Config::from_options(given(), file()).unwrap();
        assert_eq!(config.ice_servers.len(), 2);
        assert!(!format!("{config:?} {:?}", given()).contains("north"));
        assert!(toml::from_str::<Options>("ice-servers = ['a']").is_err());
    }

    #[test]
    fn mail_is_checked_at_the_start_and_its_password_stays_one() {
        let text = "smtp = 'smtp://review@mail.rushes.test'\nsmtp-password = 'north'\n\
                    smtp-starttls = 'required'\nmail-from = 'review@rushes.test'";
        let file = || toml::from_str::<Options>(text).unwrap();
        let config = Config::from_options(Options::default(), file()).unwrap();
        assert_eq!(config.mail.smtp.as_ref().unwrap().host, "mail.rushes.test");
        assert!(!format!("{config:?} {:?}", file()).contains("north"));
        let given = Options { smtp: "mail.rushes.test".parse().ok(), ..Options::default() };
        let error = Config::from_options(given, file()).unwrap_err();
        assert!(error.to_string().contains("--smtp"), "{error}");
    }

    #[test]
    fn qtakes_keys_are_checked_at_the_start_and_its_secret_stays_one() {
        let file = |text: &str| toml::from_str::<Options>(text).unwrap();
        let secret = file("qtake-secret = 'north by northwest, and a bit west'");
        assert!(!format!("{secret:?}").contains("north"));
        let config = Config::from_options(Options::default(), secret).unwrap();
        assert!(!config.qtake_keys.is_empty() && !format!("{config:?}").contains("north"));
        let config = Config::from_options(Options::default(), Options::default()).unwrap();
        assert!(config.qtake_keys.is_empty());
        for (text, word) in [
            ("qtake-secret = 'north'", "RUSHES_QTAKE_SECRET"),
            ("qtake-key-file = '/nonexistent/qtake.pem'", "/nonexistent/qtake.pem"),
        ] {
            let error = Config::from_options(Options::default(), file(text)).unwrap_err();
            assert!(error.to_string().contains(word) && !error.to_string().contains("north"));
        }
    }

    #[test]
    fn a_named_file_has_to_be_there() {
        let error = Config::load(Options::default(), Some(Path::new("/nonexistent/rushes.toml")));
        assert!(matches!(error, Err(ConfigError::Unreadable { .. })));
    }
}
