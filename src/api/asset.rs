//! Assets.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{group::Deleted, participant::Updated, review_session};
use crate::{
    access::{self, Permission, Rights},
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, BatchId, ProjectId, RoomId, UserId},
    rpc::{Caller, Ctx},
    store::{
        self, Object,
        assets::{AssetRow, FoundAsset},
        text::{AssetStatus, AssetSubtype, AssetType},
    },
    time::Millis,
};

/// An asset. The fields are those of the contract; the ones that have no meaning here are null,
/// and what is not built yet is off.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Asset {
    pub(super) available_comment_channels: Option<Vec<String>>,
    pub(super) batch_id: Option<BatchId>,
    pub(super) batch_name: Option<String>,
    pub(super) blurhash: Option<String>,
    pub(super) can_access_project: Option<bool>,
    pub(super) can_comment: Option<bool>,
    pub(super) can_offline: Option<bool>,
    pub(super) can_update: Option<bool>,
    pub(super) colorspaces: Option<Vec<String>>,
    pub(super) comment_count: Option<i64>,
    pub(super) component_data: Option<Object>,
    pub(super) component_links: Option<Vec<Value>>,
    pub(super) created: Option<Millis>,
    pub(super) deny_view: Option<bool>,
    pub(super) desc: Option<String>,
    pub(super) drm_enabled: Option<bool>,
    pub(super) duration: Option<f64>,
    pub(super) ext: Option<String>,
    pub(super) hdr_screen_brightness: Option<f64>,
    pub(super) hidden: Option<bool>,
    pub(super) id: Option<AssetId>,
    pub(super) is_admin: Option<bool>,
    pub(super) is_derived_sdr: Option<bool>,
    pub(super) is_derived_sdr_allowed: Option<bool>,
    pub(super) is_live: Option<bool>,
    pub(super) is_sdr_allowed: Option<bool>,
    pub(super) is_unviewed: Option<bool>,
    pub(super) master_id: Option<AssetId>,
    pub(super) metadata: Option<Object>,
    pub(super) name: Option<String>,
    pub(super) offline_bytes: Option<i64>,
    pub(super) origin_type: Option<String>,
    pub(super) overall_processing_time: Option<String>,
    pub(super) processing_estimate: Option<Object>,
    pub(super) project_id: Option<ProjectId>,
    pub(super) resume_position: Option<f64>,
    pub(super) scrub_jpg_frames: Option<i64>,
    pub(super) scrub_jpg_url: Option<String>,
    pub(super) scrub_jpg_url_2x: Option<String>,
    pub(super) scrub_jpg_url_3x: Option<String>,
    pub(super) scrub_url: Option<String>,
    pub(super) scrub_url_2x: Option<String>,
    pub(super) scrub_url_3x: Option<String>,
    pub(super) scrub_url_frames: Option<i64>,
    pub(super) sdr_screen_brightness: Option<f64>,
    pub(super) sort_index: Option<i64>,
    pub(super) status: Option<AssetStatus>,
    pub(super) subtype: Option<AssetSubtype>,
    #[serde(rename = "subtypeDisplayName")]
    pub(super) subtype_display_name: Option<String>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) thumbnail_url: Option<String>,
    pub(super) thumbnail_url_2x: Option<String>,
    pub(super) thumbnail_url_3x: Option<String>,
    pub(super) timelines: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<AssetType>,
    pub(super) uploaded_usage: Option<i64>,
    pub(super) user_id: Option<UserId>,
    pub(super) uuid: Option<String>,
    pub(super) view_link: Option<String>,
}

/// What was asked for of an asset beyond the usual.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Include {
    /// What is known of it, and what clients keep with it.
    pub(super) metadata: bool,
    /// How much its files take.
    pub(super) usage: bool,
    /// How much it takes to keep it for use without a network.
    pub(super) offline_bytes: bool,
}

impl Include {
    fn new(metadata: Option<bool>, usage: Option<bool>, offline_bytes: Option<bool>) -> Self {
        let asked = |option| option == Some(true);
        Self { metadata: asked(metadata), usage: asked(usage), offline_bytes: asked(offline_bytes) }
    }
}

impl Asset {
    /// An asset as one sees it who has these rights in its folder.
    pub(super) fn of(found: FoundAsset, rights: Rights, include: Include) -> Self {
        let hidden = found.row.hidden || found.batch_hidden;
        let metadata = include.metadata.then(|| metadata(&found.row));
        let row = found.row;
        Self {
            available_comment_channels: Some(Vec::new()),
            batch_id: row.batch_id,
            batch_name: found.batch_name,
            can_access_project: Some(!rights.from_outside()),
            can_comment: Some(rights.may(Permission::Comment)),
            can_offline: Some(rights.may(Permission::Offline)),
            can_update: Some(rights.may(Permission::UpdateAssets)),
            colorspaces: Some(Vec::new()),
            comment_count: Some(0),
            component_links: Some(Vec::new()),
            created: Some(row.created),
            deny_view: Some(false),
            desc: Some(row.description),
            drm_enabled: Some(false),
            duration: seconds(row.duration_ms),
            ext: Some(row.ext),
            hidden: Some(hidden),
            id: Some(row.id),
            is_admin: Some(rights.is_admin),
            is_derived_sdr: Some(false),
            is_derived_sdr_allowed: Some(false),
            is_live: Some(row.is_live),
            is_sdr_allowed: Some(true),
            is_unviewed: Some(false),
            metadata,
            name: Some(row.name),
            offline_bytes: include.offline_bytes.then_some(found.bytes),
            origin_type: Some("Moxion".to_owned()),
            project_id: Some(row.project_id),
            resume_position: Some(0.0),
            sort_index: Some(row.sort_index),
            status: Some(row.status),
            subtype: row.subtype,
            subtype_display_name: row.subtype.map(display_name),
            tags: Some(row.tags.0),
            kind: Some(row.asset_type),
            uploaded_usage: include.usage.then_some(found.bytes),
            user_id: Some(row.owner_id),
            uuid: row.uuid,
            ..Self::default()
        }
    }
}

/// Milliseconds as seconds.
fn seconds(ms: Option<i64>) -> Option<f64> {
    ms.map(|ms| ms as f64 / 1000.0)
}

/// What is known of an asset: what clients set, and the picture timing that the server measured,
/// which nobody overwrites.
fn metadata(row: &AssetRow) -> Object {
    let mut all = row.metadata.0.clone();
    if !row.custom_metadata.0.is_empty() {
        all.insert("custom_metadata".to_owned(), Value::Object(row.custom_metadata.0.clone()));
    }
    for (name, value) in
        [("frames", row.frames), ("fps_num", row.fps_num), ("fps_den", row.fps_den)]
    {
        if let Some(value) = value {
            all.insert(name.to_owned(), json!(value));
        }
    }
    all
}

/// `PRODUCTION_SCENE_TYPE_ID` reads `Production scene`.
fn display_name(subtype: AssetSubtype) -> String {
    let text = json!(subtype).as_str().unwrap_or_default().to_lowercase();
    let words = text.trim_end_matches("_type_id").replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetAsset {
    pub(super) id: AssetId,
    pub(super) include_links: Option<bool>,
    pub(super) include_metadata: Option<bool>,
    pub(super) include_offline_bytes: Option<bool>,
    pub(super) include_usage: Option<bool>,
    pub(super) trigger_watermarking: Option<bool>,
}

/// An asset that the caller sees.
pub(super) async fn get(ctx: &mut Ctx, req: GetAsset) -> ApiResult<Asset> {
    let caller = ctx.caller()?.clone();
    let (found, rights) = access::asset(ctx.db(), &caller, req.id).await?;
    let include = Include::new(req.include_metadata, req.include_usage, req.include_offline_bytes);
    Ok(Asset::of(found, rights, include))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListAssets {
    pub(super) asset_subtype_filter: Option<Vec<String>>,
    pub(super) asset_type_filter: Option<Vec<String>>,
    pub(super) assets: Option<Vec<AssetId>>,
    pub(super) batch_id: Option<BatchId>,
    pub(super) include_links: Option<bool>,
    pub(super) include_metadata: Option<bool>,
    pub(super) include_offline_bytes: Option<bool>,
    pub(super) include_usage: Option<bool>,
    pub(super) project_id: Option<ProjectId>,
    pub(super) review_session_id: Option<RoomId>,
    pub(super) trigger_watermarking: Option<bool>,
}

/// Most assets that are asked for by their ids at once.
const LIMIT: usize = 2000;

/// The assets of a batch, or else of a folder, or else of a room, or else those with given ids;
/// those that the caller does not see are left out.
pub(super) async fn list(ctx: &mut Ctx, req: ListAssets) -> ApiResult<Vec<Asset>> {
    let caller = ctx.caller()?.clone();
    let include = Include::new(req.include_metadata, req.include_usage, req.include_offline_bytes);
    let mut answer = Vec::new();
    if let Some(id) = req.batch_id {
        let (_, rights) = access::batch(ctx.db(), &caller, id).await?;
        let found = store::assets::of_batch(ctx.db(), id).await?;
        answer.extend(shown(found, rights, include));
    } else if let Some(id) = req.project_id {
        let rights = access::project(ctx.db(), &caller, id).await?.rights();
        let mut found = store::assets::of_project(ctx.db(), id).await?;
        found.retain(|asset| {
            fits(req.asset_type_filter.as_deref(), Some(asset.row.asset_type))
                && fits(req.asset_subtype_filter.as_deref(), asset.row.subtype)
        });
        answer.extend(shown(found, rights, include));
    } else {
        let ids = match req.review_session_id {
            Some(room) => in_room(ctx, &caller, room).await?,
            None => req.assets.unwrap_or_default(),
        };
        if ids.len() > LIMIT {
            return Err(ApiError::new(Code::INVALID_DATA).field(
                "assets",
                Code::INVALID_DATA,
                "names too many assets at once",
            ));
        }
        for id in ids {
            match access::asset(ctx.db(), &caller, id).await {
                Ok((found, rights)) => answer.push(Asset::of(found, rights, include)),
                Err(error) if error.code() == Code::NOT_FOUND => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(answer)
}

/// The assets that a room shows, each once.
async fn in_room(ctx: &mut Ctx, caller: &Caller, room: RoomId) -> ApiResult<Vec<AssetId>> {
    access::room(ctx.db(), caller, room).await?;
    let mut ids = Vec::new();
    for shown in access::shown_in_room(ctx.db(), room).await? {
        if !ids.contains(&shown.asset_id) {
            ids.push(shown.asset_id);
        }
    }
    Ok(ids)
}

fn shown(found: Vec<FoundAsset>, rights: Rights, include: Include) -> impl Iterator<Item = Asset> {
    found
        .into_iter()
        .filter(move |asset| access::asset_shows(asset, rights))
        .map(move |asset| Asset::of(asset, rights, include))
}

/// Whether a value is one of those that a filter names; no filter lets all through.
fn fits(filter: Option<&[String]>, value: Option<impl Serialize>) -> bool {
    let value = json!(value);
    filter.is_none_or(|names| names.iter().any(|name| value == **name))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateAsset {
    pub(super) custom_metadata: Option<Object>,
    pub(super) id: String,
    pub(super) tags: Option<Vec<String>>,
    pub(super) uuid: Option<String>,
    /// Any further parameter is a part of what is known of the asset.
    #[serde(flatten)]
    pub(super) metadata: Map<String, Value>,
}

/// Most that clients may keep with an asset, in bytes of JSON.
const METADATA_LIMIT: usize = 256 * 1024;

/// Changes what clients keep with an asset. What is null counts as not given.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateAsset) -> ApiResult<Updated> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let (found, rights) = access::asset_by_name(ctx.db(), &caller, &req.id).await?;
    rights.need(Permission::UpdateAssets)?;
    let mut row = found.row;
    row.metadata.0.extend(req.metadata);
    if let Some(custom) = req.custom_metadata {
        row.custom_metadata.0 = custom;
    }
    if let Some(tags) = req.tags {
        row.tags.0 = tags;
    }
    row.uuid = req.uuid.or(row.uuid);
    let kept = json!([row.metadata.0, row.custom_metadata.0, row.tags.0]).to_string();
    if kept.len() > METADATA_LIMIT {
        return Err(
            ApiError::new(Code::INVALID_DATA).message("The asset carries too much metadata")
        );
    }
    store::assets::update(ctx.db(), &row, now).await?;
    Ok(Updated { updated: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteAssets {
    pub(super) asset_ids: Option<Vec<AssetId>>,
    pub(super) id: Option<AssetId>,
}

/// Deletes assets, as far as anybody can see: all of them or, if one may not be, none.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteAssets) -> ApiResult<Deleted> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let ids = req.asset_ids.or(req.id.map(|id| vec![id])).unwrap_or_default();
    if ids.is_empty() {
        return Err(ApiError::new(Code::REQUIRED).field(
            "asset_ids",
            Code::REQUIRED,
            "is required",
        ));
    }
    for id in &ids {
        let (_, rights) = access::asset(ctx.db(), &caller, *id).await?;
        rights.need(Permission::DeleteAssets)?;
    }
    review_session::assets_gone(ctx, &ids).await?;
    for id in ids {
        store::assets::delete(ctx.db(), id, now).await?;
    }
    Ok(Deleted { deleted: Some(true) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtypes_read_as_words() {
        assert_eq!(display_name(AssetSubtype::ProductionSceneTypeId), "Production scene");
        assert_eq!(display_name(AssetSubtype::Live), "Live");
    }
}
