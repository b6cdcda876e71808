//! The HTTP half of WHIP and WHEP: one POST, one DELETE.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{StatusCode, Url};

use crate::error::Error;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How often an offer is sent again that the server put off.
const TRIES: u32 = 4;
/// The longest pause before that; a server that asks for more is not waited for.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// No SDP answer is longer.
const MAX_ANSWER: usize = 64 * 1024;
/// How much of a refusal's reason is kept.
const MAX_REASON: usize = 300;

/// An endpoint and the right to use it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) bearer: Option<String>,
}

/// What the server answered to an offer.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The session's resource.
    pub(crate) session: Option<Url>,
    /// The SDP answer.
    pub(crate) answer: String,
}

/// Talks to the endpoints of one server.
#[derive(Debug, Clone)]
pub(crate) struct Client(reqwest::Client);

impl Client {
    /// Redirects are followed, as RFC 9725, 4.5 asks of clients.
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self(reqwest::Client::builder().timeout(TIMEOUT).build()?))
    }

    /// The HTTP client itself, for what is not WHIP or WHEP.
    pub(crate) fn inner(&self) -> &reqwest::Client {
        &self.0
    }

    /// Sends an offer; one that the server puts off is sent again when it says.
    pub(crate) async fn open(&self, target: &Target, offer: String) -> Result<Opened, Error> {
        let mut tries = 1;
        loop {
            match self.post(target, offer.clone()).await? {
                Ok(opened) => return Ok(opened),
                Err((error, Some(pause))) if tries < TRIES && pause <= MAX_PAUSE => {
                    tries += 1;
                    drop(error);
                    tokio::time::sleep(pause).await;
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// One POST: the answer, or why not and when to try again.
    async fn post(
        &self,
        target: &Target,
        offer: String,
    ) -> Result<Result<Opened, (Error, Option<Duration>)>, Error> {
        let mut request = self
            .0
            .post(target.url.clone())
            .header(CONTENT_TYPE, "application/sdp")
            .header(ACCEPT, "application/sdp")
            .body(offer);
        if let Some(bearer) = &target.bearer {
            request = request.bearer_auth(bearer);
        }
        let response = request.send().await?;
        let (status, base) = (response.status(), response.url().clone());
        let session = location(&base, response.headers());
        let pause = retry_after(response.headers());
        let answer = response.text().await?;
        if !status.is_success() {
            let reason = answer.chars().take(MAX_REASON).collect();
            return Ok(Err((Error::Refused { status, reason }, pause)));
        }
        if answer.len() > MAX_ANSWER {
            return Err(Error::Sdp("it is too long"));
        }
        // Some servers answer 200 and give no session; such a one cannot be deleted.
        if status == StatusCode::CREATED && session.is_none() {
            return Err(Error::NoLocation);
        }
        Ok(Ok(Opened { session, answer }))
    }

    /// Ends a session. One that is gone already is no error.
    pub(crate) async fn close(&self, target: &Target, session: Url) -> Result<(), Error> {
        let mut request = self.0.delete(session);
        if let Some(bearer) = &target.bearer {
            request = request.bearer_auth(bearer);
        }
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() || matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(());
        }
        let reason = response.text().await?.chars().take(MAX_REASON).collect();
        Err(Error::Refused { status, reason })
    }
}

/// The session's address, which may be relative to where the answer came from.
fn location(base: &Url, headers: &HeaderMap) -> Option<Url> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    base.join(location).ok()
}

/// The pause that the server asks for, when it gives it in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(location: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))])
    }

    #[test]
    fn a_location_may_be_relative() {
        let base = Url::parse("http://host:8889/cam/whep").unwrap();
        let found = |location| location_text(&base, location);
        assert_eq!(found("/session/1"), "http://host:8889/session/1");
        assert_eq!(found("whep/2"), "http://host:8889/cam/whep/2");
        assert_eq!(found("https://other/3"), "https://other/3");
        assert_eq!(location(&base, &HeaderMap::new()), None);
    }

    fn location_text(base: &Url, text: &'static str) -> String {
        location(base, &headers(text)).unwrap().to_string()
    }

    #[test]
    fn a_pause_is_read_in_seconds() {
        let with = |text| HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
        assert_eq!(retry_after(&with("2")), Some(Duration::from_secs(2)));
        assert_eq!(retry_after(&with("Wed, 21 Oct 2015 07:28:00 GMT")), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
