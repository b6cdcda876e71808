//! Slates: which sources show one while they are away. The media plane keeps the list as long as it
//! runs; the database has it for longer.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{changeable, stream_of};
use crate::{
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::RegistrationId,
    rooms::read,
    rpc::ExtensionCall,
    store::{self, StoreError, text::SourceKind},
};

/// Whether a source of this kind can have a slate. A composite is made here and not away; a project
/// of QTAKE's shows nothing itself.
pub(crate) fn may_have(kind: SourceKind) -> bool {
    !matches!(kind, SourceKind::Composite | SourceKind::Qtake)
}

/// Tells the media plane of all that have one.
///
/// # Errors
/// When the database fails.
pub(crate) async fn open(app: &App) -> Result<(), StoreError> {
    let all = store::live::slates::all(&mut *app.store.read().await?).await?;
    for row in all {
        tell(app, row.id, Some(row.name)).await;
    }
    Ok(())
}

/// Makes of a source's slate what the database says of it by now.
pub(crate) async fn follow(app: &App, id: RegistrationId) {
    // One after the other: who is last has read last.
    let _turn = app.slating.lock().await;
    let found = async {
        let mut db = app.store.read().await?;
        store::live::get(&mut db, id).await
    };
    match found.await {
        Ok(row) => tell(app, id, row.filter(|row| row.slate).map(|row| row.name)).await,
        Err(error) => tracing::error!(%id, %error, "a source's slate is not looked up"),
    }
}

async fn tell(app: &App, id: RegistrationId, title: Option<String>) {
    if !app.media.slate(stream_of(id), title).await {
        tracing::error!(%id, "the media plane has not heard of a slate");
    }
}

#[derive(Debug, Deserialize)]
struct Wish {
    /// A source's own id or that of its asset.
    id: String,
    /// Whether it is to have one.
    on: bool,
}

/// Has a source shown as a slate while nobody publishes it, or not.
pub(super) async fn set(call: &ExtensionCall) -> ApiResult<Value> {
    let Wish { id, on } = read(&call.data)?;
    let (app, caller): (&Arc<App>, _) = (&call.app, &call.connection.caller);
    let mut tx = app.store.write().await?;
    let row = changeable(&mut tx, caller, &id).await?;
    if !may_have(row.kind) {
        let why = "A composite and a project of QTAKE's have no slate of their own";
        return Err(ApiError::new(Code::INVALID_DATA).message(why));
    }
    store::live::slates::set(&mut tx, row.id, on).await?;
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    follow(app, row.id).await;
    Ok(json!({ "id": row.id, "asset_id": row.asset_id, "slate": on }))
}
