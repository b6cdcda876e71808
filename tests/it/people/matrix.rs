//! Every endpoint about people and productions, and who may use it.
//!
//! The table says what each of six is answered: 0 is success, anything else an error code. The
//! columns: nobody (no token), a stranger (administrator of another company), a viewer of the
//! folder, an administrator of the folder, an administrator of the company, and whoever runs the
//! server without belonging to the company.
//!
//! In a body, `$name` is what every row finds, and `+name` is made anew for each request.

use serde_json::{Map, Value, json};

use crate::{
    harness::{Person, code},
    world::{World, text},
};

type Verdicts = [u64; 6];

#[rustfmt::skip]
const TABLE: &[(&str, &str, Verdicts)] = &[
    //                                                                     nobody  stranger viewer folder company server
    ("/get/team",                         r#"{"id": "+team"}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/get/team/users",                   r#"{"id": "+team"}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/get/team",                         r#"{"id": "$team"}"#,
        [405, 404, 404,   0,   0, 404]),
    ("/get/teams",                        r#"{"company_id": "$company"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/get/teams/users",                  r#"{"team_ids": ["+team"]}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/get/teams/search/users",           r#"{"company_id": "$company"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/import/teams/csv",                 r#"{"company_id": "$company", "filename": "x", "original_filename": "x", "validate_only": true}"#,
        [405, 404, 800, 800, 404, 404]),
    ("/create/team",                      r#"{"company_id": "$company", "name": "+name", "settings": {}}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/create/team",                      r#"{"company_id": "$company", "group_id": "$group", "name": "+name", "settings": {}}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/update/team",                      r#"{"id": "$team", "settings": {}}"#,
        [405, 404, 404, 800,   0, 404]),
    ("/delete/team",                      r#"{"id": "+team"}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/add/team/user",                    r#"{"id": "$team", "user_id": "$member"}"#,
        [405, 404, 404, 800,   0, 404]),
    ("/update/team/user",                 r#"{"id": "$team", "user_id": "$member"}"#,
        [405, 404, 404, 800,   0, 404]),
    ("/delete/team/user",                 r#"{"id": "$team", "user_id": "$member"}"#,
        [405, 404, 404, 800,   0, 404]),
    ("/add/group/team",                   r#"{"id": "$group", "team_id": "+team"}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/delete/group/team",                r#"{"id": "$group", "team_id": "+let_in"}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/get/group/teams",                  r#"{"id": "$group"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/add/project/team",                 r#"{"id": "$project", "team_id": "$team"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/delete/project/team",              r#"{"id": "$project", "team_id": "+let_in_folder"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/get/project/teams",                r#"{"project_id": "$project"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/get/project/user",                 r#"{"project_id": "$project", "user_id": "$member"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/update/project/user",              r#"{"project_id": "$project", "user_id": "$member"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/leave/project",                    r#"{"project_id": "$project", "user_id": "$member", "validate": true}"#,
        [405, 404, 411,   0,   0, 404]),
    ("/get/users",                        r#"{"project_id": "$project"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/get/group/users",                  r#"{"id": "$group"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/invite/user",                      r#"{"project_id": "$project", "email": "+email", "first_name": "x", "last_name": "x", "security_group": 5}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/invite/user",                      r#"{"group_id": "$group", "email": "+email", "first_name": "x", "last_name": "x", "security_group": 5}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/invite/user",                      r#"{"company_id": "$company", "email": "+email", "first_name": "x", "last_name": "x", "security_group": 5}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/get/public/user",                  r#"{"email": "boss@rushes.test"}"#,
        [405, 446,   0,   0,   0, 446]),
    ("/get/security/groups",              r#"{"company_id": "$company"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/get/user",                         r#"{}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/update/user/consent",              r#"{"consented": true}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/get/companies",                    r#"{}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/get/company",                      r#"{"id": "$company"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/update/company",                   r#"{"id": "$company"}"#,
        [405, 404, 800, 800,   0,   0]),
    ("/get/company/watermark",            r#"{"company_id": "$company"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/get/company/users",                r#"{"id": "$company"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/get/company/search/users",         r#"{"id": "$company"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/update/company/user",              r#"{"id": "$company", "user_id": "$member"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/delete/company/user",              r#"{"id": "$company", "user_id": "$member", "validate": true}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/create/company/control",           r#"{"id": "$other_company", "notes": "x"}"#,
        [405, 800, 404, 404, 404,   0]),
    ("/get/company/control",              r#"{"id": "$other_company"}"#,
        [405,   0, 404, 404, 404,   0]),
    ("/update/company/control",           r#"{"id": "$other_company"}"#,
        [405, 800, 404, 404, 404,   0]),
    ("/delete/company/control",           r#"{"id": "$other_company"}"#,
        [405, 800, 404, 404, 404,   0]),
    ("/get/company/production_folders",   r#"{"id": "$company"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/create/company/license",           r#"{"company_id": "$company", "type": "TRIAL"}"#,
        [405, 404, 800, 800, 800,   0]),
    ("/get/company/licenses",             r#"{"company_id": "$company"}"#,
        [405, 404, 800, 800,   0,   0]),
    ("/update/company/license",           r#"{"company_id": "$company", "id": "$license", "type": "TRIAL"}"#,
        [405, 404, 800, 800, 800,   0]),
    ("/delete/company/license",           r#"{"company_id": "$company", "id": "$license"}"#,
        [405, 404, 800, 800, 800,   0]),
    ("/create/production_folder",         r#"{"company_id": "$company", "name": "x"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/get/production_folder",            r#"{"id": "+production_folder"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/update/production_folder",         r#"{"id": "+production_folder"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/delete/production_folder",         r#"{"id": "+production_folder"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/create/group",                     r#"{"company_id": "$company", "name": "x"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/get/group",                        r#"{"id": "$group"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/get/groups",                       r#"{}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/update/group",                     r#"{"id": "$group"}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/delete/group",                     r#"{"id": "+group"}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/set/group/control",                r#"{"id": "+group", "notes": "x"}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/set/group/control",                r#"{"id": "$group", "notes": "x"}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/get/group/control",                r#"{"id": "$group"}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/delete/group/control",             r#"{"id": "$group"}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/get/group/projects",               r#"{"id": "$group"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/get/group/watermark",              r#"{"group_id": "$group"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/setup/group/assets",               r#"{"group_id": "$group"}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/get/usecases",                     r#"{}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/add/group/usecases",               r#"{"group_id": "$group", "usecase_ids": []}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/remove/group/usecases",            r#"{"group_id": "$group", "usecase_ids": []}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/get/group/usecases",               r#"{"group_id": "$group"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/create/project",                   r#"{"group_id": "$group", "name": "x"}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/create/project",                   r#"{"group_id": "$group", "parent_project_id": "$project", "name": "x"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/get/project",                      r#"{"id": "$project"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/get/projects",                     r#"{}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/update/project",                   r#"{"id": "$project"}"#,
        [405, 404, 410,   0,   0, 404]),
    ("/delete/project",                   r#"{"id": "+folder"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/get/project/usage",                r#"{"id": "$project"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/get/project/filters",              r#"{"id": "$project"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/get/project/watermark",            r#"{"project_id": "$project"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/search/project/name",              r#"{"company_id": "$company", "search_term": "dailies"}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/move/project",                     r#"{"id": "+folder", "new_parent_group_id": "$group", "new_parent_project_id": "$project", "keep_existing_project_settings": true, "keep_existing_users_and_teams": true}"#,
        [405, 404, 410,   0,   0, 404]),
    ("/move/project",                     r#"{"id": "+folder", "new_parent_group_id": "$group", "keep_existing_project_settings": true, "keep_existing_users_and_teams": true}"#,
        [405, 404, 410, 471,   0, 404]),
    ("/move/projects",                    r#"{"project_ids": ["+folder"], "new_parent_group_id": "$group", "new_parent_project_id": "$project", "keep_existing_project_settings": true, "keep_existing_users_and_teams": true}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/copy/project",                     r#"{"id": "$project", "new_parent_group_id": "$group", "keep_existing_project_settings": true, "keep_existing_users_and_teams": true}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/copy/project",                     r#"{"id": "+folder", "new_parent_group_id": "$group", "new_parent_project_id": "$project", "keep_existing_project_settings": true, "keep_existing_users_and_teams": true}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/copy/projects",                    r#"{"project_ids": ["+folder"], "new_parent_group_id": "$group", "new_parent_project_id": "$project", "keep_existing_project_settings": true, "keep_existing_users_and_teams": true}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/create/connection/immediates",     r#"{"project_id": "$project", "name": "x", "user_code": "+immediates"}"#,
        [405, 404, 800,   0,   0, 404]),
    ("/create/template",                  r#"{"group_id": "$group", "name": "x", "include_projects": false, "include_teams": false, "include_users": false}"#,
        [405, 404, 471, 471,   0, 404]),
    ("/get/templates",                    r#"{"company_id": "$company"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/delete/template",                  r#"{"template_id": "+template"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/get/task/message",                 r#"{"task_id": "$task"}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/get/tasks/message",                r#"{"task_ids": ["$task"]}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/authenticate/device/verify/code",  r#"{"user_code": "+device"}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/admin/support_user_impersonation", r#"{"impersonating_user_id": "$operator", "token_to_impersonate": "$token"}"#,
        [405, 800, 800, 800, 800,   0]),
    ("/admin/create/domain",              r#"{"company": "$company", "domain": "+domain_name"}"#,
        [405, 404, 800, 800, 800,   0]),
    ("/create/domain/asset",              r#"{"domain": "$domain", "type": "x", "content_type": "x", "data": ""}"#,
        [405, 404, 800, 800,   0,   0]),
    ("/update/domain/asset",              r#"{"id": "+domain_asset", "domain": "$domain", "type": "x", "content_type": "x", "data": ""}"#,
        [405, 404, 800, 800,   0,   0]),
    ("/delete/domain/asset",              r#"{"id": "+domain_asset"}"#,
        [405, 404, 800, 800,   0,   0]),
    ("/create/customization",             r#"{"company_id": "$company", "name": "x", "type": "x", "data_base64": ""}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/update/customization",             r#"{"id": "+customization", "data_base64": ""}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/delete/customization",             r#"{"id": "+customization"}"#,
        [405, 404, 800, 800,   0, 404]),
    ("/update/custom-metadata",           r#"{"id": "$unknown"}"#,
        [405, 404, 404, 404, 404, 404]),
    ("/delete/custom-metadata",           r#"{"id": "$unknown"}"#,
        [405, 404, 404, 404, 404, 404]),
    ("/create/consentdocument",           r#"{"type": "PRIVACY_POLICY", "url": "https://rushes.test/p"}"#,
        [405, 800, 800, 800, 800,   0]),
    ("/home/update/user/production",      r#"{"production_id": "$group", "pinned": true}"#,
        [405, 404,   0,   0,   0, 404]),
    ("/home/search",                      r#"{"search": "x"}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/home/create/widget",               r#"{"widget_name": "x", "widget_type": "PRODUCTIONS", "widget_definition": {}, "widget_settings": {}}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/home/get/widgets",                 r#"{}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/home/get/widget/details",          r#"{"widget_id": "$widget"}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/home/update/widget",               r#"{"widget_id": "$widget"}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/home/update/widgets",              r#"{"widget_details": []}"#,
        [405,   0,   0,   0,   0,   0]),
    ("/home/update/widgets/order",        r#"{"widget_order": ["$widget"]}"#,
        [405, 404, 404, 404,   0, 404]),
    ("/home/delete/widget",               r#"{"widget_id": "+widget"}"#,
        [405, 404, 404, 404,   0, 404]),
];

/// Those that anybody may call: signing in has tests of its own, and the others tell what is no
/// secret.
const OPEN: &[&str] = &[
    "/ping",
    "/server-status",
    "/authenticate/api",
    "/authenticate/device",
    "/authenticate/device/token",
    "/authenticate/user/onetimetoken",
    "/authenticate/user/review_session",
    "/get/consentdocument/latest",
    "/get/domain/login/provider",
    "/get/domain/login/provider/default",
    "/get/domain/login/providers",
];

/// The categories that are walked through.
pub(super) const CATEGORIES: &[&str] = &[
    "ADMIN",
    "AUTH",
    "COMPANY",
    "CONSENTDOC",
    "CUSTOMIZATION",
    "CUSTOMMETADATA",
    "DOMAIN",
    "HOME",
    "HOMEUSERWIDGET",
    "LICENSE",
    "PARTICIPANT",
    "PRODUCTIONFOLDER",
    "PROJECT",
    "SERVERSTATUS",
    "TASK",
    "TEAM",
    "TEMPLATE",
    "USECASE",
    "USER",
];

/// What every row finds.
struct Known {
    world: World,
    operator: Person,
    ids: Map<String, Value>,
    made: u32,
}

impl Known {
    async fn new() -> Self {
        let world = World::new().await;
        let operator = world.operator().await;
        let raise = json!({"project_id": world.project, "user_id": world.contributor.id,
            "security_group": 1});
        world.ok(&world.admin, "/update/project/user", raise).await;
        let member = world.colleague("member").await;
        world.join_folder(&world.project, &member, 5).await;
        let team = world.team("Known", None).await;
        world.join_team(&team, &member, 5).await;
        let let_in = json!({"id": world.project, "team_id": team});
        world.ok(&world.admin, "/add/project/team", let_in).await;
        let license = json!({"company_id": world.company, "type": "TRIAL"});
        let license = world.ok(&operator, "/create/company/license", license).await;
        let domain = json!({"company": world.company, "domain": "known.example"});
        let domain = world.ok(&operator, "/admin/create/domain", domain).await;
        let widget = json!({"widget_name": "x", "widget_type": "PRODUCTIONS",
            "widget_definition": {}, "widget_settings": {}});
        let widget = world.ok(&world.admin, "/home/create/widget", widget).await;
        let theirs = world.ok(&world.stranger, "/get/companies", json!({})).await;
        let allow = json!({"id": world.company, "disallow_impersonation": false});
        world.ok(&world.admin, "/update/company", allow).await;
        let task = json!({"group_id": world.group, "name": "x", "include_projects": false,
            "include_teams": false, "include_users": false});
        let task = world.ok(&world.admin, "/create/template", task).await;
        let ids = json!({
            "company": world.company, "group": world.group, "project": world.project,
            "viewer": world.viewer.id, "member": member.id, "operator": operator.id,
            "team": team, "license": license["id"], "domain": domain["id"],
            "widget": widget["widget_id"], "token": world.viewer.token, "task": task["task_id"],
            "other_company": theirs[0]["id"], "unknown": "0".repeat(32),
        });
        let Value::Object(ids) = ids else { unreachable!() };
        Self { world, operator, ids, made: 0 }
    }

    fn who(&self) -> [Option<&Person>; 6] {
        let world = &self.world;
        [
            None,
            Some(&world.stranger),
            Some(&world.viewer),
            Some(&world.contributor),
            Some(&world.admin),
            Some(&self.operator),
        ]
    }

    /// Something of which there is one for each request.
    async fn fresh(&mut self, name: &str) -> Value {
        self.made += 1;
        let unique = format!("{name} {}", self.made);
        let world = &self.world;
        let (group, project) = (&world.group, &world.project);
        let ask = async |path: &str, body: Value| world.ok(&world.admin, path, body).await;
        match name {
            "name" => json!(unique),
            "email" => json!(format!("person{}@rushes.test", self.made)),
            "domain_name" => json!(format!("d{}.example", self.made)),
            "team" => json!(world.team(&unique, None).await),
            "let_in" => {
                let team = world.team(&unique, None).await;
                ask("/add/group/team", json!({"id": group, "team_id": team})).await;
                json!(team)
            }
            "let_in_folder" => {
                let team = world.team(&unique, None).await;
                ask("/add/project/team", json!({"id": project, "team_id": team})).await;
                json!(team)
            }
            "folder" => json!(world.folder("Fresh", Some(project)).await),
            "group" => {
                let body = json!({"name": "Fresh", "company_id": world.company});
                ask("/create/group", body).await["id"].clone()
            }
            "production_folder" => {
                let body = json!({"name": "Fresh", "company_id": world.company});
                ask("/create/production_folder", body).await["id"].clone()
            }
            "template" => {
                let body = json!({"group_id": group, "name": "x", "include_projects": false,
                    "include_teams": false, "include_users": false});
                ask("/create/template", body).await["template_id"].clone()
            }
            "widget" => {
                let body = json!({"widget_name": "x", "widget_type": "PRODUCTIONS",
                    "widget_definition": {}, "widget_settings": {}});
                ask("/home/create/widget", body).await["widget_id"].clone()
            }
            "domain_asset" => {
                let body = json!({"domain": self.ids["domain"], "type": "x", "content_type": "x",
                    "data": ""});
                ask("/create/domain/asset", body).await["id"].clone()
            }
            "customization" => {
                let body = json!({"company_id": world.company, "name": "x", "type": "x",
                    "data_base64": ""});
                ask("/create/customization", body).await["id"].clone()
            }
            "device" | "immediates" => {
                let scope = if name == "device" { "DEFAULT" } else { "IMMEDIATES" };
                let body = json!({"authentication_scope": scope});
                world.rushes.post("/authenticate/device", None, &body).await.1["user_code"].clone()
            }
            other => panic!("nothing is called +{other}"),
        }
    }

    /// A body with everything in it that it names.
    async fn body(&mut self, template: &str) -> Value {
        let mut body: Value = serde_json::from_str(template).unwrap();
        for value in body.as_object_mut().unwrap().values_mut() {
            let inner = match value {
                Value::Array(list) if list.len() == 1 => &mut list[0],
                other => other,
            };
            let Some(name) = inner.as_str().map(str::to_owned) else { continue };
            if let Some(name) = name.strip_prefix('$') {
                *inner = self.ids[name].clone();
            } else if let Some(name) = name.strip_prefix('+') {
                *inner = self.fresh(name).await;
            }
        }
        body
    }
}

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let mut known = Known::new().await;
    let mut wrong = Vec::new();
    for (path, template, expected) in TABLE {
        for (column, expected) in expected.iter().enumerate() {
            let body = known.body(template).await;
            let token = known.who()[column].map(|who| who.token.clone());
            let (status, answer) = known.world.rushes.post(path, token.as_deref(), &body).await;
            let found = if status.is_success() { 0 } else { code(&answer) };
            if found != *expected {
                wrong.push(format!("{path} {template} column {column}: {found}, not {expected}"));
            }
        }
        // Impersonation and consent leave the others as they are; a member taken out comes back.
        let member = text(&known.ids["member"]);
        let back = json!({"id": known.ids["team"], "user_id": member});
        known.world.ok(&known.world.admin, "/add/team/user", back).await;
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_every_endpoint_of_its_categories() {
    let routes = rushes::api::routes();
    for row in rushes::contract::ENDPOINTS.iter().filter(|row| CATEGORIES.contains(&row.category)) {
        let Some(route) = routes.get(row.path) else { continue };
        if route.kind() == rushes::rpc::RouteKind::External {
            continue;
        }
        let listed = TABLE.iter().any(|(path, _, _)| *path == row.path);
        assert!(listed != OPEN.contains(&row.path), "{} is in one of both lists", row.path);
        assert!(!OPEN.contains(&row.path) || !row.token, "{} needs a token", row.path);
    }
}
