//! The files of assets over HTTP, in whole or in part.
//!
//! Whoever may view an asset is given links to its files (`url` of an asset file). A link is
//! signed for one file and one user, ends by itself, and before that with the user's rights; media elements of browsers send no header,
//! so that the signature is a part of the link.

use std::{
    io,
    path::{Component, Path as FilePath, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::{
    access,
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::{FileId, UserId},
    rpc::{Caller, CallerKind},
    secret::Secret,
    store::{self, text::AccountStatus},
    time::Millis,
    web::segment,
};

/// How long a link works. A player asks for further parts of a file by the link that it began
/// with, so that this has to outlast a day of review.
const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What signatures call a file.
const KIND: &str = "file";

/// How much is read from disk at once.
const CHUNK: usize = 64 * 1024;

/// The routes of the files.
pub fn router(app: Arc<App>) -> Router {
    Router::new().route("/files/{id}/{name}", get(serve)).with_state(app)
}

/// A link to a file for one user, absolute and good for twelve hours.
#[must_use]
pub fn url(app: &App, file: FileId, name: &str, user: UserId, now: Millis) -> String {
    let token = sign(app.store.signing_key(), &subject(KIND, file), user, now.plus(LIFETIME));
    format!("{}/files/{file}/{}?token={token}", app.public_url(), escape(name))
}

/// A name as a segment of a path.
fn escape(name: &str) -> String {
    let out = segment(name);
    // A name that is all dots would be resolved away.
    if out.is_empty() || out.bytes().all(|byte| byte == b'.') { "file".to_owned() } else { out }
}

/// What a link leads to, as its signature has it: the kind keeps links of one kind from being good
/// for another.
pub(crate) fn subject(kind: &str, id: impl std::fmt::Display) -> String {
    format!("{kind}\n{id}")
}

fn mac(key: &Secret, what: &str, user: UserId, end: Millis) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(format!("{what}\n{user}\n{}", end.0).as_bytes());
    mac
}

/// The token of a link that is good for one user until `end`.
pub(crate) fn sign(key: &Secret, what: &str, user: UserId, end: Millis) -> String {
    let tag = mac(key, what, user, end).finalize().into_bytes();
    format!("{}.{user}.{}", end.0, hex::encode(tag))
}

/// Whose link this is, if it is right and has not ended.
pub(crate) fn verify(key: &Secret, what: &str, token: &str, now: Millis) -> Option<UserId> {
    let (end, rest) = token.split_once('.')?;
    let (user, tag) = rest.split_once('.')?;
    let (end, user) = (Millis(end.parse().ok()?), user.parse().ok()?);
    let tag = hex::decode(tag).ok()?;
    // In constant time.
    mac(key, what, user, end).verify_slice(&tag).ok()?;
    (now < end).then_some(user)
}

#[derive(Deserialize)]
struct Link {
    token: Option<String>,
}

async fn serve(
    State(app): State<Arc<App>>,
    Path((id, _name)): Path<(String, String)>,
    Query(link): Query<Link>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (path, name) = locate(&app, &id, link.token.as_deref()).await?;
    let missing = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => ApiError::new(Code::FILE_MISSING),
        _ => ApiError::internal(error),
    };
    let file = tokio::fs::File::open(&path).await.map_err(|error| missing(&error))?;
    let meta = file.metadata().await.map_err(|error| missing(&error))?;
    let modified =
        meta.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let modified = modified.unwrap_or_default().as_millis();
    let etag = format!("\"{id}-{:x}-{modified:x}\"", meta.len());
    let answer = plan(&headers, meta.len(), &etag);
    respond(answer, file, meta.len(), &etag, &name, method == Method::HEAD)
        .await
        .map_err(|error| missing(&error))
}

/// The place of a file on disk and its name, for the holder of a link.
async fn locate(app: &App, id: &str, token: Option<&str>) -> ApiResult<(PathBuf, String)> {
    let now = Millis::now();
    let id: FileId = id.parse().map_err(|_| ApiError::new(Code::NOT_FOUND))?;
    let user =
        token.and_then(|token| verify(app.store.signing_key(), &subject(KIND, id), token, now));
    let user = user.ok_or(ApiError::new(Code::INVALID_TOKEN))?;
    let mut tx = app.store.read().await?;
    let file = store::asset_files::get(&mut tx, id).await?;
    let file = file.ok_or(ApiError::new(Code::NOT_FOUND))?;
    let active = store::users::get(&mut tx, user).await?;
    if active.is_none_or(|user| user.account_status == AccountStatus::Deleted) {
        return Err(ApiError::new(Code::INVALID_TOKEN));
    }
    // A link lasts for hours, and rights may end sooner. A guest has a seat in one room only, so
    // that it need not be named here.
    let caller = Caller { user_id: user, kind: CallerKind::User };
    access::asset(&mut tx, &caller, file.asset_id).await?;
    let path = below(&app.config.data, &file.location).ok_or(ApiError::new(Code::NOT_FOUND))?;
    Ok((path, file.file_name))
}

/// A path below the data folder; none if it leads out of it. The server chooses the locations
/// itself, and this holds even if it once chose wrong.
fn below(data: &FilePath, location: &str) -> Option<PathBuf> {
    let location = FilePath::new(location);
    let plain = location.components().all(|part| matches!(part, Component::Normal(_)));
    (plain && location.components().next().is_some()).then(|| data.join(location))
}

/// What a request for a file is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// All of it.
    Whole,
    /// The bytes from the first to the last, both included.
    Part(u64, u64),
    /// The client has it.
    NotModified,
    /// The file has no such part.
    Unsatisfiable,
}

/// RFC 9110, sections 13 and 14. Of several ranges none is served: a server may answer them with
/// the whole.
fn plan(headers: &HeaderMap, length: u64, etag: &str) -> Answer {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(known) = text(header::IF_NONE_MATCH) {
        let same = |tag: &str| tag.trim().trim_start_matches("W/") == etag;
        if known.trim() == "*" || known.split(',').any(same) {
            return Answer::NotModified;
        }
    }
    // The file is another one than the client has a part of; dates are too coarse to tell.
    if text(header::IF_RANGE).is_some_and(|known| known.trim() != etag) {
        return Answer::Whole;
    }
    text(header::RANGE).map_or(Answer::Whole, |range| part(range, length))
}

fn part(range: &str, length: u64) -> Answer {
    let Some((unit, set)) = range.split_once('=') else { return Answer::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Answer::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Answer::Whole };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, last) = (first.trim(), last.trim());
    if !digits(first) || !digits(last) {
        return Answer::Whole;
    }
    // A number too great for us is past the end of any file.
    let number = |text: &str| text.parse().unwrap_or(u64::MAX);
    match (first.is_empty(), last.is_empty()) {
        (true, true) => Answer::Whole,
        (true, false) => match number(last).min(length) {
            0 => Answer::Unsatisfiable,
            count => Answer::Part(length - count, length - 1),
        },
        (false, _) if number(first) >= length => Answer::Unsatisfiable,
        (false, true) => Answer::Part(number(first), length - 1),
        (false, false) if number(last) < number(first) => Answer::Whole,
        (false, false) => Answer::Part(number(first), number(last).min(length - 1)),
    }
}

async fn respond(
    answer: Answer,
    mut file: tokio::fs::File,
    length: u64,
    etag: &str,
    name: &str,
    head: bool,
) -> io::Result<Response> {
    let (status, first, count) = match answer {
        Answer::Whole => (StatusCode::OK, 0, length),
        Answer::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Answer::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
        Answer::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let body = if head || count == 0 {
        Body::empty()
    } else {
        file.seek(io::SeekFrom::Start(first)).await?;
        Body::from_stream(ReaderStream::with_capacity(file.take(count), CHUNK))
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    set(header::ETAG, etag.to_owned());
    // One person's link: no shared cache keeps it.
    set(header::CACHE_CONTROL, "private, max-age=3600".to_owned());
    match status {
        StatusCode::NOT_MODIFIED => return Ok(response),
        StatusCode::RANGE_NOT_SATISFIABLE => {
            set(header::CONTENT_RANGE, format!("bytes */{length}"));
            return Ok(response);
        }
        StatusCode::PARTIAL_CONTENT => {
            let last = first + count - 1;
            set(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"));
        }
        _ => {}
    }
    set(header::CONTENT_LENGTH, count.to_string());
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    set(header::CONTENT_TYPE, kind.to_string());
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    // Should somebody upload a page, it runs nothing on this server's origin.
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned());
    set(header::CONTENT_DISPOSITION, format!("inline; filename*=UTF-8''{}", escape(name)));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_is_good_for_its_file_its_user_and_its_time() {
        let (key, user) = (Secret::random(), UserId::new());
        let id = FileId::new();
        let file = &subject(KIND, id);
        let end = Millis(1000);
        let token = sign(&key, file, user, end);
        assert_eq!(verify(&key, file, &token, Millis(999)), Some(user));
        assert_eq!(verify(&key, file, &token, end), None);
        assert_eq!(verify(&key, &subject(KIND, FileId::new()), &token, Millis(0)), None);
        assert_eq!(verify(&key, &subject("picture", id), &token, Millis(0)), None);
        assert_eq!(verify(&Secret::random(), file, &token, Millis(0)), None);
        let longer = token.replacen("1000", "9000", 1);
        assert_eq!(verify(&key, file, &longer, Millis(0)), None);
        let other = token.replace(&user.to_string(), &UserId::new().to_string());
        assert_eq!(verify(&key, file, &other, Millis(0)), None);
        for bad in ["", ".", "..", "1000", "x.y.z", &token[..token.len() - 2]] {
            assert_eq!(verify(&key, file, bad, Millis(0)), None, "{bad}");
        }
    }

    #[test]
    fn no_location_leads_out_of_the_data_folder() {
        let data = FilePath::new("/data");
        assert_eq!(below(data, "files/a/b.mp4"), Some(PathBuf::from("/data/files/a/b.mp4")));
        for bad in ["", "/etc/passwd", "../x", "files/../../x", "./x/../.."] {
            assert_eq!(below(data, bad), None, "{bad}");
        }
    }

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        for (range, expected) in [
            ("bytes=0-", Answer::Part(0, 9)),
            ("bytes=0-0", Answer::Part(0, 0)),
            ("bytes=2-5", Answer::Part(2, 5)),
            ("Bytes = 9-100", Answer::Part(9, 9)),
            ("bytes=-3", Answer::Part(7, 9)),
            ("bytes=-30", Answer::Part(0, 9)),
            ("bytes=10-", Answer::Unsatisfiable),
            ("bytes=99999999999999999999-", Answer::Unsatisfiable),
            ("bytes=-0", Answer::Unsatisfiable),
            ("bytes=5-2", Answer::Whole),
            ("bytes=-", Answer::Whole),
            ("bytes=a-b", Answer::Whole),
            ("bytes=0-1,4-5", Answer::Whole),
            ("frames=0-1", Answer::Whole),
            ("bytes", Answer::Whole),
        ] {
            assert_eq!(part(range, 10), expected, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Answer::Unsatisfiable);
    }

    #[test]
    fn conditions_come_before_ranges() {
        let headers = |pairs: &[(header::HeaderName, &'static str)]| -> HeaderMap {
            let pairs = pairs.iter().cloned();
            pairs.map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
        };
        let etag = "\"e\"";
        let range = (header::RANGE, "bytes=1-2");
        let plan = |pairs: &[(header::HeaderName, &'static str)]| plan(&headers(pairs), 10, etag);
        assert_eq!(plan(&[]), Answer::Whole);
        assert_eq!(plan(&[range.clone(), (header::IF_RANGE, "\"e\"")]), Answer::Part(1, 2));
        assert_eq!(plan(&[range.clone(), (header::IF_RANGE, "\"other\"")]), Answer::Whole);
        assert_eq!(plan(&[range.clone(), (header::IF_RANGE, "W/\"e\"")]), Answer::Whole);
        assert_eq!(plan(&[(header::IF_NONE_MATCH, "\"x\", W/\"e\"")]), Answer::NotModified);
        assert_eq!(plan(&[range, (header::IF_NONE_MATCH, "\"x\"")]), Answer::Part(1, 2));
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_file(range in "bytes=[0-9]{0,4}-[0-9]{0,4}", length in 0_u64..5000) {
            if let Answer::Part(first, last) = part(&range, length) {
                prop_assert!(first <= last && last < length);
            }
        }

        #[test]
        fn an_escaped_name_is_one_segment(name in ".*") {
            let escaped = escape(&name);
            prop_assert!(!escaped.is_empty() && escaped != "." && escaped != "..");
            prop_assert!(escaped.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
        }
    }
}
