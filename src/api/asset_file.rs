//! The files of assets.

use serde::{Deserialize, Serialize};

use crate::{
    access,
    app::App,
    error::{ApiError, ApiResult, Code},
    files,
    ids::{AssetId, BatchId, FileId, ProjectId, UserId},
    rpc::Ctx,
    store::{self, Object, asset_files::AssetFileRow, assets::AssetRow, text::FileStatus},
    time::Millis,
};

/// A file of an asset. The fields are those of the contract; the ones that have no meaning here
/// are null.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct AssetFile {
    pub(super) aspect_ratio: Option<String>,
    pub(super) asset_id: Option<AssetId>,
    pub(super) asset_uuid: Option<String>,
    pub(super) audio_channels: Option<i64>,
    pub(super) audio_codec: Option<String>,
    pub(super) audio_rate: Option<i64>,
    pub(super) batch_id: Option<BatchId>,
    pub(super) bitrate: Option<f64>,
    pub(super) category: Option<String>,
    pub(super) certificate_url: Option<String>,
    pub(super) colorspace: Option<String>,
    pub(super) container: Option<String>,
    pub(super) file_extension: Option<String>,
    pub(super) file_name: Option<String>,
    pub(super) frame_rate: Option<f64>,
    pub(super) height: Option<i64>,
    pub(super) hls_resolutions_identifiers: Option<Vec<String>>,
    pub(super) id: Option<FileId>,
    pub(super) is_dash: Option<bool>,
    pub(super) is_fairplay: Option<bool>,
    pub(super) is_hls: Option<bool>,
    pub(super) is_playable: Option<bool>,
    pub(super) is_playready: Option<bool>,
    pub(super) is_realtime: Option<bool>,
    pub(super) is_webrtc: Option<bool>,
    pub(super) license_url: Option<String>,
    pub(super) location: Option<String>,
    pub(super) position: Option<i64>,
    pub(super) project_id: Option<ProjectId>,
    pub(super) requires_token: Option<bool>,
    pub(super) resolution: Option<String>,
    pub(super) resolutions_colorspaces: Option<Vec<String>>,
    pub(super) resolutions_identifiers: Option<Vec<String>>,
    pub(super) resolutions_labels: Option<Vec<String>>,
    pub(super) resolutions_selectors: Option<Vec<String>>,
    pub(super) resolutions_sizes: Option<Vec<String>>,
    pub(super) status: Option<FileStatus>,
    pub(super) tc_end: Option<String>,
    pub(super) tc_start: Option<String>,
    pub(super) url: Option<String>,
    pub(super) used_bytes: Option<i64>,
    pub(super) user_id: Option<UserId>,
    pub(super) video_codec: Option<String>,
    pub(super) watermark_url: Option<String>,
    pub(super) webrtc_server_configuration: Option<Object>,
    pub(super) width: Option<i64>,
}

impl AssetFile {
    fn of(app: &App, asset: &AssetRow, row: AssetFileRow, user: UserId, now: Millis) -> Self {
        let size = row.width.zip(row.height);
        let resolution = size.map(|(width, height)| format!("{width}x{height}"));
        Self {
            aspect_ratio: size.map(|(width, height)| aspect_ratio(width, height)),
            audio_channels: row.audio_channels,
            audio_codec: row.audio_codec,
            audio_rate: row.audio_rate,
            bitrate: row.bitrate_kbps,
            category: Some(row.category),
            colorspace: row.colorspace,
            container: row.container,
            file_extension: row.file_name.rsplit_once('.').map(|(_, ending)| ending.to_owned()),
            frame_rate: row.fps_num.zip(row.fps_den).map(|(num, den)| num as f64 / den as f64),
            height: row.height,
            id: Some(row.id),
            is_playable: Some(row.is_playable),
            resolution,
            status: Some(row.status),
            tc_end: row.tc_end,
            tc_start: row.tc_start,
            url: Some(files::url(app, row.id, &row.file_name, user, now)),
            file_name: Some(row.file_name),
            used_bytes: Some(row.bytes),
            user_id: Some(row.owner_id),
            video_codec: row.video_codec,
            width: row.width,
            ..Self::empty(asset)
        }
    }

    /// The way to a live source, which clients find where the file of a clip would be.
    fn live(app: &App, asset: &AssetRow) -> Self {
        Self {
            category: Some("LIVE".to_owned()),
            id: Some(asset.id.cast()),
            is_playable: Some(true),
            is_realtime: Some(true),
            is_webrtc: Some(true),
            requires_token: Some(true),
            status: Some(FileStatus::Active),
            url: Some(format!("{}/live/whep/{}", app.public_url(), asset.id)),
            user_id: Some(asset.owner_id),
            ..Self::empty(asset)
        }
    }

    fn empty(asset: &AssetRow) -> Self {
        Self {
            asset_id: Some(asset.id),
            asset_uuid: asset.uuid.clone(),
            batch_id: asset.batch_id,
            is_dash: Some(false),
            is_fairplay: Some(false),
            is_hls: Some(false),
            is_playready: Some(false),
            is_realtime: Some(false),
            is_webrtc: Some(false),
            position: Some(0),
            project_id: Some(asset.project_id),
            requires_token: Some(false),
            ..Self::default()
        }
    }
}

/// `1920, 1080` gives `16:9`.
fn aspect_ratio(width: i64, height: i64) -> String {
    fn gcd(a: i64, b: i64) -> i64 {
        if b == 0 { a.max(1) } else { gcd(b, a % b) }
    }
    let by = gcd(width, height);
    format!("{}:{}", width / by, height / by)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListAssetFiles {
    pub(super) codec_capabilities: Option<Object>,
    pub(super) id: AssetId,
    pub(super) playable_only: Option<bool>,
}

/// The files of an asset: the one to play first.
pub(super) async fn list(ctx: &mut Ctx, req: ListAssetFiles) -> ApiResult<Vec<AssetFile>> {
    let mut files = of_asset(ctx, req.id).await?;
    files.retain(|file| req.playable_only != Some(true) || file.is_playable == Some(true));
    Ok(files)
}

async fn of_asset(ctx: &mut Ctx, id: AssetId) -> ApiResult<Vec<AssetFile>> {
    let (caller, now) = (ctx.caller()?.clone(), ctx.now());
    let (found, _) = access::asset(ctx.db(), &caller, id).await?;
    let app = ctx.app().clone();
    let mut files = Vec::new();
    if found.row.is_live {
        files.push(AssetFile::live(&app, &found.row));
    }
    let rows = store::asset_files::of_asset(ctx.db(), id).await?;
    files.extend(
        rows.into_iter().map(|row| AssetFile::of(&app, &found.row, row, caller.user_id, now)),
    );
    Ok(files)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetPrimaryFile {
    pub(super) id: Option<AssetId>,
}

/// What `/get/asset/file/primary` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct PrimaryFile {
    #[serde(flatten)]
    file: AssetFile,
    processing: Option<bool>,
    task_id: Option<String>,
}

/// The file of an asset to play.
pub(super) async fn primary(ctx: &mut Ctx, req: GetPrimaryFile) -> ApiResult<PrimaryFile> {
    let id = req
        .id
        .ok_or_else(|| ApiError::new(Code::REQUIRED).field("id", Code::REQUIRED, "is required"))?;
    let files = of_asset(ctx, id).await?;
    let file = files.into_iter().find(|file| file.is_playable == Some(true));
    let file = file.ok_or(ApiError::new(Code::NO_PLAYABLE_FILE))?;
    let processing = Some(file.status == Some(FileStatus::Processing));
    Ok(PrimaryFile { file, processing, task_id: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aspect_ratios_are_in_lowest_terms() {
        assert_eq!(aspect_ratio(1920, 1080), "16:9");
        assert_eq!(aspect_ratio(2048, 858), "1024:429");
        assert_eq!(aspect_ratio(0, 0), "0:0");
    }
}
