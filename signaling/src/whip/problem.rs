//! Errors as problem details (RFC 9457), each with what to change.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rushes_media::{OfferError, SelectError, TrickleError};
use serde_json::json;

use super::access::Refusal;

/// An HTTP error with its reason.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<u32>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    /// Says when to try again, in seconds.
    pub(super) fn after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds.max(1)), ..self }
    }

    /// Somebody asks faster than they may.
    pub(super) fn too_fast(who: &str, wait: Duration) -> Self {
        let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1);
        let detail = format!("too many requests {who}: wait {seconds} s and send fewer");
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail).after(seconds)
    }

    /// When to try again. What is only so for now always says a time.
    fn retry_after(&self) -> Option<u32> {
        let passes = matches!(
            self.status,
            StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        self.retry_after.or(passes.then_some(5))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoToken => {
                Self::new(StatusCode::UNAUTHORIZED, "send the token as Authorization: Bearer")
            }
            Refusal::BadToken => Self::new(
                StatusCode::UNAUTHORIZED,
                "the token is wrong or has expired: get a new one",
            ),
            Refusal::Forbidden(reason) => Self::new(StatusCode::FORBIDDEN, reason),
            Refusal::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "there is nothing at this address: compare it with the registration's URL",
            ),
            Refusal::TooMany(seconds) => {
                Self::too_fast("with this token", Duration::from_secs(u64::from(seconds)))
            }
            Refusal::Unavailable(seconds) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the server takes nobody at the moment: try again later",
            )
            .after(seconds),
        }
    }
}

impl From<OfferError> for Problem {
    fn from(error: OfferError) -> Self {
        let detail = error.to_string();
        match error {
            OfferError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
            OfferError::Malformed(_) => Self::new(StatusCode::BAD_REQUEST, detail),
            // RFC 9725, 4.4.3: all of an offer or nothing. Not 406: to a WHEP player that is a
            // counter-offer.
            OfferError::Unsupported(_) | OfferError::NoMedia(_) | OfferError::NoCodec(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
            }
            OfferError::NoPublisher => {
                let detail = format!(
                    "{detail}: try again later, or send Prefer: {} for a session that waits",
                    super::WAIT
                );
                Self::new(StatusCode::CONFLICT, detail).after(2)
            }
            OfferError::Full => {
                let detail = format!("{detail}: try again when others have left");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).after(10)
            }
            OfferError::Unavailable => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{detail}: try again")).after(5)
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail),
        }
    }
}

impl From<TrickleError> for Problem {
    fn from(error: TrickleError) -> Self {
        let detail = error.to_string();
        match error {
            TrickleError::NoSession => Self::new(StatusCode::NOT_FOUND, detail),
            TrickleError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
            TrickleError::Malformed(_) => Self::new(StatusCode::BAD_REQUEST, detail),
            TrickleError::Unavailable => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{detail}: try again")).after(5)
            }
            // The session goes on as it is (RFC 9725, 4.3.3).
            _ => Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
        }
    }
}

impl From<SelectError> for Problem {
    fn from(error: SelectError) -> Self {
        let detail = error.to_string();
        match error {
            SelectError::NoSession => Self::new(StatusCode::NOT_FOUND, detail),
            SelectError::Unavailable => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{detail}: try again"))
            }
            _ => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("{detail}: the event \"layers\" tells which there are"),
            ),
        }
    }
}
