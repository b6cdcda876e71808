//! Domains of companies: how they look, and how people sign in there.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{group::Deleted, participant::Updated};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, CompanyId},
    rpc::{Caller, Ctx},
    store::{
        Object,
        domains::{self, DomainRow, assets::DomainAssetRow},
    },
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateDomain {
    company: CompanyId,
    domain: String,
}

/// What was made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) id: Option<AnyId>,
}

/// Gives a company a domain; for those who run the server.
pub(super) async fn create(ctx: &mut Ctx, req: CreateDomain) -> ApiResult<Made> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::company_run(ctx.db(), &caller, req.company).await?;
    let domain = req.domain.trim().to_lowercase();
    if !is_domain(&domain) {
        let message = "must be a domain, such as review.example.com";
        return Err(ApiError::new(Code::INVALID_DATA).field("domain", Code::INVALID_DATA, message));
    }
    let row = DomainRow { id: AnyId::new(), company_id: req.company, domain, created: now };
    domains::insert(ctx.db(), &row).await?;
    Ok(Made { id: Some(row.id) })
}

/// Whether a text names a host as DNS does (RFC 1035 section 2.3.1), with at least one dot.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

/// The longest picture of a domain, and customization, in bytes.
pub(super) const MOST_BYTES: usize = 512 * 1024;

/// Makes sure that a text is base64, and not of too much.
pub(super) fn base64_data(name: &str, data: &str) -> ApiResult<()> {
    let refuse = |message: String| {
        Err(ApiError::new(Code::INVALID_DATA).field(name, Code::INVALID_DATA, message))
    };
    match BASE64_STANDARD.decode(data.trim()) {
        Err(_) => refuse("must be base64".to_owned()),
        Ok(bytes) if bytes.len() > MOST_BYTES => {
            refuse(format!("must be at most {MOST_BYTES} bytes"))
        }
        Ok(_) => Ok(()),
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateAsset {
    content_type: String,
    data: String,
    domain: AnyId,
    #[serde(rename = "type")]
    kind: String,
}

/// A domain of a company that the caller administers.
async fn administered(ctx: &mut Ctx, caller: &Caller, id: AnyId) -> ApiResult<DomainRow> {
    let row = domains::get(ctx.db(), id).await?.ok_or(ApiError::new(Code::NOT_FOUND))?;
    access::company_overseen(ctx.db(), caller, row.company_id).await?;
    Ok(row)
}

/// Adds to how a domain looks; for administrators of its company.
pub(super) async fn create_asset(ctx: &mut Ctx, req: CreateAsset) -> ApiResult<Made> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    administered(ctx, &caller, req.domain).await?;
    base64_data("data", &req.data)?;
    let row = DomainAssetRow {
        id: AnyId::new(),
        domain_id: req.domain,
        kind: req.kind,
        content_type: req.content_type,
        data: req.data,
        created: now,
    };
    domains::assets::insert(ctx.db(), &row).await?;
    Ok(Made { id: Some(row.id) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateAsset {
    content_type: String,
    data: String,
    domain: AnyId,
    id: Option<AnyId>,
    #[serde(rename = "type")]
    kind: String,
}

async fn asset(ctx: &mut Ctx, caller: &Caller, id: Option<AnyId>) -> ApiResult<DomainAssetRow> {
    let id =
        id.ok_or_else(|| ApiError::new(Code::REQUIRED).field("id", Code::REQUIRED, "is required"))?;
    let row = domains::assets::get(ctx.db(), id).await?.ok_or(ApiError::new(Code::NOT_FOUND))?;
    administered(ctx, caller, row.domain_id).await?;
    Ok(row)
}

/// Changes how a domain looks; for administrators of its company.
pub(super) async fn update_asset(ctx: &mut Ctx, req: UpdateAsset) -> ApiResult<Updated> {
    let caller = ctx.user()?.clone();
    let row = asset(ctx, &caller, req.id).await?;
    administered(ctx, &caller, req.domain).await?;
    base64_data("data", &req.data)?;
    let row = DomainAssetRow {
        domain_id: req.domain,
        kind: req.kind,
        content_type: req.content_type,
        data: req.data,
        ..row
    };
    domains::assets::update(ctx.db(), &row).await?;
    Ok(Updated { updated: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteAsset {
    id: Option<AnyId>,
}

/// Takes from how a domain looks; for administrators of its company.
pub(super) async fn delete_asset(ctx: &mut Ctx, req: DeleteAsset) -> ApiResult<Deleted> {
    let caller = ctx.user()?.clone();
    let row = asset(ctx, &caller, req.id).await?;
    domains::assets::delete(ctx.db(), row.id).await?;
    Ok(Deleted { deleted: Some(true) })
}

/// A way to sign in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Provider {
    base_url: Option<String>,
    claims: Option<Vec<String>>,
    client_id: Option<String>,
    discovery_url: Option<String>,
    hide_branding: Option<bool>,
    logo_image: Option<String>,
    okta_compatible: Option<bool>,
    provider: Option<String>,
    provider_type: Option<String>,
    saml2_auth_post_params: Option<Object>,
    saml2_auth_post_url: Option<String>,
    saml2_auth_url: Option<String>,
    user_profile_page_url: Option<String>,
}

/// What every domain has: the server's own links and device codes.
const INTERNAL: &str = "internal";

fn internal() -> Provider {
    Provider {
        hide_branding: Some(false),
        okta_compatible: Some(false),
        provider: Some(INTERNAL.to_owned()),
        provider_type: Some(INTERNAL.to_owned()),
        ..Provider::default()
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetProvider {
    domain: String,
    is_ios_app: Option<bool>,
    issuer: Option<String>,
    provider: Option<String>,
}

/// One way to sign in at a domain.
pub(super) async fn provider(_: &mut Ctx, req: GetProvider) -> ApiResult<Provider> {
    let wanted = req.provider.as_deref().unwrap_or(INTERNAL);
    if req.issuer.is_some() || wanted != INTERNAL {
        return Err(ApiError::new(Code::NO_LOGIN_PROVIDER));
    }
    Ok(internal())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListProviders {
    domain: String,
    is_ios_app: Option<bool>,
}

/// The ways to sign in at a domain. It is the same for all, so that nobody finds out here which
/// companies there are.
pub(super) async fn providers(_: &mut Ctx, _: ListProviders) -> ApiResult<Vec<Provider>> {
    Ok(vec![internal()])
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetDefaultProvider {
    domain: String,
}

/// The way to sign in that a domain takes by itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct DefaultProvider {
    has_default_provider: Option<bool>,
    has_internal_provider: Option<bool>,
    provider: Option<String>,
}

/// The way to sign in that a domain takes by itself: none but the server's own.
pub(super) async fn default_provider(
    _: &mut Ctx,
    _: GetDefaultProvider,
) -> ApiResult<DefaultProvider> {
    Ok(DefaultProvider {
        has_default_provider: Some(false),
        has_internal_provider: Some(true),
        provider: None,
    })
}

#[cfg(test)]
mod tests {
    use super::is_domain;

    #[test]
    fn domains_are_told_from_other_texts() {
        for good in ["review.example.com", "a.b", "xn--bcher-kva.example"] {
            assert!(is_domain(good), "{good}");
        }
        for bad in ["", "localhost", "a..b", "-a.b", "a.b/", "https://a.b", "a b.c", "ä.b"] {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
