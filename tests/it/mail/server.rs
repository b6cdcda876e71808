//! A mail server on the loopback interface that does what a test tells it.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

pub(super) const USER: &str = "review@rushes.test";
pub(super) const PASSWORD: &str = "north by northwest";

/// What the server does with one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// It takes what comes.
    Take,
    /// It answers so to a command.
    Refuse(&'static str, &'static str),
    /// It reads the letter and closes the connection without a word.
    Drop,
    /// It says nothing at all.
    Hang,
}

/// What happened at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// Somebody connected.
    Connected,
    /// A letter was taken.
    Taken(Letter),
    /// A letter was read, and the connection closed.
    Dropped,
    /// A connection ended in which nothing was taken; what was asked in it.
    Ended(Vec<String>),
}

/// A letter that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) encrypted: bool,
    pub(super) login: Option<(String, String)>,
    pub(super) from: String,
    pub(super) to: String,
    /// Without the dots that the protocol adds.
    pub(super) text: String,
}

impl Letter {
    /// The value of a header that is on one line.
    pub(super) fn header(&self, name: &str) -> &str {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| *found == name).unwrap_or_else(|| panic!("no {name} in {head}")).1
    }

    /// What it says, whichever way it is written down.
    pub(super) fn body(&self) -> String {
        let (_, body) = self.text.split_once("\r\n\r\n").unwrap();
        if self.header("Content-Transfer-Encoding") == "7bit" {
            return body.to_owned();
        }
        assert_eq!(self.header("Content-Transfer-Encoding"), "quoted-printable");
        let joined = body.replace("=\r\n", "");
        let mut parts = joined.split('=');
        let mut bytes = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend(&part.as_bytes()[2..]);
        }
        String::from_utf8(bytes).unwrap()
    }

    /// The one link in it.
    pub(super) fn link(&self) -> String {
        let body = self.body();
        let mut lines = body.split("\r\n").filter(|line| line.starts_with("http"));
        let link = lines.next().unwrap_or_else(|| panic!("no link in {body}"));
        assert_eq!(lines.next(), None);
        link.to_owned()
    }
}

/// The server.
pub(super) struct Smtp {
    pub(super) address: SocketAddr,
    /// The authority behind its certificate, as PEM.
    pub(super) authority: String,
    script: Arc<Mutex<VecDeque<Act>>>,
    events: mpsc::UnboundedReceiver<Event>,
    // Bound, and not listening yet.
    waits: Option<(TcpSocket, Desk)>,
}

/// What each connection knows.
#[derive(Clone)]
struct Desk {
    tls: TlsAcceptor,
    offers_tls: bool,
    script: Arc<Mutex<VecDeque<Act>>>,
    events: mpsc::UnboundedSender<Event>,
}

impl Smtp {
    /// A server that does these things in turn, and takes what comes after.
    pub(super) fn start(script: &[Act]) -> Self {
        let mut server = Self::closed(script, true);
        server.open();
        server
    }

    /// Like [`Smtp::start`], without STARTTLS.
    pub(super) fn start_without_tls(script: &[Act]) -> Self {
        let mut server = Self::closed(script, false);
        server.open();
        server
    }

    /// A server that refuses connections until it is opened.
    pub(super) fn closed(script: &[Act], offers_tls: bool) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        let script: Arc<Mutex<VecDeque<Act>>> =
            Arc::new(Mutex::new(script.iter().copied().collect()));
        let (authority, tls) = certificate();
        let desk = Desk { tls, offers_tls, script: Arc::clone(&script), events: sender };
        Self { address, authority, script, events, waits: Some((socket, desk)) }
    }

    pub(super) fn open(&mut self) {
        let (socket, desk) = self.waits.take().unwrap();
        let listener = socket.listen(16).unwrap();
        tokio::spawn(accept(listener, desk));
    }

    /// Does these things in turn from now on.
    pub(super) fn goes_on(&self, script: &[Act]) {
        *self.script.lock().unwrap() = script.iter().copied().collect();
    }

    /// The next thing that happens, but for connections.
    pub(super) async fn event(&mut self) -> Event {
        loop {
            match self.events.recv().await.unwrap() {
                Event::Connected => {}
                event => return event,
            }
        }
    }

    /// Waits for a connection.
    pub(super) async fn connection(&mut self) {
        while self.events.recv().await.unwrap() != Event::Connected {}
    }

    /// The letter that is taken next. Nothing else may happen before.
    pub(super) async fn letter(&mut self) -> Letter {
        match self.event().await {
            Event::Taken(letter) => letter,
            other => panic!("{other:?}"),
        }
    }
}

/// A certificate for the loopback address, and the authority behind it.
fn certificate() -> (String, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (authority, TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, desk: Desk) {
    while let Ok((stream, _)) = listener.accept().await {
        let act = desk.script.lock().unwrap().pop_front().unwrap_or(Act::Take);
        let _ = desk.events.send(Event::Connected);
        let desk = desk.clone();
        tokio::spawn(async move {
            let mut talk = Talk::new(desk, stream, act);
            // A client that is killed or gives up breaks its connection.
            let _ = talk.run().await;
            if !talk.done {
                let _ = talk.desk.events.send(Event::Ended(talk.asked));
            }
        });
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One connection.
struct Talk {
    desk: Desk,
    stream: Option<BufReader<Box<dyn Stream>>>,
    act: Act,
    encrypted: bool,
    login: Option<(String, String)>,
    from: String,
    to: String,
    asked: Vec<String>,
    done: bool,
}

impl Talk {
    fn new(desk: Desk, stream: TcpStream, act: Act) -> Self {
        Self {
            desk,
            stream: Some(BufReader::new(Box::new(stream))),
            act,
            encrypted: false,
            login: None,
            from: String::new(),
            to: String::new(),
            asked: Vec::new(),
            done: false,
        }
    }

    fn stream(&mut self) -> &mut BufReader<Box<dyn Stream>> {
        self.stream.as_mut().unwrap()
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream().write_all(format!("{line}\r\n").as_bytes()).await?;
        self.stream().flush().await
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream().read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches("\r\n").to_owned())
    }

    async fn run(&mut self) -> io::Result<()> {
        if self.act == Act::Hang {
            self.line().await?;
            return Ok(());
        }
        self.say("220 mail.rushes.test ESMTP").await?;
        loop {
            let line = self.line().await?;
            let command = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            self.asked.push(command.clone());
            if let Act::Refuse(what, answer) = self.act
                && what == command
            {
                self.say(answer).await?;
                continue;
            }
            match command.as_str() {
                "EHLO" => self.greet().await?,
                "STARTTLS" => self.encrypt().await?,
                "AUTH" => self.sign_in(&line).await?,
                "MAIL" => self.sender(&line).await?,
                "RCPT" => {
                    self.to = address(&line);
                    self.say("250 ok").await?;
                }
                "DATA" => {
                    if self.read_letter().await? {
                        return Ok(());
                    }
                }
                "QUIT" => return self.say("221 bye").await,
                _ => self.say("500 what?").await?,
            }
        }
    }

    async fn greet(&mut self) -> io::Result<()> {
        self.say("250-mail.rushes.test").await?;
        if self.encrypted || !self.desk.offers_tls {
            self.say("250-AUTH PLAIN").await?;
        } else {
            self.say("250-STARTTLS").await?;
        }
        self.say("250 8BITMIME").await
    }

    async fn encrypt(&mut self) -> io::Result<()> {
        self.say("220 go ahead").await?;
        let plain = self.stream.take().unwrap().into_inner();
        let encrypted = self.desk.tls.accept(plain).await?;
        self.stream = Some(BufReader::new(Box::new(encrypted)));
        self.encrypted = true;
        Ok(())
    }

    async fn sign_in(&mut self, line: &str) -> io::Result<()> {
        let given = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
        let mut parts = given.split(|byte| *byte == 0).skip(1);
        let mut part = || String::from_utf8(parts.next().unwrap().to_vec()).unwrap();
        let login = (part(), part());
        let right = login == (USER.to_owned(), PASSWORD.to_owned());
        self.login = Some(login);
        self.say(if right { "235 welcome" } else { "535 5.7.8 who are you?" }).await
    }

    async fn sender(&mut self, line: &str) -> io::Result<()> {
        if self.desk.offers_tls && self.login.is_none() {
            return self.say("530 5.7.0 sign in first").await;
        }
        self.from = address(line);
        self.say("250 ok").await
    }

    /// Reads a letter; whether the connection is over.
    async fn read_letter(&mut self) -> io::Result<bool> {
        self.say("354 go ahead").await?;
        let mut text = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            text += line.strip_prefix('.').unwrap_or(&line);
            text += "\r\n";
        }
        self.done = true;
        if self.act == Act::Drop {
            let _ = self.desk.events.send(Event::Dropped);
            return Ok(true);
        }
        self.say("250 taken").await?;
        let (from, to) = (self.from.clone(), self.to.clone());
        let letter =
            Letter { encrypted: self.encrypted, login: self.login.clone(), from, to, text };
        let _ = self.desk.events.send(Event::Taken(letter));
        Ok(false)
    }
}

/// The address between the angle brackets.
fn address(line: &str) -> String {
    let (_, rest) = line.split_once('<').unwrap();
    rest.split('>').next().unwrap().to_owned()
}
