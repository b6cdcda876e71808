//! Random changes of tree, teams and memberships, held against a model that says in a few lines of
//! Rust what the database says in SQL.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};
use rushes::{
    access::{Permission, Rights},
    ids::{CompanyId, GroupId, ProjectId, TeamId, UserId},
    provision,
    store::{
        Db, Store, companies, copies, groups,
        members::{self, MemberRow},
        projects::{self, ProjectFilter},
        security,
        teams::{self, TeamMember},
    },
    time::Millis,
};

const USERS: usize = 4;
const FOLDERS: usize = 6;
const TEAMS: usize = 3;

/// One change. Numbers are places in the lists of users, folders and teams.
#[derive(Debug, Clone)]
enum Change {
    Join { user: usize, folder: usize, group: i64 },
    Leave { user: usize, folder: usize },
    JoinProduction { user: usize, group: i64 },
    LeaveProduction { user: usize },
    JoinTeam { user: usize, team: usize, group: i64 },
    LeaveTeam { user: usize, team: usize },
    LetIn { team: usize, folder: usize },
    TakeOff { team: usize, folder: usize },
    LetInEverywhere { team: usize },
    TakeOffEverywhere { team: usize },
    Promote { user: usize, admin: bool },
    Move { folder: usize, to: Option<usize> },
    Delete { folder: usize },
}

fn change() -> impl Strategy<Value = Change> {
    let (user, folder, team, group) = (0..USERS, 0..FOLDERS, 0..TEAMS, 1..=6_i64);
    let own = prop_oneof![
        4 => (user.clone(), folder.clone(), group.clone())
            .prop_map(|(user, folder, group)| Change::Join { user, folder, group }),
        1 => (user.clone(), folder.clone())
            .prop_map(|(user, folder)| Change::Leave { user, folder }),
        1 => (user.clone(), group.clone())
            .prop_map(|(user, group)| Change::JoinProduction { user, group }),
        1 => user.clone().prop_map(|user| Change::LeaveProduction { user }),
        1 => (user.clone(), any::<bool>())
            .prop_map(|(user, admin)| Change::Promote { user, admin }),
        3 => (folder.clone(), proptest::option::of(folder.clone()))
            .prop_map(|(folder, to)| Change::Move { folder, to }),
        1 => folder.clone().prop_map(|folder| Change::Delete { folder }),
    ];
    let by_team = prop_oneof![
        4 => (user.clone(), team.clone(), group)
            .prop_map(|(user, team, group)| Change::JoinTeam { user, team, group }),
        1 => (user, team.clone()).prop_map(|(user, team)| Change::LeaveTeam { user, team }),
        3 => (team.clone(), folder.clone())
            .prop_map(|(team, folder)| Change::LetIn { team, folder }),
        1 => (team.clone(), folder)
            .prop_map(|(team, folder)| Change::TakeOff { team, folder }),
        1 => team.clone().prop_map(|team| Change::LetInEverywhere { team }),
        2 => team.prop_map(|team| Change::TakeOffEverywhere { team }),
    ];
    prop_oneof![own, by_team]
}

/// The rules, as plainly as they can be said.
#[derive(Debug, Default)]
struct Model {
    parents: BTreeMap<usize, Option<usize>>,
    deleted: BTreeSet<usize>,
    members: BTreeMap<(usize, usize), i64>,
    production: BTreeMap<usize, i64>,
    in_team: BTreeMap<(usize, usize), i64>,
    let_in: BTreeSet<(usize, usize)>,
    everywhere: BTreeSet<usize>,
    admins: BTreeSet<usize>,
}

impl Model {
    /// A folder and those above it, nearest first.
    fn way(&self, folder: usize) -> Vec<usize> {
        let mut way = vec![folder];
        while let Some(parent) = self.parents[way.last().unwrap()] {
            way.push(parent);
        }
        way
    }

    /// Which security groups somebody has in a folder, and whether they do everything.
    fn groups(&self, user: usize, folder: usize) -> (BTreeSet<i64>, bool) {
        let way = self.way(folder);
        let mut own = way.iter().filter_map(|at| self.members.get(&(*at, user)));
        let nearest = own.next().or(self.production.get(&user)).copied();
        let teams = self.in_team.iter().filter(|((team, member), _)| {
            *member == user
                && (self.everywhere.contains(team)
                    || way.iter().any(|at| self.let_in.contains(&(*team, *at))))
        });
        (teams.map(|(_, group)| *group).chain(nearest).collect(), self.admins.contains(&user))
    }

    fn apply(&mut self, change: &Change) {
        match *change {
            Change::Join { user, folder, group } => {
                self.members.insert((folder, user), group);
            }
            Change::Leave { user, folder } => {
                let below: Vec<usize> =
                    (0..FOLDERS).filter(|at| self.way(*at).contains(&folder)).collect();
                self.members.retain(|(at, who), _| *who != user || !below.contains(at));
            }
            Change::JoinProduction { user, group } => {
                self.production.insert(user, group);
            }
            Change::LeaveProduction { user } => {
                self.production.remove(&user);
            }
            Change::JoinTeam { user, team, group } => {
                self.in_team.insert((team, user), group);
            }
            Change::LeaveTeam { user, team } => {
                self.in_team.remove(&(team, user));
            }
            Change::LetIn { team, folder } => {
                self.let_in.insert((team, folder));
            }
            Change::TakeOff { team, folder } => {
                self.let_in.remove(&(team, folder));
            }
            Change::LetInEverywhere { team } => {
                self.everywhere.insert(team);
            }
            Change::TakeOffEverywhere { team } => {
                self.everywhere.remove(&team);
            }
            Change::Promote { user, admin: true } => {
                self.admins.insert(user);
            }
            Change::Promote { user, admin: false } => {
                self.admins.remove(&user);
            }
            Change::Move { folder, to } => {
                self.parents.insert(folder, to);
            }
            Change::Delete { folder } => {
                let below = (0..FOLDERS).filter(|at| self.way(*at).contains(&folder));
                self.deleted.extend(below.collect::<Vec<_>>());
            }
        }
    }

    /// Whether a change is one that the API would let through.
    fn allows(&self, change: &Change) -> bool {
        match *change {
            Change::Move { folder, to } => {
                !self.deleted.contains(&folder)
                    && to.is_none_or(|to| {
                        !self.deleted.contains(&to) && !self.way(to).contains(&folder)
                    })
            }
            _ => true,
        }
    }
}

struct Base {
    company: CompanyId,
    group: GroupId,
    users: Vec<UserId>,
    folders: Vec<ProjectId>,
    teams: Vec<TeamId>,
}

async fn base(db: &mut Db) -> Base {
    let now = Millis(1);
    let company = companies::create(db, "Company", now).await.unwrap();
    let mut users = Vec::new();
    for n in 0..USERS {
        let email = format!("user{n}@rushes.test");
        let names = ("User", "Test");
        users.push(provision::create_user(db, company, &email, names, false, now).await.unwrap());
    }
    let email = "owner@rushes.test";
    let owner =
        provision::create_user(db, company, email, ("Owner", "x"), true, now).await.unwrap();
    let group = groups::create(db, company, owner, "Production", now).await.unwrap().id;
    let (mut folders, mut all) = (Vec::new(), Vec::new());
    for n in 0..FOLDERS {
        let name = format!("Folder {n}");
        folders.push(projects::create(db, group, None, owner, &name, now).await.unwrap().id);
    }
    for n in 0..TEAMS {
        let name = format!("Team {n}");
        all.push(teams::create(db, company, None, &name, now).await.unwrap());
    }
    Base { company, group, users, folders, teams: all }
}

async fn apply(db: &mut Db, base: &Base, change: &Change) {
    let now = Millis(2);
    let member = |group| MemberRow { security_group_id: group, project_role: None };
    match *change {
        Change::Join { user, folder, group } => {
            let (folder, user) = (base.folders[folder], base.users[user]);
            members::set_project_member(db, folder, user, &member(group), now).await.unwrap();
        }
        Change::Leave { user, folder } => {
            members::leave_project(db, base.folders[folder], base.users[user]).await.unwrap();
        }
        Change::JoinProduction { user, group } => {
            let user = base.users[user];
            members::set_group_member(db, base.group, user, &member(group), now).await.unwrap();
        }
        Change::LeaveProduction { user } => {
            let parts = members::Parts { groups: vec![base.group], ..members::Parts::default() };
            members::end_parts(db, base.users[user], &parts).await.unwrap();
        }
        Change::JoinTeam { user, team, group } => {
            let row = teams::get(db, base.users[user], base.teams[team]).await.unwrap().unwrap();
            let place = TeamMember { security_group_id: group, role_id: None };
            teams::set_member(db, &row, base.users[user], place, now).await.unwrap();
        }
        Change::LeaveTeam { user, team } => {
            let row = teams::get(db, base.users[user], base.teams[team]).await.unwrap().unwrap();
            teams::remove_member(db, &row, base.users[user]).await.unwrap();
        }
        Change::LetIn { team, folder } => {
            let (folder, team) = (base.folders[folder], base.teams[team]);
            teams::let_into_project(db, folder, team, now).await.unwrap();
        }
        Change::TakeOff { team, folder } => {
            teams::take_off_project(db, base.folders[folder], base.teams[team]).await.unwrap();
        }
        Change::LetInEverywhere { team } => {
            teams::let_into_group(db, base.group, base.teams[team], now).await.unwrap();
        }
        Change::TakeOffEverywhere { team } => {
            teams::take_off_group(db, base.group, base.teams[team]).await.unwrap();
        }
        Change::Promote { user, admin } => {
            // By way of the administration team, as the API does it.
            let team = base.company.cast();
            let row = teams::get(db, base.users[user], team).await.unwrap().unwrap();
            if admin {
                let place = TeamMember { security_group_id: 1, role_id: None };
                teams::set_member(db, &row, base.users[user], place, now).await.unwrap();
            } else {
                teams::remove_member(db, &row, base.users[user]).await.unwrap();
            }
        }
        Change::Move { folder, to } => {
            let to = to.map(|to| base.folders[to]);
            copies::set_parent(db, base.folders[folder], to, now).await.unwrap();
        }
        Change::Delete { folder } => {
            projects::delete(db, base.folders[folder], now).await.unwrap();
        }
    }
}

fn names(rights: Rights) -> BTreeSet<&'static str> {
    Permission::ALL.iter().filter(|p| rights.may(**p)).map(|p| p.name()).collect()
}

/// What the database says of everybody in every folder, by all the ways it can be asked, is what
/// the model says.
async fn compare(db: &mut Db, base: &Base, model: &Model, after: &[Change]) {
    let known = security::list(db, None).await.unwrap();
    let expected = |user: usize, folder: usize| {
        let (groups, everything) = model.groups(user, folder);
        let seen = !model.deleted.contains(&folder) && (everything || !groups.is_empty());
        let rights = known.iter().filter(|row| groups.contains(&row.id)).map(Rights::of);
        let own = rights.fold(Rights::default(), Rights::union);
        let all = Rights::new(everything, rushes::access::PermissionSet::default());
        seen.then(|| (names(own.union(all)), names(own), !groups.is_empty()))
    };
    for (n, user) in base.users.iter().enumerate() {
        let listed = projects::list_seen(db, *user, ProjectFilter::default()).await.unwrap();
        for (m, folder) in base.folders.iter().enumerate() {
            let wanted = expected(n, m);
            let whole = wanted.as_ref().map(|(all, _, _)| all.clone());
            let one = projects::seen(db, *user, *folder).await.unwrap();
            let one = one.map(|seen| names(seen.rights()));
            assert_eq!(one, whole, "user {n} in folder {m} after {after:?}\n{model:?}");
            let many = listed.iter().find(|seen| seen.row.id == *folder);
            let many = many.map(|seen| names(seen.rights()));
            assert_eq!(many, whole, "user {n} lists folder {m} after {after:?}\n{model:?}");
        }
    }
    for (m, folder) in base.folders.iter().enumerate() {
        if model.deleted.contains(&m) {
            continue;
        }
        let people = members::of_project(db, *folder).await.unwrap();
        for (n, user) in base.users.iter().enumerate() {
            let found = people.iter().find(|person| person.user.id == *user);
            let alone = members::one_of_project(db, *folder, *user).await.unwrap();
            assert_eq!(alone.as_ref(), found, "user {n} alone in folder {m} after {after:?}");
            let found = found.map(|person| names(person.rights));
            let wanted = expected(n, m).filter(|(_, _, inside)| *inside).map(|(_, own, _)| own);
            assert_eq!(found, wanted, "user {n} is listed in folder {m} after {after:?}");
        }
    }
}

#[test]
fn the_database_says_of_everybody_what_the_rules_say() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = crate::harness::Folder::new();
    let file = folder.path().join("rushes.db");
    let store = runtime.block_on(Store::open(&file)).unwrap();
    // The same sequences on every run: a change of the rules is found by whoever makes it, and not
    // by whoever comes upon an unlucky seed.
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 64,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let run = runner.run(&vec(change(), 1..25), |changes| {
        runtime.block_on(async {
            // Undone at its end, so that each case begins with nothing.
            let mut tx = store.write().await.unwrap();
            let base = base(&mut tx).await;
            let parents = (0..FOLDERS).map(|folder| (folder, None)).collect();
            let mut model = Model { parents, ..Model::default() };
            for (at, change) in changes.iter().enumerate() {
                if model.allows(change) {
                    model.apply(change);
                    apply(&mut tx, &base, change).await;
                }
                if at % 6 == 5 || at + 1 == changes.len() {
                    compare(&mut tx, &base, &model, &changes[..=at]).await;
                }
            }
            tx.rollback().await.unwrap();
        });
        Ok(())
    });
    run.unwrap();
}
