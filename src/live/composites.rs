//! Composites: which of them run, and what they show.

use std::sync::Arc;

use rushes_media::{CompositeError, Composites};
use serde_json::{Value, json};

use super::{layout, stream_of};
use crate::{
    app::App,
    error::ApiError,
    ids::RegistrationId,
    store::{self, Object, StoreError},
};

/// Begins to make the composites that are registered, the oldest first, as many as there may be.
///
/// # Errors
/// When the database fails.
pub(crate) async fn open(app: &Arc<App>) -> Result<(), StoreError> {
    let composites = Composites::new(&app.media, app.config.composites);
    // It is opened once.
    let _ = app.composites.set(composites);
    let all = store::live::composites::all(&mut *app.store.read().await?).await?;
    for id in all {
        follow(app, id).await;
    }
    Ok(())
}

/// Makes of a composite what the database says of it by now: begun, changed, or ended.
pub(crate) async fn follow(app: &App, id: RegistrationId) {
    let Some(composites) = app.composites.get() else { return };
    // One after the other: who is last has read last.
    let _turn = app.composing.lock().await;
    let found = match read(app, id).await {
        Ok(found) => found,
        Err(error) => return tracing::error!(%id, %error, "a composite is not looked up"),
    };
    let Some(found) = found else { return composites.stop(stream_of(id)).await };
    let layout = match layout::parse(&found) {
        Ok(layout) => layout,
        Err(error) => return tracing::error!(%id, %error, "the layout of a composite is none"),
    };
    let mut begun = composites.start(stream_of(id), layout.clone()).await;
    if let Err(CompositeError::Full(_)) = begun {
        // A folder may be deleted with what is in it, of which nobody tells.
        sweep(app, composites).await;
        begun = composites.start(stream_of(id), layout).await;
    }
    if let Err(error) = begun {
        return tracing::warn!(%id, %error, "a composite is not made");
    }
    match super::connected(app, stream_of(id)).await {
        Ok(true) => {}
        // Its folder went while it began, of which nobody tells.
        Ok(false) => composites.stop(stream_of(id)).await,
        Err(error) => tracing::error!(%id, %error, "a composite is not noted"),
    }
}

/// Ends those that are not registered any more.
async fn sweep(app: &App, composites: &Composites) {
    for stream in composites.all() {
        let id = layout::registration_of(stream);
        if let Ok(None) = read(app, id).await {
            composites.stop(stream).await;
        }
    }
}

async fn read(app: &App, id: RegistrationId) -> Result<Option<Object>, ApiError> {
    let mut db = app.store.read().await?;
    Ok(store::live::get(&mut db, id).await?.and_then(|row| row.layout()))
}

/// What a composite does, and what is wrong with it.
pub(crate) fn status(app: &App, id: RegistrationId) -> (Value, Vec<String>) {
    let Some(composites) = app.composites.get() else { return (Value::Null, Vec::new()) };
    match composites.status(stream_of(id)) {
        Some(status) => (json!(status), status.problems),
        None => {
            let most = composites.most();
            let problem = format!(
                "This server makes {most} composites at a time, and this is none of them: delete \
                 another one, or start the server with a larger --composites."
            );
            (Value::Null, vec![problem])
        }
    }
}

/// Ends all of them.
pub(crate) async fn close(app: &App) {
    if let Some(composites) = app.composites.get() {
        composites.shutdown().await;
    }
}
