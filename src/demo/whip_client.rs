//! The HTTP half of a WHIP client (RFC 9725): one POST, one DELETE. WHEP asks
//! for the same two, so that a viewer uses it as well.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{StatusCode, Url};
use tokio::net::{UdpSocket, lookup_host};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// No SDP answer is longer; a server that sends more is not one.
const MAX_ANSWER: usize = 64 * 1024;
/// How much of a refusal's reason is kept.
const MAX_REASON: usize = 500;

/// Where to publish, and with what right.
#[derive(Clone)]
pub struct WhipTarget {
    /// The WHIP endpoint.
    pub url: Url,
    /// The bearer token, without `Bearer `.
    pub bearer: String,
}

impl std::fmt::Debug for WhipTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The bearer is a secret and stays out of every log.
        f.debug_struct("WhipTarget").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// Why the server could not be talked to.
#[derive(Debug, thiserror::Error)]
pub enum WhipError {
    /// No answer, or not HTTP.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// Another status than 201.
    #[error("the server answered {status}: {reason}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// What the server gave as the reason.
        reason: String,
    },
    /// 201 without the session's address (RFC 9725, 4.2).
    #[error("the server's answer has no usable Location")]
    NoLocation,
    /// The answer is too long to be SDP.
    #[error("the server's answer is {0} bytes long")]
    TooLong(usize),
}

/// What the server answered to an offer.
#[derive(Debug)]
pub struct Opened {
    /// The session's resource.
    pub session: Url,
    /// The SDP answer.
    pub answer: String,
}

/// Talks to one WHIP endpoint.
#[derive(Debug, Clone)]
pub struct WhipClient {
    http: reqwest::Client,
    target: WhipTarget,
}

impl WhipClient {
    /// Makes a client for `target`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(target: WhipTarget) -> Result<Self, WhipError> {
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?;
        Ok(Self { http, target })
    }

    /// The endpoint's address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.target.url
    }

    /// Sends an offer.
    ///
    /// # Errors
    /// When the server does not answer 201 with a Location.
    pub async fn open(&self, offer: String) -> Result<Opened, WhipError> {
        let response = self
            .http
            .post(self.target.url.clone())
            .bearer_auth(&self.target.bearer)
            .header(CONTENT_TYPE, "application/sdp")
            .header(ACCEPT, "application/sdp")
            .body(offer)
            .send()
            .await?;
        let (status, base) = (response.status(), response.url().clone());
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let session = location.and_then(|location| base.join(location).ok());
        let body = response.text().await?;
        if status != StatusCode::CREATED {
            let reason = body.chars().take(MAX_REASON).collect();
            return Err(WhipError::Refused { status, reason });
        }
        if body.len() > MAX_ANSWER {
            return Err(WhipError::TooLong(body.len()));
        }
        Ok(Opened { session: session.ok_or(WhipError::NoLocation)?, answer: body })
    }

    /// Ends a session. One that is gone already is no error.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub async fn close(&self, session: Url) -> Result<(), WhipError> {
        let request = self.http.delete(session).bearer_auth(&self.target.bearer);
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        let reason = response.text().await?.chars().take(MAX_REASON).collect();
        Err(WhipError::Refused { status, reason })
    }
}

/// The address of this machine that packets to `url`'s host leave from.
///
/// # Errors
/// When the host cannot be found or reached.
pub async fn local_address(url: &Url) -> io::Result<IpAddr> {
    let no_host = || io::Error::new(io::ErrorKind::InvalidInput, format!("{url} names no host"));
    let host = url.host_str().ok_or_else(no_host)?;
    let port = url.port_or_known_default().ok_or_else(no_host)?;
    // An IPv6 address stands in brackets in a URL, and without them everywhere else.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let remote = lookup_host((host, port)).await?.next().ok_or_else(no_host)?;
    let unspecified: IpAddr = match remote {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a UDP socket sends nothing; it only asks the routing table.
    let probe = UdpSocket::bind((unspecified, 0)).await?;
    probe.connect(remote).await?;
    Ok(probe.local_addr()?.ip())
}
