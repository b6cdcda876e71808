//! Inviting people, and what people agree to.

use serde::{Deserialize, Serialize};

use super::{license, participant::Updated, review_session, user::Person};
use crate::{
    access::{self, Permission, Rights},
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, GroupId, ProjectId, UserId},
    mail, provision,
    rpc::{Caller, Ctx},
    store::{
        self,
        companies::MembershipRow,
        members::MemberRow,
        text::AccountStatus,
        users::{NewUser, UserRow},
    },
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InviteUser {
    company: Option<String>,
    company_id: Option<CompanyId>,
    email: String,
    first_name: String,
    group_id: Option<GroupId>,
    inbox_only: Option<bool>,
    last_name: String,
    project_id: Option<ProjectId>,
    project_role: Option<String>,
    security_group: i64,
}

/// What `/invite/user` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Invited {
    #[serde(flatten)]
    person: Person,
    invited: Option<bool>,
    new_user: Option<bool>,
}

/// What somebody is invited to.
#[derive(Debug, Clone, Copy)]
enum Place {
    Project(ProjectId),
    Group(GroupId),
    Company,
}

/// A place, what it is called, whose it is, and what the caller may do there.
struct Target {
    place: Place,
    name: String,
    company: CompanyId,
    own: Rights,
}

/// Invites somebody to a folder, a whole production or a company; whichever is named first in this
/// order. One without an account gets one, and a link that signs them in once.
pub(super) async fn invite(ctx: &mut Ctx, req: InviteUser) -> ApiResult<Invited> {
    let caller = ctx.user()?.clone();
    let target = target(ctx, &caller, &req).await?;
    let (_, asked) =
        access::security_group(ctx.db(), target.company, req.security_group, "security_group")
            .await?;
    let found = store::users::by_email(ctx.db(), &req.email).await?;
    if let Some(user) = &found {
        if user.account_status == AccountStatus::Deleted {
            return Err(
                ApiError::new(Code::USER_NOT_CREATED).message("This person's account was deleted")
            );
        }
        if user.id == caller.user_id {
            access::grant_oneself(target.own, asked, Code::NO_VIEWING_FOR_ONESELF)?;
        }
        if is_there(ctx, &target, user.id).await? {
            return Err(ApiError::new(Code::EMAIL_TAKEN)
                .message("This person is there already: change what they may do instead"));
        }
    }
    access::may_grant(target.own, asked)?;
    if let Place::Project(id) = target.place {
        let is_external = found.as_ref().is_some_and(UserRow::is_external);
        access::let_into_project(ctx.db(), id, is_external).await?;
    }
    let (user, is_new) = match found {
        Some(user) => {
            license::need_seat(ctx, target.company, user.id).await?;
            (user, false)
        }
        None => {
            license::need_new_seat(ctx, target.company).await?;
            (create(ctx, &req, target.company).await?, true)
        }
    };
    place(ctx, &target, user.id, &req, asked).await?;
    write_to(ctx, &caller, &user, &target).await?;
    let user = store::users::get(ctx.db(), user.id).await?.unwrap_or(user);
    Ok(Invited { person: Person::of(&user), invited: Some(true), new_user: Some(is_new) })
}

/// What somebody is invited to, if the caller may invite there.
async fn target(ctx: &mut Ctx, caller: &Caller, req: &InviteUser) -> ApiResult<Target> {
    if let Some(id) = req.project_id {
        let folder = access::project_for(ctx.db(), caller, id, Permission::InviteUsers).await?;
        same_company(req.company_id, folder.company_id)?;
        let own = folder.rights();
        let (name, company) = (folder.row.name, folder.company_id);
        return Ok(Target { place: Place::Project(id), name, company, own });
    }
    if let Some(id) = req.group_id {
        let group = access::group(ctx.db(), caller, id).await?;
        let own = group.rights();
        if !own.may(Permission::InviteUsers) {
            return Err(ApiError::new(Code::CANNOT_UPDATE_GROUP));
        }
        same_company(req.company_id, group.row.company_id)?;
        let (name, company) = (group.row.name, group.row.company_id);
        return Ok(Target { place: Place::Group(id), name, company, own });
    }
    let Some(id) = req.company_id else {
        return Err(ApiError::new(Code::REQUIRED).field(
            "project_id",
            Code::REQUIRED,
            "this, group_id or company_id is required",
        ));
    };
    let company = access::company(ctx.db(), caller, id).await?.admin()?;
    let own = Rights::new(true, access::PermissionSet::default());
    Ok(Target { place: Place::Company, name: company.row.name, company: id, own })
}

fn same_company(named: Option<CompanyId>, company: CompanyId) -> ApiResult<()> {
    if named.is_none_or(|named| named == company) {
        return Ok(());
    }
    let message = "is not the company of the folder or production";
    Err(ApiError::new(Code::INVALID_DATA).field("company_id", Code::INVALID_DATA, message))
}

/// Whether somebody is a member of just this place already.
async fn is_there(ctx: &mut Ctx, target: &Target, user: UserId) -> ApiResult<bool> {
    Ok(match target.place {
        Place::Project(id) => store::members::is_project_member(ctx.db(), id, user).await?,
        Place::Group(id) => store::members::is_group_member(ctx.db(), id, user).await?,
        Place::Company => {
            store::companies::membership(ctx.db(), target.company, user).await?.is_some()
        }
    })
}

/// Makes an account that waits for its person.
async fn create(ctx: &mut Ctx, req: &InviteUser, company: CompanyId) -> ApiResult<UserRow> {
    let now = ctx.now();
    let new = NewUser {
        email: Some(req.email.clone()),
        first_name: req.first_name.trim().to_owned(),
        last_name: req.last_name.trim().to_owned(),
        // Their company is the server's only where they become a part of it.
        company_id: (req.project_id.is_none() && req.group_id.is_none()).then_some(company),
        company_text: req.company.clone().filter(|name| !name.trim().is_empty()),
        invited: true,
    };
    let id = store::users::create(ctx.db(), &new, now).await?;
    if let Some(inbox_only) = req.inbox_only {
        store::users::set_inbox_only(ctx.db(), id, inbox_only).await?;
    }
    let email = req.email.trim().to_lowercase();
    let adopted = store::rooms::adopt_guest(ctx.db(), &email, id).await?;
    review_session::tell_adopted(ctx, adopted);
    let row = store::users::get(ctx.db(), id).await?;
    row.ok_or(ApiError::new(Code::USER_NOT_CREATED))
}

/// Makes somebody a member of the place they are invited to.
async fn place(
    ctx: &mut Ctx,
    target: &Target,
    user: UserId,
    req: &InviteUser,
    asked: Rights,
) -> ApiResult<()> {
    let now = ctx.now();
    let member = MemberRow {
        security_group_id: req.security_group,
        project_role: req.project_role.clone().filter(|role| !role.trim().is_empty()),
    };
    match target.place {
        Place::Project(id) => {
            store::members::set_project_member(ctx.db(), id, user, &member, now).await?;
        }
        Place::Group(id) => {
            store::members::set_group_member(ctx.db(), id, user, &member, now).await?;
        }
        Place::Company => {
            let membership = MembershipRow {
                company_id: target.company,
                is_admin: asked.is_admin,
                is_owner: false,
            };
            store::companies::set_member(ctx.db(), user, membership, now).await?;
        }
    }
    if let Some(role) = &member.project_role {
        store::teams::role(ctx.db(), target.company, role).await?;
    }
    Ok(())
}

/// Tells somebody what they were invited to. Whoever has not signed in yet gets a link that does.
async fn write_to(
    ctx: &mut Ctx,
    caller: &Caller,
    user: &UserRow,
    target: &Target,
) -> ApiResult<()> {
    let from = store::users::get(ctx.db(), caller.user_id).await?;
    let from = from.map(|row| row.full_name()).unwrap_or_default();
    let (app, now) = (ctx.app().clone(), ctx.now());
    let page = target.place.page();
    let (url, name) = (app.public_url(), &target.name);
    let mail = provision::invitation(ctx.db(), url, user, &from, name, &page, now).await?;
    match mail {
        Some(mail) => mail::send(ctx, mail).await,
        None => Ok(()),
    }
}

impl Place {
    /// Where the web client shows it.
    fn page(self) -> String {
        match self {
            Self::Project(id) => format!("/folders/{id}"),
            Self::Group(id) => format!("/productions/{id}"),
            Self::Company => "/".to_owned(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateConsent {
    consented: Option<bool>,
    marketing_subscription: Option<bool>,
}

/// Notes what the caller agrees to, or no longer does.
pub(super) async fn consent(ctx: &mut Ctx, req: UpdateConsent) -> ApiResult<Updated> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let consented = req.consented.map(|consented| consented.then_some(now));
    let marketing = req.marketing_subscription;
    store::users::consent(ctx.db(), caller.user_id, consented, marketing).await?;
    Ok(Updated { updated: Some(true) })
}
