//! Inviting people, and what becomes of those who were.

use serde_json::{Value, json};

use crate::world::{World, each, text};

fn invite(email: &str, to: &Value, group: i64) -> Value {
    let mut body = json!({"email": email, "first_name": "New", "last_name": "Person",
        "security_group": group, "project_role": "Colourist"});
    body.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_new_person_is_invited_to_a_folder_and_signs_in_by_the_mail() {
    let world = World::new().await;
    let to = json!({"project_id": world.project, "company": "Colour & Co"});
    let body = invite("New@rushes.test", &to, 4);
    world.walk("/invite/user", body.clone(), &[&world.viewer, &world.contributor], 800).await;
    let invited = world.ok(&world.admin, "/invite/user", body.clone()).await;
    assert_eq!((&invited["invited"], &invited["new_user"]), (&json!(true), &json!(true)));
    assert_eq!(
        (&invited["account_status"], &invited["email"]),
        (&json!("INVITED"), &json!("new@rushes.test"))
    );
    assert_eq!(invited["company"], "Colour & Co");
    world.refused(&world.admin, "/invite/user", body, 441).await;
    for wrong in ["nobody", "@rushes.test", "a b@rushes.test"] {
        world.refused(&world.admin, "/invite/user", invite(wrong, &to, 4), 442).await;
    }
    let user = json!({"project_id": world.project, "user_id": invited["id"]});
    let user = world.ok(&world.admin, "/get/project/user", user).await;
    assert_eq!((&user["project_role"], &user["security_group"]), (&json!("Colourist"), &json!(4)));

    let mails = world.mails("new@rushes.test");
    assert_eq!(mails.len(), 1);
    let link = mails[0].lines().find(|line| line.contains("/#/login?token=")).unwrap();
    assert!(link.ends_with(&format!("&next=/folders/{}", world.project)), "{link}");
    let token = link.split_once("token=").unwrap().1.split('&').next().unwrap();
    let body = json!({"onetimetoken": token});
    let (status, signed_in) =
        world.rushes.post("/authenticate/user/onetimetoken", None, &body).await;
    assert!(status.is_success(), "{signed_in}");
    let token = text(&signed_in["token"]);
    let (_, user) = world.rushes.post("/get/user", Some(&token), &json!({})).await;
    assert_eq!(user["account_status"], "ACTIVE");
    let (_, again) = world.rushes.post("/authenticate/user/onetimetoken", None, &body).await;
    assert_eq!(crate::harness::code(&again), 405, "the link works once");
    let (_, folders) = world.rushes.post("/get/projects", Some(&token), &json!({})).await;
    assert_eq!(each(&folders, "name"), ["Dailies"]);
    let (_, companies) = world.rushes.post("/get/companies", Some(&token), &json!({})).await;
    assert_eq!(companies, json!([]), "a guest of a folder belongs to no company");
}

#[tokio::test]
async fn one_who_has_an_account_is_let_in_and_told() {
    let world = World::new().await;
    let inner = world.folder("Inner", None).await;
    let body = invite("stranger@rushes.test", &json!({"project_id": inner}), 5);
    let invited = world.ok(&world.admin, "/invite/user", body).await;
    assert_eq!((&invited["new_user"], &invited["id"]), (&json!(false), &json!(world.stranger.id)));
    assert_eq!(invited["first_name"], "stranger", "nobody renames another");
    assert_eq!(invited["api_key_prefix"], Value::Null);
    let mails = world.mails("stranger@rushes.test");
    assert!(mails[0].contains(&format!("/#/folders/{inner}")) && !mails[0].contains("token="));
    assert_eq!(world.may(&world.stranger, &inner, "can_view").await, Some(true));
    // What one may not do oneself, one gives nobody.
    let manager = world.colleague("manager").await;
    world.join_folder(&inner, &manager, 2).await;
    let admin = invite("another@rushes.test", &json!({"project_id": inner}), 1);
    world.refused(&manager, "/invite/user", admin, 800).await;
    let unknown = invite("another@rushes.test", &json!({"project_id": inner}), 77);
    world.refused(&manager, "/invite/user", unknown, 404).await;
    assert!(world.mails("another@rushes.test").is_empty());
}

#[tokio::test]
async fn people_are_invited_to_productions_and_companies_too() {
    let world = World::new().await;
    let to_group = json!({"group_id": world.group});
    let body = invite("whole@rushes.test", &to_group, 4);
    world.walk("/invite/user", body.clone(), &[&world.viewer], 471).await;
    let whole = world.ok(&world.admin, "/invite/user", body).await;
    let later = world.folder("Later", None).await;
    let user = json!({"project_id": later, "user_id": whole["id"]});
    assert_eq!(world.ok(&world.admin, "/get/project/user", user).await["can_download"], true);

    let to_company = json!({"company_id": world.company});
    let body = invite("staff@rushes.test", &to_company, 5);
    world.walk("/invite/user", body.clone(), &[&world.viewer], 800).await;
    world.ok(&world.admin, "/invite/user", body.clone()).await;
    world.refused(&world.admin, "/invite/user", body, 441).await;
    world.ok(&world.admin, "/invite/user", invite("chief@rushes.test", &to_company, 1)).await;
    let company = world.ok(&world.admin, "/get/company", json!({"id": world.company})).await;
    let team = json!({"id": company["admin_team"]});
    let team = world.ok(&world.admin, "/get/team/users", team).await;
    assert!(each(&team, "email").contains(&&json!("chief@rushes.test")));
    assert!(!each(&team, "email").contains(&&json!("staff@rushes.test")));
    world.refused(&world.admin, "/invite/user", invite("x@rushes.test", &json!({}), 5), 600).await;
    let crossed = json!({"project_id": world.project, "company_id": "0".repeat(32)});
    world.refused(&world.admin, "/invite/user", invite("x@rushes.test", &crossed, 5), 407).await;
}

#[tokio::test]
async fn a_licence_for_named_people_ends_at_its_number() {
    let world = World::new().await;
    let operator = world.operator().await;
    let of = |count: i64, end: Value| {
        json!({"company_id": world.company, "type": "NAMED_USER",
        "count": count, "end_date": end})
    };
    // Three people are in the company.
    let license = world.ok(&operator, "/create/company/license", of(4, Value::Null)).await;
    let to = json!({"project_id": world.project});
    world.ok(&world.admin, "/invite/user", invite("fourth@rushes.test", &to, 5)).await;
    world.refused(&world.admin, "/invite/user", invite("fifth@rushes.test", &to, 5), 740).await;
    assert!(world.mails("fifth@rushes.test").is_empty());
    let team = world.team("Edit", None).await;
    world.join_team(&team, &world.viewer, 5).await;
    let company = world.ok(&world.admin, "/get/company", json!({"id": world.company})).await;
    assert_eq!(
        (&company["named_licenses_used"], &company["named_licenses_available"]),
        (&json!(4), &json!(0))
    );
    // Its end does not free the company.
    let mut ended = of(4, json!("2020-01-01"));
    ended["id"] = license["id"].clone();
    assert_eq!(world.ok(&operator, "/update/company/license", ended).await["status"], "EXPIRED");
    world.refused(&world.admin, "/invite/user", invite("fifth@rushes.test", &to, 5), 740).await;
    let body = json!({"company_id": world.company, "type": "ENTERPRISE"});
    world.ok(&operator, "/create/company/license", body).await;
    world.ok(&world.admin, "/invite/user", invite("fifth@rushes.test", &to, 5)).await;
}

#[tokio::test]
async fn who_is_not_activated_suspended_or_nowhere_does_not_sign_in() {
    let world = World::new().await;
    let invited = invite("new@rushes.test", &json!({"project_id": world.project}), 5);
    let invited = world.ok(&world.admin, "/invite/user", invited).await;
    let key = |user: Value| {
        let app = world.rushes.app().clone();
        async move {
            let mut tx = app.store.write().await.unwrap();
            let user = text(&user).parse().unwrap();
            let now = rushes::time::Millis::now();
            let pair =
                rushes::store::credentials::create_api_key(&mut tx, user, now).await.unwrap();
            tx.commit().await.unwrap();
            json!({"api_id": pair.api_id, "api_key": pair.api_key.reveal()})
        }
    };
    let sign_in = async |pair: Value| {
        let (status, answer) = world.rushes.post("/authenticate/api", None, &pair).await;
        if status.is_success() { 0 } else { crate::harness::code(&answer) }
    };
    assert_eq!(sign_in(key(invited["id"].clone()).await).await, 707);
    let pair = key(json!(world.viewer.id)).await;
    assert_eq!(sign_in(pair.clone()).await, 0);
    let out = json!({"id": world.company, "user_id": world.viewer.id});
    world.ok(&world.admin, "/delete/company/user", out).await;
    assert_eq!(sign_in(pair).await, 708);

    let operator = world.operator().await;
    let pair = key(json!(world.contributor.id)).await;
    let off = json!({"id": world.company, "active": false});
    world.refused(&world.admin, "/update/company", off.clone(), 800).await;
    world.ok(&operator, "/update/company", off).await;
    assert_eq!(sign_in(pair.clone()).await, 702);
    world.refused(&world.contributor, "/get/user", json!({}), 702).await;
    world.ok(&operator, "/update/company", json!({"id": world.company, "active": true})).await;
    assert_eq!(sign_in(pair.clone()).await, 0);
    let control = json!({"id": world.company, "expiry_date": "2020-01-01"});
    world.ok(&operator, "/create/company/control", control).await;
    assert_eq!(sign_in(pair).await, 702);
}

#[tokio::test]
async fn everybody_agrees_to_what_is_new() {
    let world = World::new().await;
    let operator = world.operator().await;
    let asked = async || {
        world.ok(&world.viewer, "/get/user", json!({})).await["consent_check_required"].clone()
    };
    assert_eq!(asked().await, false);
    let document = json!({"type": "TERMS_OF_SERVICE", "url": "https://rushes.test/terms"});
    for who in [&world.viewer, &world.admin] {
        world.refused(who, "/create/consentdocument", document.clone(), 800).await;
    }
    world
        .refused(
            &operator,
            "/create/consentdocument",
            json!({"type": "TERMS_OF_SERVICE", "url": "javascript:alert(1)"}),
            407,
        )
        .await;
    world.ok(&operator, "/create/consentdocument", document).await;
    let (_, latest) = world.rushes.post("/get/consentdocument/latest", None, &json!({})).await;
    assert_eq!(latest, json!([{"type": "TERMS_OF_SERVICE", "url": "https://rushes.test/terms"}]));
    assert_eq!(asked().await, true);
    world.ok(&world.viewer, "/update/user/consent", json!({"consented": true})).await;
    assert_eq!(asked().await, false);
    world.ok(&world.viewer, "/update/user/consent", json!({"marketing_subscription": true})).await;
    assert_eq!(asked().await, false);
    world.ok(&world.viewer, "/update/user/consent", json!({"consented": false})).await;
    assert_eq!(asked().await, true);
}
