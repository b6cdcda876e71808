//! Where a CSV file is left before it is imported: `POST /rushes/csv` with the file as its body,
//! from somebody who is signed in, answers `{"filename": …}` for `/import/teams/csv`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;
use tokio::fs;

use crate::{
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, UserId},
    rpc::{self, CallerKind},
};

/// Where in the data folder files are left.
const FOLDER: &str = "imports";

/// The largest file, in bytes.
const MOST: usize = 2 * 1024 * 1024;

/// How long a file is kept that nobody imports.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Files of one person at once.
const FILES: usize = 20;

/// The route of the files.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/rushes/csv", post(upload))
        .layer(DefaultBodyLimit::max(MOST))
        .with_state(app)
}

async fn upload(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match keep(&app, &headers, &body).await {
        Ok(name) => Json(json!({ "filename": name })).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn keep(app: &App, headers: &HeaderMap, body: &[u8]) -> ApiResult<String> {
    let token = rpc::header_token(headers)?.ok_or(ApiError::new(Code::INVALID_TOKEN))?;
    let caller = rpc::authenticate(app, &token).await?;
    if caller.kind != CallerKind::User {
        return Err(ApiError::new(Code::WRONG_TOKEN_KIND));
    }
    app.limits.user(caller.user_id)?;
    let folder = folder(&app.config.data, caller.user_id);
    let name = format!("{}.csv", AnyId::new());
    write(&folder, &name, body).await.map_err(|error| ApiError::internal(&error))?;
    Ok(name)
}

fn folder(data: &Path, user: UserId) -> PathBuf {
    data.join(FOLDER).join(user.to_string())
}

async fn write(folder: &Path, name: &str, body: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder).await?;
    clear(folder).await?;
    fs::write(folder.join(name), body).await
}

/// Removes what nobody has imported for long, and the oldest where there are too many.
async fn clear(folder: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    let mut entries = fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        files.push((entry.metadata().await?.modified()?, entry.path()));
    }
    files.sort();
    let too_many = files.len().saturating_sub(FILES - 1);
    for (index, (modified, path)) in files.into_iter().enumerate() {
        if index < too_many || modified.elapsed().is_ok_and(|age| age > KEPT) {
            fs::remove_file(path).await?;
        }
    }
    Ok(())
}

/// A file that somebody has left, and no one else's. It is gone after that if `take` says so.
///
/// # Errors
/// 404 when there is none.
pub(crate) async fn read(data: &Path, user: UserId, name: &str, take: bool) -> ApiResult<Vec<u8>> {
    let unknown = || {
        ApiError::new(Code::NOT_FOUND).field("filename", Code::NOT_FOUND, "there is no such file")
    };
    // Only a name that was given out ever becomes a path.
    let id: AnyId = name.strip_suffix(".csv").unwrap_or(name).parse().map_err(|_| unknown())?;
    let path = folder(data, user).join(format!("{id}.csv"));
    let bytes = fs::read(&path).await.map_err(|_| unknown())?;
    if take && let Err(error) = fs::remove_file(&path).await {
        tracing::warn!(%error, "an imported file was not removed");
    }
    Ok(bytes)
}
