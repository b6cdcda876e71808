//! Lists ask the database as often for a thousand rows as for ten.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rushes::{
    ids::{AnyId, DestinationId, LicenseId, RegistrationId, SubscriptionId, TaskId},
    provision,
    rpc::{Call, execute},
    store::{
        Db, Json,
        companies::{self, MembershipRow},
        destinations::{self, DestinationRow, NewMessage, SubscriptionRow, subscriptions},
        groups::{self, GroupRow},
        licenses::{self, LicenseRow},
        live::{self, NewRegistration, qtake::QtakeRow},
        projects,
        security::{self, default},
        tasks::{self, TaskRow},
        teams,
        text::{DestinationKind, LicenseType, SourceKind, TaskStatus, WidgetType},
        widgets::{self, WidgetRow},
    },
    time::Millis,
};
use serde_json::{Value, json};
use tracing::{Instrument, Subscriber, span};
use tracing_subscriber::{
    Layer, Registry, filter::LevelFilter, layer::Context, prelude::*, registry::LookupSpan,
};

use crate::world::World;

/// How many statements ran within a span.
struct Count(Arc<AtomicUsize>);

/// The counter of the request that is about to run; the next span that is called `counted` takes it.
static NEXT: std::sync::Mutex<Option<Arc<AtomicUsize>>> = std::sync::Mutex::new(None);

/// Counts what sqlx says it has run. It says so in the span of who asked.
struct Counter;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Counter {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: Context<'_, S>) {
        if attributes.metadata().name() == "counted"
            && let Some(counter) = NEXT.lock().unwrap().take()
        {
            ctx.span(id).unwrap().extensions_mut().insert(Count(counter));
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, ctx: Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" {
            return;
        }
        for span in ctx.event_scope(event).into_iter().flatten() {
            if let Some(Count(counter)) = span.extensions().get::<Count>() {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Asks as the administrator, three times; gives the answer and how few statements it took. A
/// connection that is opened on the way runs some of its own.
async fn count(world: &World, path: &str, parameters: &Value) -> (Value, usize) {
    let (answer, mut least) = count_once(world, path, parameters).await;
    for _ in 0..2 {
        least = least.min(count_once(world, path, parameters).await.1);
    }
    (answer, least)
}

/// Begins to count. Other tests run beside this one: whatever says something for the first time in
/// the moment of this may have been told that nobody listens, and is asked again until it has been
/// heard.
async fn begin(world: &World) {
    let counter = Counter.with_filter(LevelFilter::DEBUG);
    tracing::subscriber::set_global_default(Registry::default().with(counter)).unwrap();
    while count_once(world, "/get/user", &json!({})).await.1 == 0 {
        tracing::callsite::rebuild_interest_cache();
    }
}

async fn count_once(world: &World, path: &str, parameters: &Value) -> (Value, usize) {
    let counter = Arc::new(AtomicUsize::new(0));
    *NEXT.lock().unwrap() = Some(Arc::clone(&counter));
    let call = Call {
        path: path.to_owned(),
        parameters: parameters.clone(),
        token: Some(world.admin.token.clone()),
        peer: [127, 0, 0, 1].into(),
    };
    let span = tracing::info_span!("counted");
    let answer = execute(world.rushes.app(), call).instrument(span).await.unwrap();
    (serde_json::from_str(&answer).unwrap(), counter.load(Ordering::Relaxed))
}

/// `count` more of everything that lists list.
async fn fill(world: &World, from: usize, to: usize, team: &str) {
    let mut tx = world.rushes.app().store.write().await.unwrap();
    let now = Millis::now();
    let (company, group) = (world.company.parse().unwrap(), world.group.parse().unwrap());
    let (project, owner) = (world.project.parse().unwrap(), world.admin.id);
    let team = teams::get(&mut tx, owner, team.parse().unwrap()).await.unwrap().unwrap();
    for n in from..to {
        let email = format!("person{n}@rushes.test");
        let names = ("Some", "Body");
        let user =
            provision::create_user(&mut tx, company, &email, names, false, now).await.unwrap();
        provision::add_project_member(&mut tx, project, user, default::VIEWER, now).await.unwrap();
        let member = teams::TeamMember { security_group_id: 5, role_id: None };
        teams::set_member(&mut tx, &team, user, member, now).await.unwrap();
        let name = format!("team {n}");
        let made = teams::create(&mut tx, company, None, &name, now).await.unwrap();
        teams::let_into_project(&mut tx, project, made, now).await.unwrap();
        teams::let_into_group(&mut tx, group, made, now).await.unwrap();
        groups::create(&mut tx, company, owner, &name, now).await.unwrap();
        projects::create(&mut tx, group, Some(project), owner, &name, now).await.unwrap();
        fill_the_rest(&mut tx, world, &name).await;
    }
    let mut to_one = None;
    for n in from..to {
        register(&mut tx, world, n).await;
        let made = destination(&mut tx, world, n).await;
        let first = destinations::of_project(&mut tx, project, DestinationKind::Qtake);
        let first = first.await.unwrap().first().map(|row| row.id).unwrap_or(made);
        message(&mut tx, world, *to_one.get_or_insert(first)).await;
    }
    tx.commit().await.unwrap();
}

/// One more live source, of those kinds of which there is more to tell.
async fn register(db: &mut Db, world: &World, n: usize) {
    let kind = [SourceKind::Whip, SourceKind::Qtake, SourceKind::Composite][n % 3];
    let (id, now) = (RegistrationId::new(), Millis::now());
    let new = NewRegistration {
        id,
        project_id: world.project.parse().unwrap(),
        owner_id: world.admin.id,
        kind,
        room_id: None,
        name: format!("source {n}"),
        description: String::new(),
        device: format!("device {n}"),
        stream: String::from("1"),
        token_sha256: None,
    };
    live::create(db, &new, now).await.unwrap();
    match kind {
        SourceKind::Qtake => {
            let qtake_project = format!("project {n}");
            let row =
                QtakeRow { registration_id: id, qtake_project, verified: true, expires: None };
            live::qtake::set(db, &row).await.unwrap();
        }
        SourceKind::Composite => {
            let layout = json!({"cells": []}).as_object().cloned().unwrap();
            live::composites::set_layout(db, id, &layout).await.unwrap();
        }
        _ => {}
    }
}

/// One more destination, that somebody subscribes to.
async fn destination(db: &mut Db, world: &World, n: usize) -> DestinationId {
    let (id, now) = (DestinationId::new(), Millis::now());
    let row = DestinationRow {
        id,
        project_id: world.project.parse().unwrap(),
        kind: DestinationKind::Qtake,
        user_email: format!("person{n}@set.test"),
        user_name: format!("Person {n}"),
        user_role: None,
        created: now,
    };
    destinations::insert(db, &row).await.unwrap();
    let row = SubscriptionRow {
        id: SubscriptionId::new(),
        destination_id: id,
        created_by: world.admin.id,
        device_name: String::new(),
        created: now,
    };
    subscriptions::insert(db, &row).await.unwrap();
    id
}

/// One more message to a destination.
async fn message(db: &mut Db, world: &World, to: DestinationId) {
    let new = NewMessage {
        destination_id: to,
        sender_id: world.admin.id,
        text: None,
        assets: vec![world.asset.parse().unwrap()],
    };
    destinations::send(db, &new, Millis::now()).await.unwrap();
}

/// One more licence, security group, company, template, widget and task.
async fn fill_the_rest(db: &mut Db, world: &World, name: &str) {
    let now = Millis::now();
    let (company, owner) = (world.company.parse().unwrap(), world.admin.id);
    let license = LicenseRow {
        id: LicenseId::new(),
        company_id: company,
        kind: LicenseType::Trial,
        count: None,
        description: None,
        end_date: None,
        transaction_reference: None,
        created: now,
    };
    licenses::insert(db, &license).await.unwrap();
    security::create(db, company, name, rushes::access::PermissionSet::default()).await.unwrap();
    let another = companies::create(db, name, now).await.unwrap();
    let membership = MembershipRow { company_id: another, is_admin: true, is_owner: false };
    companies::set_member(db, owner, membership, now).await.unwrap();
    let template = groups::create(db, company, owner, name, now).await.unwrap();
    let template_of = Some(world.group.parse().unwrap());
    groups::update(db, &GroupRow { template_of, ..template }).await.unwrap();
    let widget = WidgetRow {
        id: AnyId::new(),
        user_id: owner,
        name: name.to_owned(),
        kind: WidgetType::Productions,
        definition: Json::default(),
        settings: Json::default(),
        sort_index: 0,
        created: now,
    };
    widgets::insert(db, &widget).await.unwrap();
    let task = TaskRow {
        id: TaskId::new(),
        user_id: owner,
        kind: "COPY_PROJECT".to_owned(),
        status: TaskStatus::Done,
        message: Json::default(),
    };
    tasks::create(db, &task, now).await.unwrap();
}

/// Lists that are as long for everybody, and one that lists nothing yet.
const FIXED: &[&str] = &[
    "/get/consentdocument/latest",
    "/get/domain/login/providers",
    "/get/usecases",
    "/get/group/usecases",
    "/home/search",
];

#[tokio::test]
async fn lists_of_ten_and_of_a_thousand_take_as_many_statements() {
    let world = World::new().await;
    begin(&world).await;
    let team = world.team("All", None).await;
    let folder = json!({"company_id": world.company, "name": "Films"});
    world.ok(&world.admin, "/create/production_folder", folder).await;
    let of_folder = json!({"project_id": world.project, "type": "QTAKE"});
    let lists = [
        ("/get/destinations", of_folder.clone()),
        ("/get/users", json!({"project_id": world.project})),
        ("/get/group/users", json!({"id": world.group})),
        ("/get/company/users", json!({"id": world.company})),
        ("/get/company/search/users", json!({"id": world.company, "limit": 1000})),
        ("/get/teams/search/users", json!({"company_id": world.company, "limit": 1000})),
        ("/get/teams", json!({"company_id": world.company})),
        ("/get/team/users", json!({"id": team})),
        ("/get/teams/users", json!({"team_ids": [team]})),
        ("/get/project/teams", json!({"project_id": world.project})),
        ("/get/group/teams", json!({"id": world.group, "include_project_teams": true})),
        ("/get/groups", json!({"include_projects": true, "include_child_count": true})),
        ("/get/projects", json!({"include_child_count": true})),
        ("/get/group/projects", json!({"id": world.group})),
        ("/search/project/name", json!({"company_id": world.company, "search_term": "team"})),
        (
            "/get/company/production_folders",
            json!({"id": world.company, "include_child_count": true}),
        ),
        ("/get/companies", json!({"with_usage": true})),
        ("/get/company/licenses", json!({"company_id": world.company})),
        ("/get/security/groups", json!({"company_id": world.company})),
        ("/get/templates", json!({"company_id": world.company})),
        ("/home/get/widgets", json!({})),
        ("/get/tasks/message", json!({"task_ids": ["0".repeat(32)]})),
        ("/get/group/usecases", json!({"group_id": world.group})),
        ("/get/usecases", json!({})),
        ("/home/search", json!({"search": "team"})),
        ("/list/live/registrations", json!({"project_id": world.project})),
        ("/list/live/registrations/v2", json!({"project_id": world.project})),
    ];
    let mut lists = Vec::from(lists);
    let mut few = Vec::new();
    fill(&world, 0, 10, &team).await;
    let found = world.ok(&world.admin, "/get/destinations", of_folder).await;
    let of_one = json!({"destination_id": found[0]["id"], "limit": 1000});
    lists.push(("/get/destination/messages", of_one));
    for (path, body) in &lists {
        let (answer, statements) = count(&world, path, body).await;
        assert!(statements >= 1, "{path} took {statements}: is anything counted?");
        few.push((answer.as_array().unwrap().len(), statements));
    }
    fill(&world, 10, 1000, &team).await;
    for ((path, body), (length, statements)) in lists.iter().zip(few) {
        let (answer, now) = count(&world, path, body).await;
        let grown = answer.as_array().unwrap().len();
        let of_one = ["/get/company/production_folders", "/get/tasks/message"].contains(path);
        assert!(of_one || FIXED.contains(path) || grown > length, "{path}: {length} to {grown}");
        assert_eq!(now, statements, "{path}: {length} rows, then {grown}");
    }
}

#[test]
fn every_list_is_counted() {
    let source = include_str!("statements.rs");
    let rows = rushes::contract::ENDPOINTS.iter();
    let lists = rows.filter(|row| row.array && super::matrix::CATEGORIES.contains(&row.category));
    for row in lists.filter(|row| rushes::api::routes().get(row.path).is_some()) {
        // A list that is written is no list that is read.
        let counted = source.contains(&format!("{:?}", row.path)) || row.path.contains("/update/");
        assert!(counted, "{} is not counted", row.path);
    }
}
