//! Errors as problem details (RFC 9457), each with what to change.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rushes_media::{OfferError, TrickleError};
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

    fn after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
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
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
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
            Refusal::BadToken => Self::new(StatusCode::UNAUTHORIZED, "the token is not valid"),
            Refusal::Forbidden(reason) => Self::new(StatusCode::FORBIDDEN, reason),
            Refusal::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "there is nothing at this address")
            }
            Refusal::TooMany(seconds) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too many attempts").after(seconds)
            }
            Refusal::Unavailable(seconds) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is not available")
                    .after(seconds)
            }
        }
    }
}

impl From<OfferError> for Problem {
    fn from(error: OfferError) -> Self {
        let detail = error.to_string();
        match error {
            OfferError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
            OfferError::Malformed(_) => Self::new(StatusCode::BAD_REQUEST, detail),
            OfferError::Unsupported(_) | OfferError::NoMedia(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
            }
            OfferError::NoCodec(_) => Self::new(StatusCode::NOT_ACCEPTABLE, detail),
            OfferError::NoPublisher => Self::new(StatusCode::CONFLICT, detail).after(2),
            OfferError::Full => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).after(10),
            OfferError::Unavailable => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).after(5),
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
            TrickleError::Restart => Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
            _ => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).after(5),
        }
    }
}
