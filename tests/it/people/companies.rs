//! Companies: their people, their limits, their licences.

use serde_json::{Value, json};

use crate::world::{World, each};

#[tokio::test]
async fn people_are_searched_by_name_and_address_twenty_at_a_time() {
    let world = World::new().await;
    for n in 0..25 {
        world.colleague(&format!("extra{n:02}")).await;
    }
    let body = |more: Value| {
        let mut body = json!({"id": world.company});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let path = "/get/company/search/users";
    world.walk(path, body(json!({})), &[&world.viewer, &world.contributor], 800).await;
    let found = world.ok(&world.admin, path, body(json!({}))).await;
    assert_eq!(found.as_array().unwrap().len(), 20);
    let found = world.ok(&world.admin, path, body(json!({"search": "EXTRA0", "limit": 3}))).await;
    assert_eq!(each(&found, "first_name"), ["extra00", "extra01", "extra02"]);
    let down = body(json!({"search": "extra", "sort_direction": "DESC", "limit": 2}));
    assert_eq!(
        each(&world.ok(&world.admin, path, down).await, "first_name"),
        ["extra24", "extra23"]
    );
    let newest = body(json!({"sort_by": "DATE", "sort_direction": "DESC", "limit": 1}));
    assert_eq!(each(&world.ok(&world.admin, path, newest).await, "first_name"), ["extra24"]);
    let address = body(json!({"search": "viewer@rushes"}));
    assert_eq!(each(&world.ok(&world.admin, path, address).await, "first_name"), ["viewer"]);
    // What a database reads as a pattern is a text here.
    for search in ["%", "_", "\\"] {
        assert_eq!(world.ok(&world.admin, path, body(json!({"search": search}))).await, json!([]));
    }
    for limit in [0, -1, 1001] {
        world.refused(&world.admin, path, body(json!({"limit": limit})), 407).await;
    }
}

#[tokio::test]
async fn a_companys_people_are_all_who_have_a_part_in_it() {
    let world = World::new().await;
    let client = json!({"project_id": world.project, "email": "client@rushes.test",
        "first_name": "Client", "last_name": "A", "security_group": 5});
    world.ok(&world.admin, "/invite/user", client).await;
    world.colleague("staff").await;
    let body = json!({"id": world.company});
    world.walk("/get/company/users", body.clone(), &[&world.viewer], 800).await;
    let listed = world.ok(&world.admin, "/get/company/users", body).await;
    assert_eq!(each(&listed, "first_name"), ["Client", "boss", "contributor", "staff", "viewer"]);
    let of_group = json!({"id": world.company, "group_id": world.group});
    let listed = world.ok(&world.admin, "/get/company/users", of_group).await;
    assert_eq!(each(&listed, "first_name"), ["Client", "contributor", "viewer"]);
    // Somebody from outside who manages one folder is not shown everybody.
    let raise = json!({"project_id": world.project, "email": "stranger@rushes.test",
        "first_name": "x", "last_name": "x", "security_group": 2});
    world.ok(&world.admin, "/invite/user", raise).await;
    world.refused(&world.stranger, "/get/company/users", json!({"id": world.company}), 800).await;
}

#[tokio::test]
async fn what_a_company_says_of_its_own_people_is_its_administrators_to_say() {
    let world = World::new().await;
    let path = "/update/company/user";
    let body = json!({"id": world.company, "user_id": world.viewer.id, "inbox_only": true});
    world.walk(path, body.clone(), &[&world.contributor], 800).await;
    let updated = world.ok(&world.admin, path, body).await;
    assert_eq!((&updated["inbox_only"], &updated["updated"]), (&json!(true), &json!(true)));
    assert_eq!(world.ok(&world.viewer, "/get/user", json!({})).await["inbox_only"], true);
    let foreign = json!({"id": world.company, "user_id": world.stranger.id});
    world.refused(&world.admin, path, foreign, 713).await;
}

#[tokio::test]
async fn a_company_is_changed_by_its_administrators() {
    let world = World::new().await;
    let body = json!({"id": world.company, "name": "Renamed", "settings": {"hdr": true},
        "watermark_settings": {"opacity": 0.3}});
    world.walk("/update/company", body.clone(), &[&world.viewer], 800).await;
    let updated = world.ok(&world.admin, "/update/company", body).await;
    assert_eq!((&updated["name"], &updated["updated"]), (&json!("Renamed"), &json!(true)));
    let seen = world.ok(&world.viewer, "/get/company", json!({"id": world.company})).await;
    assert_eq!((&seen["name"], &seen["settings"]["hdr"]), (&json!("Renamed"), &json!(true)));
    let body = json!({"company_id": world.company});
    world.walk("/get/company/watermark", body.clone(), &[], 0).await;
    let mark = world.ok(&world.viewer, "/get/company/watermark", body).await;
    assert_eq!(mark["watermark"], json!({"opacity": 0.3}));
    let unknown = json!({"id": world.company, "domain": "0".repeat(32)});
    world.refused(&world.admin, "/update/company", unknown, 404).await;
}

#[tokio::test]
async fn the_limits_of_a_company_are_set_by_who_runs_the_server() {
    let world = World::new().await;
    let operator = world.operator().await;
    let id = json!({"id": world.company});
    let set = json!({"id": world.company, "max_usage": 1000, "expiry_date": "2100-01-31",
        "notes": "Trial"});
    world.walk("/create/company/control", set.clone(), &[&world.viewer, &world.admin], 800).await;
    world.refused(&operator, "/get/company/control", id.clone(), 404).await;
    world.refused(&operator, "/update/company/control", set.clone(), 404).await;
    let made = world.ok(&operator, "/create/company/control", set.clone()).await;
    assert_eq!((&made["max_usage"], &made["record_type"]), (&json!(1000), &json!("COMPANY")));
    assert!(made["start_date"].is_string());
    world.refused(&operator, "/create/company/control", set, 750).await;
    let more = json!({"id": world.company, "max_usage": 2000});
    world.walk("/update/company/control", more.clone(), &[&world.viewer, &world.admin], 800).await;
    world.ok(&operator, "/update/company/control", more).await;
    world.walk("/get/company/control", id.clone(), &[&world.viewer], 800).await;
    let seen = world.ok(&world.admin, "/get/company/control", id.clone()).await;
    assert_eq!((&seen["max_usage"], &seen["notes"]), (&json!(2000), &json!("Trial")));
    let negative = json!({"id": world.company, "max_usage": -1});
    world.refused(&operator, "/update/company/control", negative, 407).await;

    let of_group = json!({"id": world.group, "max_usage": 10});
    world.ok(&world.admin, "/set/group/control", of_group).await;
    let seen = world.ok(&world.admin, "/get/group/control", json!({"id": world.group})).await;
    assert_eq!((&seen["max_usage"], &seen["record_type"]), (&json!(10), &json!("GROUP")));
    let all = json!({"id": world.company, "all_groups": true});
    world.walk("/delete/company/control", all.clone(), &[&world.viewer, &world.admin], 800).await;
    let ended = world.ok(&operator, "/delete/company/control", all).await;
    assert_eq!(ended, json!({"deleted": true, "groups": [world.group]}));
    world.refused(&world.admin, "/get/company/control", id, 404).await;
    world.refused(&world.admin, "/get/group/control", json!({"id": world.group}), 404).await;
}

#[tokio::test]
async fn a_production_outside_its_days_is_closed_to_all_but_its_companys_administrators() {
    let world = World::new().await;
    let id = json!({"id": world.group});
    let set = |more: Value| {
        let mut body = id.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let past = set(json!({"expiry_date": "2020-01-01"}));
    world.walk("/set/group/control", past.clone(), &[&world.viewer], 471).await;
    world
        .refused(
            &world.admin,
            "/set/group/control",
            set(json!({"start_date": "2020-01-02", "expiry_date": "2020-01-01"})),
            407,
        )
        .await;
    world.ok(&world.admin, "/set/group/control", past).await;
    for body in [json!({"id": world.project}), json!({"id": world.asset})] {
        let path = if body["id"] == json!(world.asset) { "/get/asset" } else { "/get/project" };
        world.refused(&world.viewer, path, body.clone(), 404).await;
        world.ok(&world.admin, path, body).await;
    }
    world.refused(&world.viewer, "/get/group", id.clone(), 404).await;
    assert_eq!(world.ok(&world.viewer, "/get/projects", json!({})).await, json!([]));
    assert_eq!(world.ok(&world.viewer, "/get/groups", json!({})).await, json!([]));
    world.walk("/get/group/control", id.clone(), &[], 0).await;
    world.walk("/delete/group/control", id.clone(), &[], 0).await;
    world.ok(&world.admin, "/delete/group/control", id.clone()).await;
    world.ok(&world.viewer, "/get/group", id.clone()).await;
    // The last day counts whole, and a day that is yet to come does not count at all.
    let today = rushes::time::Millis::now().to_string();
    world.ok(&world.admin, "/set/group/control", set(json!({"expiry_date": &today[..10]}))).await;
    world.ok(&world.viewer, "/get/project", json!({"id": world.project})).await;
    let later = set(json!({"start_date": "2099-01-01", "expiry_date": "2100-01-01"}));
    world.ok(&world.admin, "/set/group/control", later).await;
    world.refused(&world.viewer, "/get/project", json!({"id": world.project}), 404).await;
    world.ok(&world.admin, "/delete/group/control", id.clone()).await;
    let suspend = json!({"id": world.group, "suspended": "2026-01-01"});
    world.ok(&world.admin, "/update/group", suspend).await;
    world.refused(&world.viewer, "/get/group", id.clone(), 404).await;
    let resume = json!({"id": world.group, "suspended": "1970-01-01"});
    world.ok(&world.admin, "/update/group", resume).await;
    world.ok(&world.viewer, "/get/group", id).await;
}

#[tokio::test]
async fn licences_are_given_by_who_runs_the_server_and_kept_while_a_production_has_them() {
    let world = World::new().await;
    let operator = world.operator().await;
    let create = json!({"company_id": world.company, "type": "ENTERPRISE", "description": "All"});
    world
        .walk("/create/company/license", create.clone(), &[&world.viewer, &world.admin], 800)
        .await;
    let made = world.ok(&operator, "/create/company/license", create).await;
    assert_eq!((&made["type"], &made["status"]), (&json!("ENTERPRISE"), &json!("ACTIVE")));
    let list = json!({"company_id": world.company});
    world.walk("/get/company/licenses", list.clone(), &[&world.viewer], 800).await;
    assert_eq!(
        each(&world.ok(&world.admin, "/get/company/licenses", list.clone()).await, "id"),
        [&made["id"]]
    );
    let use_it = json!({"id": world.group, "license_id": made["id"]});
    let group = world.ok(&world.admin, "/update/group", use_it).await;
    assert_eq!((&group["license_id"], &group["license_type"]), (&made["id"], &json!("ENTERPRISE")));
    let company = world.ok(&world.admin, "/get/company", json!({"id": world.company})).await;
    assert_eq!(
        company["production_counts_by_license"],
        json!([{"type": "ENTERPRISE", "count": 1}])
    );
    let id = json!({"company_id": world.company, "id": made["id"]});
    world.walk("/delete/company/license", id.clone(), &[&world.admin], 800).await;
    world.refused(&operator, "/delete/company/license", id.clone(), 498).await;
    let mut expired = id.clone();
    expired["type"] = json!("TRIAL");
    expired["end_date"] = json!("2020-01-01");
    world.walk("/update/company/license", expired.clone(), &[&world.admin], 800).await;
    assert_eq!(world.ok(&operator, "/update/company/license", expired).await["status"], "EXPIRED");
    assert_eq!(world.ok(&world.admin, "/get/company/licenses", list.clone()).await, json!([]));
    let all = json!({"company_id": world.company, "include_expired": true});
    assert_eq!(
        each(&world.ok(&world.admin, "/get/company/licenses", all).await, "type"),
        ["TRIAL"]
    );
    let another = json!({"name": "Another", "company_id": world.company, "license_id": made["id"]});
    world.refused(&world.admin, "/create/group", another, 404).await;
    world.ok(&world.admin, "/delete/group", json!({"id": world.group})).await;
    world.ok(&operator, "/delete/company/license", id.clone()).await;
    world.refused(&operator, "/delete/company/license", id, 404).await;
}
