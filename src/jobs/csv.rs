//! Teams from a CSV file: a line for each person in each team.
//!
//! The file has a header with the columns `first_name`, `last_name`, `email`, `team`, `role` and
//! `security_group`, in any order; the last two may be missing or empty. It is UTF-8, with a byte
//! order mark or without. A line that is refused does not stop the others; the report names each
//! with its number as an editor shows it.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::Task;
use crate::{
    access::{self, Rights},
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, GroupId, TeamId, UserId},
    mail::{self, Mail, Posted},
    meetings, provision,
    rpc::is_email,
    store::{
        self, Db, StoreError,
        licenses::named_limit,
        rooms::Adopted,
        security::SecurityGroupRow,
        teams::{self, TeamMember},
        text::AccountStatus,
        users::{NewUser, UserRow},
    },
    time::Millis,
};

/// Lines of one file. More are several files: nobody else writes while a file is tried out.
pub const MOST_LINES: usize = 5000;

/// Lines of one transaction.
const CHUNK: usize = 100;

/// The longest name of a person, and of a team.
const NAME: usize = 100;
const TEAM: usize = 45;

/// What is imported into.
#[derive(Debug, Clone)]
pub struct Import {
    /// The company.
    pub company: CompanyId,
    /// The production whose teams they are; the company's own, if none.
    pub group: Option<GroupId>,
    /// Whether to say only what would happen.
    pub validate_only: bool,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: u64,
    first_name: String,
    last_name: String,
    email: String,
    team: String,
    role: String,
    security_group: String,
}

/// Why a line is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    line: u64,
    code: Code,
    message: String,
}

/// What has become of a file.
#[derive(Debug, Default)]
struct Report {
    lines: usize,
    users_created: usize,
    teams_created: usize,
    added: usize,
    updated: usize,
    refused: Vec<Refused>,
    teams: BTreeSet<String>,
}

impl Report {
    fn to_json(&self, validate_only: bool) -> Value {
        let refused = |refused: &Refused| json!({ "line": refused.line, "code": refused.code, "message": refused.message });
        json!({
            "validate_only": validate_only,
            "lines": self.lines,
            "users_created": self.users_created,
            "teams_created": self.teams_created,
            "added": self.added,
            "updated": self.updated,
            "teams": self.teams,
            "refused": self.refused.iter().map(refused).collect::<Vec<_>>(),
        })
    }
}

/// Reads a file: the lines that have a form, and those that have not.
///
/// # Errors
/// 407 when it is no CSV at all: not UTF-8, without the columns, without lines or with too many.
fn parse(bytes: &[u8]) -> ApiResult<(Vec<Line>, Vec<Refused>)> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let wrong = |message: String| ApiError::new(Code::INVALID_DATA).message(message);
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("The file is not UTF-8".to_owned()))?;
    // The reader counts a line too few where lines end as Windows ends them.
    let text = text.replace("\r\n", "\n");
    let mut reader = ::csv::ReaderBuilder::new()
        .flexible(true)
        .trim(::csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| wrong(format!("The file is no CSV: {error}")))?;
    let names: Vec<String> = header.iter().map(|name| name.to_lowercase()).collect();
    let column = |name: &str| names.iter().position(|found| found == name);
    let needed =
        |name: &str| column(name).ok_or_else(|| wrong(format!("The header has no column {name}")));
    let places = [
        Some(needed("first_name")?),
        Some(needed("last_name")?),
        Some(needed("email")?),
        Some(needed("team")?),
        column("role"),
        column("security_group"),
    ];
    let (mut lines, mut refused) = (Vec::new(), Vec::new());
    for (index, record) in reader.records().enumerate() {
        if index >= MOST_LINES {
            return Err(wrong(format!("The file has more than {MOST_LINES} lines")));
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, ::csv::Position::line);
                let message = error.to_string();
                refused.push(Refused { line, code: Code::INVALID_DATA, message });
                continue;
            }
        };
        let number = record.position().map_or(0, ::csv::Position::line);
        if record.len() != names.len() {
            let message = format!("has {} fields, and the header {}", record.len(), names.len());
            refused.push(Refused { line: number, code: Code::INVALID_DATA, message });
            continue;
        }
        let [first_name, last_name, email, team, role, security_group] =
            places.map(|at| at.and_then(|at| record.get(at)).unwrap_or_default().to_owned());
        let line = Line { number, first_name, last_name, email, team, role, security_group };
        match line.form() {
            Ok(()) => lines.push(line),
            Err((code, message)) => refused.push(Refused { line: number, code, message }),
        }
    }
    if lines.is_empty() && refused.is_empty() {
        return Err(wrong("The file has no lines".to_owned()));
    }
    Ok((lines, refused))
}

impl Line {
    /// Whether it could be right, whatever there is in the database.
    fn form(&self) -> Result<(), (Code, String)> {
        let refuse = |message: String| Err((Code::INVALID_DATA, message));
        for (name, value, most) in [
            ("first_name", &self.first_name, NAME),
            ("last_name", &self.last_name, NAME),
            ("team", &self.team, TEAM),
            ("role", &self.role, NAME),
        ] {
            if value.is_empty() && name != "role" {
                return Err((Code::REQUIRED, format!("{name} is empty")));
            }
            if value.chars().count() > most {
                return refuse(format!("{name} is longer than {most} characters"));
            }
            if value.contains(['<', '>']) || value.contains("{{") || value.contains("}}") {
                return refuse(format!("{name} has <, > or braces in it"));
            }
            if value.chars().any(char::is_control) {
                return refuse(format!("{name} has control characters in it"));
            }
        }
        if !is_email(&self.email) {
            return Err((
                Code::INVALID_EMAIL,
                format!("{:?} is not an e-mail address", self.email),
            ));
        }
        Ok(())
    }
}

/// What a file is checked against.
struct Against {
    groups: Vec<SecurityGroupRow>,
    limit: Option<i64>,
    asking: UserId,
    from: String,
    teams: HashMap<String, TeamId>,
    /// Seats of guests that accounts took over since the last commit.
    adopted: Vec<Adopted>,
}

/// Imports a file, or says what would happen. Its report is what the task says at its end.
///
/// # Errors
/// 407 when the file is no CSV with these columns.
pub async fn run(task: Task, import: Import, bytes: Vec<u8>) -> ApiResult<Value> {
    let (lines, refused) = parse(&bytes)?;
    let app = task.app().clone();
    let all = lines.len();
    let mut report = Report { lines: all + refused.len(), refused, ..Report::default() };
    let mut against = {
        let mut db = app.store.read().await?;
        let licenses = store::licenses::list(&mut db, import.company).await?;
        let from = store::users::get(&mut db, task.user()).await?;
        Against {
            groups: store::security::list(&mut db, Some(import.company)).await?,
            limit: named_limit(&licenses, Millis::now()),
            asking: task.user(),
            from: from.map(|row| row.full_name()).unwrap_or_default(),
            teams: HashMap::new(),
            adopted: Vec::new(),
        }
    };
    // What is tried out is one transaction, which is undone: later lines build on earlier ones.
    let chunk = if import.validate_only { MOST_LINES } else { CHUNK };
    let mut done = 0;
    for lines in lines.chunks(chunk) {
        let mut tx = app.store.write().await?;
        let mut letters = Vec::new();
        for line in lines {
            match place(&mut tx, &import, &mut against, line, &mut report).await {
                Ok(mail) => letters.extend(mail.map(|user| (user, line.team.clone()))),
                Err(error) => report.refused.push(Refused {
                    line: line.number,
                    code: error.code(),
                    message: error.text().to_owned(),
                }),
            }
        }
        done += lines.len();
        if import.validate_only {
            tx.rollback().await.map_err(StoreError::from)?;
        } else {
            let mut posted: Vec<Posted> = Vec::new();
            for (user, team) in letters {
                let mail = invitation(&mut tx, app.public_url(), &against, user, &team).await?;
                if let Some(mail) = mail {
                    posted.push(mail::post(&mut tx, &app, mail, Millis::now()).await?);
                }
            }
            tx.commit().await.map_err(StoreError::from)?;
            meetings::adopted(&app, std::mem::take(&mut against.adopted)).await;
            for posted in posted {
                posted.committed().await;
            }
            task.progress(done, all).await;
        }
    }
    report.refused.sort_by_key(|refused| refused.line);
    Ok(json!({ "report": report.to_json(import.validate_only) }))
}

/// Puts the person of a line into its team, making both if absent. Gives a person who was made.
async fn place(
    db: &mut Db,
    import: &Import,
    against: &mut Against,
    line: &Line,
    report: &mut Report,
) -> ApiResult<Option<UserId>> {
    let wanted = &line.security_group;
    let named = match wanted.is_empty() {
        true => None,
        false => Some(security_group(&against.groups, wanted)?.clone()),
    };
    let known = store::users::by_email(db, &line.email).await?;
    if known.as_ref().is_some_and(|user| user.account_status == AccountStatus::Deleted) {
        return Err(
            ApiError::new(Code::USER_NOT_CREATED).message("this person's account was deleted")
        );
    }
    need_seat(db, import.company, against.limit, &line.email).await?;
    let (team, is_new_team) = team(db, import, against, &line.team).await?;
    let row = teams::get(db, against.asking, team).await?;
    let row = row.ok_or(ApiError::new(Code::NOT_FOUND))?;
    if row.locked {
        return Err(ApiError::new(Code::TEAM_LOCKED));
    }
    access::let_into_team(&row, known.as_ref().is_some_and(UserRow::is_external))?;
    let group = named.as_ref().map_or(row.default_security_group, |group| group.id);
    if row.is_admin && !named.as_ref().is_none_or(|group| Rights::of(group).is_admin) {
        return Err(ApiError::new(Code::ADMIN_TEAM_PERMISSION));
    }
    let (user, is_new) = match known {
        Some(user) => (user.id, false),
        None => (create(db, against, line).await?, true),
    };
    let role_id = match line.role.is_empty() {
        true => None,
        false => Some(teams::role(db, import.company, &line.role).await?),
    };
    let before = teams::member(db, team, user).await?;
    let member = TeamMember { security_group_id: group, role_id };
    teams::set_member(db, &row, user, member, Millis::now()).await?;
    report.teams.insert(row.name);
    report.users_created += usize::from(is_new);
    report.teams_created += usize::from(is_new_team);
    report.added += usize::from(before.is_none());
    report.updated += usize::from(before.is_some());
    Ok(is_new.then_some(user))
}

/// A security group by its number or its name.
fn security_group<'a>(
    groups: &'a [SecurityGroupRow],
    wanted: &str,
) -> ApiResult<&'a SecurityGroupRow> {
    let number = wanted.parse::<i64>().ok();
    let found = groups.iter().find(|group| {
        number == Some(group.id) || group.name.to_lowercase() == wanted.to_lowercase()
    });
    found.ok_or_else(|| {
        ApiError::new(Code::NOT_FOUND).message(format!("there is no security group {wanted:?}"))
    })
}

async fn need_seat(
    db: &mut Db,
    company: CompanyId,
    limit: Option<i64>,
    email: &str,
) -> ApiResult<()> {
    let Some(limit) = limit else { return Ok(()) };
    let (people, is_one) = store::members::count(db, company, email).await?;
    if is_one || people < limit { Ok(()) } else { Err(ApiError::new(Code::LICENSE_FULL)) }
}

/// The team with a name, made if absent.
async fn team(
    db: &mut Db,
    import: &Import,
    against: &mut Against,
    name: &str,
) -> ApiResult<(TeamId, bool)> {
    if let Some(id) = against.teams.get(&name.to_lowercase()) {
        return Ok((*id, false));
    }
    let found = teams::by_name(db, import.company, import.group, name).await?;
    let (id, is_new) = match found {
        Some(id) => (id, false),
        None => {
            let now = Millis::now();
            (teams::create(db, import.company, import.group, name, now).await?, true)
        }
    };
    against.teams.insert(name.to_lowercase(), id);
    Ok((id, is_new))
}

async fn create(db: &mut Db, against: &mut Against, line: &Line) -> ApiResult<UserId> {
    let new = NewUser {
        email: Some(line.email.clone()),
        first_name: line.first_name.clone(),
        last_name: line.last_name.clone(),
        invited: true,
        ..NewUser::default()
    };
    let id = store::users::create(db, &new, Millis::now()).await?;
    let adopted = store::rooms::adopt_guest(db, &line.email.trim().to_lowercase(), id).await?;
    against.adopted.extend(adopted);
    Ok(id)
}

async fn invitation(
    db: &mut Db,
    public_url: &str,
    against: &Against,
    user: UserId,
    team: &str,
) -> ApiResult<Option<Mail>> {
    let Some(row) = store::users::get(db, user).await? else { return Ok(None) };
    Ok(provision::invitation(db, public_url, &row, &against.from, team, "/", Millis::now()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "first_name,last_name,email,team,role,security_group\n";

    fn read(text: &str) -> (Vec<Line>, Vec<Refused>) {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_file_reads_with_and_without_a_byte_order_mark_in_any_order_of_columns() {
        let plain = format!("{HEADER}Ada,Lovelace,ada@rushes.test,Edit,Editor,5\n");
        let (lines, refused) = read(&plain);
        assert!(refused.is_empty());
        assert_eq!((lines[0].number, lines[0].role.as_str()), (2, "Editor"));
        assert_eq!(read(&format!("\u{FEFF}{plain}")).0, lines);
        let turned = "TEAM, email ,last_name,first_name\r\nEdit,ada@rushes.test,Lovelace,Ada\r\n";
        let (lines, refused) = read(turned);
        assert!(refused.is_empty(), "{refused:?}");
        assert_eq!((lines[0].team.as_str(), lines[0].security_group.as_str()), ("Edit", ""));
        let quoted = format!("{HEADER}Ada,\"Love, lace\",ada@rushes.test,\"A\"\"B\",,\n");
        assert_eq!((read(&quoted).0[0].last_name.as_str()), "Love, lace");
        assert_eq!(read(&quoted).0[0].team, "A\"B");
    }

    #[test]
    fn each_line_that_is_wrong_is_named_and_the_others_stay() {
        let text = format!(
            "{HEADER}Ada,Lovelace,ada@rushes.test,Edit,,\n,X,x@rushes.test,Edit,,\n\
             Bob,X,nobody,Edit,,\nEve,X,eve@rushes.test,<b>,,\nTwo,Fields\n\
             Zoë,Ünal,zoe@rushes.test,Edit,,\n"
        );
        let (lines, refused) = read(&text);
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 7]);
        let told: Vec<_> = refused.iter().map(|r| (r.line, r.code)).collect();
        assert_eq!(
            told,
            [
                (3, Code::REQUIRED),
                (4, Code::INVALID_EMAIL),
                (5, Code::INVALID_DATA),
                (6, Code::INVALID_DATA)
            ]
        );
    }

    #[test]
    fn what_is_no_csv_with_these_columns_is_refused_whole() {
        for bad in [
            &b""[..],
            b"first_name,last_name,email\nA,B,c@d.e\n",
            b"\xFF\xFE\x00",
            HEADER.as_bytes(),
        ] {
            assert_eq!(parse(bad).unwrap_err().code(), Code::INVALID_DATA, "{bad:?}");
        }
        let line = "A,B,a@rushes.test,T,,\n";
        let long = format!("{HEADER}{}", line.repeat(MOST_LINES + 1));
        assert_eq!(parse(long.as_bytes()).unwrap_err().code(), Code::INVALID_DATA);
    }
}
