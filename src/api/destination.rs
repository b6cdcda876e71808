//! Destinations: whom messages with assets are sent to, as QTAKE shows them on a set.
//!
//! A destination is a person in a folder, by their address. Whoever sees the folder subscribes for
//! themselves; QTAKE's operator, who may create live streams there, for anybody. Who subscribed, the
//! person and administrators have all messages; others those that they sent.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::company_people::page;
use crate::{
    access::{self, Permission, Rights},
    error::{ApiError, ApiResult, Code},
    events::{Audience, Event},
    ids::{AssetId, DestinationId, MessageId, ProjectId, SubscriptionId, UserId},
    rpc::{Caller, Ctx},
    store::{
        self,
        destinations::{
            self, DestinationRow, MessageFilter, MessageRow, NewMessage, SubscriptionRow,
            subscriptions,
        },
        text::{DestinationKind, MessageSort, MessageStatus},
        users::normal_email,
    },
    time::Millis,
};

/// Most destinations of one folder.
const DESTINATIONS: i64 = 1000;
/// Most subscriptions to one destination.
const SUBSCRIPTIONS: usize = 100;
/// Most messages of one destination that nobody has taken.
const PENDING: i64 = 10_000;
/// Most assets of one message.
const ASSETS: usize = 100;
/// Most characters of what went wrong.
const ERROR_TEXT: usize = 10_000;
/// How many messages a list has if nothing else is said.
const PAGE: i64 = 10;

/// A subscription.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Subscription {
    created: Option<Millis>,
    created_by: Option<UserId>,
    destination_id: Option<DestinationId>,
    device_name: Option<String>,
    id: Option<SubscriptionId>,
}

impl From<SubscriptionRow> for Subscription {
    fn from(row: SubscriptionRow) -> Self {
        Self {
            created: Some(row.created),
            created_by: Some(row.created_by),
            destination_id: Some(row.destination_id),
            device_name: Some(row.device_name).filter(|name| !name.is_empty()),
            id: Some(row.id),
        }
    }
}

/// What the caller is to a destination in a folder that they see.
struct Part {
    rights: Rights,
    /// Whether it is there for them: they have all of its messages.
    receives: bool,
}

/// The answer to whatever the caller may not know of.
fn unknown() -> ApiError {
    ApiError::new(Code::NOT_FOUND)
}

/// There are too many of something already.
fn full(what: &str) -> ApiError {
    ApiError::new(Code::IN_USE).message(what.to_owned())
}

/// Whether an address is the caller's own.
async fn is_own(ctx: &mut Ctx, caller: &Caller, email: &str) -> ApiResult<bool> {
    let user = store::users::get(ctx.db(), caller.user_id).await?;
    Ok(user.and_then(|user| user.email).is_some_and(|own| normal_email(&own) == email))
}

/// A destination in a folder whose assets the caller sees.
async fn destination(
    ctx: &mut Ctx,
    caller: &Caller,
    id: DestinationId,
) -> ApiResult<(DestinationRow, Part)> {
    let row = destinations::get(ctx.db(), id).await?.ok_or_else(unknown)?;
    let folder = access::project(ctx.db(), caller, row.project_id).await?;
    let rights = folder.rights();
    rights.need(Permission::View)?;
    let receives = rights.is_admin
        || subscriptions::has(ctx.db(), id, caller.user_id).await?
        || is_own(ctx, caller, &row.user_email).await?;
    Ok((row, Part { rights, receives }))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Subscribe {
    device_name: Option<String>,
    project_id: ProjectId,
    #[serde(rename = "type")]
    kind: DestinationKind,
    user_email: String,
    user_name: String,
    user_role: Option<String>,
}

/// Subscribes to the messages for a person in a folder. The same device gets the subscription that
/// it has; the name and role are those that were given last.
pub(super) async fn subscribe(ctx: &mut Ctx, req: Subscribe) -> ApiResult<Subscription> {
    let caller = ctx.user()?.clone();
    let needed = Permission::View;
    let rights = access::project_for(ctx.db(), &caller, req.project_id, needed).await?.rights();
    if !is_own(ctx, &caller, &normal_email(&req.user_email)).await? {
        rights.need(Permission::CreateLiveStream)?;
    }
    let device_name = req.device_name.clone().unwrap_or_default();
    let id = named(ctx, req).await?.id;
    let all = subscriptions::of(ctx.db(), id).await?;
    let same =
        |row: &&SubscriptionRow| row.created_by == caller.user_id && row.device_name == device_name;
    if let Some(before) = all.iter().find(same) {
        return Ok(before.clone().into());
    }
    if all.len() >= SUBSCRIPTIONS {
        return Err(full("This destination has as many subscriptions as it may have"));
    }
    let row = SubscriptionRow {
        id: SubscriptionId::new(),
        destination_id: id,
        created_by: caller.user_id,
        device_name,
        created: ctx.now(),
    };
    subscriptions::insert(ctx.db(), &row).await?;
    Ok(row.into())
}

/// The destination of a person, made if there is none.
async fn named(ctx: &mut Ctx, req: Subscribe) -> ApiResult<DestinationRow> {
    let (folder, email) = (req.project_id, normal_email(&req.user_email));
    if let Some(before) = destinations::of_person(ctx.db(), folder, req.kind, &email).await? {
        let user_role = req.user_role.or_else(|| before.user_role.clone());
        let row = DestinationRow { user_name: req.user_name, user_role, ..before.clone() };
        if row != before {
            destinations::update(ctx.db(), &row).await?;
        }
        return Ok(row);
    }
    if destinations::count(ctx.db(), folder).await? >= DESTINATIONS {
        return Err(full("This folder has as many destinations as it may have"));
    }
    let row = DestinationRow {
        id: DestinationId::new(),
        project_id: folder,
        kind: req.kind,
        user_email: email,
        user_name: req.user_name,
        user_role: req.user_role,
        created: ctx.now(),
    };
    destinations::insert(ctx.db(), &row).await?;
    Ok(row)
}

/// A subscription that is the caller's, or one to a destination that is theirs, or that is in a
/// folder in which they may do everything.
async fn own_subscription(ctx: &mut Ctx, id: SubscriptionId) -> ApiResult<SubscriptionRow> {
    let caller = ctx.user()?.clone();
    let row = subscriptions::get(ctx.db(), id).await?.ok_or_else(unknown)?;
    let found = destinations::get(ctx.db(), row.destination_id).await?.ok_or_else(unknown)?;
    let rights = access::project(ctx.db(), &caller, found.project_id).await?.rights();
    let may = row.created_by == caller.user_id
        || rights.is_admin
        || is_own(ctx, &caller, &found.user_email).await?;
    if may { Ok(row) } else { Err(unknown()) }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OneSubscription {
    subscription_id: SubscriptionId,
}

/// A subscription.
pub(super) async fn subscription(ctx: &mut Ctx, req: OneSubscription) -> ApiResult<Subscription> {
    own_subscription(ctx, req.subscription_id).await.map(Subscription::from)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    success: Option<bool>,
}

/// Ends a subscription. The destination stays, with its messages.
pub(super) async fn unsubscribe(ctx: &mut Ctx, req: OneSubscription) -> ApiResult<Ended> {
    let row = own_subscription(ctx, req.subscription_id).await?;
    let gone = subscriptions::delete(ctx.db(), row.id).await?;
    Ok(Ended { success: Some(gone) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListDestinations {
    project_id: ProjectId,
    #[serde(rename = "type")]
    kind: DestinationKind,
}

/// A destination.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Destination {
    active_subscriptions: Option<Vec<SubscriptionId>>,
    created: Option<Millis>,
    id: Option<DestinationId>,
    project_id: Option<ProjectId>,
    #[serde(rename = "type")]
    kind: Option<DestinationKind>,
    user_email: Option<String>,
    user_name: Option<String>,
    user_role: Option<String>,
}

/// The destinations of a folder, oldest first. Addresses are for those who may send to them, or see
/// who is in the folder, and for their owner.
pub(super) async fn list(ctx: &mut Ctx, req: ListDestinations) -> ApiResult<Vec<Destination>> {
    let (caller, folder) = (ctx.user()?.clone(), req.project_id);
    let rights = access::project_for(ctx.db(), &caller, folder, Permission::View).await?.rights();
    let all = rights.may(Permission::SendToQtake) || rights.may(Permission::ViewParticipants);
    let user = store::users::get(ctx.db(), caller.user_id).await?;
    let own = user.and_then(|user| user.email).map(|email| normal_email(&email));
    let mut active: HashMap<DestinationId, Vec<SubscriptionId>> = HashMap::new();
    let listening: HashSet<UserId> =
        store::live::audience(ctx.db(), folder).await?.into_iter().collect();
    for row in subscriptions::of_project(ctx.db(), folder).await? {
        if listening.contains(&row.created_by) {
            active.entry(row.destination_id).or_default().push(row.id);
        }
    }
    let rows = destinations::of_project(ctx.db(), folder, req.kind).await?;
    let answer = rows.into_iter().map(|row| Destination {
        active_subscriptions: Some(active.remove(&row.id).unwrap_or_default()),
        created: Some(row.created),
        id: Some(row.id),
        project_id: Some(row.project_id),
        kind: Some(row.kind),
        user_name: Some(row.user_name),
        user_role: row.user_role,
        user_email: Some(row.user_email)
            .filter(|email| all || own.as_deref() == Some(email.as_str())),
    });
    Ok(answer.collect())
}

/// A message to a destination.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Message {
    assets: Option<Vec<AssetId>>,
    created: Option<Millis>,
    destination_id: Option<DestinationId>,
    id: Option<MessageId>,
    sender_email: Option<String>,
    sender_first_name: Option<String>,
    sender_id: Option<UserId>,
    sender_last_name: Option<String>,
    status: Option<MessageStatus>,
    text: Option<String>,
}

/// Messages as one has them with these rights in the folder: without assets that they do not see.
async fn told(ctx: &mut Ctx, rows: Vec<MessageRow>, rights: Rights) -> ApiResult<Vec<Message>> {
    let mut assets: HashMap<MessageId, Vec<AssetId>> = HashMap::new();
    for asset in destinations::assets(ctx.db(), &rows).await? {
        if access::shows(asset.hidden, asset.of_room, rights) {
            assets.entry(asset.message_id).or_default().push(asset.asset_id);
        }
    }
    let answer = rows.into_iter().map(|row| Message {
        assets: Some(assets.remove(&row.id).unwrap_or_default()),
        created: Some(row.created),
        destination_id: Some(row.destination_id),
        id: Some(row.id),
        sender_email: row.email,
        sender_first_name: Some(row.first_name),
        sender_id: Some(row.sender_id),
        sender_last_name: Some(row.last_name),
        status: Some(row.status),
        text: row.text,
    });
    Ok(answer.collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SendMessage {
    assets: Vec<AssetId>,
    destination_id: DestinationId,
    text: Option<String>,
}

/// Sends assets of its folder, and a text, to a destination. Whoever subscribed is told.
pub(super) async fn send(ctx: &mut Ctx, req: SendMessage) -> ApiResult<Vec<Message>> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let (to, part) = destination(ctx, &caller, req.destination_id).await?;
    part.rights.need(Permission::SendToQtake)?;
    let assets = sendable(ctx, &to, part.rights, req.assets).await?;
    let text = req.text.filter(|text| !text.trim().is_empty());
    if assets.is_empty() && text.is_none() {
        return Err(bad("assets", "a message needs an asset or a text"));
    }
    if destinations::pending(ctx.db(), to.id).await? >= PENDING {
        return Err(ApiError::new(Code::TOO_FAST)
            .message(format!("{PENDING} messages wait for this destination already")));
    }
    let new = NewMessage { destination_id: to.id, sender_id: caller.user_id, text, assets };
    let id = destinations::send(ctx.db(), &new, now).await?;
    announce(ctx, &to).await?;
    let row = destinations::message(ctx.db(), id).await?.ok_or_else(unknown)?;
    told(ctx, vec![row], part.rights).await
}

fn bad(field: &str, why: impl Into<String>) -> ApiError {
    ApiError::new(Code::INVALID_DATA).field(field, Code::INVALID_DATA, why)
}

/// Each of these assets once. Who sends must see them, in the folder of the destination: those who
/// receive see no other.
async fn sendable(
    ctx: &mut Ctx,
    to: &DestinationRow,
    rights: Rights,
    mut ids: Vec<AssetId>,
) -> ApiResult<Vec<AssetId>> {
    let mut before = HashSet::new();
    ids.retain(|id| before.insert(*id));
    if ids.len() > ASSETS {
        return Err(bad("assets", format!("must be at most {ASSETS}")));
    }
    let found = store::assets::among(ctx.db(), to.project_id, &ids).await?;
    let seen = found.iter().filter(|asset| access::asset_shows(asset, rights)).count();
    if seen < ids.len() {
        let why = "are not all in the destination's folder";
        return Err(unknown().field("assets", Code::NOT_FOUND, why));
    }
    Ok(ids)
}

/// Tells those who subscribed to a destination, and still see its folder, that a message waits.
async fn announce(ctx: &mut Ctx, to: &DestinationRow) -> ApiResult<()> {
    let rows = subscriptions::of(ctx.db(), to.id).await?;
    let mut users: Vec<UserId> = rows.into_iter().map(|row| row.created_by).collect();
    if users.is_empty() {
        return Ok(());
    }
    users.sort_unstable();
    users.dedup();
    let listening = store::live::audience(ctx.db(), to.project_id).await?;
    users.retain(|user| listening.contains(user));
    let data = json!({ "destination_id": to.id });
    ctx.emit(Event { name: "DESTINATION_MESSAGE", data, to: Audience::Users(users) });
    Ok(())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListMessages {
    destination_id: DestinationId,
    limit: Option<i64>,
    sort: Option<MessageSort>,
    start_after_message_id: Option<MessageId>,
}

/// Messages of a destination, oldest first if nothing else is said; those after one, in that order.
pub(super) async fn messages(ctx: &mut Ctx, req: ListMessages) -> ApiResult<Vec<Message>> {
    let caller = ctx.user()?.clone();
    let limit = page(req.limit, PAGE)?;
    let (of, part) = destination(ctx, &caller, req.destination_id).await?;
    let sender = Some(caller.user_id).filter(|_| !part.receives);
    let mut after = None;
    if let Some(id) = req.start_after_message_id {
        let found = destinations::message(ctx.db(), id).await?;
        let known = found.filter(|row| {
            row.destination_id == of.id && sender.is_none_or(|sender| sender == row.sender_id)
        });
        let known = known.ok_or_else(|| {
            let why = "is no message of this destination";
            unknown().field("start_after_message_id", Code::NOT_FOUND, why)
        })?;
        after = Some(known.seq);
    }
    let wanted = MessageFilter {
        destination: of.id,
        sender,
        after,
        newest_first: req.sort == Some(MessageSort::Newest),
        limit,
    };
    let rows = destinations::messages(ctx.db(), wanted).await?;
    told(ctx, rows, part.rights).await
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateMessage {
    error_message: Option<String>,
    message_id: MessageId,
    status: MessageStatus,
}

/// Whether a message goes from one status to another. What was received stays so, whatever a slower
/// device says; what went wrong may be tried again; else it only goes forwards.
fn goes(from: MessageStatus, to: MessageStatus) -> bool {
    use MessageStatus::{Delivered, Error, Pending, Received};
    match (from, to) {
        (Received, _) | (_, Pending) if from != Error => false,
        (Delivered, Delivered) => false,
        _ => true,
    }
}

/// Says how far a message has come; for those who receive it. Its sender may have it tried again
/// after an error. A status that it has passed already changes nothing, and is no error.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateMessage) -> ApiResult<Message> {
    let caller = ctx.user()?.clone();
    if req.error_message.as_ref().is_some_and(|text| text.chars().count() > ERROR_TEXT) {
        return Err(bad("error_message", format!("must have at most {ERROR_TEXT} characters")));
    }
    let row = destinations::message(ctx.db(), req.message_id).await?.ok_or_else(unknown)?;
    let (of, part) = destination(ctx, &caller, row.destination_id).await?;
    if !part.receives {
        if row.sender_id != caller.user_id {
            return Err(unknown());
        }
        if req.status != MessageStatus::Pending {
            return Err(ApiError::new(Code::PERMISSION_DENIED));
        }
    }
    if goes(row.status, req.status) {
        let error = req.error_message.filter(|_| req.status == MessageStatus::Error);
        if let Some(error) = &error {
            tracing::warn!(message = %row.id, error, "a destination could not take a message");
        }
        destinations::set_status(ctx.db(), row.id, req.status, error.as_deref()).await?;
        if req.status == MessageStatus::Pending {
            announce(ctx, &of).await?;
        }
    }
    let row = destinations::message(ctx.db(), row.id).await?.ok_or_else(unknown)?;
    let mut answer = told(ctx, vec![row], part.rights).await?;
    answer.pop().ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_received_stays_and_what_failed_may_be_tried_again() {
        use MessageStatus::{Delivered, Error, Pending, Received};
        let all = [Pending, Delivered, Received, Error];
        let after = |from| all.into_iter().filter(|to| goes(from, *to)).collect::<Vec<_>>();
        assert_eq!(after(Pending), [Delivered, Received, Error]);
        assert_eq!(after(Delivered), [Received, Error]);
        assert_eq!(after(Received), []);
        assert_eq!(after(Error), [Pending, Delivered, Received, Error]);
    }
}
