//! Companies.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    access::{self, CompanyAccess},
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, CompanyId},
    rpc::{Caller, Ctx},
    store::{self, Json, Object, companies::CompanyRow, licenses::named_limit},
};

/// A company. The fields are those of the contract; what the server has not is off.
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

/// What an answer about a company says beyond the company, to its administrators.
#[derive(Default)]
struct Numbers {
    usage: Option<(i64, i64)>,
    seats: Option<(Option<i64>, i64)>,
    by_license: Vec<(String, i64)>,
}

impl Company {
    fn of(company: CompanyAccess, numbers: Numbers) -> Self {
        let CompanyAccess { row, membership } = company;
        let admin = Some(membership.is_admin);
        let (no, yes) = (Some(false), Some(true));
        let usage = numbers.usage;
        Self {
            active: Some(row.active),
            admin_team: Some(row.id.cast()),
            allow_impersonation_control: admin,
            allow_inbox_only_option: admin,
            can_create_group: admin,
            can_create_playlinks: no,
            can_create_screenshots: no,
            can_csv_transfer: admin,
            can_display_activity_stream: no,
            can_display_personal_settings: yes,
            can_display_playlists: yes,
            can_display_production_template: admin,
            can_display_shares: no,
            can_display_tags: no,
            can_display_watermarking: no,
            can_manage_asset: admin,
            can_search_query: yes,
            can_send_to_qtake: no,
            can_send_to_shotgrid: no,
            can_share: no,
            can_update_participants: admin,
            can_view_participants: admin,
            disallow_impersonation: Some(row.disallow_impersonation),
            externally_managed_users: no,
            forensic_watermarking: no,
            id: Some(row.id),
            is_admin: admin,
            is_owner: Some(membership.is_owner),
            mfa_enabled: Some(row.mfa_enabled),
            name: Some(row.name),
            named_licenses_available: numbers.seats.and_then(|(limit, used)| Some(limit? - used)),
            named_licenses_used: numbers.seats.map(|(_, used)| used),
            production_count: usage.map(|(count, _)| count),
            production_counts_by_license: usage.map(|_| {
                let count = |(kind, count): &(String, i64)| json!({"type": kind, "count": count});
                numbers.by_license.iter().map(count).collect()
            }),
            settings: Some(row.settings.0),
            total_uploaded_usage: usage.map(|(_, bytes)| bytes),
            total_usage: usage.map(|(_, bytes)| bytes),
            watermark_settings: Some(row.watermark_settings.0),
            ..Self::default()
        }
    }
}

/// The numbers of all companies that the caller is an administrator of.
async fn numbers(ctx: &mut Ctx, caller: &Caller) -> ApiResult<HashMap<CompanyId, Numbers>> {
    let now = ctx.now();
    let (user, mut all) = (caller.user_id, HashMap::<CompanyId, Numbers>::new());
    let licenses = store::licenses::of_admin(ctx.db(), user).await?;
    for row in store::companies::numbers(ctx.db(), user).await? {
        let own = licenses.iter().filter(|license| license.company_id == row.company_id);
        let limit = named_limit(&own.cloned().collect::<Vec<_>>(), now);
        let numbers = Numbers {
            usage: Some((row.productions, row.bytes)),
            seats: Some((limit, row.people)),
            by_license: Vec::new(),
        };
        all.insert(row.company_id, numbers);
    }
    for (id, kind, count) in store::companies::productions_by_license(ctx.db(), user).await? {
        all.entry(id).or_default().by_license.push((kind, count));
    }
    Ok(all)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetCompany {
    pub(super) id: CompanyId,
}

/// A company that the caller belongs to. How much it uses is for its administrators.
pub(super) async fn get(ctx: &mut Ctx, req: GetCompany) -> ApiResult<Company> {
    let caller = ctx.user()?.clone();
    let company = access::company(ctx.db(), &caller, req.id).await?;
    let numbers = match company.membership.is_admin {
        true => numbers(ctx, &caller).await?.remove(&req.id).unwrap_or_default(),
        false => Numbers::default(),
    };
    Ok(Company::of(company, numbers))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListCompanies {
    pub(super) with_usage: Option<bool>,
}

/// The companies that the caller belongs to.
pub(super) async fn list(ctx: &mut Ctx, req: ListCompanies) -> ApiResult<Vec<Company>> {
    let caller = ctx.user()?.clone();
    let memberships = store::companies::memberships(ctx.db(), caller.user_id).await?;
    let rows = store::companies::of_user(ctx.db(), caller.user_id).await?;
    let mut numbers = match req.with_usage == Some(true) {
        true => numbers(ctx, &caller).await?,
        false => HashMap::new(),
    };
    let all = rows.into_iter().filter_map(|row| {
        let membership = *memberships.iter().find(|found| found.company_id == row.id)?;
        let numbers = numbers.remove(&row.id).unwrap_or_default();
        Some(Company::of(CompanyAccess { row, membership }, numbers))
    });
    Ok(all.collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateCompany {
    active: Option<bool>,
    disallow_impersonation: Option<bool>,
    domain: Option<AnyId>,
    hub_id: Option<AnyId>,
    id: CompanyId,
    mfa_enabled: Option<bool>,
    name: Option<String>,
    settings: Option<Object>,
    watermark_settings: Option<Object>,
}

/// What `/update/company` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UpdatedCompany {
    active: Option<bool>,
    admin_team: Option<AnyId>,
    allow_inbox_only_option: Option<bool>,
    can_display_playlists: Option<bool>,
    can_display_shares: Option<bool>,
    can_share: Option<bool>,
    disallow_impersonation: Option<bool>,
    forensic_watermarking: Option<bool>,
    forensic_watermarking_definition_level: Option<String>,
    forensic_watermarking_minimum_length_seconds: Option<i64>,
    id: Option<CompanyId>,
    mfa_enabled: Option<bool>,
    name: Option<String>,
    settings: Option<Object>,
    updated: Option<bool>,
    watermark_settings: Option<Object>,
}

/// Changes what is given of a company; for its administrators. Whether it is in use at all, only
/// those say who run the server.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateCompany) -> ApiResult<UpdatedCompany> {
    let caller = ctx.user()?.clone();
    let row = access::company_overseen(ctx.db(), &caller, req.id).await?;
    if req.active.is_some_and(|active| active != row.active) {
        access::sysop(ctx.db(), &caller).await?;
    }
    if let Some(domain) = req.domain {
        let found = store::domains::get(ctx.db(), domain).await?;
        if found.is_none_or(|domain| domain.company_id != req.id) {
            let message = "is not a domain of this company";
            return Err(ApiError::new(Code::NOT_FOUND).field("domain", Code::NOT_FOUND, message));
        }
    }
    let row = CompanyRow {
        active: req.active.unwrap_or(row.active),
        disallow_impersonation: req.disallow_impersonation.unwrap_or(row.disallow_impersonation),
        domain_id: req.domain.or(row.domain_id),
        hub_id: req.hub_id.map(|id| id.to_string()).or(row.hub_id),
        mfa_enabled: req.mfa_enabled.unwrap_or(row.mfa_enabled),
        name: req.name.filter(|name| !name.trim().is_empty()).unwrap_or(row.name),
        settings: req.settings.map_or(row.settings, Json),
        watermark_settings: req.watermark_settings.map_or(row.watermark_settings, Json),
        ..row
    };
    store::companies::update(ctx.db(), &row).await?;
    let no = Some(false);
    Ok(UpdatedCompany {
        active: Some(row.active),
        admin_team: Some(row.id.cast()),
        allow_inbox_only_option: Some(true),
        can_display_playlists: Some(true),
        can_display_shares: no,
        can_share: no,
        disallow_impersonation: Some(row.disallow_impersonation),
        forensic_watermarking: no,
        id: Some(row.id),
        mfa_enabled: Some(row.mfa_enabled),
        name: Some(row.name),
        settings: Some(row.settings.0),
        updated: Some(true),
        watermark_settings: Some(row.watermark_settings.0),
        ..UpdatedCompany::default()
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetWatermark {
    company_id: CompanyId,
}

/// The watermark settings of a company.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CompanyWatermark {
    company_id: Option<CompanyId>,
    description: Option<String>,
    watermark: Option<Object>,
    watermark_thumbnail_file: Option<String>,
}

/// The watermark settings of a company that the caller belongs to. No picture of them is drawn.
pub(super) async fn watermark(ctx: &mut Ctx, req: GetWatermark) -> ApiResult<CompanyWatermark> {
    let caller = ctx.user()?.clone();
    let company = access::company(ctx.db(), &caller, req.company_id).await?;
    Ok(CompanyWatermark {
        company_id: Some(req.company_id),
        description: Some(company.row.name),
        watermark: Some(company.row.watermark_settings.0),
        watermark_thumbnail_file: None,
    })
}
