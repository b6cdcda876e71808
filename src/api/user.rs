//! People as the API shows them.

use std::{collections::HashSet, net::IpAddr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    access::{self, Permission, Rights},
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, GroupId, ProjectId, RoomId, UserId},
    rpc::{Ctx, Empty},
    store::{self, Db, text::AccountStatus, users::UserRow},
    time::Millis,
};

/// What is told of a person by every endpoint that tells of one. The fields are those of the
/// contract; the ones that have no meaning here are null.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Person {
    pub(super) accessed: Option<Millis>,
    pub(super) account_status: Option<AccountStatus>,
    pub(super) allow_support_access: Option<bool>,
    pub(super) api_key_created: Option<Millis>,
    pub(super) api_key_last_used: Option<Millis>,
    pub(super) api_key_prefix: Option<String>,
    pub(super) autoplay_video: Option<bool>,
    pub(super) city: Option<String>,
    pub(super) company: Option<String>,
    pub(super) consent_check_required: Option<bool>,
    pub(super) country: Option<String>,
    pub(super) country_code: Option<String>,
    pub(super) dateformat: Option<String>,
    pub(super) email: Option<String>,
    pub(super) email_notification_comment: Option<bool>,
    pub(super) email_notification_delete: Option<bool>,
    pub(super) email_notification_download: Option<bool>,
    pub(super) email_notification_folder_add: Option<bool>,
    pub(super) email_notification_immediates: Option<bool>,
    pub(super) email_notification_immediates_interval: Option<i64>,
    pub(super) email_notification_screencapture: Option<bool>,
    pub(super) email_notification_upload: Option<bool>,
    pub(super) email_notification_view: Option<bool>,
    pub(super) email_notification_view_audio: Option<bool>,
    pub(super) email_notification_view_image: Option<bool>,
    pub(super) external_idp_id: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) id: Option<UserId>,
    pub(super) inbox_days_until_archive: Option<i64>,
    pub(super) inbox_only: Option<bool>,
    pub(super) ip_address: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) latitude: Option<f64>,
    pub(super) longitude: Option<f64>,
    pub(super) mx6_autoplay: Option<bool>,
    pub(super) mx6_player: Option<bool>,
    pub(super) phone: Option<String>,
    pub(super) playout_percent: Option<f64>,
    pub(super) playout_total: Option<i64>,
    pub(super) playout_used: Option<i64>,
    pub(super) project_role: Option<String>,
    pub(super) project_security_group: Option<i64>,
    pub(super) region: Option<String>,
    pub(super) remember_playback_position: Option<bool>,
    pub(super) rooms_only: Option<bool>,
    pub(super) sequential_playback: Option<bool>,
    pub(super) status: Option<String>,
    pub(super) storage_percent: Option<f64>,
    pub(super) storage_total: Option<i64>,
    pub(super) storage_used: Option<i64>,
    pub(super) sysop: Option<bool>,
    pub(super) timezone: Option<String>,
    pub(super) trans_mins_percent: Option<f64>,
    pub(super) trans_mins_total: Option<i64>,
    pub(super) trans_mins_used: Option<i64>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

impl Person {
    /// A person as others see them, who may see them as a whole.
    pub(super) fn of(row: &UserRow) -> Self {
        Self {
            accessed: row.accessed,
            account_status: Some(row.account_status),
            allow_support_access: Some(false),
            autoplay_video: Some(false),
            company: row.company_name.clone(),
            consent_check_required: Some(false),
            email: row.email.clone(),
            external_idp_id: row.external_idp_id.clone(),
            first_name: Some(row.first_name.clone()),
            id: Some(row.id),
            inbox_only: Some(row.inbox_only),
            last_name: Some(row.last_name.clone()),
            phone: row.phone.clone(),
            remember_playback_position: Some(false),
            rooms_only: Some(row.is_guest),
            sequential_playback: Some(false),
            status: Some("ONLINE".to_owned()),
            sysop: Some(row.sysop),
            timezone: Some("UTC".to_owned()),
            kind: Some(if row.is_guest { "GUEST" } else { "USER" }.to_owned()),
            ..Self::default()
        }
    }
}

/// A person as a list of a company's people has them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CompanyUser {
    #[serde(flatten)]
    person: Person,
    externally_managed: Option<bool>,
}

impl From<&UserRow> for CompanyUser {
    fn from(row: &UserRow) -> Self {
        Self { person: Person::of(row), externally_managed: Some(row.is_external()) }
    }
}

/// What everybody is told of themselves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct User {
    #[serde(flatten)]
    pub(super) person: Person,
    pub(super) elevio_hash: Option<String>,
    pub(super) externally_managed: Option<bool>,
    pub(super) helpscout_user_signature: Option<String>,
    pub(super) helpscout_user_signature_mx6: Option<String>,
    pub(super) session_data: Option<String>,
}

impl User {
    /// A person, who is asking from `peer`.
    pub(super) async fn of(db: &mut Db, row: &UserRow, peer: IpAddr) -> ApiResult<Self> {
        let key = store::credentials::newest_api_key(db, row.id).await?;
        let must_consent = !row.is_guest && store::consents::is_due(db, row.consented).await?;
        Ok(Self {
            person: Person {
                api_key_created: key.as_ref().map(|key| key.created),
                api_key_last_used: key.as_ref().and_then(|key| key.last_used),
                api_key_prefix: key.map(|key| key.prefix),
                consent_check_required: Some(must_consent),
                ip_address: Some(peer.to_string()),
                ..Person::of(row)
            },
            externally_managed: Some(row.is_external()),
            ..Self::default()
        })
    }
}

/// What `/get/user` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CurrentUser {
    #[serde(flatten)]
    pub(super) user: User,
    pub(super) can_link_to_flow: Option<bool>,
    pub(super) email_share_cc_users: Option<Vec<Value>>,
    pub(super) email_share_frequency: Option<String>,
    pub(super) email_share_notification: Option<bool>,
    pub(super) linked_to_flow_user: Option<bool>,
    pub(super) server_time: Option<Millis>,
}

/// Who is asking.
pub(super) async fn current(ctx: &mut Ctx, _: Empty) -> ApiResult<CurrentUser> {
    let (id, peer, now) = (ctx.caller()?.user_id, ctx.peer, ctx.now());
    let row = store::users::get(ctx.db(), id).await?.ok_or(ApiError::new(Code::INVALID_TOKEN))?;
    Ok(CurrentUser {
        user: User::of(ctx.db(), &row, peer).await?,
        can_link_to_flow: Some(false),
        email_share_cc_users: Some(Vec::new()),
        email_share_frequency: None,
        email_share_notification: Some(false),
        linked_to_flow_user: Some(false),
        server_time: Some(now),
    })
}

/// What anybody who may know of a person is told of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct PublicUser {
    pub(super) company: Option<String>,
    pub(super) email: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) id: Option<UserId>,
    pub(super) last_name: Option<String>,
}

impl From<&UserRow> for PublicUser {
    fn from(row: &UserRow) -> Self {
        Self {
            company: row.company_name.clone(),
            email: row.email.clone(),
            first_name: Some(row.first_name.clone()),
            id: Some(row.id),
            last_name: Some(row.last_name.clone()),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ByEmail {
    pub(super) email: String,
}

/// The person with an address. A stranger's answers like one that does not exist: nobody finds
/// out here who has an account.
pub(super) async fn public(ctx: &mut Ctx, req: ByEmail) -> ApiResult<PublicUser> {
    let caller = ctx.user()?.user_id;
    let found = store::users::by_email(ctx.db(), &req.email).await?;
    let found = found.filter(|row| row.account_status != AccountStatus::Deleted);
    let found = found.ok_or(ApiError::new(Code::USER_NOT_FOUND))?;
    if found.id != caller && !store::users::share_anything(ctx.db(), caller, found.id).await? {
        return Err(ApiError::new(Code::USER_NOT_FOUND));
    }
    Ok(PublicUser::from(&found))
}

/// One of the people of a production.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Participant {
    #[serde(flatten)]
    pub(super) user: PublicUser,
    pub(super) account_status: Option<AccountStatus>,
    pub(super) inbox_only: Option<bool>,
}

impl From<&UserRow> for Participant {
    fn from(row: &UserRow) -> Self {
        Self {
            user: PublicUser::from(row),
            account_status: Some(row.account_status),
            inbox_only: Some(row.inbox_only),
        }
    }
}

/// One of the people of a folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ProjectParticipant {
    #[serde(flatten)]
    pub(super) participant: Participant,
    pub(super) project_permissions: Option<Vec<Value>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListUsers {
    pub(super) exclude_project: Option<ProjectId>,
    pub(super) include_inactive: Option<bool>,
    pub(super) project_id: ProjectId,
    pub(super) required_permission: Option<String>,
}

/// The people of a folder.
pub(super) async fn list(ctx: &mut Ctx, req: ListUsers) -> ApiResult<Vec<ProjectParticipant>> {
    let caller = ctx.user()?.clone();
    let project = access::project(ctx.db(), &caller, req.project_id).await?;
    project.rights().need(Permission::ViewParticipants)?;
    let needed = req.required_permission.as_deref().map(permission_named).transpose()?;
    let excluded = match req.exclude_project {
        Some(id) => {
            let other = access::project(ctx.db(), &caller, id).await?;
            other.rights().need(Permission::ViewParticipants)?;
            store::members::of_project(ctx.db(), id).await?
        }
        None => Vec::new(),
    };
    let excluded: HashSet<UserId> = excluded.iter().map(|person| person.user.id).collect();
    let people = store::members::of_project(ctx.db(), req.project_id).await?;
    let wanted = people.iter().filter(|person| {
        !excluded.contains(&person.user.id)
            && needed.is_none_or(|needed| person.rights.may(needed))
            && (req.include_inactive != Some(false)
                || person.user.account_status == AccountStatus::Active)
    });
    let answer = wanted.map(|person| ProjectParticipant {
        participant: Participant::from(&person.user),
        project_permissions: Some(grants(person)),
    });
    Ok(answer.collect())
}

fn permission_named(name: &str) -> ApiResult<Permission> {
    Permission::from_name(name).ok_or_else(|| {
        ApiError::new(Code::INVALID_DATA).field(
            "required_permission",
            Code::INVALID_DATA,
            "is not the name of a permission",
        )
    })
}

/// What lets somebody into a folder: their own membership and their teams, nearest first.
pub(super) fn grants(person: &store::members::Participant) -> Vec<Value> {
    let grant = |grant: &store::members::Grant| {
        let (team_id, team_name) = grant.team.clone().unzip();
        json!({
            "type": if team_id.is_some() { "TEAM" } else { "USER" },
            "team_id": team_id,
            "team_name": team_name,
            "security_group_id": grant.security_group_id,
            "level": if grant.above.is_none() { "PRODUCTION" } else { "PROJECT" },
            "inherited": grant.above != Some(0),
        })
    };
    person.grants.iter().map(grant).collect()
}

/// A security group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SecurityGroup {
    pub(super) can_assign_job_to_others: Option<bool>,
    pub(super) can_create_playlinks: Option<bool>,
    pub(super) can_delete_assets: Option<bool>,
    pub(super) can_delete_users: Option<bool>,
    pub(super) can_download: Option<bool>,
    pub(super) can_invite_users: Option<bool>,
    pub(super) can_upload: Option<bool>,
    pub(super) can_view: Option<bool>,
    pub(super) id: Option<i64>,
    pub(super) is_admin: Option<bool>,
    pub(super) lang_key: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListSecurityGroups {
    pub(super) company_id: Option<CompanyId>,
}

/// The security groups that may be given to people.
pub(super) async fn security_groups(
    ctx: &mut Ctx,
    req: ListSecurityGroups,
) -> ApiResult<Vec<SecurityGroup>> {
    let caller = ctx.user()?.clone();
    if let Some(company) = req.company_id {
        access::company(ctx.db(), &caller, company).await?;
    }
    let rows = store::security::list(ctx.db(), req.company_id).await?;
    let answer = rows.into_iter().map(|row| {
        let rights = Rights::new(row.is_admin, row.permissions.0);
        let may = |permission| Some(rights.may(permission));
        SecurityGroup {
            can_assign_job_to_others: may(Permission::AssignJobToOthers),
            can_create_playlinks: may(Permission::CreatePlaylinks),
            can_delete_assets: may(Permission::DeleteAssets),
            can_delete_users: may(Permission::DeleteUsers),
            can_download: may(Permission::Download),
            can_invite_users: may(Permission::InviteUsers),
            can_upload: may(Permission::Upload),
            can_view: may(Permission::View),
            id: Some(row.id),
            is_admin: Some(row.is_admin),
            lang_key: Some(row.lang_key),
            name: Some(row.name),
        }
    });
    Ok(answer.collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListGroupUsers {
    pub(super) id: GroupId,
    pub(super) review_session_id: Option<RoomId>,
}

/// The people of a production.
pub(super) async fn of_group(ctx: &mut Ctx, req: ListGroupUsers) -> ApiResult<Vec<Participant>> {
    let caller = ctx.user()?.clone();
    let group = access::group(ctx.db(), &caller, req.id).await?;
    // Whoever may see the people of one folder does not thereby see those of all.
    group.rights().need(Permission::ViewParticipants)?;
    let rows = store::members::of_group(ctx.db(), req.id).await?;
    Ok(rows.iter().map(Participant::from).collect())
}
