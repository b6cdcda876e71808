//! Domains, customizations, fields of metadata, and home pages.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rushes::{
    ids::AnyId,
    store::{
        Json,
        customizations::{
            self, CustomizationRow,
            metadata::{self, CustomMetadataRow},
        },
        domains::{self, DomainRow, assets::DomainAssetRow},
        text::MetadataStatus,
    },
    time::Millis,
};
use serde_json::{Value, json};

use crate::world::{World, each, text};

#[tokio::test]
async fn a_domain_is_given_by_who_runs_the_server_and_looks_as_its_company_wants() {
    let world = World::new().await;
    let operator = world.operator().await;
    let create = json!({"company": world.company, "domain": "Review.Example.com"});
    world.walk("/admin/create/domain", create.clone(), &[&world.viewer, &world.admin], 800).await;
    let made = world.ok(&operator, "/admin/create/domain", create.clone()).await;
    let domain = made["id"].clone();
    assert_eq!(world.domain(&domain).await.domain, "review.example.com");
    world.refused(&operator, "/admin/create/domain", create, 750).await;
    let no_domain = json!({"company": world.company, "domain": "not a domain"});
    world.refused(&operator, "/admin/create/domain", no_domain, 407).await;
    let data = BASE64_STANDARD.encode(b"picture");
    let asset = json!({"domain": domain, "type": "login_page_logo", "content_type": "image/png",
        "data": data});
    world.walk("/create/domain/asset", asset.clone(), &[&world.viewer], 800).await;
    let made = world.ok(&world.admin, "/create/domain/asset", asset.clone()).await;
    let kept = async || world.domain_asset(&made["id"]).await;
    let before = kept().await.unwrap();
    assert_eq!((json!(before.domain_id), before.data), (domain.clone(), data));
    assert_eq!(
        (before.kind.as_str(), before.content_type.as_str()),
        ("login_page_logo", "image/png")
    );
    let mut bad = asset.clone();
    bad["data"] = json!("no base64!");
    world.refused(&world.admin, "/create/domain/asset", bad, 407).await;
    let mut update = asset;
    update["id"] = made["id"].clone();
    update["data"] = json!(BASE64_STANDARD.encode(b"another"));
    world.walk("/update/domain/asset", update.clone(), &[&world.viewer], 800).await;
    assert_eq!(
        world.ok(&world.admin, "/update/domain/asset", update.clone()).await["updated"],
        true
    );
    let after = kept().await.unwrap();
    assert_eq!((json!(after.data), after.kind), (update["data"].clone(), before.kind));
    let id = json!({"id": made["id"]});
    world.walk("/delete/domain/asset", id.clone(), &[&world.viewer], 800).await;
    assert_eq!(world.ok(&world.admin, "/delete/domain/asset", id.clone()).await["deleted"], true);
    assert!(kept().await.is_none());
    world.refused(&world.admin, "/delete/domain/asset", id, 404).await;
    world.refused(&world.admin, "/delete/domain/asset", json!({}), 600).await;
    // It is the company's own: another one cannot take it.
    let companies = world.ok(&world.stranger, "/get/companies", json!({})).await;
    let theirs = json!({"id": companies[0]["id"], "domain": domain});
    world.refused(&world.stranger, "/update/company", theirs, 404).await;
    world.ok(&world.admin, "/update/company", json!({"id": world.company, "domain": domain})).await;
}

impl World {
    async fn domain(&self, id: &Value) -> DomainRow {
        let mut db = self.rushes.app().store.read().await.unwrap();
        domains::get(&mut db, text(id).parse().unwrap()).await.unwrap().unwrap()
    }

    async fn domain_asset(&self, id: &Value) -> Option<DomainAssetRow> {
        let mut db = self.rushes.app().store.read().await.unwrap();
        domains::assets::get(&mut db, text(id).parse().unwrap()).await.unwrap()
    }

    async fn customization(&self, id: &Value) -> Option<CustomizationRow> {
        let mut db = self.rushes.app().store.read().await.unwrap();
        customizations::get(&mut db, text(id).parse().unwrap()).await.unwrap()
    }
}

#[tokio::test]
async fn the_ways_to_sign_in_are_told_to_anybody() {
    let world = World::new().await;
    let ask = async |path: &str, body: Value| world.rushes.post(path, None, &body).await.1;
    let domain = json!({"domain": "review.example.com"});
    let all = ask("/get/domain/login/providers", domain.clone()).await;
    assert_eq!(each(&all, "provider_type"), ["internal"]);
    assert_eq!(ask("/get/domain/login/provider", domain.clone()).await["provider"], "internal");
    let other = json!({"domain": "review.example.com", "provider": "okta"});
    assert_eq!(crate::harness::code(&ask("/get/domain/login/provider", other).await), 709);
    let default = ask("/get/domain/login/provider/default", domain).await;
    assert_eq!(default["has_internal_provider"], true);
}

#[tokio::test]
async fn customizations_are_a_companys_own() {
    let world = World::new().await;
    let data = BASE64_STANDARD.encode(b"<p>Hello</p>");
    let create = json!({"company_id": world.company, "group_id": world.group, "type": "EMAIL",
        "project_id": world.project, "name": "Invitation", "data_base64": data});
    world.walk("/create/customization", create.clone(), &[&world.viewer], 800).await;
    let made = world.ok(&world.admin, "/create/customization", create.clone()).await;
    let kept = async || world.customization(&made["id"]).await;
    let before = kept().await.unwrap();
    assert_eq!((before.name.as_str(), before.kind.as_str()), ("Invitation", "EMAIL"));
    assert_eq!(
        (json!(before.company_id), json!(before.production_id), json!(before.project_id)),
        (json!(world.company), json!(world.group), json!(world.project))
    );
    assert_eq!(before.data, data);
    let mut foreign = create;
    foreign["email_domain_id"] = json!("0".repeat(32));
    world.refused(&world.admin, "/create/customization", foreign, 404).await;
    let data = BASE64_STANDARD.encode(b"<p>Welcome</p>");
    let update = json!({"id": made["id"], "data_base64": data, "name": "Welcome"});
    world.walk("/update/customization", update.clone(), &[&world.viewer], 800).await;
    assert_eq!(world.ok(&world.admin, "/update/customization", update).await["updated"], true);
    let after = kept().await.unwrap();
    assert_eq!((after.name.as_str(), &after.data), ("Welcome", &data));
    assert_eq!((after.kind, after.created), (before.kind, before.created), "the rest stays");
    let bad = json!({"id": made["id"], "data_base64": "!"});
    world.refused(&world.admin, "/update/customization", bad, 407).await;
    let id = json!({"id": made["id"]});
    world.walk("/delete/customization", id.clone(), &[&world.viewer], 800).await;
    assert_eq!(world.ok(&world.admin, "/delete/customization", id.clone()).await["deleted"], true);
    assert!(kept().await.is_none());
    world.refused(&world.admin, "/delete/customization", id, 404).await;
}

#[tokio::test]
async fn fields_of_metadata_are_changed_and_deleted_by_administrators() {
    let world = World::new().await;
    let row = CustomMetadataRow {
        id: AnyId::new(),
        company_id: world.company.parse().unwrap(),
        name: "Lens".to_owned(),
        description: None,
        options: Json(Vec::new()),
        sortable: false,
        status: MetadataStatus::New,
        created: Millis::now(),
    };
    let mut tx = world.rushes.app().store.write().await.unwrap();
    metadata::insert(&mut tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    let update = json!({"id": row.id, "options": ["35", "50"], "status": "ACTIVE"});
    world.walk("/update/custom-metadata", update.clone(), &[&world.viewer], 800).await;
    let updated = world.ok(&world.admin, "/update/custom-metadata", update).await;
    assert_eq!((&updated["name"], &updated["options"]), (&json!("Lens"), &json!(["35", "50"])));
    assert_eq!((&updated["status"], &updated["updated"]), (&json!("ACTIVE"), &json!(true)));
    let id = json!({"id": row.id});
    world.walk("/delete/custom-metadata", id.clone(), &[&world.viewer], 800).await;
    world.ok(&world.admin, "/delete/custom-metadata", id.clone()).await;
    world.refused(&world.admin, "/delete/custom-metadata", id, 404).await;
}

#[tokio::test]
async fn a_home_page_has_what_its_owner_puts_on_it() {
    let world = World::new().await;
    let create = |name: &str| {
        json!({"widget_name": name, "widget_type": "PRODUCTIONS",
        "widget_definition": {"columns": 2}, "widget_settings": {}})
    };
    let who = &world.viewer;
    let a = world.ok(who, "/home/create/widget", create("A")).await["widget_id"].clone();
    let b = world.ok(who, "/home/create/widget", create("B")).await["widget_id"].clone();
    let listed = world.ok(who, "/home/get/widgets", json!({})).await;
    assert_eq!(
        (each(&listed, "widget_name"), each(&listed, "order")),
        (vec![&json!("A"), &json!("B")], vec![&json!(0), &json!(1)])
    );
    assert_eq!(world.ok(&world.admin, "/home/get/widgets", json!({})).await, json!([]));
    for (path, body) in [
        ("/home/update/widget", json!({"widget_id": a, "widget_name": "x"})),
        ("/home/delete/widget", json!({"widget_id": a})),
        ("/home/get/widget/details", json!({"widget_id": a})),
        ("/home/update/widgets/order", json!({"widget_order": [a]})),
    ] {
        world.refused(&world.admin, path, body, 404).await;
    }
    world.ok(who, "/home/update/widgets/order", json!({"widget_order": [b, a]})).await;
    assert_eq!(
        each(&world.ok(who, "/home/get/widgets", json!({})).await, "widget_name"),
        ["B", "A"]
    );
    let places =
        json!({"widget_order": [{"widget_id": a, "order": 0}, {"widget_id": b, "order": 5}]});
    world.ok(who, "/home/update/widgets/order", places).await;
    let updated =
        world.ok(who, "/home/update/widget", json!({"widget_id": a, "widget_name": "First"})).await;
    assert_eq!(
        (&updated["widget_name"], &updated["widget_definition"]["columns"]),
        (&json!("First"), &json!(2))
    );
    let mut third = create("C");
    third["action"] = json!("CREATE");
    let changes = json!({"widget_details": [third, {"action": "DELETE", "widget_id": b},
        {"action": "UPDATE", "widget_id": a, "widget_name": "Top"}]});
    let all = world.ok(who, "/home/update/widgets", changes).await;
    assert_eq!(each(&all, "widget_name"), ["Top", "C"]);
    let wrong =
        json!({"widget_details": [{"action": "DELETE", "widget_id": a}, {"action": "FLY"}]});
    world.refused(who, "/home/update/widgets", wrong, 407).await;
    assert_eq!(world.ok(who, "/home/get/widgets", json!({})).await, all, "all or none");
    world.ok(who, "/home/delete/widget", json!({"widget_id": a})).await;
    world.refused(who, "/home/delete/widget", json!({"widget_id": a}), 404).await;
}

#[tokio::test]
async fn the_pinned_productions_come_first() {
    let world = World::new().await;
    let another = json!({"name": "Another", "company_id": world.company});
    world.ok(&world.admin, "/create/group", another).await;
    let pin = |pinned: bool| json!({"production_id": world.group, "pinned": pinned});
    world.walk("/home/update/user/production", pin(true), &[], 0).await;
    let widget = json!({"widget_name": "Films", "widget_type": "PRODUCTIONS",
        "widget_definition": {}, "widget_settings": {}});
    let widget = world.ok(&world.admin, "/home/create/widget", widget).await;
    let details = |more: Value| {
        let mut body = json!({"widget_id": widget["widget_id"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let shown = async |more: Value| {
        let answer = world.ok(&world.admin, "/home/get/widget/details", details(more)).await;
        each(&answer["productions"], "name").into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(shown(json!({})).await, ["Another", "Production"]);
    world.ok(&world.admin, "/home/update/user/production", pin(true)).await;
    assert_eq!(shown(json!({})).await, ["Production", "Another"]);
    assert_eq!(shown(json!({"search_term": "anoth"})).await, ["Another"]);
    assert_eq!(shown(json!({"limit": 1})).await, ["Production"]);
    let seen = world.ok(&world.admin, "/get/group", json!({"id": world.group})).await;
    assert_eq!(seen["is_pinned"], true);
    let seen = world.ok(&world.viewer, "/get/group", json!({"id": world.group})).await;
    assert_eq!(seen["is_pinned"], false, "that is each one's own");
    world.ok(&world.admin, "/home/update/user/production", pin(false)).await;
    assert_eq!(shown(json!({})).await, ["Another", "Production"]);
    let playlists = json!({"widget_name": "Shared", "widget_type": "SHARED_PLAYLISTS",
        "widget_definition": {}, "widget_settings": {}});
    let playlists = world.ok(&world.admin, "/home/create/widget", playlists).await;
    let answer = json!({"widget_id": playlists["widget_id"]});
    let answer = world.ok(&world.admin, "/home/get/widget/details", answer).await;
    assert_eq!((&answer["messages"], &answer["productions"]), (&json!([]), &json!([])));
    assert_eq!(world.ok(&world.viewer, "/home/search", json!({"search": "x"})).await, json!([]));
    world.refused(&world.viewer, "/home/search", json!({"search": " "}), 407).await;
}
