//! How a request fails: the contract's numeric codes, their HTTP status, and the error body.

use std::{borrow::Cow, time::Duration};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{contract::errors, store::StoreError};

/// A numeric error code of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(pub u16);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl Code { $($(#[$doc])* pub const $name: Self = Self($code);)* }
    };
}

codes! {
    /// The path is not part of the API.
    UNKNOWN_ENDPOINT = 400;
    /// The request has no body where one is needed.
    NO_DATA = 401;
    /// The token is valid, but not of the kind that this needs.
    WRONG_TOKEN_KIND = 402;
    /// The caller may not do this.
    ACCESS_DENIED = 403;
    /// Absent, or not for the caller to know of.
    NOT_FOUND = 404;
    /// The token is missing, wrong or expired.
    INVALID_TOKEN = 405;
    /// A parameter has the wrong type, length or form.
    INVALID_DATA = 407;
    /// Too many failed logins.
    TOO_MANY_LOGINS = 409;
    /// Too many requests from this address.
    ADDRESS_TOO_FAST = 423;
    /// The caller may not change this folder.
    CANNOT_UPDATE_PROJECT = 410;
    /// The caller may not remove this user.
    CANNOT_REMOVE_USER = 411;
    /// The owner of a folder cannot leave it.
    OWNER_CANNOT_LEAVE = 412;
    /// The owner of a folder cannot be removed from it.
    OWNER_CANNOT_BE_REMOVED = 416;
    /// The folder cannot go under this parent.
    WRONG_PARENT = 417;
    /// The folder belongs to another production.
    OTHER_PRODUCTION = 418;
    /// The folder lets in only people whom another system manages.
    EXTERNAL_IN_FOLDER = 419;
    /// The folder was not changed.
    PROJECT_NOT_CHANGED = 422;
    /// Nobody lets themselves see a folder.
    NO_VIEWING_FOR_ONESELF = 424;
    /// The e-mail address belongs to somebody already.
    EMAIL_TAKEN = 441;
    /// Not an e-mail address.
    INVALID_EMAIL = 442;
    /// The account was not made.
    USER_NOT_CREATED = 444;
    /// The user does not exist.
    USER_NOT_FOUND = 446;
    /// The file of the asset is not on disk.
    FILE_MISSING = 448;
    /// The asset has no file that plays.
    NO_PLAYABLE_FILE = 450;
    /// The user was not removed.
    USER_NOT_REMOVED = 458;
    /// The asset is in the playlist already.
    ASSET_IN_PLAYLIST = 464;
    /// The caller may not change this production.
    CANNOT_UPDATE_GROUP = 471;
    /// The production was not changed.
    GROUP_NOT_CHANGED = 472;
    /// A team of this name exists already.
    TEAM_NAME_TAKEN = 490;
    /// The administration team stays.
    ADMIN_TEAM_STAYS = 492;
    /// Members of the administration team are administrators.
    ADMIN_TEAM_PERMISSION = 494;
    /// The team has only people whom another system manages.
    EXTERNAL_IN_TEAM = 495;
    /// Nobody lets themselves see anything by way of a team.
    NO_VIEWING_BY_TEAM = 496;
    /// The team is locked.
    TEAM_LOCKED = 497;
    /// A production has this licence.
    LICENSE_IN_USE = 498;
    /// The team belongs to the whole production.
    TEAM_OF_PRODUCTION = 499;
    /// The server failed.
    INTERNAL = 500;
    /// Part of the API, and not built yet.
    NOT_BUILT = 501;
    /// A required parameter is absent.
    REQUIRED = 600;
    /// Not one of the values the parameter may have.
    NOT_IN_ENUM = 601;
    /// The body is not JSON.
    INVALID_JSON = 603;
    /// In progress already.
    IN_PROGRESS = 650;
    /// The device or stream has a registration already.
    ALREADY_REGISTERED = 655;
    /// The room cannot be joined.
    CANNOT_JOIN = 670;
    /// Nothing in the room's playlists may be shown in it.
    NO_SHAREABLE_ASSETS = 671;
    /// The room does not exist.
    ROOM_NOT_FOUND = 672;
    /// The caller is not one of the room's users.
    NOT_IN_ROOM = 673;
    /// The room has not started.
    ROOM_NOT_STARTED = 674;
    /// The room is over.
    ROOM_COMPLETE = 675;
    /// The room is full.
    ROOM_FULL = 676;
    /// The guest has an account now, and signs in with that.
    GUEST_UPGRADED = 677;
    /// The playlist would hold too many assets.
    PLAYLIST_FULL = 680;
    /// The account is suspended.
    SUSPENDED = 702;
    /// There is no such login provider.
    NO_LOGIN_PROVIDER = 709;
    /// The person was invited, and has not followed the link.
    NOT_ACTIVATED = 707;
    /// The person is a member of nothing.
    MEMBER_OF_NOTHING = 708;
    /// The team is not one of the company.
    NOT_A_TEAM_OF_COMPANY = 712;
    /// The person is not one of the company.
    NOT_A_USER_OF_COMPANY = 713;
    /// The person has to stay in the company.
    USER_STAYS_IN_COMPANY = 714;
    /// The licence allows no more users.
    LICENSE_FULL = 740;
    /// Somebody else uses this value already.
    IN_USE = 750;
    /// The caller has not the permission that this needs.
    PERMISSION_DENIED = 800;
    /// The production has as many open rooms as it may have.
    TOO_MANY_ROOMS = 803;
    /// Too many requests from this caller.
    TOO_FAST = 900;
}

impl Code {
    /// The HTTP status that fits.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self.0 {
            405 | 443 | 700 => StatusCode::UNAUTHORIZED,
            402
            | 403
            | 410..=413
            | 415
            | 416
            | 419
            | 424
            | 432
            | 471
            | 492
            | 494..=497
            | 673
            | 702
            | 705
            | 707
            | 708
            | 715
            | 800..=804 => StatusCode::FORBIDDEN,
            404 | 446 | 448 | 672 | 709 => StatusCode::NOT_FOUND,
            420 | 441 | 464 | 474 | 481 | 482 | 490 | 498 | 499 | 650 | 655 | 674..=677 | 750 => {
                StatusCode::CONFLICT
            }
            462 => StatusCode::GONE,
            414
            | 417
            | 418
            | 422
            | 430
            | 433
            | 444
            | 445
            | 455
            | 458
            | 461
            | 466..=468
            | 470
            | 472
            | 473
            | 493
            | 503
            | 670
            | 671
            | 680..=685
            | 710..=714
            | 720
            | 730
            | 740 => StatusCode::UNPROCESSABLE_ENTITY,
            409 | 423 | 900 => StatusCode::TOO_MANY_REQUESTS,
            500 => StatusCode::INTERNAL_SERVER_ERROR,
            501 => StatusCode::NOT_IMPLEMENTED,
            704 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The short text that goes with the code.
    #[must_use]
    pub fn message(self) -> &'static str {
        errors::message(self.0).unwrap_or("The request failed")
    }
}

/// What is wrong with one parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The parameter.
    pub name: String,
    /// Why it was refused.
    pub code: Code,
    /// The same in words.
    pub message: String,
}

/// A failed request, as the client is told of it.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: Code,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    beside: Map<String, Value>,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
}

/// What handlers return.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// An error with the code's own message.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self {
            code,
            message: Cow::Borrowed(code.message()),
            fields: Vec::new(),
            beside: Map::new(),
            status: None,
            retry_after: None,
        }
    }

    /// A failure of the server itself. The cause is logged, and never told to the client.
    #[must_use]
    pub fn internal(cause: &(dyn std::fmt::Display + '_)) -> Self {
        tracing::error!(%cause, "request failed inside the server");
        Self::new(Code::INTERNAL)
    }

    /// The same error with a message of its own.
    #[must_use]
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// What went wrong, in words.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.message
    }

    /// Adds what is wrong with one parameter.
    #[must_use]
    pub fn field(mut self, name: &str, code: Code, message: impl Into<String>) -> Self {
        self.fields.push(FieldError { name: name.to_owned(), code, message: message.into() });
        self
    }

    /// Adds a value to the error body (`snapshot`, say), beside `code` and `message`.
    #[must_use]
    pub fn beside(mut self, name: &str, value: Value) -> Self {
        self.beside.insert(name.to_owned(), value);
        self
    }

    /// The same error with another HTTP status than its code implies.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Tells the client when to try again (`Retry-After`, in whole seconds rounded up).
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The numeric code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status.unwrap_or_else(|| self.code.status())
    }

    /// The parameters that were refused.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// What goes under `error` in the answer: `{code, message, fields?, …}`.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = self.beside.clone();
        body.insert("code".to_owned(), json!(self.code));
        body.insert("message".to_owned(), json!(self.message));
        if !self.fields.is_empty() {
            body.insert("fields".to_owned(), json!(self.fields));
        }
        Value::Object(body)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error {}: {}", self.code.0, self.message)
    }
}

impl std::error::Error for ApiError {}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<StoreError> for ApiError {
    /// What a violated constraint means to the client who caused it; anything else is a failure
    /// of the server.
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unique("uq_users_email") => Self::new(Code::EMAIL_TAKEN),
            StoreError::Unique("uq_playlist_assets_asset") => Self::new(Code::ASSET_IN_PLAYLIST),
            StoreError::Unique("uq_domains_domain") => Self::new(Code::IN_USE),
            StoreError::Unique("uq_teams_name") => Self::new(Code::TEAM_NAME_TAKEN),
            StoreError::Unique("uq_assets_uuid") => Self::new(Code::IN_USE).field(
                "uuid",
                Code::IN_USE,
                "another asset of this folder has it",
            ),
            // Handlers look before they refer to anything, so this is a thing that went away.
            StoreError::ForeignKey(_) => Self::new(Code::NOT_FOUND),
            _ => Self::internal(&error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(json!({ "error": self.body() }))).into_response();
        let headers = response.headers_mut();
        if let Some(after) = self.retry_after {
            let seconds = after.as_millis().div_ceil(1000).max(1);
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)),
            );
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_contract_has_words_and_a_failing_status() {
        for (code, message) in errors::ERRORS {
            assert_eq!(Code(*code).message(), *message);
            let status = Code(*code).status();
            assert!(status.is_client_error() || status.is_server_error(), "{code}");
        }
    }

    #[test]
    fn the_body_names_all_fields_and_extras() {
        let error = ApiError::new(Code::REQUIRED)
            .field("id", Code::REQUIRED, "is required")
            .beside("snapshot", json!({"rev": 1}));
        assert_eq!(
            error.body(),
            json!({
                "code": 600,
                "message": Code::REQUIRED.message(),
                "fields": [{"name": "id", "code": 600, "message": "is required"}],
                "snapshot": {"rev": 1},
            })
        );
    }

    #[test]
    fn retry_after_is_never_zero() {
        let response =
            ApiError::new(Code::TOO_FAST).retry_after(Duration::from_millis(1)).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
