//! The demo as a client of its own server: what a script would do over HTTP,
//! the demo does too.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::Value;

use crate::secret::Secret;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Why the server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiCallError {
    /// No answer, or not HTTP.
    #[error("{path}: {cause}")]
    Http {
        /// The endpoint.
        path: String,
        /// Why.
        cause: reqwest::Error,
    },
    /// The server refused.
    #[error("{path}: {status}: {body}")]
    Refused {
        /// The endpoint.
        path: String,
        /// The HTTP status.
        status: StatusCode,
        /// What the server said.
        body: String,
    },
    /// The answer lacks what the contract says is in it.
    #[error("{path}: the answer has no {field}")]
    Missing {
        /// The endpoint.
        path: String,
        /// The field.
        field: &'static str,
    },
}

/// Calls the API as one user.
pub(super) struct Api {
    http: reqwest::Client,
    base: Url,
    token: Secret,
}

/// An answer of the API.
pub(super) struct Answer {
    path: String,
    pub(super) body: Value,
}

impl Api {
    /// Calls the server at `base` with a user's token.
    pub(super) fn new(base: Url, token: Secret) -> Self {
        Self { http: reqwest::Client::new(), base, token }
    }

    /// Calls an endpoint with its parameters.
    pub(super) async fn call(&self, path: &str, parameters: Value) -> Result<Answer, ApiCallError> {
        let at = |cause| ApiCallError::Http { path: path.to_owned(), cause };
        let mut url = self.base.clone();
        url.set_path(path);
        let request = self.http.post(url).timeout(TIMEOUT).header("X-Token", self.token.reveal());
        let response = request.json(&parameters).send().await.map_err(at)?;
        let status = response.status();
        if !status.is_success() {
            let body = response.text().await.map_err(at)?;
            return Err(ApiCallError::Refused { path: path.to_owned(), status, body });
        }
        let body = response.json().await.map_err(at)?;
        Ok(Answer { path: path.to_owned(), body })
    }
}

impl Answer {
    /// A text of the answer.
    pub(super) fn text(&self, field: &'static str) -> Result<String, ApiCallError> {
        let found = self.body.get(field).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| ApiCallError::Missing { path: self.path.clone(), field })
    }
}
