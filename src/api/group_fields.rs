//! How a production is answered.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{
    access::{self, Permission},
    error::ApiResult,
    ids::{AnyId, CompanyId, GroupId, LicenseId, ProductionFolderId, ProjectId, UserId},
    rpc::{Caller, Ctx},
    store::{
        self, Object,
        groups::{GroupRow, SeenGroup},
        projects::{ProjectFilter, SeenProject},
        text::GroupStatus,
    },
    time::Millis,
};

/// A production. The fields are those of the contract; the ones that have no meaning here are
/// null, and what is not built yet is off.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) additional_rooms: Option<i64>,
    pub(super) allowed_settings: Option<Object>,
    pub(super) asset_project_id: Option<ProjectId>,
    pub(super) available_rooms: Option<i64>,
    pub(super) background_image_url: Option<String>,
    pub(super) blurhash: Option<String>,
    pub(super) can_create_rooms: Option<bool>,
    pub(super) can_create_root_folder: Option<bool>,
    pub(super) can_create_template: Option<bool>,
    pub(super) can_display_production_settings: Option<bool>,
    pub(super) can_display_watermarking: Option<bool>,
    pub(super) can_link_to_flow_project: Option<bool>,
    pub(super) can_move_group: Option<bool>,
    pub(super) can_update_participants: Option<bool>,
    pub(super) can_view_participants: Option<bool>,
    pub(super) child_count: Option<i64>,
    pub(super) color: Option<i64>,
    pub(super) company_id: Option<CompanyId>,
    pub(super) company_name: Option<String>,
    pub(super) created: Option<Millis>,
    pub(super) description: Option<String>,
    pub(super) flow_id: Option<String>,
    pub(super) flow_project_id: Option<String>,
    pub(super) flow_project_name: Option<String>,
    pub(super) forensic_watermarking: Option<bool>,
    pub(super) forensic_watermarking_definition_level: Option<String>,
    pub(super) forensic_watermarking_minimum_length_seconds: Option<i64>,
    pub(super) id: Option<GroupId>,
    pub(super) is_admin: Option<bool>,
    pub(super) is_company_admin: Option<bool>,
    pub(super) is_linked_to_flow_project: Option<bool>,
    pub(super) is_owner: Option<bool>,
    pub(super) is_pinned: Option<bool>,
    pub(super) license_id: Option<AnyId>,
    pub(super) license_type: Option<String>,
    pub(super) licensed_rooms: Option<i64>,
    pub(super) name: Option<String>,
    pub(super) named_licenses_available: Option<i64>,
    pub(super) named_licenses_used: Option<i64>,
    pub(super) origin_type: Option<String>,
    pub(super) owner: Option<UserId>,
    pub(super) production_folder_id: Option<ProductionFolderId>,
    pub(super) production_poster_asset: Option<Object>,
    pub(super) production_poster_url: Option<String>,
    pub(super) projects: Option<Vec<ProjectId>>,
    pub(super) settings: Option<Object>,
    pub(super) sizes: Option<Object>,
    pub(super) status: Option<GroupStatus>,
    pub(super) suspended: Option<Millis>,
    pub(super) thumbnail_position: Option<f64>,
    pub(super) total_uploaded_usage: Option<i64>,
    pub(super) total_usage: Option<i64>,
    pub(super) transaction_reference: Option<String>,
    pub(super) transcode_formats: Option<Object>,
    pub(super) watermark_settings: Option<Object>,
}

/// What an answer about a production says beyond the production.
#[derive(Default)]
pub(super) struct Extras<'a> {
    /// The folders in it that the caller sees.
    pub(super) folders: &'a [SeenProject],
    /// Whether to list them.
    pub(super) list_folders: bool,
    /// Bytes of its files, if they were asked for.
    pub(super) bytes: Option<i64>,
    /// What its licence is, if it has one.
    pub(super) license: Option<&'a str>,
    /// How many named people the company's licences allow, and how many it has.
    pub(super) seats: Option<(Option<i64>, i64)>,
}

impl Group {
    /// A template as the administrators of its company see it.
    pub(super) fn template(row: GroupRow, company_name: String, seen_by: UserId) -> Self {
        let seen = SeenGroup {
            row,
            seen_by,
            company_name,
            is_company_member: true,
            is_company_admin: true,
            is_member_admin: false,
            permissions: access::PermissionSet::default(),
            is_pinned: false,
        };
        Self::of(seen, &Extras::default())
    }

    pub(super) fn of(group: SeenGroup, extras: &Extras<'_>) -> Self {
        let admin = group.is_admin();
        let no = Some(false);
        let can_create_rooms = group.rights().may(Permission::ShareInReviewSession)
            || extras.folders.iter().any(|f| f.rights().may(Permission::ShareInReviewSession));
        let rights = group.rights();
        let may = |permission| Some(rights.may(permission));
        let is_owner = group.is_owner();
        let row = group.row;
        Self {
            additional_rooms: Some(row.additional_rooms),
            allowed_settings: Some(Object::new()),
            can_create_rooms: Some(can_create_rooms),
            can_create_root_folder: may(Permission::CreateSubproject),
            can_create_template: Some(group.is_company_admin),
            can_display_production_settings: Some(admin),
            can_display_watermarking: no,
            can_link_to_flow_project: no,
            can_move_group: Some(group.is_company_admin),
            can_update_participants: may(Permission::UpdateParticipants),
            can_view_participants: may(Permission::ViewParticipants),
            child_count: Some(roots(extras.folders)),
            color: Some(row.color),
            company_id: Some(row.company_id),
            company_name: Some(group.company_name),
            created: Some(row.created),
            description: Some(row.description),
            flow_project_id: row.flow_project_id,
            flow_project_name: row.flow_project_name,
            forensic_watermarking: no,
            id: Some(row.id),
            is_admin: Some(admin),
            is_company_admin: Some(group.is_company_admin),
            is_linked_to_flow_project: Some(row.is_linked_to_flow),
            is_owner: Some(is_owner),
            is_pinned: Some(group.is_pinned),
            license_id: row.license_id.map(LicenseId::cast),
            license_type: extras.license.map(str::to_owned),
            named_licenses_available: extras.seats.and_then(|(limit, used)| Some(limit? - used)),
            named_licenses_used: extras.seats.map(|(_, used)| used),
            asset_project_id: row.asset_project_id,
            name: Some(row.name),
            origin_type: Some("MOXION".to_owned()),
            owner: Some(row.owner_id),
            production_folder_id: row.production_folder_id,
            projects: extras
                .list_folders
                .then(|| extras.folders.iter().map(|folder| folder.row.id).collect()),
            settings: Some(row.settings.0),
            sizes: Some(row.sizes.0),
            status: Some(row.status),
            // The contract says the epoch when it is not suspended.
            suspended: Some(row.suspended.unwrap_or_default()),
            thumbnail_position: Some(row.thumbnail_position),
            total_uploaded_usage: extras.bytes,
            total_usage: extras.bytes,
            transaction_reference: row.transaction_reference,
            transcode_formats: Some(row.transcode_formats.0),
            watermark_settings: Some(row.watermark_settings.0),
            ..Self::default()
        }
    }
}

/// A production as a list has it that is about something else.
pub(super) fn listed(seen: SeenGroup) -> Group {
    Group::of(seen, &Extras::default())
}

/// How many of these folders have no parent among them.
fn roots(folders: &[SeenProject]) -> i64 {
    let known: HashSet<ProjectId> = folders.iter().map(|folder| folder.row.id).collect();
    let root =
        |folder: &&SeenProject| folder.row.parent_project_id.is_none_or(|id| !known.contains(&id));
    i64::try_from(folders.iter().filter(root).count()).unwrap_or(i64::MAX)
}

/// A production as it is, after it was created or changed.
pub(super) async fn answer(ctx: &mut Ctx, caller: &Caller, id: GroupId) -> ApiResult<Group> {
    let group = access::group(ctx.db(), caller, id).await?;
    let filter = ProjectFilter { group: Some(id), ..ProjectFilter::default() };
    let folders = store::projects::list_seen(ctx.db(), caller.user_id, filter).await?;
    let mut extras = Extras { folders: &folders, list_folders: true, ..Extras::default() };
    let mut license = None;
    if group.is_admin() {
        extras.bytes = Some(store::groups::usage(ctx.db(), id).await?);
        extras.seats = Some(super::license::seats(ctx, group.row.company_id).await?);
        if let Some(id) = group.row.license_id {
            license = store::licenses::get(ctx.db(), id).await?;
        }
    }
    extras.license = license.as_ref().map(|license| license.kind.name());
    Ok(Group::of(group, &extras))
}
