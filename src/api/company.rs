//! Companies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::{self, CompanyAccess},
    error::ApiResult,
    ids::{AnyId, CompanyId},
    rpc::Ctx,
    store::{self, Object},
};

/// A company. The fields are those of the contract; what is not built yet is off.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Company {
    pub(super) active: Option<bool>,
    pub(super) admin_team: Option<AnyId>,
    pub(super) allow_impersonation_control: Option<bool>,
    pub(super) allow_inbox_only_option: Option<bool>,
    pub(super) can_create_group: Option<bool>,
    pub(super) can_create_playlinks: Option<bool>,
    pub(super) can_create_screenshots: Option<bool>,
    pub(super) can_csv_transfer: Option<bool>,
    pub(super) can_display_activity_stream: Option<bool>,
    pub(super) can_display_personal_settings: Option<bool>,
    pub(super) can_display_playlists: Option<bool>,
    pub(super) can_display_production_template: Option<bool>,
    pub(super) can_display_shares: Option<bool>,
    pub(super) can_display_tags: Option<bool>,
    pub(super) can_display_watermarking: Option<bool>,
    pub(super) can_manage_asset: Option<bool>,
    pub(super) can_search_query: Option<bool>,
    pub(super) can_send_to_qtake: Option<bool>,
    pub(super) can_send_to_shotgrid: Option<bool>,
    pub(super) can_share: Option<bool>,
    pub(super) can_update_participants: Option<bool>,
    pub(super) can_view_participants: Option<bool>,
    pub(super) disallow_impersonation: Option<bool>,
    pub(super) externally_managed_users: Option<bool>,
    pub(super) forensic_watermarking: Option<bool>,
    pub(super) forensic_watermarking_definition_level: Option<String>,
    pub(super) forensic_watermarking_minimum_length_seconds: Option<i64>,
    pub(super) id: Option<CompanyId>,
    pub(super) is_admin: Option<bool>,
    pub(super) is_owner: Option<bool>,
    pub(super) mfa_enabled: Option<bool>,
    pub(super) name: Option<String>,
    pub(super) named_licenses_available: Option<i64>,
    pub(super) named_licenses_used: Option<i64>,
    pub(super) production_count: Option<i64>,
    pub(super) production_counts_by_license: Option<Vec<Value>>,
    pub(super) settings: Option<Object>,
    pub(super) total_uploaded_usage: Option<i64>,
    pub(super) total_usage: Option<i64>,
    pub(super) watermark_settings: Option<Object>,
}

impl Company {
    fn of(company: CompanyAccess, usage: Option<(i64, i64)>) -> Self {
        let CompanyAccess { row, membership } = company;
        let admin = Some(membership.is_admin);
        let no = Some(false);
        Self {
            active: Some(row.active),
            allow_impersonation_control: no,
            allow_inbox_only_option: no,
            can_create_group: admin,
            can_create_playlinks: no,
            can_create_screenshots: no,
            can_csv_transfer: no,
            can_display_activity_stream: no,
            can_display_personal_settings: Some(true),
            can_display_playlists: Some(true),
            can_display_production_template: no,
            can_display_shares: no,
            can_display_tags: no,
            can_display_watermarking: no,
            can_manage_asset: admin,
            can_search_query: no,
            can_send_to_qtake: no,
            can_send_to_shotgrid: no,
            can_share: no,
            can_update_participants: admin,
            can_view_participants: admin,
            disallow_impersonation: Some(true),
            externally_managed_users: no,
            forensic_watermarking: no,
            id: Some(row.id),
            is_admin: admin,
            is_owner: Some(membership.is_owner),
            mfa_enabled: Some(row.mfa_enabled),
            name: Some(row.name),
            production_count: usage.map(|(count, _)| count),
            production_counts_by_license: usage.map(|_| Vec::new()),
            settings: Some(row.settings.0),
            total_uploaded_usage: usage.map(|(_, bytes)| bytes),
            total_usage: usage.map(|(_, bytes)| bytes),
            watermark_settings: Some(row.watermark_settings.0),
            ..Self::default()
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetCompany {
    pub(super) id: CompanyId,
}

/// A company that the caller belongs to. How much it uses is for its administrators.
pub(super) async fn get(ctx: &mut Ctx, req: GetCompany) -> ApiResult<Company> {
    let caller = ctx.user()?.clone();
    let company = access::company(ctx.db(), &caller, req.id).await?;
    let usage = match company.membership.is_admin {
        true => Some(store::companies::usage(ctx.db(), req.id).await?),
        false => None,
    };
    Ok(Company::of(company, usage))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListCompanies {
    pub(super) with_usage: Option<bool>,
}

/// The companies that the caller belongs to.
pub(super) async fn list(ctx: &mut Ctx, req: ListCompanies) -> ApiResult<Vec<Company>> {
    let caller = ctx.user()?.clone();
    let mut answer = Vec::new();
    for row in store::companies::of_user(ctx.db(), caller.user_id).await? {
        let company = access::company(ctx.db(), &caller, row.id).await?;
        let usage = match company.membership.is_admin && req.with_usage == Some(true) {
            true => Some(store::companies::usage(ctx.db(), row.id).await?),
            false => None,
        };
        answer.push(Company::of(company, usage));
    }
    Ok(answer)
}
