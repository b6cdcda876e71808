//! What sources of plain RTP are declared to send: the SDP of their encoders. The media plane keeps what was
//! understood of it as long as it runs; the database has the text.

use std::sync::Arc;

use rushes_media::Declaration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{changeable, rtp};
use crate::{
    app::App,
    error::{ApiError, ApiResult, Code},
    rooms::read,
    rpc::ExtensionCall,
    store::{self, text::SourceKind},
};

#[derive(Debug, Deserialize)]
struct Wish {
    /// A source's own id or that of its asset.
    id: String,
    /// The encoder's SDP; null: nothing is declared any more. It is to be there.
    sdp: Value,
}

fn invalid(why: impl Into<String>) -> ApiError {
    ApiError::new(Code::INVALID_DATA).message(why.into())
}

/// Declares what a source sends, in place of what was declared before, and says what was understood.
pub(super) async fn set(call: &ExtensionCall) -> ApiResult<Value> {
    let Wish { id, sdp } = read(&call.data)?;
    let sdp = match sdp {
        Value::Null => None,
        Value::String(text) => Some(text),
        _ => return Err(invalid("sdp is neither a text nor null")),
    };
    let (app, caller): (&Arc<App>, _) = (&call.app, &call.connection.caller);
    let mut tx = app.store.write().await?;
    let row = changeable(&mut tx, caller, &id).await?;
    let source = match row.kind {
        SourceKind::Raw => store::live::raw::get(&mut tx, row.id).await?,
        _ => None,
    };
    let Some(source) = source else {
        return Err(invalid("Only a source that sends plain RTP is declared"));
    };
    let declared = match &sdp {
        Some(text) => {
            let declared = Declaration::parse(text).map_err(|error| invalid(error.to_string()))?;
            let ports = rtp::ports(&source).ok_or_else(|| invalid("it has no ports"))?;
            declared.goes_with(ports).map_err(|error| invalid(error.to_string()))?;
            Some(declared)
        }
        None => None,
    };
    store::live::raw::declare(&mut tx, row.id, sdp.as_deref()).await?;
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    rtp::follow(app, row.id).await;
    Ok(json!({ "id": row.id, "asset_id": row.asset_id, "declared": declared }))
}
